/* SPDX-License-Identifier: MIT */
/* What a look-up among many prefixes costs, and what a prefix costs: a million, or under callgrind a tenth of that. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "micro.h"
#include "route.h"

enum { COUNT_MAX = 1000000, COUNT_FEW = 100000, STRIDE = 514229 };	/* a prime: no two look-ups are neighbours */

struct table {
	struct route *route;
	uint32_t count;
	struct route_prefix prefix[COUNT_MAX];
};

static const uint8_t seed[16] = "0123456789abcdef";

static struct route_prefix random_prefix(uint8_t family, uint8_t shortest, uint8_t longest)
{
	struct route_prefix p = { .family = family };

	for (unsigned i = 0; i < (family == 4 ? 4U : 16U); i++)
		p.ip[i] = (uint8_t)(micro_random() >> 24);
	p.bits = (uint8_t)(shortest + micro_random() % (longest - shortest + 1U));
	return p;
}

static void set_lap(void *arg)
{
	struct table *t = arg;

	for (uint32_t i = 0; i < t->count; i++) {
		int err = route_set(t->route, &t->prefix[i], i + 1, 1);

		assert(!err);
	}
}

static void lookup_lap(void *arg)
{
	struct table *t = arg;

	for (uint32_t i = 0, at = 0; i < t->count; i++, at = (at + STRIDE) % t->count) {
		const struct route_prefix *p = &t->prefix[at];
		uint32_t found = p->family == 4 ? route_lookup4(t->route, p->ip) : route_lookup6(t->route, p->ip);

		assert(found);
	}
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

/* The first lap of setting makes the prefixes, the others give each to the owner it has. */
static void measure(struct table *t, const char *kind)
{
	size_t len = route_footprint(t->count, t->count);
	uint8_t *mem = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char name[32];

	assert(mem != MAP_FAILED);
	t->route = route_init(mem, t->count, t->count, seed);
	assert(t->route);
	set_lap(t);
	snprintf(name, sizeof(name), "route_%s_set", kind);
	micro_run(name, set_lap, t, t->count);
	snprintf(name, sizeof(name), "route_%s_lookup", kind);
	micro_run(name, lookup_lap, t, t->count);
	snprintf(name, sizeof(name), "route_%s_prefix", kind);
	micro_value(name, (double)touched(mem, len) / route_count(t->route), "bytes");
	munmap(mem, len);
}

void micro_route(void)
{
	static struct table t;

	if (!micro_wanted("route"))
		return;
	t.count = micro_counting() ? COUNT_FEW : COUNT_MAX;
	for (uint32_t i = 0; i < t.count; i++)
		t.prefix[i] = random_prefix(4, 32, 32);
	measure(&t, "hosts");
	for (uint32_t i = 0; i < t.count; i++)
		t.prefix[i] = i % 2 ? random_prefix(4, 12, 31) : random_prefix(6, 32, 127);
	measure(&t, "mixed");
}
