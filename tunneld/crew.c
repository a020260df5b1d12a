/* SPDX-License-Identifier: MIT */
/*
 * A batch is one word: its number, how many jobs it has and which is next. A job is taken by a compare-and-swap that
 * advances the word, so a helper that comes late, or with a word read long ago, takes nothing: the number has changed.
 * What the word stands for (work, jobs, size) is written before it and read after a job was taken from it; it stays the
 * same until that job is counted as done, since the one who offered waits for all.
 */
#include "crew.h"

#include <sched.h>
#include <sys/eventfd.h>

enum { SPINS = 4096 };	/* waiting for a helper's last job, before others get the processor */

void crew_join(struct crew *c, struct crew_member *m, struct tnl_worker *core, int wake)
{
	m->crew = c;
	m->core = core;
	m->wake = wake;
	c->member[c->count++] = m;
}

/* Takes and does one job of what `of` offers; false: there is none. */
static bool take(struct crew_member *m, struct crew_member *of)
{
	uint64_t claim = atomic_load_explicit(&of->claim, memory_order_acquire);

	do {
		if ((claim & 0xffff) >= (claim >> 16 & 0xffff))
			return false;
	} while (!atomic_compare_exchange_weak_explicit(&of->claim, &claim, claim + 1, memory_order_acquire,
							memory_order_acquire));
	of->work(m->core, of->jobs + (claim & 0xffff) * of->size);
	atomic_fetch_add_explicit(&of->done, 1, memory_order_release);
	return true;
}

/* One helper for each job beside our own first. */
static void call(const struct crew_member *m, unsigned wanted)
{
	const struct crew *c = m->crew;

	for (unsigned i = 0; i < c->count && wanted > 0; i++) {
		struct crew_member *other = c->member[i];

		if (other == m || !atomic_load_explicit(&other->asleep, memory_order_relaxed) ||
		    !atomic_exchange_explicit(&other->asleep, false, memory_order_relaxed))
			continue;
		eventfd_write(other->wake, 1);
		wanted--;
	}
}

static void pause_processor(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

void crew_run(struct crew_member *m, crew_work *work, void *jobs, size_t size, unsigned n)
{
	uint64_t number = (atomic_load_explicit(&m->claim, memory_order_relaxed) >> 32) + 1;

	m->work = work;
	m->jobs = jobs;
	m->size = size;
	atomic_store_explicit(&m->done, 0, memory_order_relaxed);
	atomic_store_explicit(&m->claim, number << 32 | (uint64_t)n << 16, memory_order_release);
	call(m, n - 1);
	while (take(m, m))
		;
	for (unsigned i = 0; atomic_load_explicit(&m->done, memory_order_acquire) != n; i++) {
		if (i % SPINS == SPINS - 1)
			sched_yield();
		else
			pause_processor();
	}
}

void crew_help(struct crew_member *m)
{
	const struct crew *c = m->crew;

	for (unsigned i = 0; i < c->count; i++)
		while (c->member[i] != m && take(m, c->member[i]))
			;
}
