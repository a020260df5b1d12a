/* SPDX-License-Identifier: MIT */
/*
 * An answer on its way to a client: text in chunks, each wiped and given back as soon as it is sent. One thread.
 */
#ifndef OUTBOX_H
#define OUTBOX_H

#include <stdbool.h>
#include <stddef.h>

#include "uapi.h"

#define OUTBOX_HELD_MAX ((size_t)1 << 30)	/* bytes in all boxes that share a count */

struct chunk;

/* Begins as { .held = &count }, count shared by all boxes and 0 before the first. */
struct outbox {
	struct chunk *first, *last;
	size_t sent;	/* of the first */
	size_t *held;
};

/* Room for max bytes more. dst NULL: no memory, or too much is held already. */
struct uapi_out outbox_add(struct outbox *b, size_t max);
/* So many bytes of what was added last are text now. */
void outbox_filled(struct outbox *b, size_t len);

static inline bool outbox_empty(const struct outbox *b)
{
	return !b->first;
}

/* Sends what there is, without waiting. 1: all of it; 0: the client must read first; -1: it is gone. */
int outbox_send(struct outbox *b, int fd);
void outbox_drop(struct outbox *b);

#endif
