/* SPDX-License-Identifier: MIT */
#include "sim.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct sim sim;

/* splitmix64: any seed is as good as any other. */
uint64_t rng_next(struct rng *r)
{
	uint64_t z = r->state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

uint32_t rng_below(struct rng *r, uint32_t n)
{
	return (uint32_t)((rng_next(r) >> 32) * n >> 32);
}

bool rng_percent(struct rng *r, uint32_t percent)
{
	return rng_below(r, 100) < percent;
}

void rng_fill(struct rng *r, void *dst, size_t len)
{
	uint8_t *p = dst;

	while (len) {
		uint64_t v = rng_next(r);
		size_t n = len < sizeof(v) ? len : sizeof(v);

		memcpy(p, &v, n);
		p += n;
		len -= n;
	}
}

static void print_now(FILE *f)
{
	fprintf(f, "%10.3f #%lu ", (double)sim.now / (double)TNL_SEC, (unsigned long)sim.step);
}

void trace(const char *fmt, ...)
{
	va_list ap;

	if (!sim.verbose)
		return;
	print_now(stdout);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}

void fail(const char *fmt, ...)
{
	va_list ap;

	fflush(stdout);
	fprintf(stderr, "sim: seed %lu failed: ", (unsigned long)sim.seed);
	print_now(stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\nsim: replay it with: make sim SEED=%lu\n", (unsigned long)sim.seed);
	exit(EXIT_FAILURE);
}
