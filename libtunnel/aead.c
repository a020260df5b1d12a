/* SPDX-License-Identifier: MIT */
/*
 * Engines of ChaCha20-Poly1305. libsodium is linked and the referee. intel-ipsec-mb is a library of hand-written AVX2 and
 * AVX-512 code that seals a full packet four times as fast; it is looked for at run time, so that the same program runs
 * where it is not installed. An engine counts only after it agreed with the referee on every length up to AGREE_LEN and on
 * forgeries; of those that count, the fastest in a short race becomes the default.
 */
#include "aead.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>
#include <time.h>

#include "wire.h"

#if defined(__x86_64__) && __has_include(<intel-ipsec-mb.h>)
#define HAVE_IPSEC_MB 1
#include <dlfcn.h>
#include <intel-ipsec-mb.h>
#endif

enum { NONCE_LEN = 12, ENGINES_MAX = 2, AGREE_LEN = 1600, RACE_LEN = 1424, RACE_ROUNDS = 400 };

struct engine {
	const char *name;
	size_t ctx_size;	/* bytes behind struct aead */
	void (*init)(void *state);
	void (*seal)(void *state, uint8_t *buf, size_t len, const uint8_t *key, const uint8_t *nonce);
	bool (*open)(void *state, uint8_t *buf, size_t len, const uint8_t *key, const uint8_t *nonce);
};

struct aead {
	_Alignas(64) const struct engine *engine;
	_Alignas(64) uint8_t state[];
};

static struct engine engines[ENGINES_MAX];
static unsigned engine_count, engine_default;

static void nonce_of(uint8_t nonce[NONCE_LEN], uint64_t counter)
{
	memset(nonce, 0, 4);
	put_le64(nonce + 4, counter);
}

/* ---- libsodium ------------------------------------------------------------------------------------------------------- */

static void sodium_start(void *state)
{
	(void)state;
}

static void sodium_seal(void *state, uint8_t *buf, size_t len, const uint8_t *key, const uint8_t *nonce)
{
	(void)state;
	crypto_aead_chacha20poly1305_ietf_encrypt(buf, NULL, buf, len, NULL, 0, NULL, nonce, key);
}

static bool sodium_open(void *state, uint8_t *buf, size_t len, const uint8_t *key, const uint8_t *nonce)
{
	(void)state;
	return !crypto_aead_chacha20poly1305_ietf_decrypt(buf, NULL, NULL, buf, len + AEAD_TAG_LEN, NULL, 0, nonce, key);
}

/* ---- intel-ipsec-mb -------------------------------------------------------------------------------------------------- */

#ifdef HAVE_IPSEC_MB
static size_t (*mb_size)(void);
static IMB_MGR *(*mb_place)(void *ptr, const uint64_t flags, const unsigned reset);
static void (*mb_init)(IMB_MGR *state, IMB_ARCH *arch);

/* The manager runs a ChaCha20-Poly1305 job to its end inside the submission, so no job is ever held back. The job lies in
 * the manager's own memory and holds pointers, not keys. */
static bool mb_run(IMB_MGR *mgr, uint8_t *buf, size_t len, const uint8_t *key, const uint8_t *nonce, uint8_t *tag,
		   IMB_CIPHER_DIRECTION direction)
{
	IMB_JOB *job = mgr->get_next_job(mgr);

	job->cipher_mode = IMB_CIPHER_CHACHA20_POLY1305;
	job->hash_alg = IMB_AUTH_CHACHA20_POLY1305;
	job->cipher_direction = direction;
	job->chain_order = direction == IMB_DIR_ENCRYPT ? IMB_ORDER_CIPHER_HASH : IMB_ORDER_HASH_CIPHER;
	job->enc_keys = job->dec_keys = key;
	job->key_len_in_bytes = AEAD_KEY_LEN;
	job->src = job->dst = buf;
	job->cipher_start_src_offset_in_bytes = 0;
	job->hash_start_src_offset_in_bytes = 0;
	job->msg_len_to_cipher_in_bytes = len;
	job->msg_len_to_hash_in_bytes = len;
	job->iv = nonce;
	job->iv_len_in_bytes = NONCE_LEN;
	job->auth_tag_output = tag;
	job->auth_tag_output_len_in_bytes = AEAD_TAG_LEN;
	job->u.CHACHA20_POLY1305.aad = nonce;	/* none: the length is 0, but the pointer must not be NULL */
	job->u.CHACHA20_POLY1305.aad_len_in_bytes = 0;
	job = mgr->submit_job(mgr);
	return job && job->status == IMB_STATUS_COMPLETED;
}

static void mb_start(void *state)
{
	IMB_ARCH arch;

	mb_init(mb_place(state, 0, 1), &arch);
}

static void mb_seal(void *state, uint8_t *buf, size_t len, const uint8_t *key, const uint8_t *nonce)
{
	/* A job that did not complete would leave plaintext in the buffer; lengths and pointers are in range, so that
	 * cannot be, and if it were nothing may leave. */
	if (!mb_run(state, buf, len, key, nonce, buf + len, IMB_DIR_ENCRYPT))
		memset(buf, 0, len + AEAD_TAG_LEN);
}

static bool mb_open(void *state, uint8_t *buf, size_t len, const uint8_t *key, const uint8_t *nonce)
{
	uint8_t tag[AEAD_TAG_LEN];
	uint64_t got[2], want[2];

	memcpy(want, buf + len, sizeof(want));
	if (!mb_run(state, buf, len, key, nonce, tag, IMB_DIR_DECRYPT))
		return false;
	memcpy(got, tag, sizeof(got));
	return ((got[0] ^ want[0]) | (got[1] ^ want[1])) == 0;
}

static bool mb_find(struct engine *e)
{
	void *lib = dlopen("libIPSec_MB.so.1", RTLD_NOW | RTLD_LOCAL);

	if (!lib)
		return false;
	*(void **)&mb_size = dlsym(lib, "imb_get_mb_mgr_size");
	*(void **)&mb_place = dlsym(lib, "imb_set_pointers_mb_mgr");
	*(void **)&mb_init = dlsym(lib, "init_mb_mgr_auto");
	if (!mb_size || !mb_place || !mb_init)
		return false;
	*e = (struct engine){ "ipsec-mb", mb_size(), mb_start, mb_seal, mb_open };
	return true;
}
#endif

/* ---- Trial and choice ------------------------------------------------------------------------------------------------ */

struct trial {
	uint8_t key[AEAD_KEY_LEN];
	uint8_t plain[AGREE_LEN + AEAD_TAG_LEN], want[AGREE_LEN + AEAD_TAG_LEN], got[AGREE_LEN + AEAD_TAG_LEN];
};

/* A byte pattern; the trial needs variety, not secrecy. */
static void fill(uint8_t *dst, size_t len)
{
	uint32_t x = 0x9e3779b9;

	for (size_t i = 0; i < len; i++) {
		x = x * 1664525 + 1013904223;
		dst[i] = (uint8_t)(x >> 24);
	}
}

static bool agrees(struct aead *ctx, struct trial *t, size_t len)
{
	uint64_t counter = len * UINT64_C(0x100000001);
	size_t all = len + AEAD_TAG_LEN;

	aead_seal_ad(t->want, t->plain, len, NULL, 0, t->key, counter);
	memcpy(t->got, t->plain, len);
	aead_seal(ctx, t->got, len, t->key, counter);
	if (memcmp(t->got, t->want, all) || !aead_open(ctx, t->got, len, t->key, counter) || memcmp(t->got, t->plain, len))
		return false;
	memcpy(t->got, t->want, all);
	t->got[len * 7 % all] ^= (uint8_t)(1u << len % 8);
	return !aead_open(ctx, t->got, len, t->key, counter);
}

/* The least time of a few, in nanoseconds of this thread: a disturbed round does not count. */
static uint64_t race(struct aead *ctx, struct trial *t)
{
	uint64_t least = UINT64_MAX;

	for (int round = 0; round < 5; round++) {
		struct timespec from, to;
		uint64_t took;

		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
		for (int i = 0; i < RACE_ROUNDS / 5; i++)
			aead_seal(ctx, t->got, i % 2 ? 64 : RACE_LEN, t->key, (uint64_t)i);
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
		took = (uint64_t)((to.tv_sec - from.tv_sec) * 1000000000 + to.tv_nsec - from.tv_nsec);
		if (took < least)
			least = took;
	}
	return least;
}

/* 0: it disagrees with the referee. */
static uint64_t try_engine(const struct engine *e, struct aead *ctx, struct trial *t)
{
	ctx->engine = e;
	e->init(ctx->state);
	for (size_t len = 0; len <= AGREE_LEN; len++)
		if (!agrees(ctx, t, len))
			return 0;
	return race(ctx, t) + 1;
}

static bool choose(const struct engine *found, unsigned count)
{
	size_t size = sizeof(struct aead);
	uint64_t best = UINT64_MAX;
	struct trial *t;
	struct aead *ctx;

	for (unsigned i = 0; i < count; i++)
		if (sizeof(struct aead) + found[i].ctx_size > size)
			size = sizeof(struct aead) + found[i].ctx_size;
	size = (size + 63) / 64 * 64;
	/* The only memory that libtunnel ever asks for, and it is given back before anything else begins. */
	ctx = aligned_alloc(64, size);
	t = malloc(sizeof(*t));
	if (ctx && t) {
		fill((uint8_t *)t, sizeof(*t));
		for (unsigned i = 0; i < count; i++) {
			uint64_t took = try_engine(&found[i], ctx, t);

			if (!took)
				continue;
			engines[engine_count] = found[i];
			if (took < best) {
				best = took;
				engine_default = engine_count;
			}
			engine_count++;
		}
	}
	free(ctx);
	free(t);
	return engine_count > 0;
}

bool aead_init(void)
{
	struct engine found[ENGINES_MAX] = { { "libsodium", 0, sodium_start, sodium_seal, sodium_open } };
	unsigned count = 1;

	if (engine_count)
		return true;
	if (sodium_init() < 0)
		return false;
#ifdef HAVE_IPSEC_MB
	if (mb_find(&found[count]))
		count++;
#endif
	return choose(found, count);
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
		if (engines[i].ctx_size > size)
			size = engines[i].ctx_size;
	return (sizeof(struct aead) + size + 63) / 64 * 64;
}

void aead_ctx_init(struct aead *ctx, unsigned engine)
{
	assert(engine < engine_count);
	ctx->engine = &engines[engine];
	ctx->engine->init(ctx->state);
}

void aead_seal(struct aead *ctx, uint8_t *buf, size_t len, const uint8_t key[AEAD_KEY_LEN], uint64_t counter)
{
	uint8_t nonce[NONCE_LEN];

	nonce_of(nonce, counter);
	ctx->engine->seal(ctx->state, buf, len, key, nonce);
}

bool aead_open(struct aead *ctx, uint8_t *buf, size_t len, const uint8_t key[AEAD_KEY_LEN], uint64_t counter)
{
	uint8_t nonce[NONCE_LEN];

	nonce_of(nonce, counter);
	return ctx->engine->open(ctx->state, buf, len, key, nonce);
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
	return !crypto_aead_chacha20poly1305_ietf_decrypt(dst, NULL, NULL, src, len + AEAD_TAG_LEN, ad, ad_len, nonce, key);
}
