/* SPDX-License-Identifier: MIT */
/*
 * Engines of ChaCha20-Poly1305. libsodium is linked, and the referee. intel-ipsec-mb is a library of hand-written AVX2
 * and AVX-512 code that seals a full packet four times as fast; it is looked for at run time, so that the same program
 * runs where it is not installed. It counts only after it agreed with the referee on every length up to AGREE_LEN, some
 * longer ones and forgeries, and becomes the default only by winning a short race.
 *
 * This file asks for no memory: contexts lie in the caller's, and for its trial the library makes its own manager,
 * which goes back before anything else begins.
 */
#include "aead.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

#include "wire.h"

#if defined(__x86_64__) && __has_include(<intel-ipsec-mb.h>)
#define HAVE_IPSEC_MB 1
#include <dlfcn.h>
#include <intel-ipsec-mb.h>
#include <x86intrin.h>
#endif

enum { NONCE_LEN = 12, ENGINES_MAX = 3 };

struct engine {
	const char *name;
	size_t state_size;
	void (*start)(void *state);
	void (*seal)(void *state, struct aead_item *items, size_t count, const uint8_t *key);
	void (*open)(void *state, struct aead_item *items, size_t count, const uint8_t *key);
};

/* Its state follows in the caller's memory. */
struct aead {
	_Alignas(64) const struct engine *engine;
	void *state;
};

static struct engine engines[ENGINES_MAX];
static unsigned engine_count, engine_default;

static void nonce_of(uint8_t nonce[NONCE_LEN], uint64_t counter)
{
	memset(nonce, 0, 4);
	put_le64(nonce + 4, counter);
}

/* ---- libsodium --------------------------------------------------------------------------------------------------- */

static void sodium_start(void *state)
{
	(void)state;
}

static void sodium_seal(void *state, struct aead_item *items, size_t count, const uint8_t *key)
{
	uint8_t nonce[NONCE_LEN];

	(void)state;
	for (struct aead_item *i = items; i < items + count; i++) {
		nonce_of(nonce, i->counter);
		crypto_aead_chacha20poly1305_ietf_encrypt(i->buf, NULL, i->buf, i->len, NULL, 0, NULL, nonce, key);
	}
}

static void sodium_open(void *state, struct aead_item *items, size_t count, const uint8_t *key)
{
	uint8_t nonce[NONCE_LEN];

	(void)state;
	for (struct aead_item *i = items; i < items + count; i++) {
		nonce_of(nonce, i->counter);
		i->opened = !crypto_aead_chacha20poly1305_ietf_decrypt(i->buf, NULL, NULL, i->buf,
								       i->len + AEAD_TAG_LEN, NULL, 0, nonce, key);
	}
}

/* ---- intel-ipsec-mb ---------------------------------------------------------------------------------------------- */

#ifdef HAVE_IPSEC_MB
static size_t (*mb_size)(void);
static IMB_MGR *(*mb_place)(void *ptr, const uint64_t flags, const unsigned reset);
static void (*mb_init)(IMB_MGR *state, IMB_ARCH *arch);
static IMB_MGR *(*mb_alloc)(uint64_t flags);
static void (*mb_free)(IMB_MGR *state);

/* The manager runs a ChaCha20-Poly1305 job to its end inside the submission, so no job is ever held back. The job lies
 * in the manager's own memory and holds pointers, not keys. */
static bool mb_run(IMB_MGR *mgr, const struct aead_item *item, const uint8_t *key, uint8_t *tag,
		   IMB_CIPHER_DIRECTION direction)
{
	IMB_JOB *job = mgr->get_next_job(mgr);
	uint8_t nonce[NONCE_LEN];

	nonce_of(nonce, item->counter);
	job->cipher_mode = IMB_CIPHER_CHACHA20_POLY1305;
	job->hash_alg = IMB_AUTH_CHACHA20_POLY1305;
	job->cipher_direction = direction;
	job->chain_order = direction == IMB_DIR_ENCRYPT ? IMB_ORDER_CIPHER_HASH : IMB_ORDER_HASH_CIPHER;
	job->enc_keys = job->dec_keys = key;
	job->key_len_in_bytes = AEAD_KEY_LEN;
	job->src = job->dst = item->buf;
	job->cipher_start_src_offset_in_bytes = 0;
	job->hash_start_src_offset_in_bytes = 0;
	job->msg_len_to_cipher_in_bytes = item->len;
	job->msg_len_to_hash_in_bytes = item->len;
	job->iv = nonce;
	job->iv_len_in_bytes = NONCE_LEN;
	job->auth_tag_output = tag;
	job->auth_tag_output_len_in_bytes = AEAD_TAG_LEN;
	job->u.CHACHA20_POLY1305.aad = NULL;
	job->u.CHACHA20_POLY1305.aad_len_in_bytes = 0;
	job = mgr->submit_job_nocheck(mgr);	/* the check costs 3 % and could find nothing in what stands above */
	return job && job->status == IMB_STATUS_COMPLETED;
}

static void mb_start(void *state)
{
	IMB_ARCH arch;

	mb_init(mb_place(state, 0, 1), &arch);
}

static void mb_seal(void *state, struct aead_item *items, size_t count, const uint8_t *key)
{
	/* A job that did not complete would leave plaintext in the buffer, which must not go out. */
	for (struct aead_item *i = items; i < items + count; i++)
		if (!mb_run(state, i, key, i->buf + i->len, IMB_DIR_ENCRYPT))
			memset(i->buf, 0, i->len + AEAD_TAG_LEN);
}

static void mb_open(void *state, struct aead_item *items, size_t count, const uint8_t *key)
{
	uint64_t got[2], want[2];

	for (struct aead_item *i = items; i < items + count; i++) {
		memcpy(want, i->buf + i->len, sizeof(want));
		i->opened = mb_run(state, i, key, (uint8_t *)got, IMB_DIR_DECRYPT) &&
			    ((got[0] ^ want[0]) | (got[1] ^ want[1])) == 0;
	}
}

static bool mb_find(struct engine *e, void *lib)
{
	*(void **)&mb_size = dlsym(lib, "imb_get_mb_mgr_size");
	*(void **)&mb_place = dlsym(lib, "imb_set_pointers_mb_mgr");
	*(void **)&mb_init = dlsym(lib, "init_mb_mgr_auto");
	*(void **)&mb_alloc = dlsym(lib, "alloc_mb_mgr");
	*(void **)&mb_free = dlsym(lib, "free_mb_mgr");
	if (!mb_size || !mb_place || !mb_init || !mb_alloc || !mb_free)
		return false;
	*e = (struct engine){ "ipsec-mb", mb_size(), mb_start, mb_seal, mb_open };
	return true;
}

/* ---- Trial ------------------------------------------------------------------------------------------------------- */

enum { AGREE_LEN = 1600, JUMBO = 9000, LONGEST = 65535, RACE_LAPS = 5, RACE_ROUNDS = 100, SHORT = 64, FULL = 1420 };

/* A byte pattern: the trial needs variety, not secrecy. */
static void fill(uint8_t *dst, size_t len)
{
	uint32_t x = 0x9e3779b9;

	for (size_t i = 0; i < len; i++) {
		x = x * 1664525 + 1013904223;
		dst[i] = (uint8_t)(x >> 24);
	}
}

/* Seal, open, and a forgery of one bit that moves through text and tag from length to length. */
static bool agrees(struct aead *ctx, size_t len)
{
	uint8_t want[LONGEST + AEAD_TAG_LEN], got[LONGEST + AEAD_TAG_LEN], key[AEAD_KEY_LEN];
	uint64_t counter = len * UINT64_C(0x100000001);
	size_t all = len + AEAD_TAG_LEN;

	fill(key, sizeof(key));
	fill(got, len);
	aead_seal_ad(want, got, len, NULL, 0, key, counter);
	aead_seal(ctx, got, len, key, counter);
	if (memcmp(got, want, all) || !aead_open(ctx, got, len, key, counter))
		return false;
	aead_seal_ad(got, got, len, NULL, 0, key, counter);
	if (memcmp(got, want, all))
		return false;
	got[len * 7 % all] ^= (uint8_t)(1U << len % 8);
	return !aead_open(ctx, got, len, key, counter);
}

static bool agrees_always(struct aead *ctx)
{
	for (size_t len = 0; len <= AGREE_LEN; len++)
		if (!agrees(ctx, len))
			return false;
	return agrees(ctx, JUMBO) && agrees(ctx, LONGEST);
}

/* Ticks of the best lap, in which nobody disturbed us. */
static uint64_t race(struct aead *ctx)
{
	uint8_t buf[FULL + AEAD_TAG_LEN] = { 0 }, key[AEAD_KEY_LEN] = { 0 };
	uint64_t best = UINT64_MAX;

	for (int lap = 0; lap < RACE_LAPS; lap++) {
		uint64_t begin = __rdtsc(), took;

		for (unsigned i = 0; i < RACE_ROUNDS; i++)
			aead_seal(ctx, buf, i % 2 ? SHORT : FULL, key, i);
		took = __rdtsc() - begin;
		best = took < best ? took : best;
	}
	return best;
}

/* A library that does not promise to clear what it leaves on the stack and in registers is not for us. */
static bool mb_passes(const struct engine *e, bool *wins)
{
	struct aead ours = { .engine = &engines[0] }, theirs = { .engine = e };
	IMB_MGR *mgr = mb_alloc(0);
	IMB_ARCH arch;
	bool passes;

	if (!mgr)
		return false;
	mb_init(mgr, &arch);
	theirs.state = mgr;
	passes = (mgr->features & IMB_FEATURE_SAFE_DATA) && agrees_always(&theirs);
	*wins = passes && race(&theirs) < race(&ours);
	mb_free(mgr);
	return passes;
}

static void mb_join(void)
{
	void *lib = dlopen("libIPSec_MB.so.1", RTLD_NOW | RTLD_LOCAL);
	struct engine e;
	bool wins;

	if (!lib)
		return;
	if (!mb_find(&e, lib) || !mb_passes(&e, &wins)) {
		dlclose(lib);
		return;
	}
	if (wins)
		engine_default = engine_count;
	engines[engine_count++] = e;
}
#endif

/* ---- The benchmark's relay --------------------------------------------------------------------------------------- */

#ifdef BENCH_RELAY
/* Data messages go bare, anybody's tag is right: only VARIANT=relay has this, to show what a tunnel costs without its
 * cipher. Handshakes are whole, they are the referee's. */
static void bare_seal(void *state, struct aead_item *items, size_t count, const uint8_t *key)
{
	(void)state, (void)key;
	for (struct aead_item *i = items; i < items + count; i++)
		memset(i->buf + i->len, 0, AEAD_TAG_LEN);
}

static void bare_open(void *state, struct aead_item *items, size_t count, const uint8_t *key)
{
	(void)state, (void)key;
	for (struct aead_item *i = items; i < items + count; i++)
		i->opened = true;
}
#endif

/* ---- The door ---------------------------------------------------------------------------------------------------- */

bool aead_init(void)
{
	if (engine_count)
		return true;
	if (sodium_init() < 0)
		return false;
	engines[engine_count++] = (struct engine){ "libsodium", 0, sodium_start, sodium_seal, sodium_open };
#ifdef HAVE_IPSEC_MB
	mb_join();
#endif
#ifdef BENCH_RELAY
	engine_default = engine_count;
	engines[engine_count++] = (struct engine){ "none", 0, sodium_start, bare_seal, bare_open };
#endif
	return true;
}

unsigned aead_count(void)
{
	return engine_count;
}

const char *aead_name(unsigned engine)
{
	assert(engine < engine_count);
	return engines[engine].name;
}

unsigned aead_default(void)
{
	return engine_default;
}

size_t aead_ctx_size(void)
{
	size_t size = 0;

	for (unsigned i = 0; i < engine_count; i++)
		if (engines[i].state_size > size)
			size = engines[i].state_size;
	return (sizeof(struct aead) + size + 63) / 64 * 64;
}

void aead_ctx_init(struct aead *ctx, unsigned engine)
{
	assert(engine < engine_count);
	ctx->engine = &engines[engine];
	ctx->state = ctx + 1;
	ctx->engine->start(ctx->state);
}

void aead_seal_run(struct aead *ctx, struct aead_item *items, size_t count, const uint8_t key[AEAD_KEY_LEN])
{
	ctx->engine->seal(ctx->state, items, count, key);
}

void aead_open_run(struct aead *ctx, struct aead_item *items, size_t count, const uint8_t key[AEAD_KEY_LEN])
{
	ctx->engine->open(ctx->state, items, count, key);
}

void aead_seal(struct aead *ctx, uint8_t *buf, size_t len, const uint8_t key[AEAD_KEY_LEN], uint64_t counter)
{
	struct aead_item item = { buf, len, counter, false };

	aead_seal_run(ctx, &item, 1, key);
}

bool aead_open(struct aead *ctx, uint8_t *buf, size_t len, const uint8_t key[AEAD_KEY_LEN], uint64_t counter)
{
	struct aead_item item = { buf, len, counter, false };

	aead_open_run(ctx, &item, 1, key);
	return item.opened;
}

void aead_seal_ad(uint8_t *dst, const uint8_t *src, size_t len, const uint8_t *ad, size_t ad_len,
		  const uint8_t key[AEAD_KEY_LEN], uint64_t counter)
{
	uint8_t nonce[NONCE_LEN];

	nonce_of(nonce, counter);
	crypto_aead_chacha20poly1305_ietf_encrypt(dst, NULL, src, len, ad, ad_len, NULL, nonce, key);
}

bool aead_open_ad(uint8_t *dst, const uint8_t *src, size_t len, const uint8_t *ad, size_t ad_len,
		  const uint8_t key[AEAD_KEY_LEN], uint64_t counter)
{
	uint8_t nonce[NONCE_LEN];

	nonce_of(nonce, counter);
	return !crypto_aead_chacha20poly1305_ietf_decrypt(dst, NULL, NULL, src, len + AEAD_TAG_LEN, ad, ad_len, nonce,
							  key);
}
