/* SPDX-License-Identifier: MIT */
/*
 * A bounded ring between two threads, one that puts and one that takes, without a lock. Elements have one size and are
 * written and read in place. A full ring refuses: its user drops what does not fit.
 *
 * head counts what was ever put and tail what was ever taken; each has one writer. The writer of an element publishes
 * it by a release store of head and the reader gives its place back by one of tail.
 */
#ifndef RING_H
#define RING_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct ring {
	uint8_t *mem;		/* count * size bytes, the caller's */
	uint32_t count;		/* elements, a power of two */
	uint32_t size;		/* bytes of one */
	alignas(64) _Atomic uint32_t head;	/* the putter */
	alignas(64) _Atomic uint32_t tail;	/* the taker */
};

static inline void ring_init(struct ring *r, void *mem, uint32_t count, uint32_t size)
{
	r->mem = mem;
	r->count = count;
	r->size = size;
	atomic_init(&r->head, 0);
	atomic_init(&r->tail, 0);
}

/* Elements in the ring; any thread, as of a moment ago. */
static inline uint32_t ring_depth(const struct ring *r)
{
	uint32_t tail = atomic_load_explicit(&r->tail, memory_order_acquire);

	return atomic_load_explicit(&r->head, memory_order_acquire) - tail;
}

static inline void *ring_at(const struct ring *r, uint32_t i)
{
	return r->mem + (size_t)(i & (r->count - 1)) * r->size;
}

/* PUTTER. Where the next element is to be written, NULL when the ring is full. */
static inline void *ring_reserve(struct ring *r)
{
	uint32_t head = atomic_load_explicit(&r->head, memory_order_relaxed);

	return head - atomic_load_explicit(&r->tail, memory_order_acquire) < r->count ? ring_at(r, head) : NULL;
}

/* PUTTER. The element that ring_reserve() gave is complete. */
static inline void ring_put(struct ring *r)
{
	atomic_store_explicit(&r->head, atomic_load_explicit(&r->head, memory_order_relaxed) + 1, memory_order_release);
}

/* TAKER. The oldest element, NULL when there is none. */
static inline void *ring_peek(struct ring *r)
{
	uint32_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);

	return atomic_load_explicit(&r->head, memory_order_acquire) != tail ? ring_at(r, tail) : NULL;
}

/* TAKER. The element that ring_peek() gave is no longer needed. */
static inline void ring_take(struct ring *r)
{
	atomic_store_explicit(&r->tail, atomic_load_explicit(&r->tail, memory_order_relaxed) + 1, memory_order_release);
}

#endif
