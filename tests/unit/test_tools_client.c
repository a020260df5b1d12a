/* SPDX-License-Identifier: MIT */
/* What a daemon answers, joined with what files say. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../tools/client.h"
#include "suite.h"

static struct roster r;

static void setup(void)
{
	r = (struct roster){ 0 };
}

static void teardown(void)
{
	roster_free(&r);
}

static void key_of(unsigned first, unsigned last, uint8_t ret[TNL_KEY_LEN])
{
	memset(ret, 0x55, TNL_KEY_LEN);
	ret[0] = (uint8_t)first;
	ret[TNL_KEY_LEN - 1] = (uint8_t)last;
}

static void save(const char *name, unsigned first, unsigned last)
{
	uint8_t key[TNL_KEY_LEN];
	struct peer *p;

	key_of(first, last, key);
	p = roster_add(&r, key);
	strcpy(p->name, name);
	p->saved = true;
}

static size_t put(char *text, unsigned first, unsigned last, unsigned keepalive)
{
	uint8_t key[TNL_KEY_LEN];
	char hex[TEXT_HEX_KEY];

	key_of(first, last, key);
	text_key_to_hex(hex, key);
	return (size_t)sprintf(text, "public_key=%s\npersistent_keepalive_interval=%u\n", hex, keepalive);
}

/* The client's end of a connection on which this is the answer. */
static int answered(const char *text, size_t len)
{
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	ck_assert_int_eq(write(pair[1], text, len), (ssize_t)len);
	close(pair[1]);
	return pair[0];
}

static void expect(unsigned first, unsigned last, const char *name, bool saved, bool live, unsigned keepalive)
{
	uint8_t key[TNL_KEY_LEN];
	const struct peer *p;

	key_of(first, last, key);
	p = roster_by_key(&r, key);
	ck_assert_ptr_nonnull(p);
	ck_assert_str_eq(p->name, name);
	ck_assert(p->saved == saved && p->live == live);
	ck_assert_uint_eq(p->keepalive_s, keepalive);
}

START_TEST(keys_that_begin_alike_are_told_apart)
{
	char text[4096];
	size_t len = 0;

	for (unsigned i = 20; i-- > 0;)
		save(i % 2 ? "odd" : "even", 7 + i / 10, i);
	roster_sort(&r);
	for (unsigned i = 0; i < 20; i += 3)
		len += put(text + len, 7 + i / 10, i, 100 + i);
	len += put(text + len, 7, 200, 1);
	len += put(text + len, 200, 7, 2);
	len += (size_t)sprintf(text + len, "errno=0\n\n");
	ck_assert_int_eq(client_finish(answered(text, len), &r), 0);
	ck_assert_uint_eq(r.count, 22);
	for (unsigned i = 0; i < 20; i++)
		expect(7 + i / 10, i, i % 2 ? "odd" : "even", true, i % 3 == 0, i % 3 ? 0 : 100 + i);
	expect(7, 200, "", false, true, 1);
	expect(200, 7, "", false, true, 2);
	for (size_t i = 1; i < r.count; i++)
		ck_assert_int_lt(memcmp(r.peer[i - 1].key, r.peer[i].key, TNL_KEY_LEN), 0);
}
END_TEST

START_TEST(without_files_all_is_live)
{
	char text[1024];
	size_t len = put(text, 3, 3, 25);

	len += (size_t)sprintf(text + len, "errno=0\n\n");
	ck_assert_int_eq(client_finish(answered(text, len), &r), 0);
	ck_assert_uint_eq(r.count, 1);
	expect(3, 3, "", false, true, 25);
}
END_TEST

/* A daemon that takes one question, whose text is kept, and gives one answer. */
static char asked[1024];

static pid_t serve(const char *path, const char *text, int *report)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_STREAM, 0), pair[2];
	pid_t pid;

	strcpy(at.sun_path, path);
	unlink(path);
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&at, sizeof(at)), 0);
	ck_assert_int_eq(listen(listener, 1), 0);
	ck_assert_int_eq(pipe(pair), 0);
	pid = fork();
	if (!pid) {
		char buf[sizeof(asked)];
		int fd = accept(listener, NULL, NULL);
		ssize_t len = recv(fd, buf, sizeof(buf), 0);

		_exit(len < 0 || write(pair[1], buf, (size_t)len) != len ||
		      write(fd, text, strlen(text)) != (ssize_t)strlen(text));
	}
	close(listener);
	close(pair[1]);
	*report = pair[0];
	return pid;
}

START_TEST(a_question_names_its_peers)
{
	char path[] = "/tmp/test_tools_client.XXXXXX", sock[64], text[1024], hex[TEXT_HEX_KEY];
	struct net net[2] = { { .addr = { .family = 4, .ip = { 10, 8 } }, .bits = 16 },
			      { .addr = { .family = 6, .ip = { 0xfd, [15] = 7 } }, .bits = 128 } };
	uint8_t key[TNL_KEY_LEN];
	size_t len;
	int report, status;
	pid_t pid;

	save("saved", 5, 5);
	save("other", 6, 6);
	roster_sort(&r);
	/* The daemon tells of a peer as often as it is meant. */
	len = put(text, 5, 5, 25);
	len += put(text + len, 9, 9, 1);
	len += put(text + len, 9, 9, 1);
	sprintf(text + len, "errno=0\n\n");
	ck_assert_ptr_nonnull(mkdtemp(path));
	sprintf(sock, "%s/sock", path);
	pid = serve(sock, text, &report);
	key_of(5, 5, key);
	ck_assert_int_eq(client_ask(sock, key, net, 2, &r), 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	len = (size_t)read(report, asked, sizeof(asked) - 1);
	asked[len] = 0;
	close(report);
	unlink(sock);
	rmdir(path);
	text_key_to_hex(hex, key);
	sprintf(text, "get=1\npublic_key=%s\nallowed_ip=10.8.0.0/16\nallowed_ip=fd00::7/128\n\n", hex);
	ck_assert_str_eq(asked, text);
	ck_assert_uint_eq(r.count, 3);
	expect(5, 5, "saved", true, true, 25);
	expect(6, 6, "other", true, false, 0);
	expect(9, 9, "", false, true, 1);
	ck_assert_int_ne(client_ask(sock, key, net, 2, &r), 0);
}
END_TEST

START_TEST(an_answer_that_is_cut_is_none)
{
	char text[1024];
	size_t len = put(text, 3, 3, 25);

	ck_assert_int_ne(client_finish(answered(text, len), &r), 0);
	ck_assert_int_eq(client_finish(-ENOENT, &r), -ENOENT);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("tools_client");
	TCase *tc = tcase_create("all");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, keys_that_begin_alike_are_told_apart);
	tcase_add_test(tc, without_files_all_is_live);
	tcase_add_test(tc, a_question_names_its_peers);
	tcase_add_test(tc, an_answer_that_is_cut_is_none);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
