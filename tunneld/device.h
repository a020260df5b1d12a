/* SPDX-License-Identifier: MIT */
/*
 * The engine's device: the protocol machine, its data workers, and the UDP sockets that are open exactly while the
 * interface is up. What needs privilege is asked of the parent, and the answer waited for; what the parent says in the
 * meantime is kept in `pending`. OWNER only.
 */
#ifndef DEVICE_H
#define DEVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "msg.h"
#include "pool.h"
#include "tunnel.h"
#include "udp.h"

struct device {
	struct tnl *tnl;
	struct tnl_limits limits;
	struct pool pool;
	int channel;		/* to the parent */
	struct tun_info tun;	/* offloads, as found at the start: for whoever asks how we are */
	struct udp_info udp;
	struct udp_socks socks[POOL_MAX];	/* a pair for each worker; -1 while the interface is down */
	uint16_t port;		/* configured, or chosen by the kernel once and kept; 0: not chosen yet */
	uint32_t fwmark;
	bool up;		/* the interface; the sockets follow, if they can be had */
	bool complained;	/* that the port is taken */
	bool nearly_full;	/* a limit was hit: count before adding */
	tnl_ns reopen;		/* when to try again to open sockets; TNL_NEVER: no need */
	struct device_pending {
		bool link, routes, detach, stop;
		struct msg_link state;
		uint32_t asked;	/* a bit for each enum msg_ask_what; report.c answers */
	} pending;
};

struct tnl_now device_now(void);

/* Takes one message of the parent into d->pending. One that makes no sense here, or the end of the parent, is a stop.
 */
void device_receive(struct device *d);

/* Acts on link, MTU and route news in d->pending. */
void device_act(struct device *d);

/* Both settings at once, so that the mark is on a new socket before its first packet. While the interface is down they
 * are only remembered. 0 or a negative errno (-EADDRINUSE: the port is taken), and then nothing has changed. */
int device_set_sockets(struct device *d, uint16_t port, uint32_t fwmark);

/* Opens sockets that could not be opened when the interface went up. Call when d->reopen has passed. */
void device_reopen(struct device *d);

#endif
