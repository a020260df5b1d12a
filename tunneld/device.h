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
	struct udp_socks old[POOL_MAX];	/* those before, for what is on its way to them; -1: none */
	uint32_t old_mark;
	tnl_ns release;		/* when to close them; TNL_NEVER: there are none */
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

/* Without sockets. */
void device_start(struct device *d);
/* Closes all sockets; no worker uses them any longer. */
void device_end(struct device *d);

/* Acts on link, MTU and route news in d->pending, and does what has become due. */
void device_act(struct device *d);
/* When something will be; TNL_NEVER. */
tnl_ns device_deadline(const struct device *d);

/* Both settings at once, so that the mark is on a new socket before its first packet. While the interface is down they
 * are only remembered. What comes in at the port before is taken for some seconds more.
 * 0 or a negative errno (-EADDRINUSE: the port is taken), and then nothing has changed. */
int device_set_sockets(struct device *d, uint16_t port, uint32_t fwmark);

#endif
