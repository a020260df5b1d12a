/* SPDX-License-Identifier: MIT */
/*
 * Many packets of a TUN queue in one system call, by io_uring. A read() for each is half of what a small packet costs
 * on its way out, and this halves that where many wait; those asked for in vain cost as much as those that are there.
 * Needs Linux 6.4; without it, or where an administrator has switched io_uring off, packets are read one by one.
 *
 * The ring can do nothing but read, and only from descriptors its process has, which read() could as well. It holds no
 * reference to the queue between two calls, so the interface goes when the queue is closed. One thread.
 */
#ifndef TUN_RING_H
#define TUN_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <liburing.h>

#include "tun.h"

enum {
	TUN_RING_READS = 16,	/* packets in a call: where fewer wait, the rest is asked in vain */
	TUN_RING_SLOT = TUN_LINE + TUN_PACKET_MAX + 1,
};

struct tun_ring {
	struct io_uring io;
	size_t room;			/* bytes of a packet's header */
	ssize_t len[TUN_RING_READS];	/* of what was read last, with header; negative errno */
};

/* Asks the queue once, whose next packet may get lost. False with errno: there is no ring here. */
bool tun_ring_open(struct tun_ring *r, int tun, const struct tun_info *info);
void tun_ring_close(struct tun_ring *r);

/* Reads up to TUN_RING_READS packets to as many slots of TUN_RING_SLOT bytes at mem, aligned to TUN_LINE. False: the
 * ring has failed and is not to be used again; what was read is there all the same. */
bool tun_ring_read(struct tun_ring *r, int tun, uint8_t *mem);

/* The packet in slot i, as tun_read() would have returned it. */
ssize_t tun_ring_packet(const struct tun_ring *r, uint8_t *mem, unsigned i, struct virtio_net_hdr *ret, uint8_t **buf);

#endif
