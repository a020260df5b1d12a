/* SPDX-License-Identifier: MIT */
/* The channel between parent and engine: what is said arrives, and what must not be said is refused without a trace. */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../tunneld/log.h"
#include "../../tunneld/msg.h"
#include "suite.h"

static int pair[2];

static void open_pair(void)
{
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
}

static void close_pair(void)
{
	close(pair[0]);
	close(pair[1]);
}

static unsigned open_descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;

	ck_assert_ptr_nonnull(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

/* Puts the bytes on the wire as a taken-over engine would. */
static void send_raw(const void *data, size_t len, unsigned fds)
{
	char buf[CMSG_SPACE((MSG_FDS + 1) * sizeof(int))] = { 0 };
	struct iovec iov = { .iov_base = (void *)data, .iov_len = len };
	struct msghdr hdr = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (fds) {
		struct cmsghdr *c;

		hdr.msg_control = buf;
		hdr.msg_controllen = CMSG_SPACE(fds * sizeof(int));
		c = CMSG_FIRSTHDR(&hdr);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(fds * sizeof(int));
		for (unsigned i = 0; i < fds; i++)
			memcpy(CMSG_DATA(c) + i * sizeof(int), &pair[0], sizeof(int));
	}
	ck_assert_int_eq(sendmsg(pair[0], &hdr, 0), (ssize_t)len);
}

START_TEST(msg_carries_body_and_descriptors)
{
	struct msg m = { .type = MSG_START, .fds = 3, .body.start = { .name = "wg0", .lanes = 1 } }, got;
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct stat a, b;

	m.fd[0] = fd;
	m.fd[1] = m.fd[2] = pair[0];
	ck_assert_int_eq(msg_send(pair[0], &m), 0);
	ck_assert_int_eq(msg_recv(pair[1], MSG_FROM_PARENT, &got), 1);
	ck_assert_uint_eq(got.type, MSG_START);
	ck_assert_uint_eq(got.fds, 3);
	ck_assert_mem_eq(&got.body.start, &m.body.start, sizeof(m.body.start));
	ck_assert_int_eq(fstat(fd, &a), 0);
	ck_assert_int_eq(fstat(got.fd[0], &b), 0);
	ck_assert_uint_eq(a.st_ino, b.st_ino);
	ck_assert_int_eq(fcntl(got.fd[0], F_GETFD), FD_CLOEXEC);
	close(fd);
	close(got.fd[0]);
	close(got.fd[1]);
}
END_TEST

START_TEST(msg_tells_nothing_there_from_the_end)
{
	struct msg got;

	ck_assert_int_eq(msg_recv(pair[1], MSG_FROM_PARENT, &got), -EAGAIN);
	shutdown(pair[0], SHUT_WR);
	ck_assert_int_eq(msg_recv(pair[1], MSG_FROM_PARENT, &got), 0);
}
END_TEST

START_TEST(msg_send_does_not_wait_for_one_who_does_not_read)
{
	struct msg m = { .type = MSG_ROUTES };
	int err = 0;

	for (unsigned i = 0; i < 100000 && !err; i++)
		err = msg_send(pair[0], &m);
	ck_assert_int_eq(err, -EAGAIN);
}
END_TEST

/* What an engine may say, bit by bit. */
static const struct {
	const char *claim;
	struct __attribute__((packed)) {
		uint32_t type;
		union msg_body body;
	} wire;
	size_t body_len;
	unsigned fds;
	int verdict;
} table[] = {
	{ "ready", { MSG_READY, { .ready = { "a cipher" } } }, sizeof(struct msg_ready), 0, 0 },
	{ "ready is short", { MSG_READY, { .ready = { "" } } }, 1, 0, -EPROTO },
	{ "ready brings nothing", { MSG_READY, { .ready = { "" } } }, sizeof(struct msg_ready), 1, -EPROTO },
	{ "ready with a line of its own", { MSG_READY, { .ready = { "x\nroot: y" } } }, sizeof(struct msg_ready), 0,
	  -EPROTO },
	{ "open", { MSG_OPEN, { .open = { .port = 51820, .fwmark = 7 } } }, sizeof(struct msg_open), 0, 0 },
	{ "open cut short", { MSG_OPEN, { .done = { 0 } } }, sizeof(struct msg_open) - 1, 0, -EPROTO },
	{ "open too long", { MSG_OPEN, { .done = { 0 } } }, sizeof(struct msg_open) + 1, 0, -EPROTO },
	{ "open with padding used", { MSG_OPEN, { .open = { .zero = 1 } } }, sizeof(struct msg_open), 0, -EPROTO },
	{ "mark", { MSG_MARK, { .mark = { .fwmark = 1 } } }, sizeof(struct msg_mark), 1, 0 },
	{ "mark of all", { MSG_MARK, { .done = { 0 } } }, sizeof(struct msg_mark), 2 * POOL_MAX, 0 },
	{ "mark of nothing", { MSG_MARK, { .done = { 0 } } }, sizeof(struct msg_mark), 0, -EPROTO },
	{ "mark of too many", { MSG_MARK, { .done = { 0 } } }, sizeof(struct msg_mark), 2 * POOL_MAX + 1, -EPROTO },
	{ "state", { MSG_STATE, { .state = { .cipher = "x", .up = 1 } } }, sizeof(struct msg_state), 0, 0 },
	{ "event", { MSG_EVENT, { .event = { .what = MSG_EVENT_ROAM } } }, sizeof(struct msg_event), 0, 0 },
	{ "event of no kind", { MSG_EVENT, { .event = { .what = MSG_EVENTS } } }, sizeof(struct msg_event), 0,
	  -EPROTO },
	{ "state without the end of a string", { MSG_STATE, { .state = { .cipher = "123456789012345678901234" } } },
	  sizeof(struct msg_state), 0, -EPROTO },
	{ "what only the parent says", { MSG_STOP, { .done = { 0 } } }, 0, 0, -EPROTO },
	{ "type 0", { 0, { .done = { 0 } } }, 0, 0, -EPROTO },
	{ "type beyond the last", { MSG_TYPES, { .done = { 0 } } }, 0, 0, -EPROTO },
	{ "type of all ones", { UINT32_MAX, { .done = { 0 } } }, 0, 0, -EPROTO },
};

START_TEST(msg_from_engine_is_judged)
{
	unsigned before = open_descriptors();
	struct msg got;
	int n;

	send_raw(&table[_i].wire, sizeof(uint32_t) + table[_i].body_len, table[_i].fds);
	n = msg_recv(pair[1], MSG_FROM_ENGINE, &got);
	ck_assert_msg(n == (table[_i].verdict ? table[_i].verdict : 1), "%s: %d", table[_i].claim, n);
	for (unsigned i = 0; n == 1 && i < got.fds; i++)
		close(got.fd[i]);
	ck_assert_msg(open_descriptors() == before, "%s: descriptors leak", table[_i].claim);
}
END_TEST

START_TEST(msg_longer_than_any_is_refused)
{
	uint8_t big[4096] = { MSG_READY };
	struct msg got;

	send_raw(big, sizeof(big), 0);
	ck_assert_int_eq(msg_recv(pair[1], MSG_FROM_ENGINE, &got), -EPROTO);
	send_raw(big, 3, 0);
	ck_assert_int_eq(msg_recv(pair[1], MSG_FROM_ENGINE, &got), -EPROTO);
}
END_TEST

START_TEST(msg_from_parent_is_consistent)
{
	struct msg m = { .type = MSG_SOCKETS, .body.sockets = { .has4 = 1 } }, got;

	ck_assert_int_eq(msg_send(pair[0], &m), 0);	/* promises a socket, brings none */
	ck_assert_int_eq(msg_recv(pair[1], MSG_FROM_PARENT, &got), -EPROTO);
	m = (struct msg){ .type = MSG_SOCKETS, .body.sockets = { .has4 = 1, .has6 = 1 }, .fds = 3 };
	m.fd[0] = m.fd[1] = m.fd[2] = pair[0];
	ck_assert_int_eq(msg_send(pair[0], &m), 0);	/* a pair and a half */
	ck_assert_int_eq(msg_recv(pair[1], MSG_FROM_PARENT, &got), -EPROTO);
	m = (struct msg){ .type = MSG_SOCKETS };
	m.body.sockets.error = -EADDRINUSE;
	ck_assert_int_eq(msg_send(pair[0], &m), 0);
	ck_assert_int_eq(msg_recv(pair[1], MSG_FROM_PARENT, &got), 1);
	ck_assert_int_eq(got.body.sockets.error, -EADDRINUSE);
	m = (struct msg){ .type = MSG_START, .fds = 5, .fd = { pair[0], pair[0], pair[0], pair[0], pair[0] } };
	for (m.body.start.lanes = 0; m.body.start.lanes <= LANES + 1; m.body.start.lanes++) {
		bool fits = m.body.start.lanes == 1 || m.body.start.lanes == 3;	/* of three queues */

		ck_assert_int_eq(msg_send(pair[0], &m), 0);
		ck_assert_int_eq(msg_recv(pair[1], MSG_FROM_PARENT, &got), fits ? 1 : -EPROTO);
		for (unsigned i = 0; fits && i < got.fds; i++)
			close(got.fd[i]);
	}
	m.body.start.lanes = 1;
	memset(m.body.start.name, 'x', sizeof(m.body.start.name));
	ck_assert_int_eq(msg_send(pair[0], &m), 0);	/* a name without end */
	ck_assert_int_eq(msg_recv(pair[1], MSG_FROM_PARENT, &got), -EPROTO);
	m.body.start = (struct msg_start){ .name = "wg0", .level = LEVEL_DEBUG + 1 };
	ck_assert_int_eq(msg_send(pair[0], &m), 0);	/* to say more than there is */
	ck_assert_int_eq(msg_recv(pair[1], MSG_FROM_PARENT, &got), -EPROTO);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("tunneld msg");
	TCase *t = tcase_create("msg");

	tcase_add_checked_fixture(t, open_pair, close_pair);
	tcase_add_test(t, msg_carries_body_and_descriptors);
	tcase_add_test(t, msg_tells_nothing_there_from_the_end);
	tcase_add_test(t, msg_send_does_not_wait_for_one_who_does_not_read);
	tcase_add_loop_test(t, msg_from_engine_is_judged, 0, (int)(sizeof(table) / sizeof(table[0])));
	tcase_add_test(t, msg_longer_than_any_is_refused);
	tcase_add_test(t, msg_from_parent_is_consistent);
	suite_add_tcase(s, t);
	return suite_run(s);
}
