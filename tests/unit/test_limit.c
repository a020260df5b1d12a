/* SPDX-License-Identifier: MIT */
/* The limiter of handshakes: one bucket a source, bounded memory, silence is forgotten. */
#include <check.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "limit.h"
#include "suite.h"
#include "vectors.h"

#define SECOND UINT64_C(1000000000)

static struct limit l;
static const uint8_t home[16] = { 192, 0, 2, 1 };

static void setup(void)
{
	memset(&l, 0, sizeof(l));
	randombytes_buf(l.secret, sizeof(l.secret));
}

static unsigned passes(uint8_t family, const uint8_t ip[16], uint64_t now, unsigned tries)
{
	unsigned count = 0;

	for (unsigned i = 0; i < tries; i++)
		count += limit_pass(&l, family, ip, now);
	return count;
}

START_TEST(agrees_with_vectors)
{
	json_t *root = vectors_load("ratelimiter.json"), *c, *step;
	uint8_t ip[16] = { 10 };
	size_t i, j;

	json_array_foreach(vectors_get(root, "cases"), i, c) {
		ip[1] = (uint8_t)i;
		json_array_foreach(c, j, step) {
			uint64_t now = SECOND + (uint64_t)json_number_value(json_array_get(step, 0));
			bool want = json_is_true(json_array_get(step, 1));

			ck_assert_msg(limit_pass(&l, 4, ip, now) == want, "case %zu step %zu", i, j);
		}
	}
	ck_assert_uint_ge(i, 5);
	json_decref(root);
}
END_TEST

START_TEST(sources_do_not_share)
{
	for (uint8_t i = 0; i < 200; i++) {
		const uint8_t ip[16] = { 192, 0, 2, i };

		ck_assert_uint_eq(passes(4, ip, SECOND, 10), LIMIT_BURST);
	}
}
END_TEST

START_TEST(ipv6_sources_are_networks_of_64_bits)
{
	uint8_t ip[16] = { 0x20, 1, 0xd, 0xb8, [7] = 1, [15] = 1 };

	ck_assert_uint_eq(passes(6, ip, SECOND, 3), 3);
	ip[15] = 2;
	ip[8] = 0xff;
	ck_assert_uint_eq(passes(6, ip, SECOND, 10), LIMIT_BURST - 3);
	ip[7] = 2;
	ck_assert_uint_eq(passes(6, ip, SECOND, 10), LIMIT_BURST);
}
END_TEST

START_TEST(families_do_not_share)
{
	ck_assert_uint_eq(passes(4, home, SECOND, 10), LIMIT_BURST);
	ck_assert_uint_eq(passes(6, home, SECOND, 10), LIMIT_BURST);
}
END_TEST

/* Of an IPv4 address four bytes count, whatever stands behind them. */
START_TEST(bytes_behind_an_ipv4_address_do_not_count)
{
	uint8_t ip[16] = { 192, 0, 2, 1, 0xff };

	ck_assert_uint_eq(passes(4, home, SECOND, 10), LIMIT_BURST);
	ck_assert_uint_eq(passes(4, ip, SECOND, 10), 0);
}
END_TEST

START_TEST(the_rate_holds_over_time)
{
	unsigned count = 0;

	for (unsigned ms = 0; ms < 10000; ms++)
		count += limit_pass(&l, 4, home, SECOND + ms * (SECOND / 1000));
	ck_assert_uint_ge(count, 10 * LIMIT_PER_SECOND + LIMIT_BURST - 1);
	ck_assert_uint_le(count, 10 * LIMIT_PER_SECOND + LIMIT_BURST);
}
END_TEST

/* As many sources as a flood likes: some are refused, none passes more than its burst, memory is what it is. A second
 * of silence later everybody is welcome again. */
START_TEST(a_full_table_refuses_and_recovers)
{
	unsigned in = 0;

	for (unsigned i = 0; i < 4 * LIMIT_SLOTS; i++) {
		const uint8_t ip[16] = { 10, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i };
		unsigned count = passes(4, ip, SECOND, 2 * LIMIT_BURST);

		ck_assert(count == 0 || count == LIMIT_BURST);
		in += count != 0;
	}
	ck_assert_uint_le(in, LIMIT_SLOTS);
	ck_assert_uint_gt(in, LIMIT_SLOTS * 9 / 10);
	ck_assert_uint_eq(passes(4, home, 2 * SECOND + 1, 10), LIMIT_BURST);
}
END_TEST

/* Up to a quarter the chance that somebody finds no slot is below 1 in a million. */
START_TEST(a_table_a_quarter_full_refuses_nobody)
{
	for (unsigned i = 0; i < LIMIT_SLOTS / 4; i++) {
		const uint8_t ip[16] = { 10, 0, (uint8_t)(i >> 8), (uint8_t)i };

		ck_assert_uint_eq(passes(4, ip, SECOND, 1), 1);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("limit");
	TCase *t = tcase_create("limit");

	if (sodium_init() < 0)
		return EXIT_FAILURE;
	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, agrees_with_vectors);
	tcase_add_test(t, sources_do_not_share);
	tcase_add_test(t, ipv6_sources_are_networks_of_64_bits);
	tcase_add_test(t, families_do_not_share);
	tcase_add_test(t, bytes_behind_an_ipv4_address_do_not_count);
	tcase_add_test(t, the_rate_holds_over_time);
	tcase_add_test(t, a_table_a_quarter_full_refuses_nobody);
	tcase_add_test(t, a_full_table_refuses_and_recovers);
	suite_add_tcase(s, t);
	return suite_run(s);
}
