/* SPDX-License-Identifier: MIT */
/* The engine's question to a parent that is slow to read: a thread here, at the other end of the channel. */
#include <check.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../tunneld/device.h"
#include "suite.h"

static int channel[2];
static struct device device;

static void set_up(void)
{
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel), 0);
	device = (struct device){ .channel = channel[0], .up = true };
	device_start(&device);
}

static void tear_down(void)
{
	close(channel[0]);
	close(channel[1]);
}

/* Reads what is there, up to the question, and answers that: the port is taken. */
static void *answer_late(void *arg)
{
	const struct msg answer = { .type = MSG_SOCKETS, .body.sockets.error = -EADDRINUSE };
	struct pollfd p = { .fd = channel[1], .events = POLLIN };
	struct msg m = { .type = MSG_ALIVE };

	(void)arg;
	while (m.type != MSG_OPEN && poll(&p, 1, 10000) == 1)
		if (msg_recv(channel[1], MSG_FROM_ENGINE, &m) != 1)
			break;
	if (m.type == MSG_OPEN)
		msg_send(channel[1], &answer);
	return NULL;
}

START_TEST(a_question_waits_for_room_in_the_channel)
{
	const struct msg news = { .type = MSG_ALIVE };
	unsigned sent = 0;
	pthread_t parent;
	int err;

	while ((err = msg_send(channel[0], &news)) == 0)
		sent++;
	ck_assert_int_eq(err, -EAGAIN);
	ck_assert_uint_gt(sent, 10);
	ck_assert_int_eq(pthread_create(&parent, NULL, answer_late, NULL), 0);
	ck_assert_int_eq(device_set_sockets(&device, 1001, 0), -EADDRINUSE);
	ck_assert_int_eq(pthread_join(parent, NULL), 0);
	ck_assert(!device.pending.stop);
}
END_TEST

START_TEST(without_a_parent_it_is_over)
{
	shutdown(channel[1], SHUT_RDWR);
	ck_assert_int_lt(device_set_sockets(&device, 1001, 0), 0);
	ck_assert(device.pending.stop);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("device");
	TCase *t = tcase_create("device");

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, a_question_waits_for_room_in_the_channel);
	tcase_add_test(t, without_a_parent_it_is_over);
	suite_add_tcase(s, t);
	return suite_run(s);
}
