/* SPDX-License-Identifier: MIT */
/*
 * A reader that looks up after every single store of the writer: whatever a change does step by step, each answer must
 * be the one before the change or the one after it. route.c is compiled in, with its stores hooked.
 */
#include <check.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static void look(void);

#undef atomic_store_explicit
#define atomic_store_explicit(p, v, order) do { __atomic_store_n((uint32_t *)(p), v, order); look(); } while (0)
#include "../../libtunnel/route.c"
#include "suite.h"
#undef atomic_store_explicit

enum { LIMIT = 64, OWNERS = 4, PROBES = 96, SEEN = 32, CHANGES = 4000 };

static struct route *route;
static struct route_prefix probes[PROBES];
static uint32_t seen[SEEN][PROBES];
static uint32_t looks;
static bool looking, steady;	/* steady: each answer is seen[0] */

static void answers(uint32_t *ret)
{
	for (int i = 0; i < PROBES; i++)
		ret[i] = probes[i].family == 4 ? route_lookup4(route, probes[i].ip) :
						 route_lookup6(route, probes[i].ip);
}

static void look(void)
{
	if (!looking)
		return;
	if (steady) {
		answers(seen[1]);
		ck_assert_mem_eq(seen[1], seen[0], sizeof(seen[0]));
		return;
	}
	ck_assert_uint_lt(looks, SEEN);
	answers(seen[looks++]);
}

/* Few enough addresses that nearly every change concerns a probe. */
static struct route_prefix random_prefix(void)
{
	struct route_prefix p = { .ip = { (uint8_t)random() & 0x81 }, .family = random() % 2 ? 4 : 6 };
	unsigned full = p.family == 4 ? 32 : 128;

	p.ip[full / 8 - 1] = (uint8_t)random() & 0x83;
	p.bits = (uint8_t)(random() % 2 ? full - (unsigned)random() % 9 : (unsigned)random() % 9);
	return p;
}

static void verify(const uint32_t *before, const uint32_t *after, unsigned seed, int change)
{
	for (uint32_t l = 0; l < looks; l++)
		for (int i = 0; i < PROBES; i++)
			ck_assert_msg(seen[l][i] == before[i] || seen[l][i] == after[i],
				      "seed %u change %d store %u: %u, not %u or %u", seed, change, l, seen[l][i],
				      before[i], after[i]);
}

START_TEST(each_store_gives_the_old_or_the_new_answer)
{
	const char *given = getenv("SEED");
	unsigned seed = given ? (unsigned)strtoul(given, NULL, 0) : (unsigned)time(NULL);
	size_t len = route_footprint(LIMIT, OWNERS);
	void *mem = aligned_alloc(64, len);
	uint32_t before[PROBES], after[PROBES], moved = 0;

	printf("route_woven: SEED=%u\n", seed);
	fflush(stdout);
	srandom(seed);
	ck_assert_ptr_nonnull(mem);
	memset(mem, 0, len);
	route = route_init(mem, LIMIT, OWNERS, (const uint8_t[16]){ 0 });
	for (int i = 0; i < PROBES; i++)
		probes[i] = random_prefix();
	for (int change = 0; change < CHANGES; change++) {
		struct route_prefix p = random_prefix();
		uint32_t owner = (uint32_t)(random() % OWNERS) + 1, count = route->count, cursor = 0;
		bool set = random() % 2 || !route_next(route, owner, &cursor, &p);

		answers(before);
		looks = 0;
		looking = true;
		if (set)
			route_set(route, &p, owner, (uint64_t)change);
		else
			route_del(route, &p, owner, (uint64_t)change);
		looking = false;
		answers(after);
		verify(before, after, seed, change);
		moved += count != route->count;
		route_reclaim(route, (uint64_t)change + 1);
	}
	ck_assert_uint_gt(moved, CHANGES / 10);
	free(mem);
}
END_TEST

static struct route_prefix in_crowd(uint32_t i)
{
	return (struct route_prefix){ { 10, 0, (uint8_t)(i >> 8), (uint8_t)i }, 4, 32 };
}

/* Twice, so that the links that the readers follow have both changed their role; some of the crowd go in between. */
START_TEST(a_larger_table_answers_like_the_smaller)
{
	enum { FULL = BUCKETS_FIRST * GROWTH, MOST = FULL + 1 };
	size_t len = route_footprint(MOST * GROWTH, 1);
	void *mem = aligned_alloc(64, len);
	uint32_t tables = 0, table;

	ck_assert_ptr_nonnull(mem);
	memset(mem, 0, len);
	route = route_init(mem, MOST * GROWTH, 1, (const uint8_t[16]){ 0 });
	for (uint32_t i = 0; i < PROBES; i++)
		probes[i] = in_crowd(i * (BUCKETS_FIRST / PROBES));	/* the last ones are nobody's */
	for (uint32_t i = 0; i < MOST; i++) {
		struct route_prefix p = in_crowd(i + BUCKETS_FIRST / 2 * (i >= BUCKETS_FIRST / 2)), gone = in_crowd(1);

		looking = steady = i + 1 == BUCKETS_FIRST || i + 1 == FULL;
		if (looking)
			answers(seen[0]);
		table = route->table;
		ck_assert_int_eq(route_set(route, &p, 1, i + 1), 0);
		tables += table != route->table;
		if (looking)
			ck_assert_int_eq(route_del(route, &gone, 1, i + 1), 0);
		if (looking)
			ck_assert_int_eq(route_set(route, &gone, 1, i + 1), 0);
		looking = steady = false;
		route_reclaim(route, i + 2);
	}
	ck_assert_uint_eq(tables, 2);
	free(mem);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("route_woven");
	TCase *t = tcase_create("route_woven");

	tcase_add_test(t, each_store_gives_the_old_or_the_new_answer);
	tcase_add_test(t, a_larger_table_answers_like_the_smaller);
	suite_add_tcase(s, t);
	return suite_run(s);
}
