/* SPDX-License-Identifier: MIT */
/* What is wrong with a configuration, and where: exact places, and no word about what is good. */
#include "../../tools/lint.h"
#include "suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PRIVATE "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk="
#define OWN "HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw="	/* its public half */
#define KEY_A "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg="
#define KEY_B "TrMvSoP4jYQlY6RIzBgbssQqY3vxI2Pi+y71lOWWXX0="

#define I "[Interface]\nPrivateKey = " PRIVATE "\nAddress = 10.8.0.1/24\n"
#define A "[Peer]\nPublicKey = " KEY_A "\n"
#define B "[Peer]\nPublicKey = " KEY_B "\n"

static const struct {
	const char *text;
	unsigned errors, warnings;
	const char *first;	/* "LINE:COLUMN message begins"; NULL: none */
} texts[] = {
	{ I A "AllowedIPs = 10.8.0.2\n" B "AllowedIPs = 10.8.0.3, fd00::3\n", 0, 0, NULL },
	{ I, 0, 0, NULL },
	{ I "Bogus = 1\n" A "AllowedIPs = 10.8.0.300\n", 2, 1, "4:1 unknown key" },
	{ "", 0, 1, "0:0 it has no [Interface]" },
	{ "[Interface]\n", 0, 1, "0:0 it has no PrivateKey" },
	{ I A "AllowedIPs = 10.8.0.2\n" A "AllowedIPs = 10.8.0.3\n", 1, 0, "8:13 PublicKey: the peer of x.conf:4" },
	{ I "[Peer]\nPublicKey = " OWN "\nAllowedIPs = 10.8.0.2\n", 1, 0, "5:13 PublicKey: it is the interface's own" },
	{ I A "#: Name = a\nAllowedIPs = 10.8.0.2\n" B "AllowedIPs = 10.8.0.4, 10.8.0.2/32\n", 1, 0,
	  "10:24 AllowedIPs: 10.8.0.2/32 belongs to \"a\", too" },
	{ I A "#: Enabled = false\nAllowedIPs = 10.8.0.2\n" B "AllowedIPs = 10.8.0.2/32\n", 0, 1,
	  "10:14 AllowedIPs: 10.8.0.2/32 belongs to" },
	{ I A "AllowedIPs = 10.9.0.0/16\n" B "AllowedIPs = 10.9.3.0/24\n", 0, 1, "9:14 AllowedIPs: it lies inside" },
	{ I A "AllowedIPs = 0.0.0.0/0, ::/0\n" B "AllowedIPs = 10.9.3.0/24\n", 0, 0, NULL },
	{ I A "AllowedIPs = 10.9.0.0/16\nAllowedIPs = 10.9.3.0/24\n", 0, 0, NULL },
	{ I A "AllowedIPs = 10.9.3.0/24, 10.9.3.0/24\n", 0, 1, "6:27 AllowedIPs: 10.9.3.0/24 is here twice" },
	{ I A "AllowedIPs = 10.9.3.7/24\n", 0, 1, "6:14 AllowedIPs: it has host bits, 10.9.3.0/24" },
	{ I A "AllowedIPs = 10.8.0.1\n", 1, 0, "6:14 AllowedIPs: it is the interface's own" },
	{ I A, 0, 1, "4:1 [Peer] without AllowedIPs" },
	{ I A "#: Name = a\nAllowedIPs=10.8.0.2\n" B "#: Name = a\nAllowedIPs=10.8.0.3\n", 1, 0,
	  "10:11 Name: the peer" },
	{ I A "#: Name = a b\nAllowedIPs=10.8.0.2\n", 0, 1, "6:11 Name: it cannot" },
	{ I "SaveConfig = true\n", 1, 0, "4:14 SaveConfig:" },
};

START_TEST(each_fault_is_found_at_its_place)
{
	struct lint l;
	char line[LINT_MESSAGE_MAX + 32] = "";

	lint_text("/etc/x.conf", texts[_i].text, strlen(texts[_i].text), "/etc/x.conf", "", &l);
	if (l.problem_count)
		snprintf(line, sizeof(line), "%u:%u %s", l.problem[0].at.line, l.problem[0].at.column,
			 l.problem[0].message);
	ck_assert_msg(l.errors == texts[_i].errors && l.warnings == texts[_i].warnings,
		      "%s: %zu errors, %zu warnings: %s", texts[_i].text, l.errors, l.warnings, line);
	ck_assert_uint_eq(l.problem_count, l.errors + l.warnings);
	ck_assert_msg(!texts[_i].first || !strncmp(line, texts[_i].first, strlen(texts[_i].first)), "%s", line);
	lint_free(&l);
}
END_TEST

/* Against the obvious quadratic way: which networks lie in another peer's? */
START_TEST(overlaps_agree_with_a_slow_model)
{
	enum { PEERS = 60, ROUNDS = 50, ONE = 128 };
	static char text[PEERS * ONE + sizeof(I)];
	unsigned seed = (unsigned)time(NULL);

	printf("seed %u\n", seed);
	srandom(seed);
	for (int round = 0; round < ROUNDS; round++) {
		struct net net[PEERS];
		unsigned errors = 0, warnings = 0;
		size_t len = (size_t)sprintf(text, "%s", I);
		struct lint l;

		for (int i = 0; i < PEERS; i++) {
			uint8_t key[TNL_KEY_LEN] = { (uint8_t)i, 1 };
			char base64[TEXT_BASE64_KEY], one[TEXT_ADDR];

			net[i] = (struct net){ .addr = { .family = 4, .ip = { 10, (uint8_t)(random() % 3),
									      (uint8_t)(random() % 4) } },
					       .bits = (unsigned)(8 + random() % 25) };
			net[i] = net_masked(net[i]);
			text_key_to_base64(base64, key);
			len += (size_t)sprintf(text + len, "[Peer]\nPublicKey = %s\nAllowedIPs = %s\n", base64,
					       net_text(&net[i], one));
		}
		/* Of those around it, the innermost; of equal ones, those before it. */
		for (int i = 0; i < PEERS; i++) {
			bool same = false, inside = false;

			for (int k = 0; k < PEERS; k++) {
				same = same || (k < i && net_equal(&net[i], &net[k]));
				inside = inside || (k != i && net_contains(&net[k], &net[i]) &&
						    !net_equal(&net[k], &net[i]));
			}
			errors += same;
			warnings += !same && inside;
		}
		lint_text("x", text, len, "x", "", &l);
		ck_assert_uint_eq(l.errors, errors);
		ck_assert_uint_eq(l.warnings, warnings);
		lint_free(&l);
	}
}
END_TEST

static void put(const char *path, const char *text, mode_t mode)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
	ck_assert_int_eq(chmod(path, mode), 0);
}

START_TEST(files_of_the_directory_are_read_too)
{
	char dir[] = "/tmp/lint-XXXXXX", conf[64], sub[64], peer[96], line[512];
	struct lint l;
	FILE *f;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(conf, sizeof(conf), "%s/wg0.conf", dir);
	snprintf(sub, sizeof(sub), "%s/wg0.d", dir);
	put(conf, I A "AllowedIPs = 10.8.0.2\n", 0644);
	ck_assert_int_eq(mkdir(sub, 0700), 0);
	snprintf(peer, sizeof(peer), "%s/bo.peer", sub);
	put(peer, B "AllowedIPs = 10.8.0.2\n", 0600);
	ck_assert_int_eq(lint_file(conf, &l), 0);
	ck_assert_uint_eq(l.errors, 1);
	ck_assert_uint_eq(l.warnings, 1);
	ck_assert_uint_eq(l.peer_count, 2);
	f = tmpfile();
	lint_print(&l, f);
	rewind(f);
	ck_assert(fgets(line, sizeof(line), f) && strstr(line, "wg0.conf: warning: everybody may read its keys"));
	ck_assert(fgets(line, sizeof(line), f) && strstr(line, "wg0.d/bo.peer:3:14: error: AllowedIPs: 10.8.0.2/32"));
	fclose(f);
	lint_free(&l);
	ck_assert_int_ne(lint_file(sub, &l), 0);
	lint_free(&l);
	unlink(peer);
	rmdir(sub);
	unlink(conf);
	rmdir(dir);
}
END_TEST

/* Of the configuration `text` in DIR, whose key file is there with this mode: "ERRORS WARNINGS LINE:COLUMN MESSAGE". */
static void judge(const char *dir, const char *text, mode_t mode, char ret[LINT_MESSAGE_MAX + 64])
{
	char conf[64], key[64];
	struct lint l;

	snprintf(conf, sizeof(conf), "%s/wg0.conf", dir);
	snprintf(key, sizeof(key), "%s/wg0.key", dir);
	put(conf, text, 0644);
	put(key, PRIVATE "\n", mode);
	ck_assert_int_eq(lint_file(conf, &l), 0);
	snprintf(ret, LINT_MESSAGE_MAX + 64, "%zu %zu %u:%u %s", l.errors, l.warnings,
		 l.problem_count ? l.problem[0].at.line : 0, l.problem_count ? l.problem[0].at.column : 0,
		 l.problem_count ? l.problem[0].message : "");
	lint_free(&l);
	unlink(conf);
	unlink(key);
}

static const struct { const char *text; mode_t mode; const char *said; } key_files[] = {
	{ "[Interface]\nPrivateKeyFile = wg0.key\n", 0600, "0 0 0:0 " },
	{ "[Interface]\n#: PrivateKeyFile = wg0.key\n", 0644,
	  "0 1 2:21 PrivateKeyFile: others may read the key (use: chmod 600 /tmp/lint-" },
	{ "[Interface]\nPrivateKeyFile = wg0.key\n", 0640, "0 1 2:18 PrivateKeyFile: others may read" },
	{ "[Interface]\nPrivateKeyFile = wg0.kay\n", 0600, "1 0 2:18 PrivateKeyFile: cannot read it in /tmp/lint-" },
	{ "[Interface]\nPrivateKeyFile = wg0.conf\n", 0600, "1 0 2:18 PrivateKeyFile: the file holds no key" },
	{ "[Interface]\nPrivateKeyFile = /dev/zero\n", 0600, "1 0 2:18 PrivateKeyFile: it is no regular file" },
	{ "[Interface]\nPrivateKeyFile = wg0.key\nPrivateKey = " PRIVATE "\n", 0600,
	  "1 0 3:1 PrivateKey: there is a PrivateKeyFile already" },
	/* its public half is known */
	{ "[Interface]\nPrivateKeyFile = wg0.key\n[Peer]\nPublicKey = " OWN "\nAllowedIPs = ::/0\n", 0600,
	  "1 0 4:13 PublicKey: it is the interface's own" },
	/* a credential of a service that does not run */
	{ "[Interface]\nPrivateKeyFile = /run/credentials/x.service/none\n", 0600,
	  "0 1 2:18 PrivateKeyFile: it is there only while its service runs" },
};

START_TEST(a_key_in_a_file_of_its_own_is_judged_too)
{
	char dir[] = "/tmp/lint-XXXXXX", said[LINT_MESSAGE_MAX + 64];

	ck_assert_ptr_nonnull(mkdtemp(dir));
	judge(dir, key_files[_i].text, key_files[_i].mode, said);
	ck_assert_msg(!strncmp(said, key_files[_i].said, strlen(key_files[_i].said)), "%s", said);
	rmdir(dir);
}
END_TEST

/* What is to be the file in another directory finds its key there. */
START_TEST(a_text_is_judged_where_it_will_be)
{
	static const char text[] = "[Interface]\nPrivateKeyFile = wg0.key\n";
	char dir[] = "/tmp/lint-XXXXXX", key[64], conf[64];
	struct lint l;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(key, sizeof(key), "%s/wg0.key", dir);
	snprintf(conf, sizeof(conf), "%s/wg0.conf", dir);
	put(key, PRIVATE "\n", 0600);
	lint_text("/elsewhere/new.conf", text, strlen(text), conf, "", &l);
	ck_assert_uint_eq(l.problem_count, 0);
	ck_assert(l.has_key);
	lint_free(&l);
	lint_text("/elsewhere/new.conf", text, strlen(text), "/none/wg0.conf", "", &l);
	ck_assert_uint_eq(l.errors, 1);
	ck_assert_ptr_nonnull(strstr(l.problem[0].message, "in /none: "));
	lint_free(&l);
	unlink(key);
	rmdir(dir);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("tools_lint");
	TCase *tc = tcase_create("all");

	tcase_add_loop_test(tc, each_fault_is_found_at_its_place, 0, sizeof(texts) / sizeof(texts[0]));
	tcase_add_test(tc, overlaps_agree_with_a_slow_model);
	tcase_add_test(tc, files_of_the_directory_are_read_too);
	tcase_add_loop_test(tc, a_key_in_a_file_of_its_own_is_judged_too, 0,
			    sizeof(key_files) / sizeof(key_files[0]));
	tcase_add_test(tc, a_text_is_judged_where_it_will_be);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
