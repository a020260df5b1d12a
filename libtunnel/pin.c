/* SPDX-License-Identifier: MIT */
#include "pin.h"

void pin_enter(struct pin_domain *d, struct pin *p)
{
	atomic_store(&p->epoch, atomic_load(&d->epoch));
#ifndef __SANITIZE_THREAD__	/* which knows no fences, and does not need this one */
	/* The loads of pointers that follow are acquire loads, which C11 would let move before that store. */
	atomic_thread_fence(memory_order_seq_cst);
#endif
}

bool pin_leave(struct pin_domain *d, struct pin *p)
{
	atomic_store(&p->epoch, 0);
	return atomic_load(&d->waiting);
}

uint64_t pin_tag(const struct pin_domain *d)
{
	return atomic_load_explicit(&d->epoch, memory_order_relaxed);
}

void pin_advance(struct pin_domain *d)
{
	atomic_fetch_add(&d->epoch, 1);
}

uint64_t pin_oldest(const struct pin_domain *d, const struct pin *first, uint32_t count, size_t stride)
{
	uint64_t oldest = atomic_load(&d->epoch);

	for (uint32_t i = 0; i < count; i++) {
		const struct pin *p = (const struct pin *)((const char *)first + i * stride);
		uint64_t epoch = atomic_load(&p->epoch);

		if (epoch && epoch < oldest)
			oldest = epoch;
	}
	return oldest;
}
