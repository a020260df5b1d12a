/* SPDX-License-Identifier: MIT */
/* Which flows travel together, by time and bytes. A descriptor is the number of its lane. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "../../tunneld/lanes.h"
#include "../../tunneld/be.h"
#include "packets.h"
#include "suite.h"

#define MS (TNL_SEC / 1000)

static struct lanes lanes;
static uint8_t pkt[2000];

static void setup(void)
{
	lanes = (struct lanes) { .count = LANES, .fd = { 0, 1, 2, 3 }, .seed = 7 };
}

/* A packet of flow `id` to pkt; its length. */
static uint32_t make(bool v6, uint8_t proto, uint16_t id)
{
	struct packet p = { .v6 = v6, .proto = proto, .ttl = 64, .sport = id, .payload = 1000 };

	return (uint32_t)packet_make(&p, pkt);
}

static void swap(uint8_t *a, uint8_t *b, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		uint8_t x = a[i];

		a[i] = b[i];
		b[i] = x;
	}
}

/* The same flow the other way. */
static uint32_t make_answer(bool v6, uint8_t proto, uint16_t id)
{
	uint32_t len = make(v6, proto, id), l4 = v6 ? IP6_HEAD : IP4_HEAD;

	if (v6)
		swap(pkt + IP6_SRC, pkt + IP6_DST, 16);
	else
		swap(pkt + IP4_SRC, pkt + IP4_DST, 4);
	if (proto == PROTO_TCP || proto == PROTO_UDP)
		swap(pkt + l4, pkt + l4 + 2, 2);
	return len;
}

static int lane(bool v6, uint8_t proto, uint16_t id)
{
	uint32_t len = make_answer(v6, proto, id);

	return lanes_choose(&lanes, pkt, len);
}

static void send_some(tnl_ns now, uint32_t packets, bool v6, uint8_t proto, uint16_t id)
{
	uint32_t len = make(v6, proto, id);

	for (uint32_t i = 0; i < packets; i++)
		lanes_weigh(&lanes, now, pkt, len);
}

START_TEST(fat_flow_leaves_the_others)
{
	static const uint8_t proto[] = { PROTO_TCP, PROTO_UDP, PROTO_ICMP };

	for (unsigned v6 = 0; v6 < 2; v6++)
		for (unsigned i = 0; i < 3; i++) {
			setup();
			ck_assert_int_eq(lane(v6, proto[i], 1), 0);
			send_some(MS, 10, v6, proto[i], 1);
			ck_assert_int_eq(lane(v6, proto[i], 1), 0);
			send_some(2 * MS, 30, v6, proto[i], 1);
			ck_assert_int_gt(lane(v6, proto[i], 1), 0);
			/* It takes neither another protocol nor the other family along. */
			ck_assert_int_eq(lane(v6, proto[(i + 1) % 3], 1), 0);
			ck_assert_int_eq(lane(!v6, proto[i], 1), 0);
		}
}
END_TEST

START_TEST(slow_flow_stays)
{
	for (unsigned i = 0; i < 100; i++) {
		send_some((tnl_ns)i * 50 * MS, 20, false, PROTO_UDP, 1);
		ck_assert_int_eq(lane(false, PROTO_UDP, 1), 0);
	}
}
END_TEST

/* A period with little, not one moment without anything, says that it is over. */
START_TEST(flow_that_calms_down_comes_back)
{
	send_some(MS, 100, false, PROTO_TCP, 1);
	send_some(40 * MS, 1, false, PROTO_TCP, 1);
	ck_assert_int_gt(lane(false, PROTO_TCP, 1), 0);
	send_some(60 * MS, 1, false, PROTO_TCP, 1);
	ck_assert_int_gt(lane(false, PROTO_TCP, 1), 0);
	send_some(120 * MS, 1, false, PROTO_TCP, 1);
	ck_assert_int_eq(lane(false, PROTO_TCP, 1), 0);
}
END_TEST

START_TEST(fat_flows_spread)
{
	unsigned used = 0;

	for (uint16_t id = 1; id <= 3; id++) {
		send_some(MS, 100, false, PROTO_UDP, id);
		used |= 1u << lane(false, PROTO_UDP, id);
	}
	ck_assert_uint_eq(used, 0xe);
	/* The next one goes where least was sent lately. */
	send_some(2 * MS, 100, false, PROTO_UDP, 1);
	send_some(2 * MS, 100, false, PROTO_UDP, 3);
	send_some(3 * MS, 100, false, PROTO_UDP, 4);
	ck_assert_int_eq(lane(false, PROTO_UDP, 4), lane(false, PROTO_UDP, 2));
}
END_TEST

/* What stands where ports would be is none, and differs from fragment to fragment. */
START_TEST(fragments_of_a_packet_keep_together)
{
	uint32_t len = make(false, PROTO_UDP, 1);

	pkt[IP4_FRAG] = 0x20;	/* more will follow */
	for (unsigned i = 0; i < 100; i++)
		lanes_weigh(&lanes, MS, pkt, len);
	pkt[IP4_FRAG] = 0;
	pkt[IP4_FRAG + 1] = 100;
	memset(pkt + IP4_HEAD, 0x55, 4);
	ck_assert_int_gt(lanes_choose(&lanes, pkt, len), 0);
	ck_assert_int_eq(lane(false, PROTO_UDP, 1), 0);
}
END_TEST

/* Nothing behind the end is read: under the address sanitizer this would show. */
START_TEST(packets_may_end_behind_their_header)
{
	for (unsigned v6 = 0; v6 < 2; v6++) {
		uint32_t head = v6 ? IP6_HEAD : IP4_HEAD;
		uint8_t *exact = malloc(head);

		make(v6, PROTO_TCP, 1);
		memcpy(exact, pkt, head);
		lanes_weigh(&lanes, MS, exact, head);
		ck_assert_int_eq(lanes_choose(&lanes, exact, head), 0);
		if (!v6)
			exact[0] = 0x4f;	/* options that are not there */
		ck_assert_int_eq(lanes_choose(&lanes, exact, head), 0);
		free(exact);
	}
}
END_TEST

/* Whoever may choose addresses and ports cannot aim at the entry of another's flow by flows with the same sums. */
START_TEST(sums_do_not_tell_where_flows_meet)
{
	for (unsigned v6 = 0; v6 < 2; v6++)
		for (uint64_t seed = 1; seed <= 4; seed++) {
			uint32_t len = make(v6, PROTO_UDP, 1), l4 = v6 ? IP6_HEAD : IP4_HEAD;
			uint8_t *src = pkt + (v6 ? IP6_SRC + 15 : IP4_SRC + 3);
			uint8_t *dst = pkt + (v6 ? IP6_DST + 15 : IP4_DST + 3);

			setup();
			lanes.seed = seed;
			for (unsigned i = 0; i < 100; i++)
				lanes_weigh(&lanes, MS, pkt, len);
			ck_assert_int_gt(lanes_choose(&lanes, pkt, len), 0);
			++*src;
			--*dst;
			ck_assert_int_eq(lanes_choose(&lanes, pkt, len), 0);
			--*src;
			++*dst;
			++pkt[l4 + 1];
			--pkt[l4 + 3];
			ck_assert_int_eq(lanes_choose(&lanes, pkt, len), 0);
			--pkt[l4 + 1];
			/* Ports that change sides are another flow as well. */
			++pkt[l4 + 3];
			swap(pkt + l4, pkt + l4 + 2, 2);
			ck_assert_int_eq(lanes_choose(&lanes, pkt, len), 0);
		}
}
END_TEST

START_TEST(one_lane_is_for_all)
{
	lanes = (struct lanes) { .count = 1, .fd = { 5 } };
	send_some(MS, 1000, false, PROTO_TCP, 1);
	ck_assert_int_eq(lane(false, PROTO_TCP, 1), 5);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("lanes");
	TCase *t = tcase_create("lanes");

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, fat_flow_leaves_the_others);
	tcase_add_test(t, slow_flow_stays);
	tcase_add_test(t, flow_that_calms_down_comes_back);
	tcase_add_test(t, fat_flows_spread);
	tcase_add_test(t, fragments_of_a_packet_keep_together);
	tcase_add_test(t, packets_may_end_behind_their_header);
	tcase_add_test(t, sums_do_not_tell_where_flows_meet);
	tcase_add_test(t, one_lane_is_for_all);
	suite_add_tcase(s, t);
	return suite_run(s);
}
