/* SPDX-License-Identifier: MIT */
/* What a look-up among a million prefixes costs, and what a prefix costs. Name, value, unit; tab-separated. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "route.h"

enum { COUNT = 1000000, OWNERS = 1000000, LOOKUPS = 4000000 };

static const uint8_t seed[16] = "0123456789abcdef";
static struct route_prefix prefixes[COUNT];

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static uint64_t next(void)
{
	static uint64_t s = 88172645463325252;

	s ^= s << 13;
	s ^= s >> 7;
	s ^= s << 17;
	return s;
}

static struct route_prefix random_prefix(uint8_t family, uint8_t shortest, uint8_t longest)
{
	struct route_prefix p = { .family = family };

	for (unsigned i = 0; i < (family == 4 ? 4U : 16U); i++)
		p.ip[i] = (uint8_t)(next() >> 24);
	p.bits = (uint8_t)(shortest + next() % (longest - shortest + 1U));
	return p;
}

static size_t touched(const uint8_t *mem, size_t len)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), pages = (len + page - 1) / page, sum = 0;
	unsigned char *in = malloc(pages);

	assert(in && !mincore((void *)mem, len, in));
	for (size_t i = 0; i < pages; i++)
		sum += in[i] & 1;
	free(in);
	return sum * page;
}

static void run(const char *name, size_t len)
{
	uint8_t *mem = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct route *r = mem == MAP_FAILED ? NULL : route_init(mem, COUNT, OWNERS, seed);
	uint64_t found = 0;
	double start;

	assert(r);
	start = now();
	for (uint32_t i = 0; i < COUNT; i++)
		assert(!route_set(r, &prefixes[i], i + 1, 1));
	printf("%s_set\t%.0f\tns\n", name, (now() - start) / COUNT * 1e9);
	start = now();
	for (uint32_t i = 0; i < LOOKUPS; i++) {
		const struct route_prefix *p = &prefixes[next() % COUNT];

		found += p->family == 4 ? route_lookup4(r, p->ip) : route_lookup6(r, p->ip);
	}
	assert(found);
	printf("%s_lookups\t%.0f\t1/s\n", name, LOOKUPS / (now() - start));
	printf("%s_prefix\t%.1f\tbytes\n", name, (double)touched(mem, len) / route_count(r));
	start = now();
	for (uint32_t i = 0; i < OWNERS; i++)
		route_clear(r, i + 1, 1);
	printf("%s_clear\t%.0f\tns\n", name, (now() - start) / COUNT * 1e9);
	munmap(mem, len);
}

int main(void)
{
	size_t len = route_footprint(COUNT, OWNERS);

	for (uint32_t i = 0; i < COUNT; i++)
		prefixes[i] = random_prefix(4, 32, 32);
	run("route_hosts", len);
	for (uint32_t i = 0; i < COUNT; i++)
		prefixes[i] = i % 2 ? random_prefix(4, 12, 31) : random_prefix(6, 32, 127);
	run("route_mixed", len);
	return 0;
}
