/* SPDX-License-Identifier: MIT */
/*
 * Finds, tries and chooses the engine. libsodium is linked, and the referee. Another counts only after it agreed with
 * the referee on every length up to AGREE_LEN (what fits an Ethernet frame), some longer ones and forgeries. It becomes
 * the default only by winning a race over packets of several lengths, sealed and opened. Both together take about five
 * milliseconds.
 *
 * They are looked for in the order of what they are worth, and the search ends with the first that wins: where ipsec-mb
 * won, libcrypto never did (AVX-512: 450 against 950 ns a full packet, AVX2: 1300 against 1700, SSE: 1660 against
 * 2070), so its 3 MiB need not be loaded.
 *
 * Nothing here asks for memory: contexts lie in the caller's, and libraries bring their own for the trial, which goes
 * back before anything else begins.
 */
#include <assert.h>
#include <sodium.h>
#include <stdio.h>
#if defined(__x86_64__)
#include <x86intrin.h>
#endif

#include "aead_engine.h"

enum { ENGINES_MAX = 4 };

/* Its state follows in the caller's memory. */
struct aead {
	_Alignas(64) const struct aead_engine *engine;
	void *state;
};

static struct aead_engine engines[ENGINES_MAX];
static unsigned engine_count, engine_default;
static char described[96];

/* ---- libsodium --------------------------------------------------------------------------------------------------- */

static bool sodium_start(void *state)
{
	(void)state;
	return true;
}

static void sodium_stop(void *state)
{
	(void)state;
}

static void sodium_seal(void *state, struct aead_item *items, size_t count, const uint8_t *key)
{
	uint8_t nonce[AEAD_NONCE_LEN];

	(void)state;
	for (struct aead_item *i = items; i < items + count; i++) {
		aead_nonce(nonce, i->counter);
		crypto_aead_chacha20poly1305_ietf_encrypt(i->buf, NULL, i->buf, i->len, NULL, 0, NULL, nonce, key);
	}
}

static void sodium_open(void *state, struct aead_item *items, size_t count, const uint8_t *key)
{
	uint8_t nonce[AEAD_NONCE_LEN];

	(void)state;
	for (struct aead_item *i = items; i < items + count; i++) {
		aead_nonce(nonce, i->counter);
		i->opened = !crypto_aead_chacha20poly1305_ietf_decrypt(i->buf, NULL, NULL, i->buf,
								       i->len + AEAD_TAG_LEN, NULL, 0, nonce, key);
	}
}

/* ---- Trial ------------------------------------------------------------------------------------------------------- */

enum { AGREE_LEN = 1456, JUMBO = 9000, LONGEST = 65535 };

/* A byte pattern: the trial needs variety, not secrecy. */
static void fill(uint8_t *dst, size_t len)
{
	uint32_t x = 0x9e3779b9;

	for (size_t i = 0; i < len; i++) {
		x = x * 1664525 + 1013904223;
		dst[i] = (uint8_t)(x >> 24);
	}
}

/* What the referee makes of one long text, of which every shorter one is the beginning but for the tag. */
struct sample {
	uint8_t key[AEAD_KEY_LEN], plain[LONGEST], sealed[LONGEST + AEAD_TAG_LEN];
	uint64_t counter;
};

static void sample_make(struct sample *s, uint64_t counter)
{
	fill(s->key, sizeof(s->key));
	fill(s->plain, sizeof(s->plain));
	s->counter = counter;
	aead_seal_ad(s->sealed, s->plain, LONGEST, NULL, 0, s->key, counter);
}

/* The tag alone, without the cost of decrypting. */
static bool referee_accepts(const struct sample *s, const uint8_t *sealed, size_t all)
{
	uint8_t nonce[AEAD_NONCE_LEN];

	aead_nonce(nonce, s->counter);
	return !crypto_aead_chacha20poly1305_ietf_decrypt(NULL, NULL, NULL, sealed, all, NULL, 0, nonce, s->key);
}

/* Seal, open, and for some a forgery of one bit that moves through text and tag from length to length. */
static bool agrees(struct aead *ctx, const struct sample *s, size_t len)
{
	uint8_t got[LONGEST + AEAD_TAG_LEN], tag[AEAD_TAG_LEN];
	size_t all = len + AEAD_TAG_LEN;

	memcpy(got, s->plain, len);
	aead_seal(ctx, got, len, s->key, s->counter);
	memcpy(tag, got + len, AEAD_TAG_LEN);
	if (memcmp(got, s->sealed, len) || !referee_accepts(s, got, all) ||
	    !aead_open(ctx, got, len, s->key, s->counter) || memcmp(got, s->plain, len))
		return false;
	if (len % 3)
		return true;
	memcpy(got, s->sealed, len);
	memcpy(got + len, tag, AEAD_TAG_LEN);
	got[len * 7 % all] ^= (uint8_t)(1U << len % 8);
	return !aead_open(ctx, got, len, s->key, s->counter);
}

static bool agrees_always(struct aead *ctx)
{
	struct sample s;

	sample_make(&s, 0);
	for (size_t len = 0; len <= AGREE_LEN; len++)
		if (!agrees(ctx, &s, len))
			return false;
	sample_make(&s, UINT64_C(0xf7e6d5c4b3a29180));
	return agrees(ctx, &s, AGREE_LEN) && agrees(ctx, &s, JUMBO) && agrees(ctx, &s, LONGEST);
}

/* ---- Race -------------------------------------------------------------------------------------------------------- */

enum { RACE_LAPS = 5, RACE_ROUNDS = 6, RACE_RUN = 8, FULL = 1420 };

/* Of any steady clock, at least some ten a microsecond. */
static uint64_t ticks(void)
{
#if defined(__x86_64__)
	return __rdtsc();
#elif defined(__aarch64__)
	uint64_t t;

	__asm__ volatile("isb; mrs %0, cntvct_el0" : "=r"(t));
	return t;
#else
	return 0;	/* nobody wins */
#endif
}

/* Seals and opens runs of the lengths that networks carry: many small packets, many full ones, few between. */
static uint64_t lap(struct aead *ctx, uint8_t buf[RACE_RUN][FULL + AEAD_TAG_LEN], const uint8_t *key)
{
	static const size_t lens[RACE_RUN] = { FULL, 64, FULL, 128, FULL, 576, FULL, 64 };
	struct aead_item item[RACE_RUN];
	uint64_t begin = ticks();

	for (unsigned i = 0; i < RACE_RUN; i++)
		item[i] = (struct aead_item){ buf[i], lens[i], i, false };
	for (unsigned i = 0; i < RACE_ROUNDS; i++) {
		aead_seal_run(ctx, item, RACE_RUN, key);
		aead_open_run(ctx, item, RACE_RUN, key);
	}
	return ticks() - begin;
}

/* The best laps count, in which nobody disturbed them; they take turns so that the machine's mood is the same. */
static bool outruns(struct aead *ctx, struct aead *champion)
{
	uint8_t buf[RACE_RUN][FULL + AEAD_TAG_LEN] = { 0 }, key[AEAD_KEY_LEN] = { 0 };
	uint64_t best = UINT64_MAX, to_beat = UINT64_MAX;

	for (int i = 0; i < RACE_LAPS; i++) {
		uint64_t took = lap(ctx, buf, key);

		best = took < best ? took : best;
		took = lap(champion, buf, key);
		to_beat = took < to_beat ? took : to_beat;
	}
	return best < to_beat;
}

static bool borrow(struct aead *ctx, const struct aead_engine *e)
{
	*ctx = (struct aead){ .engine = e };
	if (e->borrow)
		ctx->state = e->borrow();
	return !e->borrow || ctx->state;
}

static void give_back(struct aead *ctx)
{
	if (ctx->state)
		ctx->engine->give_back(ctx->state);
}

/* The next one has to outrun the fastest so far. */
static void try_engine(bool (*find)(struct aead_engine *ret))
{
	struct aead next, champion;

	if (!find(&engines[engine_count]) || !borrow(&next, &engines[engine_count]))
		return;
	if (agrees_always(&next)) {
		if (borrow(&champion, &engines[engine_default])) {
			if (outruns(&next, &champion))
				engine_default = engine_count;
			give_back(&champion);
		}
		engine_count++;
	}
	give_back(&next);
}

/* ---- The door ---------------------------------------------------------------------------------------------------- */

static void describe(void)
{
	const struct aead_engine *e = &engines[engine_default];
	const char *between = ", beside ", *variant = e->variant ? e->variant() : NULL;
	size_t at;

	at = (size_t)snprintf(described, sizeof(described), variant ? "%s (%s)" : "%s", e->name, variant);
	for (unsigned i = 0; i < engine_count && at < sizeof(described); i++) {
		if (i == engine_default)
			continue;
		at += (size_t)snprintf(described + at, sizeof(described) - at, "%s%s", between, engines[i].name);
		between = ", ";
	}
}

#ifdef BENCH_RELAY
/* Data messages go bare, anybody's tag is right: only VARIANT=relay has this, to show what a tunnel costs without its
 * cipher. Handshakes are whole, they are the referee's. */
static void bare_seal(void *state, struct aead_item *items, size_t count, const uint8_t *key)
{
	(void)state, (void)key;
	for (size_t i = 0; i < count; i++)
		memset(items[i].buf + items[i].len, 0, AEAD_TAG_LEN);
}

static void bare_open(void *state, struct aead_item *items, size_t count, const uint8_t *key)
{
	(void)state, (void)key;
	for (size_t i = 0; i < count; i++)
		items[i].opened = true;
}
#endif

static bool init(bool all)
{
	if (engine_count)
		return true;
	if (sodium_init() < 0)
		return false;
	engines[engine_count++] = (struct aead_engine){ .name = "libsodium", .start = sodium_start,
							.stop = sodium_stop, .seal = sodium_seal, .open = sodium_open };
	try_engine(aead_find_ipsec_mb);
	if (all || !engine_default)
		try_engine(aead_find_libcrypto);
#ifdef BENCH_RELAY
	engine_default = engine_count;
	engines[engine_count++] = (struct aead_engine){ .name = "none", .start = sodium_start, .stop = sodium_stop,
							.seal = bare_seal, .open = bare_open };
#endif
	describe();
	return true;
}

bool aead_init(void)
{
	return init(false);
}

bool aead_init_all(void)
{
	return init(true);
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

const char *aead_description(void)
{
	return described;
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
	if (!ctx->engine->start(ctx->state))
		ctx->engine = &engines[0];
}

void aead_ctx_wipe(struct aead *ctx)
{
	ctx->engine->stop(ctx->state);
	sodium_memzero(ctx, aead_ctx_size());
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
	uint8_t nonce[AEAD_NONCE_LEN];

	aead_nonce(nonce, counter);
	crypto_aead_chacha20poly1305_ietf_encrypt(dst, NULL, src, len, ad, ad_len, NULL, nonce, key);
}

bool aead_open_ad(uint8_t *dst, const uint8_t *src, size_t len, const uint8_t *ad, size_t ad_len,
		  const uint8_t key[AEAD_KEY_LEN], uint64_t counter)
{
	uint8_t nonce[AEAD_NONCE_LEN];

	aead_nonce(nonce, counter);
	return !crypto_aead_chacha20poly1305_ietf_decrypt(dst, NULL, NULL, src, len + AEAD_TAG_LEN, ad, ad_len, nonce,
							  key);
}
