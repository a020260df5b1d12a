/* SPDX-License-Identifier: MIT */
/* Which way packets go: asked of the kernel's routing, in the present network namespace. Nothing is sent. */
#ifndef WAY_H
#define WAY_H

#include "pick.h"

struct nl_sock;

/* NULL: the kernel does not let us ask. */
struct nl_sock *way_open(void);
void way_close(struct nl_sock *nl);	/* NULL is fine */

struct way {
	bool found;		/* there is a route, and not one that refuses */
	bool local;		/* to this machine itself */
	unsigned ifindex;
	uint32_t mtu;		/* of the route; 0: that of the interface */
};

/* The way of a packet to that address that carries this mark. */
struct way way_to(struct nl_sock *nl, const struct tnl_addr *to, uint32_t mark);

/* Networks that routes of the main table reach directly through another interface than `but`: at most max. Link-local
 * and loopback are left out. */
struct way_net {
	struct net net;
	unsigned ifindex;
};
size_t way_neighbours(struct nl_sock *nl, unsigned but, struct way_net *ret, size_t max);

/* 0: there is no such interface. */
uint32_t way_mtu(unsigned ifindex);

#endif
