/* SPDX-License-Identifier: MIT */
/* A configuration whose key stands in a file of its own: read with it, or refused in one line at its place. Whatever
 * the path leads to, nothing waits and nothing is read without end. */
#include "../../tunneld/config.h"
#include "conf.h"
#include "suite.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define KEY "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk="
#define OTHER "TrMvSoP4jYQlY6RIzBgbssQqY3vxI2Pi+y71lOWWXX0="

static char dir[] = "/tmp/keyfile-XXXXXX", before[4096];

static void put(const char *name, const char *text, mode_t mode)
{
	FILE *f = fopen(name, "w");

	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
	ck_assert_int_eq(chmod(name, mode), 0);
}

/* In a directory of its own, so that names are the same for everybody. */
static void setup(void)
{
	ck_assert_ptr_nonnull(getcwd(before, sizeof(before)));
	strcpy(dir, "/tmp/keyfile-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(chdir(dir), 0);
	put("good", KEY "\n", 0600);
}

static void teardown(void)
{
	char command[64];

	ck_assert_int_eq(chdir(before), 0);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	ck_assert_int_eq(system(command), 0);
}

/* With this line third in the file; messages, the caller's, go to *said. */
static struct config *load(const char *line, char **said)
{
	char text[8192];
	size_t len;
	FILE *f = open_memstream(said, &len);
	struct config *c;

	snprintf(text, sizeof(text), "# mine\n[Interface]\n%s\n", line);
	put("wg0.conf", text, 0600);
	c = config_load("wg0.conf", f);
	fclose(f);
	return c;
}

static void has_key(const struct config *c, const char *base64)
{
	uint8_t key[TNL_KEY_LEN];

	ck_assert(text_key_from_base64(base64, strlen(base64), key));
	ck_assert_ptr_nonnull(c);
	ck_assert(c->has_private_key);
	ck_assert_mem_eq(c->private_key, key, sizeof(key));
}

static void is_read(const char *line, const char *words)
{
	char *said;
	struct config *c = load(line, &said);

	ck_assert_msg(c != NULL, "%s", said);
	has_key(c, KEY);
	ck_assert_str_eq(said, words);
	config_free(c);
	free(said);
}

START_TEST(it_is_read_from_where_it_is_named)
{
	struct config *c;
	char line[128];

	is_read("PrivateKeyFile = good", "");
	is_read("#: PrivateKeyFile = ./good # so that others do not see it", "");
	snprintf(line, sizeof(line), "PrivateKeyFile = %s/good", dir);
	is_read(line, "");
	ck_assert_int_eq(symlink("good", "link"), 0);
	is_read("PrivateKeyFile = link", "");
	ck_assert_int_eq(chdir("/"), 0);	/* beside the file, wherever we are */
	snprintf(line, sizeof(line), "%s/wg0.conf", dir);
	c = config_load(line, stderr);
	has_key(c, KEY);
	config_free(c);
}
END_TEST

START_TEST(the_last_one_counts)
{
	put("other", OTHER, 0600);
	is_read("PrivateKeyFile = other\nPrivateKeyFile = good",
		"wg0.conf:4:1: warning: PrivateKeyFile is here more than once, the last one counts\n");
}
END_TEST

START_TEST(others_who_may_read_it_are_warned_of)
{
	static const mode_t modes[] = { 0640, 0604, 0620, 0777 };

	put("open", KEY, 0600);
	is_read("PrivateKeyFile = open", "");
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		ck_assert_int_eq(chmod("open", modes[i]), 0);
		is_read("PrivateKeyFile = open",
			"wg0.conf:3:18: warning: PrivateKeyFile: others may read the key (use: chmod 600 open)\n");
	}
}
END_TEST

static void make_endless(const char *name)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	ck_assert_int_eq(ftruncate(fd, (off_t)1 << 40), 0);	/* of zeros, and of no blocks */
	close(fd);
}

static void make_socket(const char *name)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(un.sun_path, name);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&un, sizeof(un)), 0);
	close(fd);
}

#define WANT " (should be a file with one key alone in it, as from genkey)\n"

static const struct { const char *line, *said; } refused[] = {
	{ "PrivateKeyFile = none", "3:18: PrivateKeyFile: cannot read it in .: No such file or directory" WANT },
	{ "#: PrivateKeyFile = /none/x", "3:21: PrivateKeyFile: cannot read it: No such file or directory" WANT },
	{ "PrivateKeyFile = good/x", "3:18: PrivateKeyFile: cannot read it in .: Not a directory" WANT },
	{ "PrivateKeyFile = loop",
	  "3:18: PrivateKeyFile: cannot read it in .: Too many levels of symbolic links" WANT },
	{ "PrivateKeyFile = fifo", "3:18: PrivateKeyFile: it is no regular file" WANT },
	{ "PrivateKeyFile = socket", "3:18: PrivateKeyFile: it is no regular file" WANT },
	{ "PrivateKeyFile = .", "3:18: PrivateKeyFile: it is no regular file" WANT },
	{ "PrivateKeyFile = /dev/zero", "3:18: PrivateKeyFile: it is no regular file" WANT },
	{ "PrivateKeyFile = to-zero", "3:18: PrivateKeyFile: it is no regular file" WANT },
	{ "PrivateKeyFile = endless", "3:18: PrivateKeyFile: the file is too long" WANT },
	{ "PrivateKeyFile = empty", "3:18: PrivateKeyFile: the file holds no key, or more than one" WANT },
	{ "PrivateKeyFile = two", "3:18: PrivateKeyFile: the file holds no key, or more than one" WANT },
	{ "PrivateKeyFile = wg0.conf", "3:18: PrivateKeyFile: the file holds no key, or more than one" WANT },
	{ "PrivateKeyFile =",
	  "3:17: PrivateKeyFile: the path of a file with a key in it (a key itself: PrivateKey)\n" },
	{ "PrivateKeyFile = " KEY,
	  "3:18: PrivateKeyFile: the path of a file with a key in it (a key itself: PrivateKey)\n" },
	{ "PrivateKey = " KEY "\nPrivateKeyFile = good",
	  "4:1: PrivateKeyFile: there is a PrivateKey already (leave one of them out)\n" },
	{ "PrivateKeyFile = good\nPrivateKey = " KEY,
	  "4:1: PrivateKey: there is a PrivateKeyFile already (leave one of them out)\n" },
};

START_TEST(what_is_no_file_of_a_key_is_refused_in_one_line)
{
	char *said;

	ck_assert_int_eq(mkfifo("fifo", 0600), 0);
	ck_assert_int_eq(symlink("loop", "loop"), 0);
	ck_assert_int_eq(symlink("/dev/zero", "to-zero"), 0);
	make_socket("socket");
	make_endless("endless");
	put("empty", "", 0600);
	put("two", KEY "\n" OTHER "\n", 0600);
	ck_assert_ptr_null(load(refused[_i].line, &said));
	ck_assert_msg(!strncmp(said, "wg0.conf:", 9), "%s", said);
	ck_assert_str_eq(said + 9, refused[_i].said);
	ck_assert_ptr_null(strstr(said, KEY));
	free(said);
}
END_TEST

START_TEST(it_is_read_anew_each_time)
{
	char *said;
	struct config *c;

	is_read("PrivateKeyFile = good", "");
	put("good", OTHER "\n", 0600);
	c = load("PrivateKeyFile = good", &said);
	has_key(c, OTHER);
	config_free(c);
	free(said);
}
END_TEST

/* What is judged for a service may lack the credential that it will have; nothing else. */
START_TEST(a_credential_may_be_away_when_it_is_judged)
{
	static const char *const lines[] = {
		"PrivateKeyFile = /run/credentials/tunneld-root@none.service/key", "PrivateKeyFile = nowhere",
		"PrivateKeyFile = /run/credentialsnowhere", "PrivateKeyFile = /dev/null",
	};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct config *c;
		char *said;

		ck_assert_ptr_null(load(lines[i], &said));
		ck_assert_str_ne(said, "");
		free(said);
		c = config_judge("wg0.conf", stderr);
		ck_assert_int_eq(c != NULL, i == 0);
		ck_assert(!c || !c->has_private_key);
		config_free(c);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("tunneld_keyfile");
	TCase *t = tcase_create("all");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, it_is_read_from_where_it_is_named);
	tcase_add_test(t, the_last_one_counts);
	tcase_add_test(t, others_who_may_read_it_are_warned_of);
	tcase_add_loop_test(t, what_is_no_file_of_a_key_is_refused_in_one_line, 0,
			    sizeof(refused) / sizeof(refused[0]));
	tcase_add_test(t, it_is_read_anew_each_time);
	tcase_add_test(t, a_credential_may_be_away_when_it_is_judged);
	suite_add_tcase(s, t);
	return suite_run(s);
}
