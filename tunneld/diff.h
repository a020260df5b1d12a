/* SPDX-License-Identifier: MIT */
/*
 * From what the device has to what a file wants, with as little as possible: two states, each gathered from the lines
 * of UAPI, and the lines of one set transaction that leads from one to the other. A peer that stays is never removed,
 * so it keeps its session; an allowed IP that moves from one peer to another is never nobody's. Pure but for the heap.
 */
#ifndef DIFF_H
#define DIFF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "uapi.h"

struct diff_state;

struct diff_state *diff_state_new(void);	/* NULL: no memory */
void diff_state_free(struct diff_state *s);	/* wipes; NULL is fine */

/* Takes the next line, in the order of a set or of the answer to a get; what is not about the state is passed over. The
 * outcome is as if a device had been given the lines: of a peer that comes twice the later section counts, as in
 * one that replaces its allowed IPs, and an allowed IP belongs to the last who claimed it. False: no memory. */
bool diff_state_add(struct diff_state *s, const struct uapi_op *op);

/* The transaction, without its first and last line: heap memory that holds keys. */
struct diff_set {
	struct uapi_op *ops;
	size_t count, room;
};
void diff_set_free(struct diff_set *s);		/* wipes */

/* Hears of each difference, one line without line end. Keys are public ones. */
typedef void diff_tell(void *ctx, const char *line);

/* was: what the file wanted before, or NULL. It decides where the file has no opinion of its own, or an old one: a port
 * or mark of 0, no private key, and an endpoint stay as they are live as long as the file says of them what it said
 * before, since peers roam. All three states are settled by this and cannot be added to any more. False: no memory.
 */
bool diff_make(struct diff_state *live, struct diff_state *was, struct diff_state *want, diff_tell *tell, void *ctx,
	       struct diff_set *ret);

#endif
