/* SPDX-License-Identifier: MIT */
/* Networks as intervals of numbers: which address of a network is free. Pure; knows no files and no sockets. */
#ifndef PICK_H
#define PICK_H

#include "text.h"
#include "tunnel.h"

#include <stdbool.h>

/* addr keeps its host bits: an interface's 10.8.0.1/24 is one. */
struct net {
	struct tnl_addr addr;
	unsigned bits;
};

/* "10.8.0.7", "10.8.0.0/24", "fd00::7/64"; without a length it is one address. False: anything else. */
bool net_parse(const char *text, size_t len, struct net *ret);
const char *net_text(const struct net *n, char ret[TEXT_ADDR]);
/* Clears the host bits. */
struct net net_masked(struct net n);
bool net_equal(const struct net *a, const struct net *b);	/* host bits count */
bool net_contains(const struct net *outer, const struct net *inner);

/* No host of `within` can have this address: it is the network itself or, of IPv4, the broadcast address. */
bool net_reserved(const struct net *within, const struct net *n);

/* The lowest address of `within` that lies in none of taken[0..count), as /32 or /128. Left out, too: `within`'s own
 * address, the first of the network (RFC 4291 2.6.1: the routers'), the last of an IPv4 network (broadcast). A taken
 * network that covers all of `within`, a default route for instance, claims no address of it. Reorders taken and
 * may clear host bits in it. -ENOSPC: none is free. */
int pick_address(const struct net *within, struct net *taken, size_t count, struct net *ret);

#endif
