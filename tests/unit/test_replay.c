/* SPDX-License-Identifier: MIT */
/* The window against exact tables, the vectors, and a model that remembers everything. SEED=n repeats a random run. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "replay.h"
#include "suite.h"
#include "vectors.h"

#define REJECT_AFTER_MESSAGES (UINT64_MAX - (UINT64_C(1) << 13))

enum { STEPS = 200000, SPAN = 1 << 20, RUNS = 20 };

static uint64_t seed;

static struct replay *fresh(void)
{
	static struct replay r;

	memset(&r, 0, sizeof(r));
	return &r;
}

START_TEST(accepts_each_counter_once)
{
	struct replay *r = fresh();

	for (uint64_t c = 0; c < 3 * REPLAY_WINDOW; c++) {
		ck_assert(replay_accept(r, c));
		ck_assert(!replay_accept(r, c));
		ck_assert(!c || !replay_accept(r, c - 1));
	}
}
END_TEST

START_TEST(accepts_each_counter_once_backwards)
{
	struct replay *r = fresh();

	for (int round = 0; round < 2; round++)
		for (uint64_t i = 0; i <= REPLAY_WINDOW; i++)
			ck_assert_int_eq(replay_accept(r, 50000 - i), !round);
	ck_assert(!replay_accept(r, 50000 - REPLAY_WINDOW - 1));
}
END_TEST

/* Wherever the newest lies within its block of 32, the window ends at the same distance behind it. */
START_TEST(rejects_beyond_the_window)
{
	for (uint64_t newest = REPLAY_WINDOW + 1; newest < REPLAY_WINDOW + 100; newest++) {
		struct replay *r = fresh();

		ck_assert(replay_accept(r, newest));
		ck_assert(!replay_accept(r, newest - REPLAY_WINDOW - 1));
		ck_assert(replay_accept(r, newest - REPLAY_WINDOW));
		ck_assert(!replay_accept(r, newest - REPLAY_WINDOW));
	}
}
END_TEST

START_TEST(a_jump_forgets_what_it_must)
{
	for (unsigned shift = 1; shift < 64; shift++) {
		struct replay *r = fresh();
		uint64_t jump = (UINT64_C(1) << shift) + 5;

		ck_assert(replay_accept(r, 5));
		ck_assert(replay_accept(r, jump));
		ck_assert(!replay_accept(r, 5));
		ck_assert(!replay_accept(r, jump));
		ck_assert_msg(replay_accept(r, jump - 1), "behind a jump of 2^%u", shift);
		ck_assert_msg(replay_accept(r, jump + 1), "behind a jump of 2^%u", shift);
	}
}
END_TEST

/* All slots in use when the jump comes, and all used again behind it. */
START_TEST(a_jump_clears_all_that_it_must)
{
	for (unsigned shift = 15; shift < 64; shift++) {
		struct replay *r = fresh();
		uint64_t jump = UINT64_C(1) << shift;

		for (uint64_t c = 0; c < 2 * REPLAY_WINDOW; c += 7)
			ck_assert(replay_accept(r, c));
		for (uint64_t c = 0; c < 2 * REPLAY_WINDOW; c += 5) {
			ck_assert_msg(replay_accept(r, jump + c), "behind a jump of 2^%u", shift);
			ck_assert(!replay_accept(r, jump + c));
		}
		for (uint64_t c = 0; c < 2 * REPLAY_WINDOW; c += 7)
			ck_assert(!replay_accept(r, c));
	}
}
END_TEST

START_TEST(agrees_with_vectors)
{
	json_t *root = vectors_load("replay.json"), *sequence, *step;
	size_t i, j;

	json_array_foreach(vectors_get(root, "sequences"), i, sequence) {
		const char *name = json_string_value(vectors_get(sequence, "name"));
		struct replay *r = fresh();

		json_array_foreach(vectors_get(sequence, "steps"), j, step) {
			uint64_t c = strtoull(json_string_value(json_array_get(step, 0)), NULL, 10);
			bool want = json_is_true(json_array_get(step, 1));

			/* Callers turn these away by the counter alone. */
			if (c >= REJECT_AFTER_MESSAGES) {
				ck_assert(!want);
				continue;
			}
			ck_assert_msg(replay_accept(r, c) == want, "%s: step %zu", name, j);
		}
	}
	ck_assert_uint_ge(i, 8);
	json_decref(root);
}
END_TEST

static uint64_t next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* Most counters lie near the newest, on either side of it; some repeat, few jump. */
static uint64_t choose(uint64_t *state, uint64_t newest)
{
	uint64_t r = next(state), near = next(state) % 64, far = next(state) % (REPLAY_WINDOW + 200);

	switch (r % 16) {
	case 0:
		return newest + next(state) % (2 * REPLAY_WINDOW);
	case 1 ... 5:
		return newest > far ? newest - far : far;
	case 6 ... 10:
		return newest > near ? newest - near : near;
	default:
		return newest + near / 16;
	}
}

START_TEST(agrees_with_a_set)
{
	uint64_t state = seed + (uint64_t)_i * UINT64_C(0x9e3779b97f4a7c15) + 1, newest = 0;
	uint8_t *seen = calloc(1, SPAN);
	struct replay *r = fresh();
	unsigned accepted = 0;

	ck_assert_ptr_nonnull(seen);
	for (unsigned i = 0; i < STEPS; i++) {
		uint64_t c = choose(&state, newest);
		bool want;

		if (c >= SPAN)
			break;
		want = !seen[c] && c + REPLAY_WINDOW >= newest;
		ck_assert_msg(replay_accept(r, c) == want, "SEED=%llu run %d step %u: counter %llu, newest %llu",
			      (unsigned long long)seed, _i, i, (unsigned long long)c, (unsigned long long)newest);
		accepted += want;
		seen[c] |= want;
		newest = want && c > newest ? c : newest;
	}
	ck_assert_uint_gt(accepted, 100);
	free(seen);
}
END_TEST

int main(void)
{
	const char *given = getenv("SEED");
	Suite *s = suite_create("replay");
	TCase *t = tcase_create("replay");

	seed = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
	printf("SEED=%llu\n", (unsigned long long)seed);
	tcase_add_test(t, accepts_each_counter_once);
	tcase_add_test(t, accepts_each_counter_once_backwards);
	tcase_add_test(t, rejects_beyond_the_window);
	tcase_add_test(t, a_jump_forgets_what_it_must);
	tcase_add_test(t, a_jump_clears_all_that_it_must);
	tcase_add_test(t, agrees_with_vectors);
	tcase_add_loop_test(t, agrees_with_a_set, 0, RUNS);
	suite_add_tcase(s, t);
	return suite_run(s);
}
