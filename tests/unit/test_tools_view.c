/* SPDX-License-Identifier: MIT */
/* What comes out of a file onto a terminal is text and nothing that a terminal obeys. */
#include "../../tools/view.h"
#include "suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *text, *clean;
} texts[] = {
	{ "", "" },
	{ "Anna's phone", "Anna's phone" },
	{ "Zo\xc3\xab \xe2\x82\xac \xf0\x9f\x98\x80", "Zo\xc3\xab \xe2\x82\xac \xf0\x9f\x98\x80" },
	{ "\033[2J\a\x7f", "?[2J??" },
	{ "x\xc2\x9b" "2J", "x??2J" },		/* CSI as one character */
	{ "x\x9b" "2J", "x?2J" },		/* and as one byte */
	{ "\xc2\xa0\xc2", "\xc2\xa0?" },
	{ "\xc0\x80\xe0\x80\x80\xed\xa0\x80\xf4\x90\x80\x80\xff", "????????????" "?" },
};

START_TEST(only_text_comes_through)
{
	char ret[64];
	json_t *o;

	ck_assert_str_eq(view_clean(texts[_i].text, ret, sizeof(ret)), texts[_i].clean);
	o = json_string(ret);
	ck_assert_ptr_nonnull(o);
	json_decref(o);
}
END_TEST

START_TEST(what_is_too_long_is_cut_between_characters)
{
	char ret[8];

	ck_assert_str_eq(view_clean("\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac", ret, sizeof(ret)),
			 "\xe2\x82\xac\xe2\x82\xac");
	ck_assert_str_eq(view_clean("1234567890", ret, sizeof(ret)), "1234567");
	ck_assert_str_eq(view_clean("123456\xc3\xab", ret, sizeof(ret)), "123456");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("tools_view");
	TCase *tc = tcase_create("all");

	tcase_add_loop_test(tc, only_text_comes_through, 0, sizeof(texts) / sizeof(texts[0]));
	tcase_add_test(tc, what_is_too_long_is_cut_between_characters);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
