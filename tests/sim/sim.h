/* SPDX-License-Identifier: MIT */
/* What every part of the simulator needs: randomness from the seed, virtual time, and how to end in failure. */
#ifndef SIM_H
#define SIM_H

#include <stdbool.h>
#include <stdint.h>

#include "tunnel.h"

enum { NODES_MAX = 50, DGRAM_MAX = 2048, MTU = 1420 };

#define TNL_MS (TNL_SEC / 1000)

struct rng {
	uint64_t state;
};

/* The one world that runs in this process. */
struct sim {
	uint64_t seed;
	uint64_t step;
	tnl_ns now;		/* virtual time of the world; nodes add their own offsets */
	bool verbose;
};

extern struct sim sim;

uint64_t rng_next(struct rng *r);
/* 0..n-1; n > 0 */
uint32_t rng_below(struct rng *r, uint32_t n);
bool rng_percent(struct rng *r, uint32_t percent);
void rng_fill(struct rng *r, void *dst, size_t len);

/* One line under -v. */
void trace(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Prints what was violated, when, and how to see it again; ends the process with status 1. */
_Noreturn void fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
