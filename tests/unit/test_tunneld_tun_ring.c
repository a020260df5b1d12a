/* SPDX-License-Identifier: MIT */
/* Many packets in one call, from a socket pair that plays the TUN queue. Where there is no ring there is no test. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../tunneld/tun_ring.h"
#include "suite.h"

static _Alignas(TUN_LINE) uint8_t mem[TUN_RING_READS][TUN_RING_SLOT];
static struct tun_ring ring;
static int queue, host;

/* False: this kernel, or whoever runs us, has none. It may not be lost for another reason. */
static bool open_ring(bool vnet)
{
	int fd[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, fd), 0);
	queue = fd[0];
	host = fd[1];
	if (tun_ring_open(&ring, queue, &(struct tun_info) { .vnet = vnet }))
		return true;
	ck_assert_msg(errno == ENOSYS || errno == EPERM || errno == EOPNOTSUPP, "%s", strerror(errno));
	return false;
}

static void close_ring(void)
{
	tun_ring_close(&ring);
	close(queue);
	close(host);
}

static void host_sends(const char *text)
{
	ck_assert_int_eq(write(host, text, strlen(text)), (ssize_t)strlen(text));
}

static void holds(unsigned i, const char *text)
{
	struct virtio_net_hdr hdr;
	uint8_t *buf;

	ck_assert_int_eq(tun_ring_packet(&ring, mem[0], i, &hdr, &buf), (ssize_t)strlen(text));
	ck_assert_mem_eq(buf, text, strlen(text));
	ck_assert_uint_eq((uintptr_t)buf % TUN_LINE, 0);
}

static void is_empty(unsigned i)
{
	struct virtio_net_hdr hdr;
	uint8_t *buf;

	ck_assert_int_eq(tun_ring_packet(&ring, mem[0], i, &hdr, &buf), -EAGAIN);
}

START_TEST(what_waits_comes_in_order)
{
	char text[16];

	if (!open_ring(false))
		return;
	for (unsigned round = 0; round < 5; round++) {
		for (unsigned i = 0; i < TUN_RING_READS + 6; i++) {
			snprintf(text, sizeof(text), "packet %u", i);
			host_sends(text);
		}
		ck_assert(tun_ring_read(&ring, queue, mem[0]));
		for (unsigned i = 0; i < TUN_RING_READS; i++) {
			snprintf(text, sizeof(text), "packet %u", i);
			holds(i, text);
		}
		ck_assert(tun_ring_read(&ring, queue, mem[0]));
		holds(5, "packet 21");
		is_empty(6);
		is_empty(TUN_RING_READS - 1);
		ck_assert(tun_ring_read(&ring, queue, mem[0]));
		is_empty(0);
	}
	close_ring();
}
END_TEST

/* The one who waits would get it otherwise, whenever it comes. */
START_TEST(nothing_is_read_after_the_call)
{
	uint8_t got[16];

	if (!open_ring(false))
		return;
	ck_assert(tun_ring_read(&ring, queue, mem[0]));
	is_empty(0);
	host_sends("late");
	ck_assert_int_eq(read(queue, got, sizeof(got)), 4);
	close_ring();
}
END_TEST

START_TEST(headers_are_taken_apart)
{
	struct virtio_net_hdr hdr = { .gso_size = 1234 };
	uint8_t packet[sizeof(hdr) + 5], *buf;

	if (!open_ring(true))
		return;
	memcpy(packet, &hdr, sizeof(hdr));
	memcpy(packet + sizeof(hdr), "bytes", 5);
	ck_assert_int_eq(write(host, packet, sizeof(packet)), sizeof(packet));
	host_sends("short");
	ck_assert(tun_ring_read(&ring, queue, mem[0]));
	holds(0, "bytes");
	ck_assert_int_eq(tun_ring_packet(&ring, mem[0], 0, &hdr, &buf), 5);
	ck_assert_uint_eq(hdr.gso_size, 1234);
	ck_assert_int_eq(tun_ring_packet(&ring, mem[0], 1, &hdr, &buf), -EINVAL);
	is_empty(2);
	close_ring();
}
END_TEST

START_TEST(it_can_only_read)
{
	struct io_uring_cqe *cqe;
	struct io_uring_sqe *sqe;

	if (!open_ring(false))
		return;
	sqe = io_uring_get_sqe(&ring.io);
	io_uring_prep_write(sqe, queue, "no", 2, 0);
	io_uring_submit(&ring.io);
	ck_assert_int_eq(io_uring_peek_cqe(&ring.io, &cqe), 0);
	ck_assert_int_eq(cqe->res, -EACCES);
	ck_assert_int_lt(io_uring_register_files(&ring.io, &queue, 1), 0);
	io_uring_cqe_seen(&ring.io, cqe);
	close_ring();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("tun_ring");
	TCase *t = tcase_create("tun_ring");

	tcase_add_test(t, what_waits_comes_in_order);
	tcase_add_test(t, nothing_is_read_after_the_call);
	tcase_add_test(t, headers_are_taken_apart);
	tcase_add_test(t, it_can_only_read);
	suite_add_tcase(s, t);
	return suite_run(s);
}
