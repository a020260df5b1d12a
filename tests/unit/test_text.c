/* SPDX-License-Identifier: MIT */
/* Keys as text: what we read is what libsodium reads, but for bytes above 127, which that takes for a '+' in base64. */
#include <check.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "suite.h"
#include "text.h"

static bool sodium_hex(const char *s, size_t len, uint8_t ret[TNL_KEY_LEN])
{
	size_t got = 0;

	return len == TEXT_HEX_KEY - 1 && !sodium_hex2bin(ret, TNL_KEY_LEN, s, len, NULL, &got, NULL) &&
	       got == TNL_KEY_LEN;
}

static bool sodium_base64(const char *s, size_t len, uint8_t ret[TNL_KEY_LEN])
{
	size_t got = 0;

	return len == TEXT_BASE64_KEY - 1 &&
	       !sodium_base642bin(ret, TNL_KEY_LEN, s, len, NULL, &got, NULL, sodium_base64_VARIANT_ORIGINAL) &&
	       got == TNL_KEY_LEN;
}

typedef bool reader(const char *s, size_t len, uint8_t ret[TNL_KEY_LEN]);

static bool agree(const char *s, size_t len, reader *ours, reader *theirs)
{
	uint8_t a[TNL_KEY_LEN], b[TNL_KEY_LEN], untouched[TNL_KEY_LEN];
	bool ok = theirs(s, len, b);

	memset(a, 0xee, sizeof(a));
	memset(untouched, 0xee, sizeof(untouched));
	ck_assert_msg(ours(s, len, a) == ok, "\"%.*s\"", (int)len, s);
	ck_assert_mem_eq(a, ok ? b : untouched, sizeof(a));
	return ok;
}

/* Every byte in every place of random keys, and every length. */
static void try_all(reader *ours, reader *theirs, void (*write)(char *, const uint8_t *), size_t chars)
{
	enum { ROUNDS = 20 };
	unsigned good = 0;

	for (int round = 0; round < ROUNDS; round++) {
		uint8_t key[TNL_KEY_LEN];
		char text[128] = "", was;

		randombytes_buf(key, sizeof(key));
		write(text, key);
		ck_assert_uint_eq(strlen(text), chars);
		for (size_t len = 0; len < chars + 8; len++)
			ck_assert(agree(text, len, ours, theirs) == (len == chars));
		for (size_t at = 0; at < chars; at++) {
			was = text[at];
			for (int c = 0; c < 256; c++) {
				text[at] = (char)c;
				if (c < 128)
					good += agree(text, chars, ours, theirs);
				else
					ck_assert(!ours(text, chars, key));
			}
			text[at] = was;
		}
	}
	ck_assert_uint_gt(good, ROUNDS * chars * 16);
}

START_TEST(hex_keys_are_read_as_libsodium_does)
{
	try_all(text_key_from_hex, sodium_hex, text_key_to_hex, TEXT_HEX_KEY - 1);
}
END_TEST

START_TEST(base64_keys_are_read_as_libsodium_does)
{
	try_all(text_key_from_base64, sodium_base64, text_key_to_base64, TEXT_BASE64_KEY - 1);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("text");
	TCase *tc = tcase_create("keys");

	if (sodium_init() < 0)
		return 1;
	tcase_add_test(tc, hex_keys_are_read_as_libsodium_does);
	tcase_add_test(tc, base64_keys_are_read_as_libsodium_does);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
