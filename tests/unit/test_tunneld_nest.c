/* SPDX-License-Identifier: MIT */
/* What is one of our own datagrams, and how many hops are left to one that carries it. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "../../tunneld/be.h"
#include "../../tunneld/nest.h"
#include "packets.h"
#include "suite.h"

enum { PORT = 256 + 7, MESSAGE = 148 };

static uint8_t buf[PACKETS_MAX];

/* A message of this type from our port. */
static uint32_t ours(bool v6, uint8_t ttl, uint8_t type)
{
	const struct packet p = { .v6 = v6, .proto = PROTO_UDP, .ttl = ttl, .sport = PORT, .payload = MESSAGE };
	uint32_t len = (uint32_t)packet_make(&p, buf);

	memcpy(buf + len - MESSAGE, (const uint8_t[]){ type, 0, 0, 0 }, 4);
	return len;
}

START_TEST(one_in_another_has_fewer_hops_and_the_third_is_the_last)
{
	static const struct {
		uint8_t has;
		int gets;
	} table[] = {
		{ 255, 48 }, { 128, 48 }, { 65, 48 }, { 64, 48 }, { 48, 32 }, { 32, 16 }, { 17, 1 }, { 16, -1 },
		{ 1, -1 }, { 0, -1 },
	};

	for (unsigned v6 = 0; v6 < 2; v6++)
		for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
			for (uint8_t type = 1; type <= 4; type++)
				ck_assert_int_eq(nest_hops(buf, ours(v6, table[i].has, type), PORT), table[i].gets);
}
END_TEST

START_TEST(what_is_not_ours_is_left_alone)
{
	for (unsigned v6 = 0; v6 < 2; v6++) {
		uint32_t len = ours(v6, 1, 4), head = len - MESSAGE;

		ck_assert_int_eq(nest_hops(buf, len, PORT + 1), 0);
		ck_assert_int_eq(nest_hops(buf, head + 3, PORT), 0);
		ck_assert_int_eq(nest_hops(buf, head - 1, PORT), 0);
		ck_assert_int_eq(nest_hops(buf, ours(v6, 1, 0), PORT), 0);
		ck_assert_int_eq(nest_hops(buf, ours(v6, 1, 5), PORT), 0);
		for (uint32_t i = 1; i < 4; i++) {
			ours(v6, 1, 4);
			buf[head + i] = 1;
			ck_assert_int_eq(nest_hops(buf, len, PORT), 0);
		}
		ours(v6, 1, 4);
		buf[v6 ? IP6_NEXT : IP4_PROTO] = PROTO_TCP;
		ck_assert_int_eq(nest_hops(buf, len, PORT), 0);
	}
}
END_TEST

/* IPv6 has the fragment's header between its own and that of UDP. */
START_TEST(the_first_fragment_is_ours_and_no_later_one)
{
	uint32_t len = ours(true, 64, 4);

	memmove(buf + IP6_HEAD + IP6_FRAGMENT, buf + IP6_HEAD, len - IP6_HEAD);
	memset(buf + IP6_HEAD, 0, IP6_FRAGMENT);
	buf[IP6_HEAD] = PROTO_UDP;
	buf[IP6_NEXT] = PROTO_FRAGMENT;
	be16_put(buf + IP6_HEAD + 2, 1);
	ck_assert_int_eq(nest_hops(buf, len + IP6_FRAGMENT, PORT), 48);
	be16_put(buf + IP6_HEAD + 2, 8 | 1);
	ck_assert_int_eq(nest_hops(buf, len + IP6_FRAGMENT, PORT), 0);
}
END_TEST

START_TEST(a_loop_is_to_the_endpoint_itself)
{
	for (unsigned v6 = 0; v6 < 2; v6++) {
		uint32_t len = ours(v6, 64, 4), at = v6 ? IP6_HEAD : IP4_HEAD;
		struct tnl_addr to = { .family = v6 ? 6 : 4, .port = be16_get(buf + at + UDP_DPORT) };

		memcpy(to.ip, buf + (v6 ? IP6_DST : IP4_DST), v6 ? 16 : 4);
		ck_assert(nest_loops(buf, len, PORT, &to));
		ck_assert(!nest_loops(buf, len, PORT + 1, &to));
		to.port++;
		ck_assert(!nest_loops(buf, len, PORT, &to));
		to.port--;
		to.ip[3] ^= 1;
		ck_assert(!nest_loops(buf, len, PORT, &to));
		to.ip[3] ^= 1;
		to.family = v6 ? 4 : 6;
		ck_assert(!nest_loops(buf, len, PORT, &to));
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("nest");
	TCase *t = tcase_create("nest");

	tcase_add_test(t, one_in_another_has_fewer_hops_and_the_third_is_the_last);
	tcase_add_test(t, what_is_not_ours_is_left_alone);
	tcase_add_test(t, the_first_fragment_is_ours_and_no_later_one);
	tcase_add_test(t, a_loop_is_to_the_endpoint_itself);
	suite_add_tcase(s, t);
	return suite_run(s);
}
