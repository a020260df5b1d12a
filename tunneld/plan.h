/* SPDX-License-Identifier: MIT */
/*
 * What a configuration wants of the machine's network, worked out before anything is done: a plan. Two plans can be
 * compared, so that a change does no more than what differs. Pure but for the heap.
 */
#ifndef PLAN_H
#define PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <net/if.h>

#include "config.h"

struct plan_route {
	struct tnl_addr net;	/* host bits clear */
	uint32_t table;		/* 0: the main one */
	uint8_t bits;
};

/* All zero is the plan that wants nothing. */
struct plan {
	struct config_prefix *addresses;	/* in the order of the file: the first is the primary one */
	size_t address_count;
	struct plan_route *routes;		/* sorted, none twice */
	size_t route_count;
	uint32_t mtu;		/* of the file; 0: see netlink_path_mtu() */
	uint32_t mark;		/* of our own datagrams; 0: they have none */
	bool rules[2];		/* default routes by rules, IPv4 and IPv6, in the table of the mark's number */
	uint8_t nat, kill_switch;
	char nat_via[IFNAMSIZ];
};

/* Does this file need a mark? */
bool plan_needs_mark(const struct config *c);

/* 0 or -ENOMEM. c->fwmark is settled. With Table = auto a route that an address brings by itself is left out, and so
 * is one within it, as wg-quick does: a server's clients need no route each. */
int plan_make(const struct config *c, struct plan *ret);
/* 0 or -ENOMEM. */
int plan_copy(const struct plan *p, struct plan *ret);
/* As p, but the routes are those of `file`; default routes stay p's. 0 or -ENOMEM. */
int plan_reroute(const struct plan *p, const struct plan *file, struct plan *ret);
void plan_free(struct plan *p);

/* Has p this address with these bits? */
bool plan_has_address(const struct plan *p, const struct config_prefix *a);

/* Walks the routes that are in p and not in other: start with *at zero; NULL: no more. */
struct plan_walk { size_t own, other; };
const struct plan_route *plan_next_route(const struct plan *p, const struct plan *other, struct plan_walk *at);

/* Leaves in p only those addresses and routes that `seen`, sorted by plan_sort(), has too, where table 0 of p is the
 * main one in `seen`. */
void plan_sort(struct plan *p);
void plan_keep(struct plan *p, const struct plan *seen);

/* Will packets of this family (4 or 6) be forwarded for clients? */
bool plan_forwards(const struct plan *p, uint8_t family);
/* Is this the address of a network that others know the way to, so that NAT is for it? */
bool plan_translates(const struct tnl_addr *a);

/* Would both have the same packet filter table? */
bool plan_same_filter(const struct plan *a, const struct plan *b);
/* Does it need one at all? */
bool plan_needs_filter(const struct plan *p);

/* Says what differs, a line without line end for each thing, many routes in one. The MTU is not its business. */
void plan_tell(const struct plan *before, const struct plan *now, void (*tell)(void *ctx, const char *line), void *ctx);

#endif
