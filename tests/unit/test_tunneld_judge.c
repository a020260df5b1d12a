/* SPDX-License-Identifier: MIT */
/* Sharing is taken when, and only when, it wins by enough, and asked about again after a while. */
#include <check.h>

#include "../../tunneld/judge.h"
#include "suite.h"

#define BYTES (UINT64_C(1) << 18)

/* A trial in which batches take so long either way; the number of shared ones in it. */
static unsigned trial(struct judge *j, tnl_ns now, tnl_ns alone, tnl_ns shared)
{
	unsigned count = 0;

	for (unsigned i = 0; i < 2 * JUDGE_TRIAL; i++) {
		bool s = judge_shares(j, now);

		count += s;
		judge_report(j, s, BYTES, s ? shared : alone);
	}
	return count;
}

START_TEST(the_faster_way_wins_if_it_wins_clearly)
{
	static const struct {
		tnl_ns alone, shared;
		bool verdict;
	} table[] = {
		{ 1000000, 500000, true },   { 1000000, 899999, true },	  { 1000000, 900001, false },
		{ 1000000, 1000000, false }, { 1000000, 3000000, false }, { 1, 1, false },
	};

	for (unsigned i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct judge j = { .rule = JUDGE_AUTO };

		ck_assert_uint_eq(trial(&j, TNL_SEC, table[i].alone, table[i].shared), JUDGE_TRIAL);
		ck_assert_msg(judge_shares(&j, TNL_SEC) == table[i].verdict, "row %u", i);
	}
}
END_TEST

START_TEST(it_changes_its_mind)
{
	struct judge j = { .rule = JUDGE_AUTO };
	tnl_ns now = TNL_SEC;

	trial(&j, now, 1000000, 500000);
	ck_assert(judge_shares(&j, now + JUDGE_HOLD - 1));
	now += JUDGE_HOLD;
	ck_assert_uint_eq(trial(&j, now, 1000000, 2000000), JUDGE_TRIAL);
	ck_assert(!judge_shares(&j, now));
	/* What was measured before does not weigh on the new trial. */
	now += JUDGE_HOLD;
	trial(&j, now, 1000000, 800000);
	ck_assert(judge_shares(&j, now));
	ck_assert(judge_shares(&j, now + 1));
}
END_TEST

START_TEST(rules_are_followed)
{
	struct judge never = { .rule = JUDGE_NEVER }, always = { .rule = JUDGE_ALWAYS };

	ck_assert_uint_eq(trial(&never, TNL_SEC, 1000000, 1), 0);
	ck_assert_uint_eq(trial(&always, TNL_SEC, 1, 1000000), 2 * JUDGE_TRIAL);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("judge");
	TCase *t = tcase_create("judge");

	tcase_add_test(t, the_faster_way_wins_if_it_wins_clearly);
	tcase_add_test(t, it_changes_its_mind);
	tcase_add_test(t, rules_are_followed);
	suite_add_tcase(s, t);
	return suite_run(s);
}
