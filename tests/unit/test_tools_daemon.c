/* SPDX-License-Identifier: MIT */
/* The control socket's client against a server that says what it likes: lines in any pieces, none, or no lines. */
#include "../../tools/daemon.h"
#include "suite.h"

#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static char dir[64], path[96];
static pid_t server;

/* Serves one client: reads its request, then says each of the pieces. stay: does not end after the last. */
static void serve(const char *const piece[], bool stay)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&un, sizeof(un)), 0);
	ck_assert_int_eq(listen(listener, 1), 0);
	server = fork();
	ck_assert_int_ge(server, 0);
	if (server == 0) {
		int fd = accept(listener, NULL, NULL);
		char request[256];
		ssize_t n = read(fd, request, sizeof(request));

		if (n < 1 || request[n - 1] != '\n' || !memmem(request, (size_t)n, "\"do\":\"state\"", 12))
			_exit(1);
		for (; *piece; piece++) {
			if (send(fd, *piece, strlen(*piece), MSG_NOSIGNAL) < 0)
				break;
			usleep(2000);
		}
		if (stay)
			pause();
		_exit(0);
	}
	close(listener);
}

static void set_up(void)
{
	strcpy(dir, "/tmp/tunctl-daemon-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/sock", dir);
	server = 0;
}

static void tear_down(void)
{
	if (server) {
		kill(server, SIGKILL);
		waitpid(server, NULL, 0);
	}
	unlink(path);
	rmdir(dir);
}

START_TEST(daemon_line_is_put_together_from_pieces)
{
	static const char *const pieces[] = { "{\"v\":1,", "\"n\":1}", "\n{\"v\":1,\"n\":2}\n{\"n\"", ":3}\n", NULL };
	struct daemon *d;
	json_t *o;

	serve(pieces, false);
	ck_assert_int_eq(daemon_open(path, &d), 0);
	ck_assert_int_eq(daemon_send(d, "state"), 0);
	for (int i = 1; i <= 3; i++) {
		ck_assert_int_eq(daemon_line(d, 5000, &o), 0);
		ck_assert_int_eq(json_integer_value(json_object_get(o, "n")), i);
		json_decref(o);
	}
	ck_assert_int_eq(daemon_line(d, 5000, &o), -ECONNRESET);
	daemon_close(d);
}
END_TEST

START_TEST(daemon_silence_ends_in_time)
{
	static const char *const pieces[] = { "{\"v\":1", NULL };
	struct daemon *d;
	json_t *o;

	serve(pieces, true);
	ck_assert_int_eq(daemon_ask(path, "state", 50, &o), -ETIMEDOUT);
	ck_assert_int_eq(daemon_open("/nowhere/at/all", &d), -ENOENT);
}
END_TEST

START_TEST(daemon_other_lines_are_refused)
{
	static const char *const pieces[] = { "[1]\n", NULL };
	json_t *o;

	serve(pieces, true);
	ck_assert_int_eq(daemon_ask(path, "state", 5000, &o), -EPROTO);
}
END_TEST

/* Escape sequences of a terminal, at any depth: C0, C1 as UTF-8, bytes that are no characters; also in names. */
START_TEST(daemon_text_is_clean)
{
	static const char *const pieces[] = {
		"{\"v\":1,\"a\":\"\\u001b[31m\\u009b1m\\u00e9\\n\",",
		"\"b\":[[\"\\u007f\"],{\"c\":\"\\u0007\"}],\"\\u001b\":1,\"\\u009b\":2,",
		"\"o\":{\"\\n\":3,\"d\":4}}\n", NULL,
	};
	json_t *o, *want = json_pack("{s:i, s:s, s:[[s], {s:s}], s:{s:i}}", "v", 1, "a", "?[31m??1m\xc3\xa9?", "b", "?",
				     "c", "?", "o", "d", 4);

	serve(pieces, false);
	ck_assert_int_eq(daemon_ask(path, "state", 5000, &o), 0);
	ck_assert(json_equal(o, want));
	json_decref(o);
	json_decref(want);
}
END_TEST

START_TEST(daemon_line_without_end_is_refused)
{
	static char much[DAEMON_LINE_MAX + 65536 + 1];
	const char *const pieces[] = { much, NULL };
	json_t *o;

	memset(much, ' ', sizeof(much) - 1);
	serve(pieces, true);
	ck_assert_int_eq(daemon_ask(path, "state", 20000, &o), -EPROTO);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("tools daemon");
	TCase *c = tcase_create("daemon");

	tcase_add_checked_fixture(c, set_up, tear_down);
	tcase_add_test(c, daemon_line_is_put_together_from_pieces);
	tcase_add_test(c, daemon_silence_ends_in_time);
	tcase_add_test(c, daemon_other_lines_are_refused);
	tcase_add_test(c, daemon_text_is_clean);
	tcase_add_test(c, daemon_line_without_end_is_refused);
	suite_add_tcase(s, c);
	return suite_run(s);
}
