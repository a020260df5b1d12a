/* SPDX-License-Identifier: MIT */
/*
 * Which counters of one receiving key have been seen: the window of RFC 6479 without its lock. Each slot names the
 * block of 32 counters that it covers, so a newer block takes a slot over by one compare-and-swap, nothing is ever
 * cleared, and no order of threads accepts a counter twice. All zero is a fresh window.
 */
#ifndef REPLAY_H
#define REPLAY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { REPLAY_SLOTS = 256, REPLAY_WINDOW = 8128 };	/* accepted this far behind the newest, as the kernel does */

struct replay {
	_Atomic uint64_t newest;		/* any worker: only grows */
	_Atomic uint64_t slot[REPLAY_SLOTS]; /* any worker: name of a block in the upper half, its seen bits below */
};

_Static_assert(REPLAY_WINDOW <= 32 * (REPLAY_SLOTS - 1), "a block inside the window must never be taken over");

/* True once per counter. False: seen, or too old. Any thread. Only for authenticated counters below
 * REJECT_AFTER_MESSAGES, since a forged one would push honest packets out of the window. */
bool replay_accept(struct replay *r, uint64_t counter);

#endif
