/* SPDX-License-Identifier: MIT */
/* Two machines and the wire between them, in one thread with one clock: the stage of the protocol's unit tests. */
#ifndef PAIR_H
#define PAIR_H

#include "tnl.h"

enum { A, B };

struct host {
	struct tnl *t;
	struct tnl_worker *w;
	tnl_peer peer;		/* the other one */
	struct peer *p;
	uint8_t priv[TNL_KEY_LEN], pub[TNL_KEY_LEN];
	struct tnl_path reached_at;	/* how the other one sees us: its `from` */
	void *mem;
	size_t size;
};

struct pair {
	struct host host[2];
	struct tnl_now now;
	struct tnl_msg out[8];	/* of the last pair_advance() */
	size_t count;
};

/* Keys, each other's endpoint (B's only if known), 10.0.0.1/32 for A and 10.0.0.2/32 plus ::/0 for B, both up. */
void pair_setup(struct pair *x);
void pair_teardown(struct pair *x);
/* Time passes; nothing is run. */
void pair_wait(struct pair *x, tnl_ns ns);
/* The host's turn: events are drained, output is in x->out; the number of messages. */
size_t pair_advance(struct pair *x, int host);
/* A control datagram from the other host arrives; its answer is in x->out[0]. */
size_t pair_deliver(struct pair *x, int to, const struct tnl_msg *msg, bool busy);
/* Offer an inner packet of len bytes (20 and more) to the other host. PASS: the datagram is in wire, its length in
 * *wire_len. */
enum tnl_verdict pair_send(struct pair *x, int from, size_t len, uint8_t *wire, size_t *wire_len);
/* A data datagram arrives; wire is overwritten. */
enum tnl_verdict pair_receive(struct pair *x, int to, uint8_t *wire, size_t len);
/* Send and receive. */
enum tnl_verdict pair_pass(struct pair *x, int from);
/* A fresh initiation of `from`, not delivered; time passes for it. */
struct tnl_msg pair_initiation(struct pair *x, int from);
/* A complete handshake begun by `from`, confirmed; both can send afterwards. */
void pair_handshake(struct pair *x, int from);

#endif
