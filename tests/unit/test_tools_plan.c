/* SPDX-License-Identifier: MIT */
/* Address plans: that they overlap nothing, wherever they begin, and end when all is taken. */
#include "../../tools/plan.h"
#include "suite.h"

#include <check.h>
#include <string.h>

static const uint8_t id[5] = { 1, 2, 3, 4, 5 };

static struct net net(const char *text)
{
	struct net n;

	ck_assert(net_parse(text, strlen(text), &n));
	return n;
}

static void expect(const struct net *n, const char *text)
{
	char got[TEXT_ADDR];

	ck_assert_str_eq(net_text(n, got), text);
}

START_TEST(a_plan_is_the_first_address_of_a_private_network)
{
	struct net n;

	ck_assert(plan_ipv4(NULL, 0, 0x010203, &n));
	expect(&n, "10.2.3.1/24");
	ck_assert(plan_ipv4(NULL, 0, UINT32_MAX, &n));
	expect(&n, "10.255.255.1/24");
	ck_assert(plan_ipv6(NULL, 0, id, &n));
	expect(&n, "fd01:203:405::1/64");
}
END_TEST

START_TEST(what_is_taken_is_stepped_over)
{
	const struct net taken[] = { net("10.2.3.77"), net("10.2.4.0/23"), net("fd01:203:405::/64"), net("10.2.7.9/22"),
				     net("0.0.0.0/0"), net("::/0"), net("128.0.0.0/1"), net("0.0.0.0/1") };
	struct net n;

	ck_assert(plan_ipv4(taken, 8, 0x0203, &n));
	expect(&n, "10.2.8.1/24");
	ck_assert(plan_ipv6(taken, 8, id, &n));
	expect(&n, "fd01:203:405:1::1/64");
	ck_assert_ptr_eq(plan_clash(&taken[0], taken + 1, 7), NULL);
	ck_assert_ptr_eq(plan_clash(&(struct net){ .addr = { .family = 4, .ip = { 10, 2 } }, .bits = 16 }, taken, 8),
			 &taken[0]);
}
END_TEST

START_TEST(the_last_of_a_pool_is_followed_by_its_first)
{
	const struct net taken[] = { net("10.255.255.0/24") };
	struct net n;

	ck_assert(plan_ipv4(taken, 1, 0xffff, &n));
	expect(&n, "10.0.0.1/24");
}
END_TEST

START_TEST(pools_are_tried_in_turn)
{
	struct net taken[4], n;
	static const char *const nets[] = { "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10" };
	static const char *const got[] = { "10.0.0.1/24", "172.16.0.1/24", "192.168.0.1/24", "100.64.0.1/24" };

	for (size_t i = 0; i < 4; i++) {
		ck_assert(plan_ipv4(taken, i, 0, &n));
		expect(&n, got[i]);
		taken[i] = net(nets[i]);
	}
	ck_assert(!plan_ipv4(taken, 4, 0, &n));
	taken[0] = net("fc00::/7");
	ck_assert(!plan_ipv6(taken, 1, id, &n));
}
END_TEST

START_TEST(only_public_addresses_are_public)
{
	static const struct { const char *text; bool is; } addresses[] = {
		{ "203.0.113.1", true }, { "9.255.255.255", true }, { "10.0.0.1", false }, { "11.0.0.0", true },
		{ "172.15.255.255", true }, { "172.16.0.1", false }, { "172.31.255.255", false },
		{ "172.32.0.0", true },
		{ "192.168.1.1", false }, { "192.169.0.0", true }, { "100.63.255.255", true }, { "100.64.0.1", false },
		{ "100.127.0.1", false }, { "100.128.0.0", true }, { "169.254.1.1", false }, { "127.0.0.1", false },
		{ "2001:db8::1", true }, { "fc00::1", false }, { "fdff::1", false }, { "fe00::1", true },
		{ "fe80::1", false }, { "::1", false },
	};

	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		struct net n = net(addresses[i].text);

		ck_assert_msg(plan_public(&n.addr) == addresses[i].is, "%s", addresses[i].text);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("tools_plan");
	TCase *tc = tcase_create("all");

	tcase_add_test(tc, a_plan_is_the_first_address_of_a_private_network);
	tcase_add_test(tc, what_is_taken_is_stepped_over);
	tcase_add_test(tc, the_last_of_a_pool_is_followed_by_its_first);
	tcase_add_test(tc, pools_are_tried_in_turn);
	tcase_add_test(tc, only_public_addresses_are_public);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
