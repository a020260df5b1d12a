/* SPDX-License-Identifier: MIT */
/*
 * Who knows everything: each inner packet, each session as the wire shows it, and hence whether what a node just did
 * was right. Every function either records or ends the run with fail(). Nodes are numbered; `boot` is the acting
 * node's clock.
 *
 * A session has two receiver indices, each chosen by the node that receives by it: two records that know each other.
 */
#ifndef ORACLE_H
#define ORACLE_H

#include "sim.h"

/* An inner packet: its bytes follow from this. */
struct inner {
	uint8_t src[16], dst[16];
	uint8_t family;
	uint8_t from, to;	/* nodes; to: whom it was sealed for */
	bool sealed, delivered, strict;
	uint16_t len;
	tnl_ns offered;
};

struct session;

struct oracle {
	struct inner *inner;
	uint32_t inners, inner_room;
	struct session **bucket;
	struct session *all;
	struct { uint32_t origin, peer; uint8_t node; } *answered;
	uint32_t answers, answer_room;
	tnl_ns derived[NODES_MAX][NODES_MAX];	/* boot time of a node's last session with another; 0: wiped */
	tnl_ns initiated[NODES_MAX][NODES_MAX];	/* boot time of its last initiation */
	tnl_ns spoke[NODES_MAX][NODES_MAX];	/* of its last initiation or response; 0: may initiate at once */
	uint64_t sealed, delivered, sessions, initiations;
	uint64_t stranger_in, stranger_out;	/* bytes from and to addresses of nobody */
	bool late;		/* what leaves now was begun before the last change of configuration */
};

void oracle_init(struct oracle *o);
void oracle_free(struct oracle *o);

/* ---- Inner packets */

/* A new packet; returns its number, from 1. */
uint32_t oracle_packet(struct oracle *o, int from, uint8_t family, const uint8_t *src, const uint8_t *dst,
		       uint32_t payload);
/* Writes its bytes, returns how many. */
size_t oracle_write(const struct oracle *o, uint32_t id, uint8_t *dst);
void oracle_sealed(struct oracle *o, uint32_t id, int to);
/* Node `at` got these bytes as inner packet of `from`. Returns which packet it is. */
uint32_t oracle_delivered(struct oracle *o, int at, int from, const uint8_t *data, size_t len);

/* ---- Sessions */

/* `node` sends this to `peer`; for all that leaves a node, before it leaves. */
void oracle_wire(struct oracle *o, int node, int peer, tnl_ns boot, const uint8_t *data, size_t len);
/* A genuine handshake message is about to be given to `node`. */
void oracle_arrives(struct oracle *o, int node, tnl_ns boot, const uint8_t *data, size_t len);
/* `node` took this data message (its first 16 bytes) as authentic, from `peer`. */
void oracle_accepted(struct oracle *o, int node, int peer, tnl_ns boot, const uint8_t *data, bool genuine);
/* `node` knows the index of this genuine data message, but says that the session is too old. */
void oracle_expired(const struct oracle *o, int node, tnl_ns boot, const uint8_t *data);
/* `node` says that it has seen this counter, or that it is too old. */
void oracle_replayed(const struct oracle *o, int node, const uint8_t *data);
/* `node` has dropped all sessions with `peer` (-1: everybody). */
void oracle_dropped(struct oracle *o, int node, int peer);
/* `node` has a new identity: nothing may be sent on what it has. */
void oracle_renamed(struct oracle *o, int node);
/* Have keys been kept for too long? */
void oracle_keys(struct oracle *o, int node, tnl_ns boot);
/* Bytes came from, or go to, an address that is not a node's. */
void oracle_stranger(struct oracle *o, int node, size_t in, const uint8_t *out, size_t out_len);
/* `node` answered a copy of datagram `origin` for a peer with this handle: once only. */
void oracle_answered(struct oracle *o, int node, uint32_t peer, uint32_t origin);

#endif
