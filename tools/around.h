/* SPDX-License-Identifier: MIT */
/* What this machine has already: networks that a new one must not overlap, ports that are spoken for, name servers that
 * work from here. */
#ifndef AROUND_H
#define AROUND_H

#include "roster.h"

struct around {
	struct net *net;	/* addresses, routes, gateways, name servers, what configurations of tunnels say */
	size_t count, room;
	bool port[UINT16_MAX + 1];	/* of a configuration */
	struct roster_dns dns[ROSTER_DNS_MAX];	/* for clients to use through this machine */
	size_t dns_count;
};

/* Ends the program when memory ends. What cannot be read says nothing. */
void around_load(const struct ctx *c, struct around *ret);
void around_free(struct around *a);

/* Can a socket of ours have this UDP port now, in both families? */
bool around_port_free(uint16_t port);
/* A free one that nobody expects: not in the range from which the kernel takes ports for others' sockets, so that it is
 * free at the next boot, too. 0: none was found. */
uint16_t around_pick_port(const struct around *a);

#endif
