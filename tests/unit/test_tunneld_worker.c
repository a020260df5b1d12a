/* SPDX-License-Identifier: MIT */
/*
 * A worker between a socket pair that plays the TUN device and a UDP socket on the loopback that plays the peer. The
 * peer's side of the protocol, and the owner's of both, is the test's own thread.
 */
#include <check.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "../../tunneld/tx.h"
#include "../../tunneld/udp.h"
#include "../../tunneld/worker.h"
#include "packets.h"
#include "pair.h"
#include "suite.h"

static struct pair pair;
static struct udp_socks ours, theirs;
static struct worker *worker;
static struct crew crew;
static int tun[2], event;	/* tun[0] is the worker's */
static uint8_t received[UDP_BUF_LEN];

static struct tnl_path loopback(uint16_t port)
{
	return (struct tnl_path) { .remote = { .ip = { 127, 0, 0, 1 }, .port = port, .family = 4 } };
}

static void setup(void)
{
	struct worker_conf conf = { .info = { .uring = true }, .udp = { .gso = true } };
	struct timespec ts;

	crew.count = 0;
	pair_setup(&pair);
	/* The worker reads the real clock. */
	clock_gettime(CLOCK_BOOTTIME, &ts);
	pair.now.boot = (tnl_ns)ts.tv_sec * TNL_SEC + (tnl_ns)ts.tv_nsec;
	ck_assert_int_eq(udp_open(0, 0, 0, &ours), 0);
	ck_assert_int_eq(udp_open(0, 0, 0, &theirs), 0);
	pair.host[A].reached_at = loopback(ours.port);
	pair.host[B].reached_at = loopback(theirs.port);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, tun), 0);
	event = eventfd(0, EFD_NONBLOCK);
	conf.tnl = pair.host[A].t;
	conf.tun[0] = tun[0];
	conf.lanes = 1;
	conf.owner_event = event;
	conf.crew = &crew;
	worker = worker_new(&conf);
	ck_assert_ptr_nonnull(worker);
	ck_assert_int_eq(worker_start(worker), 0);
	worker_set_sockets(worker, &ours, NULL);
}

static void teardown(void)
{
	worker_stop(worker);
	worker_free(worker);
	udp_close(&ours);
	udp_close(&theirs);
	close(tun[0]);
	close(tun[1]);
	close(event);
	pair_teardown(&pair);
}

/* A bound for a worker that never does it, not a measure of how fast it is. */
static void wait_for(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	ck_assert_int_eq(poll(&p, 1, 10000), 1);
}

/* A large one, then two small ones, and so on: where one message for the kernel must end. */
static size_t make(uint32_t serial, uint8_t *dst)
{
	uint32_t payload = serial % 3 == 0 ? 300 : 100;

	return packet_make(&(struct packet) { .proto = 17, .ttl = 64, .from = serial, .payload = payload }, dst);
}

static void host_sends(uint32_t serial)
{
	uint8_t pkt[1000];
	size_t len = make(serial, pkt);

	ck_assert_int_eq(write(tun[1], pkt, len), (ssize_t)len);
}

/* Datagrams at the peer: they open to packets from, from + 1, ... until `to`. */
static void peer_gets(uint32_t from, uint32_t to)
{
	while (from < to) {
		struct udp_in in = { .buf = received };

		wait_for(theirs.fd4);
		ck_assert_uint_eq(udp_recv_batch(theirs.fd4, &in, 1), 1);
		for (uint32_t at = 0, len; at < in.len; at += len, from++) {
			uint8_t want[1000];
			size_t want_len = make(from, want);

			len = in.len - at < in.segment ? in.len - at : in.segment;
			ck_assert_int_eq(pair_receive(&pair, B, in.buf + at, len), TNL_PASS);
			ck_assert_mem_eq(in.buf + at + TNL_HEAD, want, want_len);
		}
	}
	ck_assert_uint_eq(from, to);
}

/* A's handshake when packets wait: they confirm the session, no keepalive does. */
static void handshake(void)
{
	struct tnl_msg msg;

	/* The round that asked for it is over when this returns. */
	worker_set_sockets(worker, &ours, NULL);
	pair_wait(&pair, TNL_SEC);
	ck_assert_uint_eq(pair_advance(&pair, A), 1);
	msg = pair.out[0];
	ck_assert_uint_eq(pair_deliver(&pair, B, &msg, false), 1);
	msg = pair.out[0];
	ck_assert_uint_eq(pair_deliver(&pair, A, &msg, false), 0);
	ck_assert_uint_eq(pair_advance(&pair, A), 0);
}

START_TEST(packets_wait_and_leave_in_order)
{
	for (uint32_t i = 0; i < 5; i++)
		host_sends(i);
	wait_for(event);	/* the worker wants a session */
	worker_ready(worker, pair.host[A].peer);	/* too early: they stay */
	handshake();
	/* It could go at once; it goes behind those that wait, with or without the owner's word. */
	host_sends(5);
	peer_gets(0, 6);
	worker_ready(worker, pair.host[A].peer);
	host_sends(6);
	peer_gets(6, 7);
}
END_TEST

/* More than a round takes: those after the first are read many at a time, where the kernel does that. */
START_TEST(a_crowd_leaves_in_order)
{
	int size = 4 << 20;

	ck_assert_int_eq(setsockopt(tun[1], SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)), 0);
	pair_handshake(&pair, A);
	worker_set_sockets(worker, NULL, NULL);
	for (uint32_t i = 0; i < 3 * TX_ROUND_READS - 10; i++)
		host_sends(i);
	worker_set_sockets(worker, &ours, NULL);
	peer_gets(0, 3 * TX_ROUND_READS - 10);
	host_sends(3);
	peer_gets(3, 4);
}
END_TEST

START_TEST(dropped_packets_do_not_come_back)
{
	host_sends(0);
	wait_for(event);
	worker_drop(worker, pair.host[A].peer);
	handshake();
	worker_ready(worker, pair.host[A].peer);
	host_sends(1);
	peer_gets(1, 2);
}
END_TEST

START_TEST(without_sockets_nothing_is_kept)
{
	host_sends(0);
	wait_for(event);
	worker_set_sockets(worker, NULL, NULL);
	handshake();
	worker_ready(worker, pair.host[A].peer);
	host_sends(1);
	peer_gets(1, 2);
}
END_TEST

START_TEST(what_the_peer_sends_reaches_the_host)
{
	struct tnl_path path = loopback(ours.port);
	uint8_t wire[2000], got[2000];
	size_t len;

	pair_handshake(&pair, A);
	for (size_t inner = 60; inner < 64; inner++) {
		ck_assert_int_eq(pair_send(&pair, B, inner, wire, &len), TNL_PASS);
		ck_assert_int_eq(udp_send(&theirs, &path, wire, len, 0), 0);
		wait_for(tun[1]);
		ck_assert_int_eq(read(tun[1], got, sizeof(got)), (ssize_t)inner);
		ck_assert_uint_eq(got[0] >> 4, 4);
	}
	/* A copy of the last is a replay; the one after it is not held up by that. */
	ck_assert_int_eq(udp_send(&theirs, &path, wire, len, 0), 0);
	ck_assert_int_eq(pair_send(&pair, B, 99, wire, &len), TNL_PASS);
	ck_assert_int_eq(udp_send(&theirs, &path, wire, len, 0), 0);
	wait_for(tun[1]);
	ck_assert_int_eq(read(tun[1], got, sizeof(got)), 99);
}
END_TEST

START_TEST(old_sockets_are_read_but_nothing_is_sent_from_them)
{
	struct tnl_path before = loopback(ours.port);
	struct udp_socks fresh;
	struct udp_in in = { .buf = received };
	uint8_t wire[2000], got[2000];
	size_t len;

	pair_handshake(&pair, A);
	ck_assert_int_eq(udp_open(0, 0, 0, &fresh), 0);
	worker_set_sockets(worker, &fresh, &ours);
	ck_assert_int_eq(pair_send(&pair, B, 60, wire, &len), TNL_PASS);
	ck_assert_int_eq(udp_send(&theirs, &before, wire, len, 0), 0);
	wait_for(tun[1]);
	ck_assert_int_eq(read(tun[1], got, sizeof(got)), 60);
	host_sends(0);
	wait_for(theirs.fd4);
	ck_assert_uint_eq(udp_recv_batch(theirs.fd4, &in, 1), 1);
	ck_assert_uint_eq(in.path.remote.port, fresh.port);

	worker_set_sockets(worker, &fresh, NULL);
	ck_assert_int_eq(pair_send(&pair, B, 60, wire, &len), TNL_PASS);
	ck_assert_int_eq(udp_send(&theirs, &before, wire, len, 0), 0);
	wait_for(ours.fd4);
	worker_set_sockets(worker, &ours, NULL);
	wait_for(tun[1]);
	udp_close(&fresh);
}
END_TEST

START_TEST(handshakes_are_the_owners)
{
	struct tnl_path path = loopback(ours.port);
	struct worker_dgram d;
	uint8_t wire[2000];
	size_t len;

	ck_assert(!worker_pop_control(worker, &d));
	pair_handshake(&pair, A);	/* B learns where A is */
	pair_wait(&pair, 200 * TNL_SEC);
	ck_assert_int_eq(pair_send(&pair, B, 60, wire, &len), TNL_WAIT);
	ck_assert_uint_eq(pair_advance(&pair, B), 1);
	ck_assert_int_eq(udp_send(&theirs, &path, "garbage", 7, 0), 0);
	ck_assert_int_eq(udp_send(&theirs, &path, pair.out[0].data, pair.out[0].len, 0), 0);
	wait_for(event);
	ck_assert_uint_eq(worker_control_depth(worker), 1);
	ck_assert(worker_pop_control(worker, &d));
	ck_assert_uint_eq(d.len, pair.out[0].len);
	ck_assert_mem_eq(d.data, pair.out[0].data, d.len);
	ck_assert_uint_eq(d.path.remote.port, theirs.port);
	ck_assert_uint_eq(d.path.local.family, 4);
	ck_assert(!worker_pop_control(worker, &d));
}
END_TEST

START_TEST(what_nobody_takes_is_answered)
{
	uint8_t pkt[1000], got[2000];
	size_t len = make(0, pkt);
	ssize_t n;

	pkt[19] = 77;
	ck_assert_int_eq(write(tun[1], pkt, len), (ssize_t)len);
	wait_for(tun[1]);
	n = read(tun[1], got, sizeof(got));
	ck_assert_int_eq(n, (ssize_t)len + 28);
	ck_assert_ptr_null(packet_fault(got, (size_t)n));
	ck_assert_uint_eq(got[20], 3);
}
END_TEST

START_TEST(a_worker_that_goes_round_says_so)
{
	for (unsigned i = 0; i < 3; i++) {
		uint64_t ticks;

		worker_ping(worker);
		worker_ping(worker);	/* one question is open at a time */
		while (!worker_alive(worker)) {
			wait_for(event);
			ck_assert_int_eq(read(event, &ticks, sizeof(ticks)), sizeof(ticks));
			worker_listen(worker);
		}
	}
}
END_TEST

START_TEST(more_commands_than_the_ring_holds)
{
	for (uint32_t i = 0; i < 100000; i++)
		worker_set_mtu(worker, 1000 + i % 400);
	worker_set_sockets(worker, &ours, NULL);
	pair_handshake(&pair, A);
	host_sends(0);
	peer_gets(0, 1);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("worker");
	TCase *t = tcase_create("worker");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, packets_wait_and_leave_in_order);
	tcase_add_test(t, a_crowd_leaves_in_order);
	tcase_add_test(t, dropped_packets_do_not_come_back);
	tcase_add_test(t, without_sockets_nothing_is_kept);
	tcase_add_test(t, what_the_peer_sends_reaches_the_host);
	tcase_add_test(t, old_sockets_are_read_but_nothing_is_sent_from_them);
	tcase_add_test(t, handshakes_are_the_owners);
	tcase_add_test(t, what_nobody_takes_is_answered);
	tcase_add_test(t, a_worker_that_goes_round_says_so);
	tcase_add_test(t, more_commands_than_the_ring_holds);
	suite_add_tcase(s, t);
	return suite_run(s);
}
