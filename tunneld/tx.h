/* SPDX-License-Identifier: MIT */
/* The line tun -> seal -> udp of one worker. WORKER thread only, between tnl_enter() and tnl_leave(). */
#ifndef TX_H
#define TX_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "crew.h"
#include "gso.h"
#include "icmp.h"
#include "judge.h"
#include "lanes.h"
#include "stage.h"
#include "tun.h"
#include "tun_ring.h"
#include "tunnel.h"
#include "udp.h"

enum {
	TX_ROUND_BYTES = 256 << 10,	/* read from TUN before the other direction gets its turn */
	TX_ROUND_READS = 128,
	TX_TURN_BYTES = 64 << 10,	/* read from a lane before the next one's turn */
	TX_TURN_READS = 32,
	TX_CROWD = 32,			/* packets in a round that promise more soon */
	TX_MANY = 16,			/* packets in a lane's turn that promise many more: they are read together */
	TX_BATCH_BYTES = 32 << 10,	/* seal and send now, while it lies in the cache */
	TX_READS = 64,			/* packets that are read before they are sealed */
	TX_JOBS = 128,			/* runs, the same */
	TX_RUN = UDP_GSO_SEGS,		/* packets in a run; most super-packets are one */
	TX_CHUNK = 8,			/* of them split, then sealed: they stay in the first cache */
	TX_SLOT = TUN_LINE + TUN_PACKET_MAX,
	TX_SLOTS = 64,			/* a multiple of TUN_RING_READS, and a message's worth */
	TX_IN = TX_ROUND_BYTES + TX_TURN_BYTES + TX_READS * 2 * TUN_LINE + TX_SLOT,
	TX_ARENA = 512 << 10,
};

/* A run, where its packets come from and where they go, one behind the other. */
struct tx_job {
	struct tnl_run run;
	struct gso from;	/* pkt NULL: the packet lies in its slot */
	uint32_t first;		/* of from's packets; run.count are meant */
	uint32_t mtu;
	uint8_t *slot;
};

struct tx {
	struct tnl *tnl;
	struct tnl_worker *core;
	struct lanes *lanes;
	const struct tun_info *info;
	struct udp_socks socks;
	struct udp_gso gso;
	uint32_t mtu;
	unsigned turn;		/* the lane that was read last */
	uint32_t round_reads;	/* packets in this round */
	size_t round_bytes;
	bool gone;		/* the interface has been removed */
	tnl_ns now;
	struct icmp_limit icmp;
	struct stage *stage;
	atomic_bool *holds;	/* published: something may wait in the stage, so news of sessions are welcome */
	struct crew_member *crew;
	struct judge judge;
	bool full;		/* the last round left packets in the queue */
	bool crowded;		/* the last round had many packets */
	bool shared;		/* this round's batches are large, and sealed by several threads */
	struct arena in;	/* what was read one by one, TX_IN bytes */
	struct tun_ring *ring;	/* reads many at a time; NULL: there is none */
	uint8_t *slots;		/* what it has read, TX_SLOTS of TUN_RING_SLOT bytes */
	uint32_t slots_used;
	uint32_t many;		/* the lanes, a bit each, that had so many in their last turn */
	uint8_t *plain;		/* TUN_PACKET_MAX bytes: one packet on its way to the stage */
	struct arena arena;	/* sealed datagrams of the batch, TX_ARENA bytes */
	uint32_t reads, jobs, messages, bytes;	/* of the batch: packets in use, runs, messages, bytes of datagrams */
	uint32_t flushes;	/* batches so far, modulo 2^32 */
	struct tx_job job[TX_JOBS];
	struct udp_out out[UDP_BATCH];
	struct tnl_run run[UDP_BATCH];	/* the newest run in each message */
};

/* Reads what the host has sent, at most so much as TX_ROUND_ says, and sends it. ready: the lanes that may have
 * something, a bit each, and no bits of others. */
void tx_round(struct tx *x, tnl_ns now, unsigned ready);

/* Sends what waits for this peer, as far as it can be sent. */
void tx_ready(struct tx *x, tnl_ns now, tnl_peer p);

/* Drops what waits for it; p 0: for anybody. */
void tx_drop(struct tx *x, tnl_peer p);

#endif
