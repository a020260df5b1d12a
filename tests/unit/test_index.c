/* SPDX-License-Identifier: MIT */
/* The table of receiver indices: what is in it is found while it grows, what has gone is not, few touch little. */
#include <check.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "index.h"
#include "suite.h"

enum { MANY = 50000 };

static struct index x;
static uint32_t slots, held[MANY], ref_of[MANY], count;

static void setup(void)
{
	slots = index_slots(MANY);
	memset(&x, 0, sizeof(x));
	x.slot = calloc(slots, sizeof(*x.slot));
	ck_assert_ptr_nonnull(x.slot);
	index_init(&x, slots);
	count = 0;
}

static void teardown(void)
{
	free(x.slot);
}

static void claim_one(uint32_t ref)
{
	uint32_t candidate;

	do
		candidate = randombytes_random();
	while (!index_claim(&x, candidate, ref));
	ref_of[count] = ref;
	held[count++] = candidate;
}

static void release_one(uint32_t i)
{
	index_release(&x, held[i]);
	ck_assert_uint_eq(index_lookup(&x, held[i]), 0);
	held[i] = held[--count];
	ref_of[i] = ref_of[count];
}

START_TEST(finds_all_while_it_grows)
{
	for (uint32_t n = 1; n <= MANY; n++) {
		claim_one(n);
		ck_assert_uint_eq(index_lookup(&x, held[n - 1]), n);
		if (n & (n - 1))
			continue;
		for (uint32_t i = 0; i < n; i++)
			ck_assert_uint_eq(index_lookup(&x, held[i]), ref_of[i]);
	}
	for (uint32_t i = 0; i < MANY; i++)
		ck_assert_uint_eq(index_lookup(&x, held[i]), ref_of[i]);
	ck_assert_uint_eq(x.mask + 1, slots);
}
END_TEST

START_TEST(agrees_with_list)
{
	for (uint32_t step = 1; step < 200000; step++) {
		uint32_t kind = randombytes_uniform(20), i = count ? randombytes_uniform(count) : 0;

		if (count < 20 || (kind < 10 && count < MANY)) {
			claim_one(step);
		} else if (kind < 18) {
			release_one(i);
		} else {
			index_replace(&x, held[i], step);
			ref_of[i] = step;
		}
		if (count)
			ck_assert_uint_eq(index_lookup(&x, held[i % count]), ref_of[i % count]);
	}
	for (uint32_t i = 0; i < count; i++)
		ck_assert_uint_eq(index_lookup(&x, held[i]), ref_of[i]);
}
END_TEST

START_TEST(says_no_to_a_live_slot)
{
	claim_one(1);
	ck_assert(!index_claim(&x, held[0], 2));
	ck_assert_uint_eq(index_lookup(&x, held[0]), 1);
	index_release(&x, held[0]);
	ck_assert(index_claim(&x, held[0], 2));
}
END_TEST

START_TEST(few_touch_little)
{
	uint32_t touched = 0;

	for (uint32_t n = 1; n <= 100; n++)
		claim_one(n);
	for (uint32_t i = 0; i < slots; i++)
		touched = x.slot[i] ? i : touched;
	ck_assert_uint_lt(touched, 1024);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("index");
	TCase *t = tcase_create("index");

	if (sodium_init() < 0)
		return EXIT_FAILURE;
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, finds_all_while_it_grows);
	tcase_add_test(t, agrees_with_list);
	tcase_add_test(t, says_no_to_a_live_slot);
	tcase_add_test(t, few_touch_little);
	suite_add_tcase(s, t);
	return suite_run(s);
}
