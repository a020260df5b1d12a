/* SPDX-License-Identifier: MIT */
/*
 * The network between the nodes: delays, loses, duplicates, reorders and corrupts datagrams, and has a listener who
 * records what passes and injects what he likes. World.c, which delivers, cuts it in parts.
 */
#ifndef NET_H
#define NET_H

#include "sim.h"

/* genuine: the bytes are those that a node sent, but for mac2, which nobody has to look at. */
struct dgram {
	tnl_ns due;
	uint64_t seq;			/* order of datagrams due at the same time */
	struct tnl_addr src, dst;
	uint32_t origin;		/* the datagram of a node that this is a copy of; 0: made up */
	bool genuine;
	uint16_t len;
	uint8_t data[];
};

struct weather {
	tnl_ns delay, jitter;
	uint32_t loss, duplicate, corrupt;	/* percent */
};

enum { RECORDED = 96 };

struct net {
	struct rng rng;
	struct weather weather;
	struct dgram **heap;
	size_t count, room;
	uint64_t seq;
	uint32_t origins;
	tnl_ns train;			/* delay of the train of datagrams that is being sent, 0: each its own */
	struct dgram *recorded[RECORDED];
};

/* The listener has two kinds of addresses of his own: from one he only sends what he made up and is a stranger to whom
 * nothing but a cookie may ever go; from the other he passes on what nodes sent, and may well be taken for their new
 * address. */
struct tnl_addr net_listener(bool stranger, uint8_t family, uint8_t which);
bool net_stranger(const struct tnl_addr *a);

void net_init(struct net *n, uint64_t seed);
void net_free(struct net *n);
/* A node sends: once, twice or never, later, perhaps damaged; recorded. */
void net_send(struct net *n, const struct tnl_addr *src, const struct tnl_addr *dst, const uint8_t *data, size_t len);
/* All that is on its way is lost. */
void net_clear(struct net *n);
/* Datagrams sent from now on arrive together and in order, or each on its own. */
void net_train(struct net *n, bool together);
/* The listener's hand: exactly this, at `due`. */
void net_inject(struct net *n, tnl_ns due, const struct tnl_addr *src, const struct tnl_addr *dst, uint32_t origin,
		bool genuine, const uint8_t *data, size_t len);
/* Something recorded, NULL: nothing yet. Valid until the next net_send(). */
const struct dgram *net_recorded(struct net *n);
/* When the next datagram arrives, TNL_NEVER: nothing is on its way. */
tnl_ns net_next(const struct net *n);
/* The next one that is due, the caller's to free; NULL: none. */
struct dgram *net_receive(struct net *n);
const struct dgram *net_peek(const struct net *n);

#endif
