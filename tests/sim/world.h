/* SPDX-License-Identifier: MIT */
/*
 * A world from its seed: nodes, who talks to whom, and three ages. In the first everything goes wrong that can; then
 * the network heals and every pair must have a session in bounded time; then nothing is said, and nothing may be sent
 * but by persistent keepalives, and keys must go.
 */
#ifndef WORLD_H
#define WORLD_H

#include "node.h"

enum { PAIRS_MAX = 64, FLOWS_MAX = 4 };

/* The client speaks first once the network has healed, and is told where the server is. */
struct pair {
	int server, client;
	uint32_t psk;		/* how often it changed; 0: none */
	uint32_t first, last;	/* packets offered since healing */
	bool up;
};

struct flow {
	int from, to;
	tnl_ns next, every, until;
};

struct world {
	struct net net;
	struct oracle oracle;
	struct rng rng;
	struct node *node;
	int nodes;
	bool default_route;	/* clients give the server 0.0.0.0/0 and ::/0 */
	struct pair pair[PAIRS_MAX];
	int pairs;
	struct flow flow[FLOWS_MAX];
};

void world_run(uint64_t seed, uint32_t size);

/* ---- for chaos.c */

/* Time passes. */
void world_until(struct world *w, tnl_ns until);
/* `count` packets from one node to another's inner address; returns the last. spoof: from and to any address of theirs,
 * and the source may even be somebody else's. */
uint32_t world_offer(struct world *w, int from, int to, uint32_t count, bool spoof, void (*between)(struct node *n));
/* Makes a's view of b complete and true: key, preshared key, prefixes. */
void world_connect(struct world *w, struct pair *p, int a, int b);
void world_address(struct world *w, struct node *n);
/* The address under which a node is reached by another. */
const struct tnl_addr *world_locate(struct world *w, int node);

/* One thing goes wrong. Returns how long until the next may. */
tnl_ns chaos_strike(struct world *w);
/* The listener does something. */
void attack(struct world *w);

#endif
