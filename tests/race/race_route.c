/* SPDX-License-Identifier: MIT */
/*
 * Readers look up while one writer changes everything around them. Some addresses have a prefix that stays and that
 * nothing longer ever covers: they must resolve to its owner at every moment. One prefix changes hands between two
 * owners: nobody may ever see a third. Addresses outside all that is ever set have no owner. Best under TSan.
 */
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "route.h"

enum { READERS = 3, CHURN = 64, BURST = 16, STABLE = 4, MOVING_A = 5, MOVING_B = 6, CROWD = 10, OWNERS = 10,
       CROWD_SIZE = 40000 };

struct reader {
	_Atomic uint64_t pinned;	/* 0 outside, else the epoch entered in */
	uint64_t lookups;
	pthread_t thread;
};

static const uint8_t seed[16];
static struct route *route;
static struct reader readers[READERS];
static _Atomic uint64_t epoch = 1;
static _Atomic bool done;

/* Owner i + 1 has stable[i] for good; probe[i] lies inside. */
static const struct route_prefix stable[STABLE] = {
	{ { 10, 0, 0, 1 }, 4, 32 },
	{ { 10, 128 }, 4, 9 },
	{ { 0xfd }, 6, 64 },
	{ { 0xfd, [8] = 0x80, [15] = 1 }, 6, 128 },
};
static const uint8_t probe[STABLE][16] = { { 10, 0, 0, 1 }, { 10, 128 }, { 0xfd }, { 0xfd, [8] = 0x80, [15] = 1 } };
static const struct route_prefix moving = { { 10, 64, 0, 0 }, 4, 32 };

static uint32_t lookup(uint8_t family, const uint8_t *ip)
{
	return family == 4 ? route_lookup4(route, ip) : route_lookup6(route, ip);
}

static void check(void)
{
	static const uint8_t nobody[16] = { 192, 0, 2, 1 };
	uint32_t owner;

	for (int i = 0; i < STABLE; i++)
		assert(lookup(stable[i].family, probe[i]) == (uint32_t)i + 1);
	owner = route_lookup4(route, moving.ip);
	assert(owner == MOVING_A || owner == MOVING_B);
	assert(route_lookup4(route, nobody) == 0);
	assert(route_lookup6(route, nobody) == 0);
}

static void *read_all_the_time(void *arg)
{
	struct reader *me = arg;

	while (!atomic_load(&done)) {
		atomic_store(&me->pinned, atomic_load(&epoch));
		for (int i = 0; i < 8; i++)
			check();
		atomic_store(&me->pinned, 0);
		me->lookups += 8;
	}
	return NULL;
}

static uint64_t oldest_pin(void)
{
	uint64_t oldest = atomic_load(&epoch);

	for (int i = 0; i < READERS; i++) {
		uint64_t e = atomic_load(&readers[i].pinned);

		if (e && e < oldest)
			oldest = e;
	}
	return oldest;
}

/* Near the probes: their first bits, then one bit flipped, so that nodes split and join along the very paths the
 * readers take. Either shorter than the stable prefix, or beside the probe. */
static struct route_prefix random_prefix(void)
{
	unsigned which = (unsigned)random() % (STABLE + 1);
	struct route_prefix p = which < STABLE ? stable[which] : moving;
	unsigned full = p.family == 4 ? 32 : 128, flip = 9 + (unsigned)random() % (full - 9);

	if (random() % 3) {
		p.ip[flip / 8] ^= (uint8_t)(0x80 >> flip % 8);
		p.bits = (uint8_t)(flip + 1 + (unsigned)random() % (full - flip));
	} else {
		p.bits = (uint8_t)(8 + (unsigned)random() % (p.bits - 8));
	}
	for (unsigned i = p.bits; i < full; i++)
		p.ip[i / 8] &= (uint8_t)~(0x80 >> i % 8);
	return p;
}

static bool holds(const struct route_prefix *p, const uint8_t *ip, uint8_t family)
{
	for (unsigned i = 0; i < p->bits; i++)
		if ((p->ip[i / 8] ^ ip[i / 8]) & 0x80 >> i % 8)
			return false;
	return p->family == family;
}

/* Would p take a probe from its owner? */
static bool forbidden(const struct route_prefix *p)
{
	for (int i = 0; i < STABLE; i++)
		if (holds(p, probe[i], stable[i].family) && p->bits >= stable[i].bits)
			return true;
	return holds(p, moving.ip, moving.family) && p->bits == moving.bits;
}

static void change(struct route_prefix *churn, uint32_t *owners)
{
	unsigned i = (unsigned)random() % CHURN;
	uint64_t e = atomic_load(&epoch);
	int err = 0;

	if (random() % 256 == 0) {
		route_clear(route, MOVING_B + 1 + (unsigned)random() % 3, e);
	} else if (owners[i]) {
		route_del(route, &churn[i], owners[i], e);	/* may have been cleared or moved */
		owners[i] = 0;
	} else {
		churn[i] = random_prefix();
		if (forbidden(&churn[i]))
			return;
		owners[i] = MOVING_B + 1 + (unsigned)random() % 3;
		err = route_set(route, &churn[i], owners[i], e);
	}
	assert(!err);
	err = route_set(route, &moving, random() % 2 ? MOVING_A : MOVING_B, e);
	assert(!err);
}

/* Each change brings one more to a crowd of full-length prefixes, so that the hash table grows under the readers. */
static void crowd(uint32_t i)
{
	const struct route_prefix p = { { 172, 16, (uint8_t)(i >> 8), (uint8_t)i }, 4, 32 };
	int err = route_set(route, &p, CROWD, atomic_load(&epoch));

	assert(!err);
}

int main(int argc, char **argv)
{
	/* Far more room than prefixes: a reader that the scheduler holds back for long pins all that is removed. */
	const uint32_t limit = 1 << 20;
	unsigned first = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 0) : (unsigned)time(NULL);
	long changes = argc > 1 ? strtol(argv[1], NULL, 0) : 200000;
	struct route_prefix churn[CHURN] = { 0 };
	uint32_t owners[CHURN] = { 0 };
	size_t len = route_footprint(limit, OWNERS);
	void *mem = aligned_alloc(64, len);

	assert(mem);
	memset(mem, 0, len);
	route = route_init(mem, limit, OWNERS, seed);
	srandom(first);
	for (uint32_t i = 0; i < STABLE; i++)
		route_set(route, &stable[i], i + 1, 1);
	route_set(route, &moving, MOVING_A, 1);
	for (int i = 0; i < READERS; i++)
		pthread_create(&readers[i].thread, NULL, read_all_the_time, &readers[i]);
	for (long i = 0; i < changes; i++) {
		change(churn, owners);
		if (i < CROWD_SIZE)
			crowd((uint32_t)i);
		if (i % BURST == 0) {
			atomic_fetch_add(&epoch, 1);
			route_reclaim(route, oldest_pin());
		}
	}
	atomic_store(&done, true);
	for (int i = 0; i < READERS; i++) {
		pthread_join(readers[i].thread, NULL);
		assert(readers[i].lookups > 0);
	}
	check();
	printf("race-route: %ld changes, %lu rounds of look-ups, seed %u\n", changes,
	       (unsigned long)(readers[0].lookups + readers[1].lookups + readers[2].lookups), first);
	free(mem);
	return 0;
}
