/* SPDX-License-Identifier: MIT */
/* A file of one key: where a path leads, what such a file may hold, and that nothing of it is ever said. */
#include <check.h>
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "suite.h"

#define KEY "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk="
#define BLANKS_80 "                                                                                "

static const struct {
	const char *conf, *path, *want;
} paths[] = {
	{ "/etc/tunneld/wg0.conf", "wg0.key", "/etc/tunneld/wg0.key" },
	{ "/etc/tunneld/wg0.conf", "keys/wg0.key", "/etc/tunneld/keys/wg0.key" },
	{ "/etc/tunneld/wg0.conf", "/run/key", "/run/key" },
	{ "/wg0.conf", "key", "/key" },
	{ "wg0.conf", "key", "key" },
	{ "wg0.conf", "/key", "/key" },
	{ "./wg0.conf", "../key", "./../key" },
};

START_TEST(a_path_begins_where_the_configuration_is)
{
	char got[64];
	size_t len = strlen(paths[_i].path), need = strlen(paths[_i].want) + 1;

	ck_assert(conf_beside(paths[_i].conf, paths[_i].path, len, got, sizeof(got)));
	ck_assert_str_eq(got, paths[_i].want);
	ck_assert(conf_beside(paths[_i].conf, paths[_i].path, len, got, need));
	ck_assert(!conf_beside(paths[_i].conf, paths[_i].path, len, got, need - 1));
}
END_TEST

/* The path lies in a text: nothing behind it counts. */
START_TEST(a_path_has_its_length)
{
	char got[16];

	ck_assert(conf_beside("/a/b", "key # comment", 3, got, sizeof(got)));
	ck_assert_str_eq(got, "/a/key");
}
END_TEST

static const struct {
	const char *text;
	int want;
} files[] = {
	{ KEY, 0 },
	{ KEY "\n", 0 },
	{ KEY "\r\n", 0 },
	{ KEY "\n\n\t \n", 0 },
	{ KEY BLANKS_80 "   \n", 0 },
	{ KEY BLANKS_80 "    \n", -EFBIG },
	{ "", -EINVAL },
	{ "\n", -EINVAL },
	{ " " KEY "\n", -EINVAL },
	{ "\xef\xbb\xbf" KEY "\n", -EINVAL },
	{ KEY "\n" KEY "\n", -EINVAL },
	{ KEY "x\n", -EINVAL },
	{ KEY "=\n", -EINVAL },
	{ "PrivateKey = " KEY "\n", -EINVAL },
	{ "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBml=\n", -EINVAL },
};

START_TEST(a_file_holds_one_key)
{
	uint8_t want[TNL_KEY_LEN], got[TNL_KEY_LEN], untouched[TNL_KEY_LEN];
	size_t len = strlen(files[_i].text);
	char *exact = malloc(len ? len : 1);	/* so that reading on is seen */

	memset(got, 0xee, sizeof(got));
	memset(untouched, 0xee, sizeof(untouched));
	ck_assert(text_key_from_base64(KEY, strlen(KEY), want));
	memcpy(exact, files[_i].text, len);
	ck_assert_int_eq(conf_key_file(exact, len, got), files[_i].want);
	ck_assert_mem_eq(got, files[_i].want ? untouched : want, sizeof(got));
	free(exact);
}
END_TEST

START_TEST(a_nul_is_no_blank)
{
	uint8_t got[TNL_KEY_LEN];

	ck_assert_int_eq(conf_key_file(KEY "\0", strlen(KEY) + 1, got), -EINVAL);
}
END_TEST

START_TEST(each_fault_has_its_words)
{
	static const struct { int err; const char *conf, *want; } faults[] = {
		{ -EFBIG, "/etc/wg0.conf", "PrivateKeyFile: the file is too long (should be a file with one key" },
		{ -EINVAL, NULL, "PrivateKeyFile: the file holds no key, or more than one (should be " },
		{ -ENOTSUP, NULL, "PrivateKeyFile: it is no regular file (should be " },
		{ -ENOENT, "/etc/tunneld/wg0.conf", "PrivateKeyFile: cannot read it in /etc/tunneld: WHY (should be " },
		{ -ENOENT, "/wg0.conf", "PrivateKeyFile: cannot read it in /: WHY (should be " },
		{ -ENOENT, "wg0.conf", "PrivateKeyFile: cannot read it in .: WHY (should be " },
		{ -ENOENT, NULL, "PrivateKeyFile: cannot read it: WHY (should be " },
	};
	char message[CONF_KEY_FILE_MESSAGE_MAX];

	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		conf_key_file_wrong(message, faults[i].err, "WHY", faults[i].conf);
		ck_assert_msg(!strncmp(message, faults[i].want, strlen(faults[i].want)), "%s", message);
		ck_assert_int_eq(message[strlen(message) - 1], ')');
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("conf_file");
	TCase *t = tcase_create("conf_file");

	if (sodium_init() < 0)
		return EXIT_FAILURE;
	tcase_add_loop_test(t, a_path_begins_where_the_configuration_is, 0, sizeof(paths) / sizeof(paths[0]));
	tcase_add_test(t, a_path_has_its_length);
	tcase_add_loop_test(t, a_file_holds_one_key, 0, sizeof(files) / sizeof(files[0]));
	tcase_add_test(t, a_nul_is_no_blank);
	tcase_add_test(t, each_fault_has_its_words);
	suite_add_tcase(s, t);
	return suite_run(s);
}
