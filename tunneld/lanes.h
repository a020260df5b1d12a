/* SPDX-License-Identifier: MIT */
/*
 * A worker's TUN queues as lanes. What waits in one queue waits in line, so a ping behind the streams of a busy tunnel
 * waits as long as they do: a TCP window, whatever we are. So a worker has several: flows that send much travel in
 * lanes of their own, all others in lane 0, which is read first and is as good as empty. A lane that overflows loses
 * packets of its own flows, the fat ones.
 *
 * Which lane a flow takes is the kernel's choice, and it follows ours: it queues a flow's packets where its answers are
 * written. (Until there was one, or when there never is one, a hash decides.) So the flow is weighed when its packets
 * are read, and put into its lane when its answers are written. Both directions find the same entry; flows that share
 * one share a lane.
 *
 * Pure but for the descriptors, which only lie here. One thread.
 */
#ifndef LANES_H
#define LANES_H

#include <stdbool.h>
#include <stdint.h>

#include "tunnel.h"

enum {
	LANES = 4,			/* queues a worker */
	LANES_FLOWS = 1024,		/* entries; a power of two */
	LANES_MANY = 32 << 10,		/* bytes in a period from which on a flow is a fat one, 5 Mbit/s */
	LANES_FEW = LANES_MANY / 4,	/* with fewer in a period it no longer is */
	LANES_PACKET = 128,		/* bytes that a packet counts beside its own */
};
#define LANES_PERIOD (50 * (TNL_SEC / 1000))

struct lanes {
	unsigned count;			/* of fd, 1 to LANES */
	int fd[LANES];
	uint64_t seed;			/* nobody outside can tell which flows meet in an entry */
	tnl_ns begin;			/* of this period */
	uint64_t load[LANES];		/* bytes, those of periods before weigh half as much each */
	struct lanes_flow {
		tnl_ns begin;
		uint32_t bytes;		/* since begin */
		uint8_t lane;
	} flow[LANES_FLOWS];
};

/* l->count, fd and seed are set, all else is zero. */

/* A packet or super-packet of the host was read. pkt: len bytes, at least an IPv4 or IPv6 header. */
void lanes_weigh(struct lanes *l, tnl_ns now, const uint8_t *pkt, uint32_t len);

/* The descriptor by which this packet is to be written to the host. pkt: as above. */
int lanes_choose(const struct lanes *l, const uint8_t *pkt, uint32_t len);

#endif
