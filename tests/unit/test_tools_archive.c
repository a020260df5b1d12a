/* SPDX-License-Identifier: MIT */
/* A backup's key: it comes back where the configuration looks for it, as far as that is a place of ours, and an archive
 * is refused whose key is none or nobody's. */
#include "../../tools/archive.h"
#include "suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk="
#define OTHER "TrMvSoP4jYQlY6RIzBgbssQqY3vxI2Pi+y71lOWWXX0="

static char etc[] = "/tmp/archive-XXXXXX";
static struct ctx c;
static struct iface f;

static void setup(void)
{
	char dir[64];

	strcpy(etc, "/tmp/archive-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(etc));
	snprintf(dir, sizeof(dir), "%s/tunneld", etc);
	ck_assert_int_eq(mkdir(dir, 0700), 0);
	c = (struct ctx){ .mute = true };
	c.val[OPT_ETC] = etc;
	f = (struct iface){ .name = "wg0", .lock = -1 };
}

static void teardown(void)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -rf %s", etc);
	ck_assert_int_eq(system(command), 0);
}

static void put(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	fclose(file);
}

/* An archive of these two, through its text. NULL, or why it is refused. key NULL: it has none. */
static const char *carry(const char *conf, const char *key, struct archive *ret)
{
	struct archive_file file[2] = {
		{ .name = "conf", .data = (char *)conf, .len = strlen(conf) },
		{ .name = "key", .data = (char *)key, .len = key ? strlen(key) : 0 },
	};
	struct archive a = { .interface = "wg0", .file = file, .count = key ? 2 : 1 };
	const char *why;
	size_t len;
	char *text = archive_text(&a, &len);

	ck_assert_ptr_nonnull(text);
	why = archive_parse(text, len, ret);
	free(text);
	return why;
}

#define NAMES "[Interface]\n#: PrivateKeyFile = k\n"

static const struct { const char *conf, *key, *why; } parsed[] = {
	{ NAMES, KEY "\n", NULL },
	{ NAMES, KEY, NULL },
	{ NAMES, NULL, NULL },
	{ "[Interface]\nPrivateKey = " KEY "\n", NULL, NULL },
	{ "[Interface]\nPrivateKey = " KEY "\n", KEY "\n",
	  "there is a private key in it that no PrivateKeyFile names" },
	{ NAMES, "", "the private key in it is none" },
	{ NAMES, "* * * * * root touch /x\n", "the private key in it is none" },
	{ NAMES, KEY "\n" KEY "\n", "the private key in it is none" },
};

START_TEST(a_key_is_one_that_the_configuration_names)
{
	struct archive a;
	const char *why = carry(parsed[_i].conf, parsed[_i].key, &a);

	if (parsed[_i].why)
		ck_assert_str_eq(why, parsed[_i].why);
	else
		ck_assert_msg(!why, "%s", why);
	archive_free(&a);
}
END_TEST

/* What PrivateKeyFile says, and where the key goes, both below ETC/tunneld; "%" is ETC. */
static const struct { const char *says, *place; } places[] = {
	{ "wg0.key", "wg0.key" },
	{ "server.key", "server.key" },
	{ "%/tunneld/server", "server" },
	{ "keys/wg0", "keys/wg0" },
	{ "wg1.key", "wg1.key" },
	/* elsewhere, or in the place of something else */
	{ "%/wg0", "wg0.key" },
	{ "../wg0", "wg0.key" },
	{ "keys/../../wg0", "wg0.key" },
	{ "a/b/wg0", "wg0.key" },
	{ "%/tunneld/../wg0", "wg0.key" },
	{ "%/tunneldx/wg0", "wg0.key" },
	{ "/etc/cron.d/wg0", "wg0.key" },
	{ "/run/credentials/tunneld-root@wg0.service/key", "wg0.key" },
	{ "wg1.conf", "wg0.key" },
	{ "wg0.conf.before", "wg0.key" },
	{ "wg0.d/anna.peer", "wg0.key" },
	{ ".wg0.restore", "wg0.key" },
	{ ".hidden/wg0", "wg0.key" },
	{ "keys/", "wg0.key" },
	{ "a b", "wg0.key" },
};

static void parse_says(const char *says, struct archive *ret)
{
	char conf[256];
	const char *percent = strchr(says, '%');

	snprintf(conf, sizeof(conf), "[Interface]\nPrivateKeyFile = %s%s\n", percent ? etc : "",
		 percent ? percent + 1 : says);
	ck_assert_ptr_null(carry(conf, KEY "\n", ret));
}

START_TEST(it_goes_to_a_place_of_ours)
{
	char got[PATH_MAX], want[PATH_MAX];
	struct archive a;
	struct keyfile k;

	parse_says(places[_i].says, &a);
	snprintf(want, sizeof(want), "%s/tunneld/%s", etc, places[_i].place);
	ck_assert(archive_key_path(&c, &f, &a, &k, got));
	ck_assert_str_eq(got, want);
	archive_free(&a);
}
END_TEST

/* Elsewhere it is good where it is, as long as it is that key. */
START_TEST(what_is_there_is_left_there)
{
	char path[64], got[PATH_MAX];
	struct archive a;
	struct keyfile k;

	snprintf(path, sizeof(path), "%s/key", etc);
	parse_says("%/key", &a);
	put(path, KEY "\r\n");
	ck_assert(archive_key_is(&a, path));
	ck_assert(archive_key_path(&c, &f, &a, &k, got));
	ck_assert_str_eq(got, path);
	ck_assert_str_eq(k.path, path);
	put(path, OTHER "\n");
	ck_assert(!archive_key_is(&a, path));
	ck_assert(archive_key_path(&c, &f, &a, &k, got));
	ck_assert_str_ne(got, path);
	archive_free(&a);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("tools_archive");
	TCase *t = tcase_create("all");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, a_key_is_one_that_the_configuration_names, 0, sizeof(parsed) / sizeof(parsed[0]));
	tcase_add_loop_test(t, it_goes_to_a_place_of_ours, 0, sizeof(places) / sizeof(places[0]));
	tcase_add_test(t, what_is_there_is_left_there);
	suite_add_tcase(s, t);
	return suite_run(s);
}
