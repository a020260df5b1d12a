/* SPDX-License-Identifier: MIT */
/* Which messages are tried and which are not, counted. */
#include <check.h>
#include <string.h>

#include "../../tunneld/refused.h"
#include "suite.h"

static struct refused r;

static struct tnl_addr host(unsigned n)
{
	struct tnl_addr a = { .ip = { 10, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n }, .port = 1, .family = 4 };

	return a;
}

static void setup(void)
{
	memset(&r, 0, sizeof(r));
}

/* How often the message is not worth trying until it is, at most `most`. */
static unsigned skips(const struct tnl_addr *to, uint16_t size, unsigned most)
{
	unsigned n = 0;

	while (n < most && refused_skip(&r, to, size))
		n++;
	return n;
}

START_TEST(nothing_is_skipped_unless_refused)
{
	struct tnl_addr a = host(1), b = host(2), six = a;

	six.family = 6;
	ck_assert_uint_eq(skips(&a, 1400, 1), 0);
	refused_add(&r, &a, 1400);
	ck_assert_uint_eq(skips(&b, 1400, 1), 0);
	ck_assert_uint_eq(skips(&six, 1400, 1), 0);
	ck_assert_uint_eq(skips(&a, 1399, 1), 0);
	ck_assert_uint_eq(skips(&a, 1401, 1), 1);
	a.port = 99;	/* a matter of the path, not of the port */
	ck_assert_uint_eq(skips(&a, 1400, 1), 1);
}
END_TEST

START_TEST(tries_become_rare_and_never_end)
{
	struct tnl_addr a = host(1);

	for (unsigned turn = 0, want = REFUSED_FIRST; turn < 12; turn++) {
		refused_add(&r, &a, 0);
		ck_assert_uint_eq(skips(&a, 1, 100000), want);
		want = want < REFUSED_MOST ? 2 * want : want;
	}
}
END_TEST

START_TEST(what_was_taken_is_forgotten)
{
	struct tnl_addr a = host(1);

	refused_add(&r, &a, 1000);
	refused_del(&r, &a, 999);	/* smaller ones always were */
	ck_assert_uint_eq(skips(&a, 1000, 1), 1);
	refused_del(&r, &a, 1000);
	ck_assert_uint_eq(skips(&a, 1000, 1), 0);
	ck_assert_uint_eq(r.count, 0);
	refused_add(&r, &a, 1000);
	ck_assert_uint_eq(skips(&a, 1000, 100000), REFUSED_FIRST);
}
END_TEST

START_TEST(smallest_refused_size_counts)
{
	struct tnl_addr a = host(1);

	refused_add(&r, &a, 1400);
	refused_add(&r, &a, 1200);
	refused_add(&r, &a, 1300);
	ck_assert_uint_eq(skips(&a, 1199, 1), 0);
	ck_assert_uint_eq(skips(&a, 1200, 1), 1);
	refused_add(&r, &a, 0);
	ck_assert_uint_eq(skips(&a, 1, 1), 1);
}
END_TEST

/* More hosts than slots: each that is remembered is so rightly, and the count is that of the slots in use. */
START_TEST(memory_is_bounded)
{
	unsigned kept = 0, used = 0;

	for (unsigned i = 0; i < 10000; i++) {
		struct tnl_addr a = host(i);

		refused_add(&r, &a, 0);
		ck_assert_uint_eq(skips(&a, 1, 1), 1);
	}
	for (unsigned i = 0; i < 10000; i++) {
		struct tnl_addr a = host(i);

		kept += skips(&a, 1, 1);
	}
	for (unsigned i = 0; i < REFUSED_SLOTS; i++)
		used += r.slot[i].to.family != 0;
	ck_assert_uint_eq(kept, used);
	ck_assert_uint_eq(r.count, used);
	ck_assert_uint_gt(used, REFUSED_SLOTS / 2);
	for (unsigned i = 0; i < 10000; i++) {
		struct tnl_addr a = host(i);

		refused_del(&r, &a, 1);
	}
	ck_assert_uint_eq(r.count, 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("refused");
	TCase *t = tcase_create("refused");

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, nothing_is_skipped_unless_refused);
	tcase_add_test(t, tries_become_rare_and_never_end);
	tcase_add_test(t, what_was_taken_is_forgotten);
	tcase_add_test(t, smallest_refused_size_counts);
	tcase_add_test(t, memory_is_bounded);
	suite_add_tcase(s, t);
	return suite_run(s);
}
