/* SPDX-License-Identifier: MIT */
/* What is answered, with what, and what must not be. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "../../tunneld/icmp.h"
#include "packets.h"
#include "suite.h"

START_TEST(answer_quotes_and_swaps)
{
	for (unsigned i = 0; i < 4; i++) {
		struct packet p = { .v6 = i & 1, .proto = 17, .ttl = 64, .payload = i & 2 ? 1300 : 20 };
		size_t head = p.v6 ? 40 : 20, limit = p.v6 ? 1280 : 576, alen = p.v6 ? 16 : 4, len, n;
		uint8_t pkt[1500], got[ICMP_MAX];

		len = packet_make(&p, pkt);
		n = icmp_unreachable(pkt, len, got);
		ck_assert_uint_eq(n, i & 2 ? limit : head + 8 + len);
		ck_assert_ptr_null(packet_fault(got, n));
		ck_assert_uint_eq(got[p.v6 ? 6 : 9], p.v6 ? 58 : 1);
		ck_assert_uint_eq(got[head], p.v6 ? 1 : 3);
		ck_assert_uint_eq(got[head + 1], p.v6 ? 3 : 1);
		ck_assert_mem_eq(got + head - 2 * alen, pkt + head - alen, alen);
		ck_assert_mem_eq(got + head - alen, pkt + head - 2 * alen, alen);
		ck_assert_mem_eq(got + head + 8, pkt, n - head - 8);
	}
}
END_TEST

/* The answer to a packet of this protocol with `value` at `at`; -1: as it is. */
static size_t answer(bool v6, uint8_t proto, int at, uint8_t value)
{
	struct packet p = { .v6 = v6, .proto = proto, .ttl = 64, .payload = 16 };
	uint8_t pkt[100], got[ICMP_MAX];
	size_t len = packet_make(&p, pkt);

	if (at >= 0)
		pkt[at] = value;
	return icmp_unreachable(pkt, len, got);
}

START_TEST(ipv4_rules)
{
	ck_assert_uint_gt(answer(false, 17, -1, 0), 0);
	ck_assert_uint_eq(answer(false, 17, 16, 224), 0);	/* to a group */
	ck_assert_uint_eq(answer(false, 17, 16, 255), 0);	/* to all */
	ck_assert_uint_eq(answer(false, 17, 12, 0), 0);		/* from nobody */
	ck_assert_uint_eq(answer(false, 17, 12, 127), 0);
	ck_assert_uint_eq(answer(false, 17, 12, 230), 0);
	ck_assert_uint_eq(answer(false, 17, 7, 1), 0);		/* not the first fragment */
	ck_assert_uint_gt(answer(false, 17, 6, 0x20), 0);	/* the first */
	ck_assert_uint_gt(answer(false, 1, 20, 8), 0);		/* echo */
	ck_assert_uint_eq(answer(false, 1, 20, 0), 0);		/* its answer */
	for (unsigned i = 0; i < 5; i++)
		ck_assert_uint_eq(answer(false, 1, 20, (uint8_t[]) { 3, 4, 5, 11, 12 }[i]), 0);
	ck_assert_uint_eq(answer(false, 17, 0, 0x44), 0);
	ck_assert_uint_eq(answer(false, 17, 0, 0x4f), 0);	/* a header beyond the end */
	ck_assert_uint_eq(answer(false, 17, 0, 0x25), 0);
}
END_TEST

START_TEST(ipv6_rules)
{
	ck_assert_uint_gt(answer(true, 17, -1, 0), 0);
	ck_assert_uint_eq(answer(true, 17, 24, 0xff), 0);
	ck_assert_uint_eq(answer(true, 17, 8, 0xff), 0);
	ck_assert_uint_eq(answer(true, 17, 8, 0), 0);		/* the address becomes :: */
	ck_assert_uint_gt(answer(true, 58, 40, 128), 0);
	for (unsigned i = 0; i < 5; i++)
		ck_assert_uint_eq(answer(true, 58, 40, (uint8_t[]) { 1, 2, 3, 4, 137 }[i]), 0);
	ck_assert_uint_eq(answer(true, 44, 42, 1), 0);		/* a fragment, not the first */
}
END_TEST

START_TEST(short_packets_are_not_answered)
{
	static const uint8_t pkt[40] = { 0x60 };
	uint8_t got[ICMP_MAX];

	for (size_t len = 0; len < 40; len++)
		ck_assert_uint_eq(icmp_unreachable(pkt, len, got), 0);
}
END_TEST

START_TEST(answers_are_limited)
{
	const uint64_t step = 1000000000 / ICMP_PER_SECOND, start = 77;
	struct icmp_limit l = { 0 };

	for (unsigned i = 0; i < ICMP_BURST; i++)
		ck_assert(icmp_allow(&l, start));
	ck_assert(!icmp_allow(&l, start));
	ck_assert(!icmp_allow(&l, start + step - 1));
	ck_assert(icmp_allow(&l, start + step));
	ck_assert(!icmp_allow(&l, start + step));
	/* A long rest fills the bucket, and no more than that. */
	for (unsigned i = 0; i < ICMP_BURST; i++)
		ck_assert(icmp_allow(&l, start + 1000000 * step));
	ck_assert(!icmp_allow(&l, start + 1000000 * step));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("icmp");
	TCase *t = tcase_create("icmp");

	tcase_add_test(t, answer_quotes_and_swaps);
	tcase_add_test(t, ipv4_rules);
	tcase_add_test(t, ipv6_rules);
	tcase_add_test(t, short_packets_are_not_answered);
	tcase_add_test(t, answers_are_limited);
	suite_add_tcase(s, t);
	return suite_run(s);
}
