/* SPDX-License-Identifier: MIT */
/*
 * Grace periods. A worker is pinned from enter to leave; what the owner unlinks while a worker is pinned stays in
 * memory until that worker has left. The owner tags what it unlinks with the current epoch and advances the epoch; a
 * worker publishes the epoch that it entered in. Everything with a tag below the oldest published epoch is nobody's any
 * more.
 *
 * Both sides use sequentially consistent operations where they meet: the worker publishes, then reads pointers; the
 * owner unlinks pointers, then reads what is published. Without that order each could miss the other.
 */
#ifndef PIN_H
#define PIN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pin_domain {
	_Atomic uint64_t epoch;		/* owner writes, workers read; from 1 */
	_Atomic bool waiting;		/* owner: something waits for a worker to leave */
};

struct pin {
	_Atomic uint64_t epoch;		/* its worker: 0 outside, else the epoch that it entered in */
};

void pin_enter(struct pin_domain *d, struct pin *p);
/* True: the owner waits for this. */
bool pin_leave(struct pin_domain *d, struct pin *p);

/* OWNER. The tag for what is about to be unlinked. */
uint64_t pin_tag(const struct pin_domain *d);
/* OWNER. After unlinking: later entries see a newer epoch. */
void pin_advance(struct pin_domain *d);
/* OWNER. What has a tag below the result may be used again. */
uint64_t pin_oldest(const struct pin_domain *d, const struct pin *first, uint32_t count, size_t stride);

#endif
