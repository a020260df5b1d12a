/* SPDX-License-Identifier: MIT */
/*
 * Workers that help each other out. One whose share of a batch is large offers it as jobs; those who sleep are woken,
 * and whoever comes, the one who offered included, takes the next job until none is left. Jobs of a batch are done in
 * any order and at the same time; what must be in order is done by the one who offered, when crew_run() has returned.
 *
 * WORKER threads; each calls with its own member.
 */
#ifndef CREW_H
#define CREW_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tunnel.h"

enum {
	CREW_MAX = 32,	/* members */
	CREW_JOBS_MAX = UINT16_MAX,
};

/* Does one job; `core` is that of the thread that does it. */
typedef void crew_work(struct tnl_worker *core, void *job);

struct crew_member {
	struct crew *crew;
	struct tnl_worker *core;
	int wake;			/* eventfd that ends its sleep */
	alignas(64) atomic_bool asleep;	/* it sets this, whoever wakes it takes it back */
	alignas(64) _Atomic uint64_t claim;	/* batch's number << 32 | jobs << 16 | next job */
	_Atomic uint32_t done;		/* jobs of the batch that are finished */
	crew_work *work;		/* constant while jobs of the batch are left, as are the next two */
	uint8_t *jobs;
	size_t size;
};

struct crew {
	unsigned count;
	struct crew_member *member[CREW_MAX];
};

/* Before the threads start. */
void crew_join(struct crew *c, struct crew_member *m, struct tnl_worker *core, int wake);

/* Does jobs[0..n) of `size` bytes each, with whoever of the others sleeps now. All are done when it returns. */
void crew_run(struct crew_member *m, crew_work *work, void *jobs, size_t size, unsigned n);

/* Does what others offer, until they offer nothing. */
void crew_help(struct crew_member *m);

/* Around every sleep. */
static inline void crew_sleeps(struct crew_member *m)
{
	atomic_store_explicit(&m->asleep, true, memory_order_relaxed);
}
static inline void crew_wakes(struct crew_member *m)
{
	atomic_store_explicit(&m->asleep, false, memory_order_relaxed);
}

#endif
