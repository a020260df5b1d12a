/* SPDX-License-Identifier: MIT */
/* BLAKE2s, HMAC and the key derivation against vectors. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "suite.h"
#include "vectors.h"

enum { DATA_MAX = 1024, HMAC_BLOCK = 64 };

/* RFC 7693, appendix B. */
START_TEST(abc_gives_the_digest_of_the_rfc)
{
	static const uint8_t want[HASH_LEN] = {
		0x50, 0x8c, 0x5e, 0x8c, 0x32, 0x7c, 0x14, 0xe2, 0xe1, 0xa7, 0x2b, 0xa3, 0x4e, 0xeb, 0x45, 0x2f,
		0x37, 0x45, 0x8b, 0x20, 0x9e, 0xd6, 0x3a, 0x29, 0x4d, 0x99, 0x9b, 0x4c, 0x86, 0x67, 0x59, 0x82,
	};
	uint8_t got[HASH_LEN];

	hash_two(got, "abc", 3, NULL, 0);
	ck_assert_mem_eq(got, want, sizeof(want));
}
END_TEST

START_TEST(hash_agrees_with_vectors_wherever_it_is_cut)
{
	json_t *root = vectors_load("primitives.json"), *v;
	size_t i;

	json_array_foreach(vectors_get(root, "blake2s_256"), i, v) {
		uint8_t data[DATA_MAX], got[HASH_LEN];
		size_t len = vectors_hex(vectors_get(v, "data"), data, sizeof(data));

		for (size_t cut = 0; cut <= len; cut++) {
			hash_two(got, data, cut, data + cut, len - cut);
			vectors_equal(v, "hash", got, sizeof(got));
		}
	}
	ck_assert_uint_ge(i, 6);
	json_decref(root);
}
END_TEST

START_TEST(parts_hash_as_if_joined)
{
	const struct hash_part part[] = { { "a", 1 }, { NULL, 0 }, { "b", 1 }, { "c", 1 } };
	uint8_t joined[HASH_LEN], parts[HASH_LEN];

	hash_two(joined, "abc", 3, NULL, 0);
	hash_parts(parts, part, sizeof(part) / sizeof(part[0]));
	ck_assert_mem_eq(parts, joined, HASH_LEN);
}
END_TEST

START_TEST(mac_agrees_with_vectors)
{
	json_t *root = vectors_load("primitives.json"), *v;
	unsigned used = 0;
	size_t i;

	json_array_foreach(vectors_get(root, "blake2s_keyed"), i, v) {
		uint8_t key[HASH_LEN], data[DATA_MAX], got[HASH_MAC_LEN];
		size_t key_len = vectors_hex(vectors_get(v, "key"), key, sizeof(key));
		size_t len = vectors_hex(vectors_get(v, "data"), data, sizeof(data));

		if ((size_t)json_number_value(vectors_get(v, "size")) != HASH_MAC_LEN)
			continue;
		hash_mac(got, key, key_len, data, len);
		vectors_equal(v, "mac", got, sizeof(got));
		used++;
	}
	ck_assert_uint_ge(used, 12);
	json_decref(root);
}
END_TEST

START_TEST(hmac_agrees_with_vectors)
{
	json_t *root = vectors_load("primitives.json"), *v;
	size_t i;

	json_array_foreach(vectors_get(root, "hmac_blake2s"), i, v) {
		uint8_t key[DATA_MAX], data[DATA_MAX], got[HASH_LEN];
		size_t key_len = vectors_hex(vectors_get(v, "key"), key, sizeof(key));
		size_t len = vectors_hex(vectors_get(v, "data"), data, sizeof(data));

		/* RFC 2104: a key that exceeds the block is hashed first; ours never do, so that is left to callers. */
		if (key_len > HMAC_BLOCK) {
			hash_two(key, key, key_len, NULL, 0);
			key_len = HASH_LEN;
		}
		hash_hmac(got, key, key_len, data, len);
		vectors_equal(v, "mac", got, sizeof(got));
	}
	ck_assert_uint_ge(i, 4);
	json_decref(root);
}
END_TEST

START_TEST(kdf_agrees_with_vectors)
{
	json_t *root = vectors_load("primitives.json"), *v;
	size_t i;

	json_array_foreach(vectors_get(root, "kdf"), i, v) {
		uint8_t key[HASH_LEN], input[DATA_MAX], t1[HASH_LEN], t2[HASH_LEN], t3[HASH_LEN];
		size_t len = vectors_hex(vectors_get(v, "input"), input, sizeof(input));

		vectors_bytes(v, "key", key, sizeof(key));
		for (int n = 1; n <= 3; n++) {
			memset(t1, 0, sizeof(t1));
			memset(t2, 0, sizeof(t2));
			memset(t3, 0, sizeof(t3));
			hash_kdf(t1, n >= 2 ? t2 : NULL, n == 3 ? t3 : NULL, key, input, len);
			vectors_equal(v, "t1", t1, sizeof(t1));
			if (n >= 2)
				vectors_equal(v, "t2", t2, sizeof(t2));
			if (n == 3)
				vectors_equal(v, "t3", t3, sizeof(t3));
		}
		/* As the chaining key moves on: t1 takes the place of the key. */
		hash_kdf(key, t2, t3, key, input, len);
		vectors_equal(v, "t1", key, sizeof(key));
		vectors_equal(v, "t2", t2, sizeof(t2));
		vectors_equal(v, "t3", t3, sizeof(t3));
	}
	ck_assert_uint_ge(i, 3);
	json_decref(root);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("hash");
	TCase *t = tcase_create("hash");

	tcase_add_test(t, abc_gives_the_digest_of_the_rfc);
	tcase_add_test(t, hash_agrees_with_vectors_wherever_it_is_cut);
	tcase_add_test(t, parts_hash_as_if_joined);
	tcase_add_test(t, mac_agrees_with_vectors);
	tcase_add_test(t, hmac_agrees_with_vectors);
	tcase_add_test(t, kdf_agrees_with_vectors);
	suite_add_tcase(s, t);
	return suite_run(s);
}
