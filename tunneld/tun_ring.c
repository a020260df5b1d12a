/* SPDX-License-Identifier: MIT */
/*
 * A queue that is empty must say so at once and not be waited for: O_NONBLOCK does not tell io_uring that, which would
 * wait as poll() does, but RWF_NOWAIT does. Kernels that do not know it of a TUN device refuse it, so one read tells.
 * All requests of a call are therefore finished when it returns, in their order.
 */
#include "tun_ring.h"

#include <errno.h>
#include <string.h>

static uint8_t *packet_at(uint8_t *mem, unsigned i)
{
	return mem + i * (size_t)TUN_RING_SLOT + TUN_LINE;
}

static void ask(struct tun_ring *r, int tun, uint8_t *to, size_t len, unsigned i)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&r->io);

	io_uring_prep_read(sqe, tun, to, (unsigned)len, 0);
	sqe->rw_flags = RWF_NOWAIT;
	sqe->user_data = i;
	r->len[i] = -EAGAIN;
}

/* False: not all of `asked` were answered. */
static bool collect(struct tun_ring *r, unsigned asked)
{
	int submitted = io_uring_submit(&r->io);
	unsigned seen = 0, head;
	struct io_uring_cqe *cqe;

	io_uring_for_each_cqe(&r->io, head, cqe) {
		r->len[cqe->user_data] = cqe->res;
		seen++;
	}
	io_uring_cq_advance(&r->io, seen);
	return submitted == (int)asked && seen == asked;
}

bool tun_ring_read(struct tun_ring *r, int tun, uint8_t *mem)
{
	for (unsigned i = 0; i < TUN_RING_READS; i++)
		ask(r, tun, packet_at(mem, i) - r->room, r->room + TUN_PACKET_MAX, i);
	return collect(r, TUN_RING_READS);
}

ssize_t tun_ring_packet(const struct tun_ring *r, uint8_t *mem, unsigned i, struct virtio_net_hdr *ret, uint8_t **buf)
{
	ssize_t n = r->len[i];

	*buf = packet_at(mem, i);
	memset(ret, 0, sizeof(*ret));
	if (n < 0)
		return n;
	if ((size_t)n < r->room)
		return -EINVAL;
	memcpy(ret, *buf - r->room, r->room);
	return n - (ssize_t)r->room;
}

/* The kernel holds the ring to this before it takes the first request. */
static int restrict_to_reading(struct io_uring *io)
{
	struct io_uring_restriction only = { .opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_READ };
	unsigned fd = (unsigned)io->ring_fd;
	int err = io_uring_register(fd, IORING_REGISTER_RESTRICTIONS, &only, 1);

	return err != 0 ? err : io_uring_register(fd, IORING_REGISTER_ENABLE_RINGS, NULL, 0);
}

/* 0: the queue is empty, and the kernel knows how to say so. */
static int try(struct tun_ring *r, int tun)
{
	uint8_t ignored[1];

	ask(r, tun, ignored, sizeof(ignored), 0);
	if (!collect(r, 1))
		return -EIO;
	return r->len[0] < 0 && r->len[0] != -EAGAIN ? (int)r->len[0] : 0;
}

bool tun_ring_open(struct tun_ring *r, int tun, const struct tun_info *info)
{
	int err = io_uring_queue_init(TUN_RING_READS, &r->io, IORING_SETUP_R_DISABLED);

	if (err == 0) {
		r->room = info->vnet ? TUN_ROOM : 0;
		err = restrict_to_reading(&r->io);
		if (err == 0)
			err = try(r, tun);
		if (err == 0)
			return true;
		tun_ring_close(r);
	}
	errno = -err;
	return false;
}

void tun_ring_close(struct tun_ring *r)
{
	io_uring_queue_exit(&r->io);
}
