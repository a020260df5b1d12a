/* SPDX-License-Identifier: MIT */
/*
 * A host: a struct tnl with a virtual TUN, used as tunnel.h tells callers to, owner and workers in one thread. All
 * that it does passes the oracle. Peers are named by the number of their node.
 */
#ifndef NODE_H
#define NODE_H

#include "net.h"
#include "oracle.h"

enum { STAGED_MAX = 128, DRAWN_MAX = 8, ROUTES_MAX = 8 * NODES_MAX, BATCH_MAX = 16 };

struct peer_view {
	tnl_peer handle;		/* 0: not configured */
	uint8_t public[TNL_KEY_LEN];	/* by which it is configured; the peer may have another by now */
	uint8_t psk[TNL_KEY_LEN];
	uint16_t keepalive_s;
	uint32_t staged[STAGED_MAX], first, count;
	tnl_ns emitted;			/* when something was last sent to it */
};

struct route_view {
	struct tnl_addr net;
	unsigned bits;
	int peer;
};

struct node {
	int id, nodes;
	struct net *net;
	struct oracle *oracle;
	struct tnl *t;
	struct tnl_worker *worker, *slow;
	uint8_t *mem;
	size_t mem_len;
	struct rng rng;			/* what tnl_env gives out */
	uint8_t drawn[DRAWN_MAX][TNL_KEY_LEN];	/* the last that were as long as a key: ephemeral keys, if never busy */
	uint32_t draws;
	uint8_t private[TNL_KEY_LEN], public[TNL_KEY_LEN];
	tnl_ns boot_offset, asleep_until;
	int64_t wall_offset;
	bool up, busy, was_busy;
	tnl_ns busy_until;		/* cookies may still be sent */
	struct tnl_addr addr[2];	/* IPv4, IPv6 */
	uint32_t group;			/* side of a partition */
	int64_t wall_best;		/* the most that wall_offset ever was */
	bool forgetful;			/* removed a peer, and with it what it last told it about the time */
	uint64_t emitted, advances;
	struct peer_view peer[NODES_MAX];
	struct route_view route[ROUTES_MAX];
	uint32_t routes;
};

/* ---- config.c */

void node_init(struct node *n, int id, int nodes, struct net *net, struct oracle *oracle, uint64_t seed);
/* Wipes, searches what is left for secrets, frees. */
void node_end(struct node *n);
/* No handshake is under way and there are no sessions: none of the ephemeral keys may be left. */
void node_check_erased(const struct node *n);
void node_set_private(struct node *n, const uint8_t private[TNL_KEY_LEN]);
void node_set_up(struct node *n, bool up);
void node_add_peer(struct node *n, const struct node *peer);
void node_del_peer(struct node *n, int peer);
void node_set_peer(struct node *n, int peer, const struct tnl_peer_conf *conf, unsigned which);
void node_set_route(struct node *n, int peer, const struct tnl_addr *net, unsigned bits);
void node_del_route(struct node *n, int peer, const struct tnl_addr *net, unsigned bits);
/* Whose an inner address is, by the node's configuration; -1: nobody's. */
int node_route(const struct node *n, uint8_t family, const uint8_t *ip);
/* The node's own account of its prefixes against ours. */
void node_check_routes(const struct node *n);
/* Which peer a live handle is; -1: none. */
int node_peer(const struct node *n, tnl_peer handle);

/* ---- node.c */

struct tnl_now node_now(const struct node *n);
/* In world time: when node_settle() has to be called next. */
tnl_ns node_next(const struct node *n);
/* The owner's turn: events, what was staged, advance. */
void node_settle(struct node *n);
/* Packets for one inner address from the TUN. between: NULL, or called between begin and seal. */
void node_offer(struct node *n, const uint32_t *id, uint32_t count, void (*between)(struct node *n));
/* Datagrams of one source. */
void node_receive(struct node *n, struct dgram *const *batch, uint32_t count);

#endif
