/* SPDX-License-Identifier: MIT */
/*
 * When to look at which peer next: a 4-ary heap of peer slots, one entry a peer. The five timers of WG 6 live in the
 * peer as points in time; the heap knows only the earliest, and that only roughly: a worker that moves a point to later
 * does not touch the heap, the owner finds nothing due and files the peer again. OWNER.
 */
#ifndef TIMER_H
#define TIMER_H

#include <stdint.h>

struct timer_entry {
	uint64_t at;
	uint32_t slot;
};

struct timer_heap {
	struct timer_entry *entry;	/* [1..count], entry[0] unused */
	uint32_t *position;		/* by peer slot; 0: not filed */
	uint32_t count;
};

/* File, move or (UINT64_MAX) remove. */
void timer_set(struct timer_heap *h, uint32_t slot, uint64_t at);
/* The earliest point in time, UINT64_MAX when empty. */
uint64_t timer_next(const struct timer_heap *h);

#endif
