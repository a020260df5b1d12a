/* SPDX-License-Identifier: MIT */
/*
 * Receiver index -> session or handshake, WG 5.4.2. We choose our own indices, so the table is direct-mapped: an index
 * is drawn at random until the slot named by its low bits is free. A look-up is one load and one compare, there is
 * nothing to probe and no tombstone. The table is at most a quarter full, so a draw fails with probability 1/4; it
 * grows with what it holds, so that random draws touch no more memory than that needs.
 */
#ifndef INDEX_H
#define INDEX_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What an index names: 0 nothing; a session's number + 1; or INDEX_HANDSHAKE | the slot of a peer with a handshake. */
enum { INDEX_HANDSHAKE = 1 << 30 };

struct index {
	_Atomic uint64_t *slot;	/* owner writes, workers read: index in the upper half, what it names in the lower */
	_Atomic uint32_t mask;	/* published: slots in use - 1 */
	uint32_t live, slots;	/* owner: how many indices there are, how many slots there may be */
};

/* Slots for `count` live indices. */
uint32_t index_slots(uint32_t count);
/* x->slot leads to so many slots, all zero. They are touched as they are needed. */
void index_init(struct index *x, uint32_t slots);
/* OWNER. True and the entry when `candidate` was free. The caller draws candidates at random. */
bool index_claim(struct index *x, uint32_t candidate, uint32_t ref);
/* OWNER. What a live index names changes in one store: a handshake became a session. */
void index_replace(struct index *x, uint32_t index, uint32_t ref);
void index_release(struct index *x, uint32_t index);
/* Any thread; workers pinned. 0: unknown. */
uint32_t index_lookup(const struct index *x, uint32_t index);

#endif
