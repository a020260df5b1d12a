/* SPDX-License-Identifier: MIT */
/* The line udp -> open -> tun of one worker. WORKER thread only, between tnl_enter() and tnl_leave(). */
#ifndef RX_H
#define RX_H

#include <stdbool.h>
#include <stdint.h>

#include "crew.h"
#include "gro.h"
#include "judge.h"
#include "lanes.h"
#include "ring.h"
#include "tun.h"
#include "tunnel.h"
#include "udp.h"

enum {
	RX_MESSAGES = 8,	/* received in one call, each up to 64 KiB: as many as the cache holds */
	RX_PACKETS = 512,	/* opened in one go */
	RX_JOBS = 64,		/* runs, the same */
};

/* A run of one message. */
struct rx_job {
	struct tnl_run run;
	struct tnl_pkt *pkt;
	uint32_t n;
	const struct udp_in *in;
};

struct rx {
	struct tnl_worker *core;
	const struct lanes *lanes;
	const struct tun_info *info;
	struct ring *control;	/* of struct worker_dgram */
	bool told;		/* something was put into it; the caller clears it */
	struct crew_member *crew;
	struct judge judge;
	uint32_t packets, jobs;	/* waiting to be opened */
	struct udp_in in[RX_MESSAGES];	/* with their buffers */
	struct tnl_pkt pkt[RX_PACKETS];
	struct rx_job job[RX_JOBS];
	struct gro gro;
};

/* Receives up to RX_MESSAGES from this socket, writes to the host what it should have and to the ring what is the
 * owner's. */
void rx_round(struct rx *r, int fd, tnl_ns now);

#endif
