/* SPDX-License-Identifier: MIT */
#include "replay.h"

enum { BLOCK = 32 };	/* counters that one slot covers */

bool replay_accept(struct replay *r, uint64_t counter)
{
	uint64_t newest = atomic_load_explicit(&r->newest, memory_order_relaxed);
	/* Wraps after 2^37 packets, but a key lives 180 s; + 1, for a slot of zeros has seen nothing. */
	uint32_t block = (uint32_t)(counter / BLOCK + 1);
	uint64_t bit = UINT64_C(1) << counter % BLOCK;
	_Atomic uint64_t *slot = &r->slot[counter / BLOCK % REPLAY_SLOTS];
	uint64_t old = atomic_load_explicit(slot, memory_order_relaxed), new;

	if (newest > counter && newest - counter > REPLAY_WINDOW)
		return false;
	do {
		uint32_t held = (uint32_t)(old >> 32);

		/* A newer block holds the slot: what it covered before is behind the window. */
		if (held > block || (held == block && (old & bit)))
			return false;
		new = (held == block ? old : (uint64_t)block << 32) | bit;
	} while (!atomic_compare_exchange_weak_explicit(slot, &old, new, memory_order_relaxed, memory_order_relaxed));
	while (newest < counter &&
	       !atomic_compare_exchange_weak_explicit(&r->newest, &newest, counter, memory_order_relaxed,
						      memory_order_relaxed))
		;
	return true;
}
