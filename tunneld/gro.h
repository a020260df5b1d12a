/* SPDX-License-Identifier: MIT */
/*
 * Joins packets that follow one another in a TCP or UDP flow to super-packets, without copying: the first packet whole,
 * then the bare payloads of the rest. Splitting the result gives the same packets back, but for TCP and UDP checksums
 * that were wrong, and for IPv4 IDs that were all equal (with DF, where they mean nothing). Packets that fit nowhere
 * stay as they are. Order within a flow is kept always, that between flows is not. Pure bytes; one thread.
 */
#ifndef GRO_H
#define GRO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "vnet.h"

enum {
	GRO_SUPERS = 128,	/* packets and super-packets held at once */
	GRO_SEGS = 64,		/* packets in one */
	GRO_FLOWS = 256,	/* slots of the flow table */
};

/* A packet, or a super-packet in the making. */
struct gro_super {
	struct virtio_net_hdr hdr;
	uint32_t count;			/* of iov, at least 2 */
	uint32_t len;			/* bytes in iov[1..count) */
	struct iovec iov[GRO_SEGS + 1];	/* [0] is free for hdr, see tun_write() */
	/* private */
	uint32_t l4, head, mss, segs, next_seq;
	uint8_t proto;			/* 0: nothing can be joined to it */
	bool same_id;			/* DF, and all IDs are equal */
};

struct gro {
	bool tcp, udp;			/* which are to be joined at all */
	uint32_t count;
	uint8_t slot[GRO_FLOWS];	/* hash of a flow -> its newest super + 1, 0: none */
	struct gro_super super[GRO_SUPERS];
};

/* g: any memory. */
void gro_init(struct gro *g, bool tcp, bool udp);

/* pkt: a whole IPv4 or IPv6 packet whose length is the one its header states. It is borrowed, and its header may be
 * written to, until gro_reset(). False, and nothing taken: full; take everything out and reset first. */
bool gro_add(struct gro *g, uint8_t *pkt, uint32_t len);

/* The i-th, i < g->count, in the order in which they are to be written, ready for it. Once per super. */
struct gro_super *gro_finish(struct gro *g, uint32_t i);

void gro_reset(struct gro *g);

#endif
