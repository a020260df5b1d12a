/* SPDX-License-Identifier: MIT */
/*
 * A counter is newer than the window, in it, or behind it. What makes that sound without a lock is an order: whoever
 * takes a slot has raised `newest` before. So who finds another block in its slot (acquire) and then still finds itself
 * inside the window knows that the block is an older one, for a newer one of the same slot would be at least 32 * 255
 * ahead; it may be taken over.
 *
 * That leaves names to be compared for equality only, and 32 bits are enough for the 51 that tell the blocks of a slot
 * apart: two blocks of one name are never in the window together. If a jump ever led from one to the other, the
 * counters seen of the first would be refused in the second, and none would be accepted twice.
 */
#include "replay.h"

enum { BLOCK = 32 };	/* counters that one slot covers */

/* Jumps by a power of two, which the low bits alone would not see, give another name: the factor is odd. */
static uint32_t name_of(uint64_t counter)
{
	uint64_t turn = counter / BLOCK / REPLAY_SLOTS;

	return (uint32_t)turn ^ (uint32_t)(turn >> 32) * UINT32_C(0x9e3779b1);
}

bool replay_accept(struct replay *r, uint64_t counter)
{
	_Atomic uint64_t *slot = &r->slot[counter / BLOCK % REPLAY_SLOTS];
	uint64_t newest = atomic_load_explicit(&r->newest, memory_order_relaxed);
	uint64_t bit = UINT64_C(1) << counter % BLOCK;
	uint32_t name = name_of(counter);
	uint64_t old, new;

	while (newest < counter &&
	       !atomic_compare_exchange_weak_explicit(&r->newest, &newest, counter, memory_order_relaxed,
						      memory_order_relaxed))
		;
	old = atomic_load_explicit(slot, memory_order_acquire);
	do {
		bool same = (uint32_t)(old >> 32) == name;

		newest = atomic_load_explicit(&r->newest, memory_order_relaxed);
		if ((newest > counter && newest - counter > REPLAY_WINDOW) || (same && (old & bit)))
			return false;
		new = (same ? old : (uint64_t)name << 32) | bit;
	} while (!atomic_compare_exchange_weak_explicit(slot, &old, new, memory_order_acq_rel, memory_order_acquire));
	return true;
}
