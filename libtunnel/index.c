/* SPDX-License-Identifier: MIT */
#include "index.h"

static _Atomic uint64_t *slot_of(const struct index *x, uint32_t index)
{
	return &x->slot[index & x->mask];
}

static uint64_t entry(uint32_t index, uint32_t ref)
{
	return (uint64_t)index << 32 | ref;
}

uint32_t index_slots(uint32_t count)
{
	uint32_t slots = 64;

	while (slots < 4 * (uint64_t)count && slots < UINT32_C(1) << 31)
		slots *= 2;
	return slots;
}

bool index_claim(struct index *x, uint32_t candidate, uint32_t ref)
{
	_Atomic uint64_t *slot = slot_of(x, candidate);

	if ((uint32_t)atomic_load_explicit(slot, memory_order_relaxed))
		return false;
	atomic_store_explicit(slot, entry(candidate, ref), memory_order_release);
	return true;
}

void index_replace(struct index *x, uint32_t index, uint32_t ref)
{
	atomic_store_explicit(slot_of(x, index), entry(index, ref), memory_order_release);
}

void index_release(struct index *x, uint32_t index)
{
	atomic_store(slot_of(x, index), 0);
}

uint32_t index_lookup(const struct index *x, uint32_t index)
{
	uint64_t found = atomic_load(slot_of(x, index));

	return found >> 32 == index ? (uint32_t)found : 0;
}
