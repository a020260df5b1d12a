/* SPDX-License-Identifier: MIT */
/*
 * Memory of the data plane: all of it mapped at start and none later, but there only from when it is touched first. It
 * is kept out of core dumps and, as far as the limits allow, of swap. An arena is a stretch of it from which a batch
 * cuts its slots one behind the other; all are free when the batch ends.
 */
#ifndef ARENA_H
#define ARENA_H

#include <stddef.h>
#include <stdint.h>

/* Zero pages, page-aligned. NULL with errno. The caller's until arena_unmap(). */
void *arena_map(size_t len);
/* NULL is fine. */
void arena_unmap(void *mem, size_t len);

struct arena {
	uint8_t *base;
	size_t len, used;
};

/* Where the next slot begins, of len bytes at least; NULL when it does not fit. It is taken by arena_take(). */
static inline uint8_t *arena_next(const struct arena *a, size_t len)
{
	return len <= a->len - a->used ? a->base + a->used : NULL;
}

/* len: no more than what arena_next() was asked for. */
static inline void arena_take(struct arena *a, size_t len)
{
	a->used += len;
}

static inline void arena_reset(struct arena *a)
{
	a->used = 0;
}

#endif
