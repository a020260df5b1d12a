/* SPDX-License-Identifier: MIT */
/* The UAPI server over real sockets: whole transactions or nothing, whatever clients do. The interface stays down, so
 * no worker and no parent are needed. */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "../../tunneld/control.h"
#include "suite.h"
#include "vectors.h"

#define K1 "1111111111111111111111111111111111111111111111111111111111111111"
#define K2 "2222222222222222222222222222222222222222222222222222222222222222"
#define K3 "3333333333333333333333333333333333333333333333333333333333333333"

static struct device device;
static struct control *control;
static void *region;
static int epoll, listener, names;
static struct sockaddr_un address;
static socklen_t address_len;

static void fill_random(void *ctx, void *dst, size_t len)
{
	(void)ctx;
	randombytes_buf(dst, len);
}

static void set_up(void)
{
	static const struct tnl_env env = { .random = fill_random };

	ck_assert_int_ge(sodium_init(), 0);
	device = (struct device){
		.limits = { .peers = 64, .sessions = 64, .prefixes = 128, .workers = 1 },
		.channel = -1,
	};
	device_start(&device);
	region = aligned_alloc(64, (tnl_footprint(&device.limits) + 63) / 64 * 64);
	memset(region, 0, tnl_footprint(&device.limits));
	device.tnl = tnl_init(region, &device.limits, &env);
	ck_assert_ptr_nonnull(device.tnl);
	/* An address that the kernel chooses, in no file system. */
	address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	address_len = sizeof(address);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, sizeof(sa_family_t)), 0);
	ck_assert_int_eq(listen(listener, 1024), 0);
	ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&address, &address_len), 0);
	epoll = epoll_create1(EPOLL_CLOEXEC);
	names = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	control = control_new(&device, epoll, listener, names);
	ck_assert_ptr_nonnull(control);
}

static void tear_down(void)
{
	control_free(control);
	close(epoll);
	close(listener);
	close(names);
	tnl_wipe(device.tnl);
	free(region);
}

/* Everything that is due now. */
static void run(void)
{
	struct epoll_event ev[64];
	int n;

	for (unsigned turn = 0; turn < 100000 && (n = epoll_wait(epoll, ev, 64, 0)) > 0; turn++)
		for (int i = 0; i < n; i++)
			control_event(control, ev[i].data.u64, ev[i].events);
}

static int join(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, address_len), 0);
	run();
	return fd;
}

static const char *receive(int fd)
{
	static char text[1 << 16];
	size_t len = 0;
	ssize_t n;

	run();
	while ((n = recv(fd, text + len, sizeof(text) - 1 - len, 0)) > 0) {
		len += (size_t)n;
		run();
	}
	text[len] = 0;
	return text;
}

static void say(int fd, const char *text)
{
	ck_assert_int_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
	run();
}

/* One client's one request. */
static const char *ask(const char *text)
{
	int fd = join();
	const char *answer;

	say(fd, text);
	answer = receive(fd);
	close(fd);
	run();
	return answer;
}

static char *state(void)
{
	return strdup(ask("get=1\n\n"));
}

START_TEST(control_a_set_shows_in_a_get)
{
	char *got;

	ck_assert_str_eq(ask("set=1\nlisten_port=77\nfwmark=5\npublic_key=" K1 "\nallowed_ip=10.1.2.3/8\n"
			     "endpoint=192.0.2.1:9\npersistent_keepalive_interval=25\n\n"), "errno=0\n\n");
	got = state();
	ck_assert_ptr_nonnull(strstr(got, "listen_port=77\nfwmark=5\npublic_key=" K1 "\n"));
	ck_assert_ptr_nonnull(strstr(got, "\nallowed_ip=10.0.0.0/8\n"));
	ck_assert_ptr_nonnull(strstr(got, "\nendpoint=192.0.2.1:9\n"));
	ck_assert_ptr_nonnull(strstr(got, "\npersistent_keepalive_interval=25\n"));
	ck_assert_str_eq(got + strlen(got) - strlen("errno=0\n\n"), "errno=0\n\n");
	free(got);
}
END_TEST

/* The peers of an answer, in its order, by the last digit of their key. */
static const char *peers_of(const char *answer)
{
	static char ret[64];
	size_t count = 0;

	while ((answer = strstr(answer, "public_key="))) {
		answer += strlen("public_key=");
		ret[count++] = answer[63];
	}
	ret[count] = 0;
	return ret;
}

START_TEST(control_a_get_is_narrowed)
{
	const char *answer;

	ask("set=1\nlisten_port=77\npublic_key=" K1 "\nallowed_ip=10.0.0.0/8\nallowed_ip=10.0.0.1/32\n"
	    "public_key=" K2 "\nallowed_ip=10.0.0.2/32\nallowed_ip=fd00::/64\n\n");
	answer = ask("get=1\npublic_key=" K1 "\n\n");
	ck_assert_str_eq(peers_of(answer), "1");
	ck_assert_ptr_nonnull(strstr(answer, "listen_port=77\n"));
	ck_assert_ptr_nonnull(strstr(answer, "allowed_ip=10.0.0.1/32\n"));
	ck_assert_ptr_nonnull(strstr(answer, "\nerrno=0\n\n"));
	ck_assert_str_eq(ask("get=1\nallowed_ip=10.0.0.3/32\npublic_key=" K3 "\n\n"),
			 "listen_port=77\nerrno=0\n\n");
	/* exactly the network, and as often as meant */
	ck_assert_str_eq(peers_of(ask("get=1\nallowed_ip=10.0.0.0/8\nallowed_ip=10.0.0.0/9\n"
				      "allowed_ip=fd00::1/64\nallowed_ip=fd00::/63\n\n")), "12");
	ck_assert_str_eq(peers_of(ask("get=1\nallowed_ip=10.0.0.1/32\npublic_key=" K1 "\n\n")), "11");
	/* nothing of one request stays for the next */
	ck_assert_str_eq(ask("get=1\npublic_key=" K1 "\nremove=true\n\n"), "errno=-22\n\n");
	ck_assert_uint_eq(strlen(peers_of(ask("get=1\n\n"))), 2);
	ck_assert_uint_eq(strlen(peers_of(ask("get=1\npublic_key=" K1 "\n\nget=1\n\n"))), 3);
}
END_TEST

START_TEST(control_a_long_question_is_answered_in_slices)
{
	enum { LINES = 6000 };	/* of more than one slice, and less than a socket holds */
	char *text = malloc(LINES * 40 + 1000);
	size_t len;

	ask("set=1\nlisten_port=77\npublic_key=" K1 "\nallowed_ip=10.0.0.0/8\n\n");
	len = (size_t)sprintf(text, "get=1\nallowed_ip=10.0.0.0/8\n");
	for (int i = 0; i < LINES; i++)
		len += (size_t)sprintf(text + len, "allowed_ip=10.9.%d.%d/32\n", i / 256, i % 256);
	sprintf(text + len, "public_key=" K1 "\n\n");
	ck_assert_str_eq(peers_of(ask(text)), "11");
	free(text);
}
END_TEST

START_TEST(control_one_bad_line_and_nothing_has_happened)
{
	char *before, *after;

	ask("set=1\nlisten_port=77\npublic_key=" K1 "\nallowed_ip=10.0.0.0/8\n\n");
	before = state();
	ck_assert_str_eq(
		ask("set=1\nlisten_port=78\nreplace_peers=true\npublic_key=" K2 "\nallowed_ip=10.0.0.0/33\n\n"),
		"errno=-22\n\n");
	after = state();
	ck_assert_str_eq(before, after);
	free(before);
	free(after);
}
END_TEST

START_TEST(control_beyond_a_limit_nothing_has_happened)
{
	char text[8192] = "set=1\nreplace_peers=true\n";
	char *before, *after;

	ask("set=1\npublic_key=" K1 "\nallowed_ip=10.0.0.0/8\n\n");
	before = state();
	for (unsigned i = 0; i < 65; i++)
		sprintf(text + strlen(text), "public_key=%064x\n", i + 1);
	strcat(text, "\n");
	ck_assert_str_eq(ask(text), "errno=-28\n\n");
	after = state();
	ck_assert_str_eq(before, after);
	free(before);
	free(after);
}
END_TEST

START_TEST(control_own_key_unknown_and_removed_peers_are_passed_over)
{
	uint8_t priv[32] = { 1 }, pub[32];
	char hex[65], text[512], *got;

	crypto_scalarmult_base(pub, priv);
	sodium_bin2hex(hex, sizeof(hex), pub, sizeof(pub));
	snprintf(text, sizeof(text), "set=1\nprivate_key=01%062d\npublic_key=%s\nallowed_ip=10.0.0.0/8\n\n", 0, hex);
	ck_assert_str_eq(ask(text), "errno=0\n\n");
	ck_assert_str_eq(ask("set=1\npublic_key=" K1 "\nupdate_only=true\nallowed_ip=10.0.0.0/8\n\n"), "errno=0\n\n");
	ck_assert_str_eq(ask("set=1\npublic_key=" K2 "\nremove=true\n\n"), "errno=0\n\n");
	got = state();
	ck_assert_ptr_null(strstr(got, "public_key="));
	ck_assert_ptr_nonnull(strstr(got, "private_key="));
	free(got);
}
END_TEST

START_TEST(control_prefixes_take_effect_in_order)
{
	char *got;

	ask("set=1\npublic_key=" K1 "\nallowed_ip=10.0.0.0/8\nallowed_ip=-10.0.0.0/8\nallowed_ip=11.0.0.0/8\n"
	    "public_key=" K2 "\nallowed_ip=-11.0.0.0/8\nallowed_ip=12.0.0.0/8\nreplace_allowed_ips=true\n\n");
	got = state();
	ck_assert_ptr_nonnull(strstr(got, "allowed_ip=11.0.0.0/8"));
	ck_assert_ptr_null(strstr(got, "allowed_ip=10."));
	ck_assert_ptr_null(strstr(got, "allowed_ip=12."));
	free(got);
}
END_TEST

START_TEST(control_requests_may_come_byte_by_byte_and_one_after_the_other)
{
	const char *text = "set=1\nlisten_port=7\n\nget=1\n\nset=1\nnonsense\n\nset=1\n\n";
	int fd = join();

	for (size_t i = 0; text[i]; i++)
		say(fd, (char[]){ text[i], 0 });
	ck_assert_str_eq(receive(fd), "errno=0\n\nlisten_port=7\nerrno=0\n\nerrno=-71\n\nerrno=0\n\n");
	close(fd);
}
END_TEST

START_TEST(control_answers_one_who_has_stopped_to_speak)
{
	int fd = join();
	char byte;

	ck_assert_int_eq(send(fd, "get=1\n\n", 7, 0), 7);
	shutdown(fd, SHUT_WR);
	ck_assert_str_eq(receive(fd), "errno=0\n\n");
	ck_assert_int_eq(recv(fd, &byte, 1, 0), 0);	/* and lets go */
	close(fd);
}
END_TEST

START_TEST(control_nobody_waits_for_idle_half_or_deaf_clients)
{
	int fds[210];

	for (unsigned i = 0; i < 210; i++) {
		fds[i] = join();
		if (i >= 200)
			say(fds[i], "set=1\nfwmark=6\n");
		for (unsigned k = 0; i >= 205 && k < 100000; k++) {
			if (send(fds[i], "\nget=1\n", 7, MSG_NOSIGNAL) < 0)
				break;
			run();
		}
	}
	/* Five of the halves ended their set after all; the others' is not in force anyway. */
	ck_assert_str_eq(ask("set=1\nfwmark=9\n\n"), "errno=0\n\n");
	ck_assert_str_eq(ask("get=1\n\n"), "fwmark=9\nerrno=0\n\n");
	for (unsigned i = 0; i < 210; i++)
		close(fds[i]);
	run();
	ck_assert_str_eq(ask("get=1\n\n"), "fwmark=9\nerrno=0\n\n");
}
END_TEST

START_TEST(control_a_late_reader_gets_every_answer)
{
	char text[8192] = "set=1\n", chunk[4096];
	char last = 0;
	unsigned ends = 0;
	ssize_t n;
	int fd;

	for (unsigned i = 0; i < 60; i++)
		sprintf(text + strlen(text), "public_key=%064x\n", i + 1);
	strcat(text, "\n");
	ck_assert_str_eq(ask(text), "errno=0\n\n");
	fd = join();
	for (unsigned i = 0; i < 100; i++)	/* 1.5 MB of answers: more than the kernel holds */
		say(fd, "get=1\n\n");
	/* The only blank lines are those at the ends of answers. */
	while ((n = recv(fd, chunk, sizeof(chunk), 0)) > 0) {
		for (ssize_t i = 0; i < n; last = chunk[i++])
			ends += chunk[i] == '\n' && last == '\n';
		run();
	}
	ck_assert_int_eq(n, -1);	/* nothing more, but not the end */
	ck_assert_uint_eq(ends, 100);
	ck_assert_str_eq(ask("set=1\n\n"), "errno=0\n\n");
	close(fd);
}
END_TEST

START_TEST(control_the_silent_one_gives_way_when_there_is_no_place)
{
	static int fds[600];
	char byte;

	for (unsigned i = 0; i < 600; i++) {
		fds[i] = join();
		say(fds[0], "get=1\n\n");	/* speaks again and again, and stays */
		ck_assert_str_eq(receive(fds[0]), "errno=0\n\n");
	}
	ck_assert_int_eq(recv(fds[1], &byte, 1, 0), 0);
	say(fds[599], "get=1\n\n");
	ck_assert_str_eq(receive(fds[599]), "errno=0\n\n");
	for (unsigned i = 0; i < 600; i++)
		close(fds[i]);
}
END_TEST

/* A set so long that it is done in slices: first K1 is gone, at the end there is K2. */
static char *long_set(void)
{
	char *text = malloc(1 << 18), *at = text;

	at += sprintf(at, "set=1\n");
	for (unsigned i = 0; i < 9000; i++)
		at += sprintf(at, "replace_peers=true\n");
	sprintf(at, "public_key=" K2 "\n\n");
	return text;
}

START_TEST(control_a_get_between_the_slices_of_a_set_waits_for_its_end)
{
	char *text = long_set(), *before, *after = NULL;
	struct epoll_event ev[64];
	unsigned gets = 0;
	int fd, n;

	ask("set=1\npublic_key=" K1 "\n\n");
	before = state();
	fd = join();
	ck_assert_int_eq(send(fd, text, strlen(text), 0), (ssize_t)strlen(text));
	for (; !after && gets < 1000; gets++) {
		int other = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		char *seen = malloc(1 << 16);
		ssize_t len = -1;

		ck_assert_int_eq(connect(other, (struct sockaddr *)&address, address_len), 0);
		ck_assert_int_eq(send(other, "get=1\n\n", 7, 0), 7);
		for (int turn = 0; turn < 100 && len < 0; turn++) {
			n = epoll_wait(epoll, ev, 64, 0);
			for (int i = 0; i < n; i++)
				control_event(control, ev[i].data.u64, ev[i].events);
			len = recv(other, seen, (1 << 16) - 1, 0);
		}
		ck_assert_int_gt(len, 0);
		seen[len] = 0;
		close(other);
		if (strcmp(seen, before))
			after = seen;
		else
			free(seen);
	}
	run();
	ck_assert_ptr_nonnull(after);
	ck_assert_ptr_nonnull(strstr(after, "public_key=" K2));
	ck_assert_str_eq(receive(fd), "errno=0\n\n");
	ck_assert_uint_gt(gets, 1);
	close(fd);
	free(text);
	free(before);
	free(after);
}
END_TEST

START_TEST(control_a_set_in_slices_takes_effect_also_if_its_client_has_hung_up)
{
	char *text = long_set(), *now;
	int fd = join(), waits = join();

	ck_assert_int_eq(send(fd, text, strlen(text), 0), (ssize_t)strlen(text));
	ck_assert_int_eq(send(waits, "get=1\n\n", 7, 0), 7);
	close(fd);
	close(waits);
	run();
	now = state();
	ck_assert_ptr_nonnull(strstr(now, "public_key=" K2));
	free(now);
	free(text);
}
END_TEST

static void try_vectors(const char *which, bool good)
{
	json_t *root = vectors_load("uapi.json"), *lines, *line;
	size_t i, k;

	json_array_foreach(json_object_get(root, which), i, lines) {
		char text[1024] = "set=1\n", *before, *after;
		const char *answer;

		json_array_foreach(lines, k, line) {
			const char *s = json_string_value(line), *key = strstr(s, "=K");

			if (key)
				sprintf(text + strlen(text), "%.*s=%s\n", (int)(key - s), s, key[2] == '1' ? K1 : K2);
			else
				sprintf(text + strlen(text), "%s\n", s);
		}
		strcat(text, "\n");
		before = state();
		answer = ask(text);
		ck_assert_msg(!strcmp(answer, "errno=0\n\n") == good, "%s%s", text, answer);
		after = state();
		ck_assert_msg(good || !strcmp(before, after), "%shas changed something", text);
		free(before);
		free(after);
	}
	json_decref(root);
}

START_TEST(control_good_vectors_succeed)
{
	try_vectors("good", true);
}
END_TEST

START_TEST(control_bad_vectors_change_nothing)
{
	try_vectors("bad", false);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("tunneld control");
	TCase *t = tcase_create("control");

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, control_a_set_shows_in_a_get);
	tcase_add_test(t, control_a_get_is_narrowed);
	tcase_add_test(t, control_a_long_question_is_answered_in_slices);
	tcase_add_test(t, control_one_bad_line_and_nothing_has_happened);
	tcase_add_test(t, control_beyond_a_limit_nothing_has_happened);
	tcase_add_test(t, control_own_key_unknown_and_removed_peers_are_passed_over);
	tcase_add_test(t, control_prefixes_take_effect_in_order);
	tcase_add_test(t, control_requests_may_come_byte_by_byte_and_one_after_the_other);
	tcase_add_test(t, control_answers_one_who_has_stopped_to_speak);
	tcase_add_test(t, control_nobody_waits_for_idle_half_or_deaf_clients);
	tcase_add_test(t, control_a_get_between_the_slices_of_a_set_waits_for_its_end);
	tcase_add_test(t, control_a_set_in_slices_takes_effect_also_if_its_client_has_hung_up);
	tcase_add_test(t, control_a_late_reader_gets_every_answer);
	tcase_add_test(t, control_the_silent_one_gives_way_when_there_is_no_place);
	tcase_add_test(t, control_good_vectors_succeed);
	tcase_add_test(t, control_bad_vectors_change_nothing);
	suite_add_tcase(s, t);
	return suite_run(s);
}
