/* SPDX-License-Identifier: MIT */
/*
 * A TUN device. With its virtio-net header the kernel hands over, and takes, super-packets: up to 64 KiB of one flow
 * behind one header (TSO, USO), their checksums not computed yet. Keeping those whole is what the throughput hangs on.
 */
#ifndef TUN_H
#define TUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <linux/if.h>

#include "vnet.h"

enum {
	TUN_PACKET_MAX = 65535,		/* bytes of the largest packet or super-packet */
	TUN_ROOM = sizeof(struct virtio_net_hdr),
	TUN_LINE = 64,			/* a packet best begins with a line of the cache, behind one for TUN_ROOM */
	TUN_MTU_DEFAULT = 1420,
};

/* flags of tun_open() */
enum {
	TUN_QUEUES = 1,	/* more queues may be opened by the same name later */
	TUN_PLAIN = 2,	/* neither virtio-net header nor offloads: one packet a read, one a write */
	/* Not to be asked for. What builds on it goes with it: super-packets need checksum offload. */
	TUN_NO_CSUM = 4,
	TUN_NO_TSO = 8,
	TUN_NO_USO = 16,
	TUN_NO_URING = 32,
};

/* What the kernel granted. */
struct tun_info {
	char name[IFNAMSIZ];
	bool vnet;	/* every packet has a struct virtio_net_hdr before it */
	bool csum;	/* reads may leave the checksum to us, writes may leave it to the kernel */
	bool tso;	/* TCP super-packets, both families, both directions */
	bool uso;	/* UDP super-packets, both families, both directions; Linux 6.2 */
	bool uring;	/* many packets may be read in one call; tun_ring_open() finds out whether they can be */
};

/* Creates the interface, down, without addresses and with the kernel's own MTU, or, if it has TUN_QUEUES and was opened
 * with TUN_QUEUES before, one more queue of it. It lives until the last descriptor is closed. Returns the descriptor,
 * non-blocking and close-on-exec, the caller's. Needs CAP_NET_ADMIN. Any thread.
 * -EINVAL: not an interface name; -EBUSY: there is such an interface; -EPERM; -ENOENT, -ENODEV: no /dev/net/tun. */
int tun_open(const char *name, unsigned flags, struct tun_info *ret);

/* The most segments a super-packet may have so that, sealed, it still fits one UDP message: what the interface's
 * gso_max_segs should be at this MTU. More work too, with twice the messages. */
unsigned tun_gso_segs(uint32_t mtu);

/* One packet of at most TUN_PACKET_MAX bytes to buf, its header to *ret (all zero when there is none). TUN_ROOM bytes
 * in front of buf are written to: one stretch of memory costs less than two. WORKER.
 * Returns its length; -EAGAIN: nothing there; -EBADFD: the interface is gone; any other error concerns one packet. */
ssize_t tun_read(int fd, const struct tun_info *info, struct virtio_net_hdr *ret, uint8_t *buf);

/* Writes one packet. iov[0] is left free for the header by the caller and is filled in here; the packet is iov[1] to
 * iov[count - 1]. WORKER. 0, or an error that concerns this packet (-EIO: the interface is down). */
int tun_write(int fd, const struct tun_info *info, const struct virtio_net_hdr *hdr, struct iovec *iov, unsigned count);

#endif
