/* SPDX-License-Identifier: MIT */
/* Every engine that this machine has, one by one, against vectors and against libsodium. Loop index: the engine. */
#include <check.h>
#include <dlfcn.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "aead.h"
#include "suite.h"
#include "vectors.h"

enum { DATA_MAX = 1024, LEN_MAX = 2048, RUN_MAX = 150 };

static const uint8_t some_key[AEAD_KEY_LEN] = "a key of which no part is zeros.";

static struct aead *new_ctx(unsigned engine)
{
	struct aead *ctx = aligned_alloc(64, aead_ctx_size());

	ck_assert_ptr_nonnull(ctx);
	aead_ctx_init(ctx, engine);
	return ctx;
}

static void free_ctx(struct aead *ctx)
{
	aead_ctx_wipe(ctx);
	free(ctx);
}

static void pattern(uint8_t *dst, size_t len)
{
	for (size_t i = 0; i < len; i++)
		dst[i] = (uint8_t)(i * 151 + i / 251);
}

START_TEST(engines_agree_with_vectors)
{
	json_t *root = vectors_load("primitives.json"), *v;
	struct aead *ctx = new_ctx((unsigned)_i);
	unsigned without_ad = 0;
	size_t i;

	json_array_foreach(vectors_get(root, "chacha20poly1305"), i, v) {
		uint8_t key[AEAD_KEY_LEN], ad[DATA_MAX], plain[DATA_MAX], buf[DATA_MAX + AEAD_TAG_LEN], back[DATA_MAX];
		uint64_t counter = strtoull(json_string_value(vectors_get(v, "counter_string")), NULL, 10);
		size_t ad_len = vectors_hex(vectors_get(v, "ad"), ad, sizeof(ad));
		size_t len = vectors_hex(vectors_get(v, "plaintext"), plain, sizeof(plain));

		vectors_bytes(v, "key", key, sizeof(key));
		aead_seal_ad(buf, plain, len, ad, ad_len, key, counter);
		vectors_equal(v, "sealed", buf, len + AEAD_TAG_LEN);
		ck_assert(aead_open_ad(back, buf, len, ad, ad_len, key, counter));
		ck_assert_mem_eq(back, plain, len);
		if (ad_len)
			continue;
		memcpy(buf, plain, len);
		aead_seal(ctx, buf, len, key, counter);
		vectors_equal(v, "sealed", buf, len + AEAD_TAG_LEN);
		ck_assert(aead_open(ctx, buf, len, key, counter));
		ck_assert_mem_eq(buf, plain, len);
		without_ad++;
	}
	ck_assert_uint_ge(without_ad, 3);
	free_ctx(ctx);
	json_decref(root);
}
END_TEST

/* RFC 8439, A.5, the one of its examples whose nonce begins with four zeros as WireGuard's do. */
START_TEST(the_rfc_opens)
{
	static const uint8_t key[AEAD_KEY_LEN] = {
		0x1c, 0x92, 0x40, 0xa5, 0xeb, 0x55, 0xd3, 0x8a, 0xf3, 0x33, 0x88, 0x86, 0x04, 0xf6, 0xb5, 0xf0,
		0x47, 0x39, 0x17, 0xc1, 0x40, 0x2b, 0x80, 0x09, 0x9d, 0xca, 0x5c, 0xbc, 0x20, 0x70, 0x75, 0xc0,
	};
	static const uint8_t ad[] = { 0xf3, 0x33, 0x88, 0x86, 0, 0, 0, 0, 0, 0, 0x4e, 0x91 };
	static const uint8_t tag[AEAD_TAG_LEN] = {
		0xee, 0xad, 0x9d, 0x67, 0x89, 0x0c, 0xbb, 0x22, 0x39, 0x23, 0x36, 0xfe, 0xa1, 0x85, 0x1f, 0x38,
	};
	static const uint8_t begin[] = { 0x64, 0xa0, 0x86, 0x15, 0x75, 0x86, 0x1a, 0xf4 };
	static const char text[] =
		"Internet-Drafts are draft documents valid for a maximum of six months and may be updated, replaced, "
		"or obsoleted by other documents at any time. It is inappropriate to use Internet-Drafts as reference "
		"material or to cite them other than as /\xe2\x80\x9cwork in progress./\xe2\x80\x9d";
	const size_t len = sizeof(text) - 1;
	uint8_t sealed[sizeof(text) + AEAD_TAG_LEN], back[sizeof(text)];

	ck_assert_uint_eq(len, 265);
	aead_seal_ad(sealed, (const uint8_t *)text, len, ad, sizeof(ad), key, UINT64_C(0x0807060504030201));
	ck_assert_mem_eq(sealed, begin, sizeof(begin));
	ck_assert_mem_eq(sealed + len, tag, sizeof(tag));
	ck_assert(aead_open_ad(back, sealed, len, ad, sizeof(ad), key, UINT64_C(0x0807060504030201)));
	ck_assert_mem_eq(back, text, len);
	sealed[len - 1] ^= 1;
	ck_assert(!aead_open_ad(back, sealed, len, ad, sizeof(ad), key, UINT64_C(0x0807060504030201)));
}
END_TEST

START_TEST(engines_agree_with_libsodium_at_every_length_and_alignment)
{
	static uint8_t plain[LEN_MAX], want[LEN_MAX + AEAD_TAG_LEN];
	_Alignas(64) static uint8_t room[64 + LEN_MAX + AEAD_TAG_LEN];
	struct aead *ctx = new_ctx((unsigned)_i);

	pattern(plain, sizeof(plain));
	for (size_t len = 0; len <= LEN_MAX; len++) {
		uint8_t *buf = room + len % 64;
		uint64_t counter = len % 2 ? UINT64_MAX - len : len << 31;

		aead_seal_ad(want, plain, len, NULL, 0, some_key, counter);
		memcpy(buf, plain, len);
		aead_seal(ctx, buf, len, some_key, counter);
		ck_assert_msg(!memcmp(buf, want, len + AEAD_TAG_LEN), "%zu bytes are sealed otherwise", len);
		ck_assert_msg(aead_open(ctx, buf, len, some_key, counter), "%zu bytes do not open", len);
		ck_assert_msg(!memcmp(buf, plain, len), "%zu bytes open to something else", len);
	}
	free_ctx(ctx);
}
END_TEST

START_TEST(no_flipped_bit_opens)
{
	static const size_t lens[] = { 0, 1, 15, 16, 17, 64, 255, 1420 };
	struct aead *ctx = new_ctx((unsigned)_i);

	for (size_t l = 0; l < sizeof(lens) / sizeof(lens[0]); l++) {
		uint8_t sealed[LEN_MAX + AEAD_TAG_LEN] = { 0 }, buf[LEN_MAX + AEAD_TAG_LEN];
		size_t all = lens[l] + AEAD_TAG_LEN;

		aead_seal(ctx, sealed, lens[l], some_key, 7);
		for (size_t bit = 0; bit < 8 * all; bit++) {
			memcpy(buf, sealed, all);
			buf[bit / 8] ^= (uint8_t)(1U << bit % 8);
			ck_assert_msg(!aead_open(ctx, buf, lens[l], some_key, 7), "%zu bytes, bit %zu", lens[l], bit);
		}
		memcpy(buf, sealed, all);
		ck_assert(!aead_open(ctx, buf, lens[l], some_key, 8));
		memcpy(buf, sealed, all);
		ck_assert(aead_open(ctx, buf, lens[l], some_key, 7));
	}
	free_ctx(ctx);
}
END_TEST

/* Of any number of packets, of many lengths, with counters in any order. */
START_TEST(runs_are_what_their_packets_are)
{
	static uint8_t buf[RUN_MAX][LEN_MAX], want[RUN_MAX][LEN_MAX];
	struct aead *ctx = new_ctx((unsigned)_i);
	struct aead_item item[RUN_MAX];

	for (size_t n = 0; n <= RUN_MAX; n++) {
		for (size_t i = 0; i < n; i++) {
			item[i] = (struct aead_item){ buf[i], (i * 331 + n * 7) % 1500, i * 0x9e3779b97f4a7c15, false };
			pattern(buf[i], item[i].len);
			aead_seal_ad(want[i], buf[i], item[i].len, NULL, 0, some_key, item[i].counter);
		}
		aead_seal_run(ctx, item, n, some_key);
		for (size_t i = 0; i < n; i++)
			ck_assert_mem_eq(buf[i], want[i], item[i].len + AEAD_TAG_LEN);
		if (n)
			buf[n / 2][item[n / 2].len] ^= 0x80;
		aead_open_run(ctx, item, n, some_key);
		for (size_t i = 0; i < n; i++)
			ck_assert_msg(item[i].opened == (i != n / 2), "packet %zu of %zu", i, n);
		pattern(want[0], LEN_MAX);
		for (size_t i = 0; i < n; i++)
			ck_assert(i == n / 2 || !memcmp(buf[i], want[0], item[i].len));
	}
	free_ctx(ctx);
}
END_TEST

/* The libraries are not instrumented, so no sanitizer sees them overrun: a page without access on either side does. */
START_TEST(engines_stay_within_the_buffer)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint8_t *map = mmap(NULL, 3 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *mid = map + page;
	struct aead *ctx = new_ctx((unsigned)_i);

	ck_assert(map != MAP_FAILED && !mprotect(mid, page, PROT_READ | PROT_WRITE));
	for (size_t len = 0; len <= LEN_MAX; len++) {
		size_t all = len + AEAD_TAG_LEN;

		memset(mid, 0xa5, page);
		aead_seal(ctx, mid, len, some_key, len);
		ck_assert(aead_open(ctx, mid, len, some_key, len));
		ck_assert_uint_eq(mid[all], 0xa5);
		memset(mid, 0xa5, page);
		aead_seal(ctx, mid + page - all, len, some_key, len);
		ck_assert(aead_open(ctx, mid + page - all, len, some_key, len));
		ck_assert_uint_eq(mid[page - all - 1], 0xa5);
	}
	munmap(map, 3 * page);
	free_ctx(ctx);
}
END_TEST

START_TEST(contexts_keep_no_key)
{
	struct aead *ctx = new_ctx((unsigned)_i);
	uint8_t buf[1420 + AEAD_TAG_LEN] = { 0 };
	const uint8_t *at = (const uint8_t *)ctx;
	size_t size = aead_ctx_size();

	aead_seal(ctx, buf, 1420, some_key, 1);
	ck_assert(aead_open(ctx, buf, 1420, some_key, 1));
	for (size_t i = 0; i + 8 <= AEAD_KEY_LEN; i++)
		ck_assert_ptr_null(memmem(at, size, some_key + i, 8));
	aead_ctx_wipe(ctx);
	ck_assert(sodium_is_zero(at, size));
	free(ctx);
}
END_TEST

static unsigned expect(unsigned at, const char *name, const char *library)
{
	void *lib = dlopen(library, RTLD_NOW);

	if (!lib)
		return at;
	dlclose(lib);
	ck_assert_uint_lt(at, aead_count());
	ck_assert_str_eq(aead_name(at), name);
	return at + 1;
}

START_TEST(every_library_that_is_installed_is_an_engine)
{
	unsigned count = 1;

	ck_assert_str_eq(aead_name(0), "libsodium");
#if defined(__x86_64__) && __has_include(<intel-ipsec-mb.h>)
	count = expect(count, "ipsec-mb", "libIPSec_MB.so.1");
#endif
#if __has_include(<openssl/evp.h>)
	count = expect(count, "libcrypto", "libcrypto.so.3");
#endif
	ck_assert_uint_eq(aead_count(), count);
	ck_assert_uint_lt(aead_default(), aead_count());
}
END_TEST

START_TEST(the_description_begins_with_the_choice_and_names_all)
{
	const char *text = aead_description(), *chosen = aead_name(aead_default());

	ck_assert_int_eq(strncmp(text, chosen, strlen(chosen)), 0);
	for (unsigned i = 0; i < aead_count(); i++)
		ck_assert_ptr_nonnull(strstr(text, aead_name(i)));
	ck_assert((aead_count() > 1) == (strstr(text, ", beside ") != NULL));
}
END_TEST

START_TEST(a_second_init_changes_nothing)
{
	unsigned count = aead_count(), chosen = aead_default();

	ck_assert(aead_init());
	ck_assert_uint_eq(aead_count(), count);
	ck_assert_uint_eq(aead_default(), chosen);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("aead");
	TCase *t = tcase_create("aead");

	if (!aead_init_all())
		return EXIT_FAILURE;
	tcase_add_test(t, the_rfc_opens);
	tcase_add_test(t, every_library_that_is_installed_is_an_engine);
	tcase_add_test(t, the_description_begins_with_the_choice_and_names_all);
	tcase_add_test(t, a_second_init_changes_nothing);
	tcase_add_loop_test(t, engines_agree_with_vectors, 0, (int)aead_count());
	tcase_add_loop_test(t, engines_agree_with_libsodium_at_every_length_and_alignment, 0, (int)aead_count());
	tcase_add_loop_test(t, no_flipped_bit_opens, 0, (int)aead_count());
	tcase_add_loop_test(t, runs_are_what_their_packets_are, 0, (int)aead_count());
	tcase_add_loop_test(t, engines_stay_within_the_buffer, 0, (int)aead_count());
	tcase_add_loop_test(t, contexts_keep_no_key, 0, (int)aead_count());
	suite_add_tcase(s, t);
	return suite_run(s);
}
