/* SPDX-License-Identifier: MIT */
/*
 * The table doubles in place. An entry whose slot is another one in the larger table is written there, then the larger
 * mask is published; what it leaves behind in its old slot is stale. A worker that has still the smaller mask finds
 * that, and what it names cannot be reused before the worker leaves. With the larger mask a stale entry is in a slot
 * that is not its own, by which it is known, and overwritten; whoever missed it by that finds a new mask and looks
 * again.
 */
#include "index.h"

enum { SLOTS_FIRST = 64 };

static uint32_t mask_of(const struct index *x)
{
	return atomic_load_explicit(&x->mask, memory_order_relaxed);
}

static _Atomic uint64_t *slot_of(const struct index *x, uint32_t index)
{
	return &x->slot[index & mask_of(x)];
}

static uint64_t entry(uint32_t index, uint32_t ref)
{
	return (uint64_t)index << 32 | ref;
}

uint32_t index_slots(uint32_t count)
{
	uint32_t slots = SLOTS_FIRST;

	while (slots < 4 * (uint64_t)count && slots < UINT32_C(1) << 31)
		slots *= 2;
	return slots;
}

void index_init(struct index *x, uint32_t slots)
{
	x->slots = slots;
	atomic_store(&x->mask, SLOTS_FIRST - 1);
}

/* What is in slot i, unless it is stale; 0: nothing. */
static uint64_t at_home(const struct index *x, uint32_t i)
{
	uint64_t found = atomic_load_explicit(&x->slot[i], memory_order_relaxed);

	return (uint32_t)found && (found >> 32 & mask_of(x)) == i ? found : 0;
}

static void grow(struct index *x)
{
	uint32_t slots = mask_of(x) + 1;

	for (uint32_t i = 0; i < slots; i++) {
		uint64_t found = at_home(x, i);

		if (found >> 32 & slots)
			atomic_store_explicit(&x->slot[i + slots], found, memory_order_relaxed);
	}
	atomic_store(&x->mask, 2 * slots - 1);
}

bool index_claim(struct index *x, uint32_t candidate, uint32_t ref)
{
	if (4 * (uint64_t)x->live >= mask_of(x) && mask_of(x) + 1 < x->slots)
		grow(x);
	if (at_home(x, candidate & mask_of(x)))
		return false;
	x->live++;
	atomic_store_explicit(slot_of(x, candidate), entry(candidate, ref), memory_order_release);
	return true;
}

void index_replace(struct index *x, uint32_t index, uint32_t ref)
{
	atomic_store_explicit(slot_of(x, index), entry(index, ref), memory_order_release);
}

void index_release(struct index *x, uint32_t index)
{
	x->live--;
	atomic_store(slot_of(x, index), 0);
}

uint32_t index_lookup(const struct index *x, uint32_t index)
{
	uint32_t mask = atomic_load_explicit(&x->mask, memory_order_acquire), before;

	do {
		uint64_t found = atomic_load(&x->slot[index & mask]);

		if (found >> 32 == index)
			return (uint32_t)found;
		before = mask;
		mask = atomic_load_explicit(&x->mask, memory_order_acquire);
	} while (mask != before);
	return 0;
}
