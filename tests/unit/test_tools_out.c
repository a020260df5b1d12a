/* SPDX-License-Identifier: MIT */
/* Sizes, ages, tables and keys as text. */
#include "../../tools/keytext.h"
#include "../../tools/out.h"
#include "suite.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

START_TEST(bytes_have_three_digits_and_a_unit)
{
	static const struct { uint64_t bytes; const char *want; } t[] = {
		{ 0, "0 B" }, { 1023, "1023 B" }, { 1024, "1.00 KiB" }, { 1536, "1.50 KiB" }, { 10239, "10.0 KiB" },
		{ 102400, "100 KiB" }, { 1048063, "1023 KiB" }, { 1048065, "1.00 MiB" }, { 1048576, "1.00 MiB" },
		{ UINT64_C(5) << 30, "5.00 GiB" }, { UINT64_C(1) << 40, "1.00 TiB" }, { UINT64_MAX, "16.0 EiB" },
	};
	char text[OUT_TEXT];

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		ck_assert_str_eq(out_bytes(t[i].bytes, text), t[i].want);
}
END_TEST

START_TEST(ages_count_from_now)
{
	static const struct { uint64_t age; const char *want; } t[] = {
		{ 0, "now" }, { 1, "1 s ago" }, { 119, "119 s ago" }, { 120, "2 min ago" }, { 7199, "119 min ago" },
		{ 7200, "2 h ago" }, { 172799, "47 h ago" }, { 172800, "2 d ago" }, { 86400 * 400, "400 d ago" },
	};
	char text[OUT_TEXT];

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		ck_assert_str_eq(out_age(1700000000 - t[i].age, 1700000000, text), t[i].want);
	ck_assert_str_eq(out_age(0, 1700000000, text), "never");
	ck_assert_str_eq(out_age(1700000009, 1700000000, text), "now");
}
END_TEST

static const struct out_column columns[] = { { "NAME", false, true }, { "ADDRESSES", false, true },
					     { "RX", true, false } };

/* What a table prints; free() it. */
static char *printed(const struct out_table *t, bool colour)
{
	char *text;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	out_table_print(t, f, colour);
	fclose(f);
	return text;
}

START_TEST(table_lines_up)
{
	struct out_table t;
	char *text;

	out_table_init(&t, columns, 3);
	out_table_row(&t, false, (const char *const[]){ "anna-phone", "10.8.0.2", "5 B" });
	out_table_row(&t, true, (const char *const[]){ "bo", "10.8.0.3, fd00::3", "1.50 KiB" });
	text = printed(&t, false);
	ck_assert_str_eq(text, "NAME        ADDRESSES                RX\n"
			       "anna-phone  10.8.0.2                5 B\n"
			       "bo          10.8.0.3, fd00::3  1.50 KiB\n");
	free(text);
	text = printed(&t, true);
	ck_assert_ptr_nonnull(strstr(text, "\033[32mbo  "));
	ck_assert_ptr_null(strstr(text, "\033[32manna"));
	free(text);
	out_table_free(&t);
}
END_TEST

START_TEST(table_fits_its_width_whatever_it_holds)
{
	char name[80], addresses[400], *text, *line, *rest;
	struct out_table t;
	unsigned lines = 0;

	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = 0;
	memset(addresses, 'a', sizeof(addresses) - 1);
	addresses[sizeof(addresses) - 1] = 0;
	out_table_init(&t, columns, 3);
	for (int i = 0; i < 200; i++)
		out_table_row(&t, false, (const char *const[]){ name, addresses, "1.50 KiB" });
	text = rest = printed(&t, false);
	while ((line = strsep(&rest, "\n")) && *line) {
		ck_assert_uint_eq(strlen(line), OUT_WIDTH);
		ck_assert(lines++ == 0 || strstr(line, "nn..  aa") != NULL);
		ck_assert(lines == 1 || !strcmp(line + OUT_WIDTH - 8, "1.50 KiB"));
	}
	ck_assert_uint_eq(lines, 201);
	free(text);
	out_table_free(&t);
}
END_TEST

START_TEST(no_colour_but_on_a_terminal)
{
	FILE *f = tmpfile();

	setenv("TERM", "xterm", 1);
	unsetenv("NO_COLOR");
	ck_assert(!out_colour(f));
	fclose(f);
}
END_TEST

/* Reads text through a pipe in pieces of one byte. */
static int read_back(const char *text)
{
	uint8_t key[TNL_KEY_LEN];
	int fd[2], err;

	ck_assert_int_eq(pipe(fd), 0);
	for (; *text; text++)
		ck_assert_int_eq(write(fd[1], text, 1), 1);
	close(fd[1]);
	err = keytext_read(fd[0], key);
	close(fd[0]);
	return err;
}

START_TEST(a_key_is_read_alone)
{
	ck_assert_int_eq(read_back("qENG+2zt3IYmoEaWY4JzHuCKwB/sueaKc9p0GkRMtyU="), 0);
	ck_assert_int_eq(read_back("qENG+2zt3IYmoEaWY4JzHuCKwB/sueaKc9p0GkRMtyU=\n\n \t"), 0);
	ck_assert_int_eq(read_back("qENG+2zt3IYmoEaWY4JzHuCKwB/sueaKc9p0GkRMtyU=x"), -E2BIG);
	ck_assert_int_eq(read_back("\nqENG+2zt3IYmoEaWY4JzHuCKwB/sueaKc9p0GkRMtyU=\n"), -EINVAL);
	ck_assert_int_eq(read_back("qENG"), -EINVAL);
	ck_assert_int_eq(read_back(""), -EINVAL);
}
END_TEST

START_TEST(new_private_keys_are_clamped_and_differ)
{
	uint8_t a[TNL_KEY_LEN], b[TNL_KEY_LEN];

	for (int i = 0; i < 200; i++) {
		keytext_new_private(a);
		keytext_new_private(b);
		ck_assert_mem_ne(a, b, sizeof(a));
		ck_assert((a[0] & 7) == 0 && (a[31] & 0xc0) == 0x40);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("tools_out");
	TCase *tc = tcase_create("all");

	tcase_add_test(tc, bytes_have_three_digits_and_a_unit);
	tcase_add_test(tc, ages_count_from_now);
	tcase_add_test(tc, table_lines_up);
	tcase_add_test(tc, table_fits_its_width_whatever_it_holds);
	tcase_add_test(tc, no_colour_but_on_a_terminal);
	tcase_add_test(tc, a_key_is_read_alone);
	tcase_add_test(tc, new_private_keys_are_clamped_and_differ);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
