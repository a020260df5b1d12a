/* SPDX-License-Identifier: MIT */
/* Plans: what a configuration comes to, and what the difference between two of them is, in routes and in words. */
#include <check.h>
#include <stdio.h>
#include <string.h>
#include <linux/rtnetlink.h>

#include "../../libtunnel/conf.h"
#include "../../tunneld/plan.h"
#include "suite.h"

enum { OPS_MAX = 64 };

struct sample {
	struct config c;
	struct uapi_op ops[OPS_MAX];
	struct config_prefix addresses[8];
	struct plan plan;
};

static void prefix(const char *text, struct tnl_addr *addr, uint8_t *bits)
{
	ck_assert(text_prefix(text, strlen(text), true, addr, bits));
}

/* A plan of addresses and allowed IPs, each a list of words. */
static void make(struct sample *s, uint64_t table, uint32_t mark, const char *addresses, const char *allowed)
{
	char list[1024], *rest, *word;

	memset(s, 0, sizeof(*s));
	s->c.table = table;
	s->c.fwmark = mark;
	s->c.addresses = s->addresses;
	s->c.ops = s->ops;
	snprintf(list, sizeof(list), "%s", addresses);
	for (rest = list; (word = strsep(&rest, " "));) {
		struct config_prefix *p = &s->addresses[s->c.address_count];

		if (*word && ++s->c.address_count)
			prefix(word, &p->addr, &p->bits);
	}
	snprintf(list, sizeof(list), "%s", allowed);
	for (rest = list; (word = strsep(&rest, " "));) {
		struct uapi_op *op = &s->ops[s->c.op_count];

		if (!*word)
			continue;
		s->c.op_count++;
		op->what = UAPI_ALLOWED_IP;
		prefix(word, &op->addr, &op->bits);
	}
	ck_assert_int_eq(plan_make(&s->c, &s->plan), 0);
}

/* Routes of a that b has not, as words. */
static const char *routes(const struct plan *a, const struct plan *b)
{
	static char text[2048];
	struct plan_walk walk = {0};
	const struct plan_route *r;
	char one[TEXT_ADDR];
	size_t len = 0;

	text[0] = 0;
	while ((r = plan_next_route(a, b, &walk))) {
		text_from_prefix(one, &r->net, r->bits);
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s@%u", len ? " " : "", one, r->table);
	}
	return text;
}

static const struct plan nothing;

START_TEST(routes_are_sorted_and_none_is_there_twice)
{
	struct sample s;

	make(&s, CONF_TABLE_AUTO, 0, "", "172.16.0.0/16 10.0.0.0/8 fd00::/8 172.16.0.0/16 10.0.0.0/9");
	ck_assert_str_eq(routes(&s.plan, &nothing), "10.0.0.0/8@0 10.0.0.0/9@0 172.16.0.0/16@0 fd00::/8@0");
	plan_free(&s.plan);
}
END_TEST

START_TEST(what_an_address_brings_needs_no_route)
{
	struct sample s;

	make(&s, CONF_TABLE_AUTO, 0, "10.8.0.1/24 fd08::1/64",
	     "10.8.0.0/24 10.8.0.2/32 10.8.1.2/32 10.8.0.0/23 fd08::2/128 fd08:0:0:1::2/128 fd08::/48");
	ck_assert_str_eq(routes(&s.plan, &nothing), "10.8.0.0/23@0 10.8.1.2/32@0 fd08::/48@0 fd08:0:0:1::2/128@0");
	plan_free(&s.plan);
	make(&s, 77, 0, "10.8.0.1/24", "10.8.0.2/32");
	ck_assert_str_eq(routes(&s.plan, &nothing), "10.8.0.2/32@77");
	plan_free(&s.plan);
}
END_TEST

START_TEST(a_default_route_has_rules_and_a_table_only_by_auto)
{
	struct sample s;

	make(&s, CONF_TABLE_AUTO, 51820, "10.8.0.2/24", "0.0.0.0/0 10.9.0.0/16");
	ck_assert_str_eq(routes(&s.plan, &nothing), "0.0.0.0/0@51820 10.9.0.0/16@0");
	ck_assert(s.plan.rules[0] && !s.plan.rules[1]);
	ck_assert(plan_needs_mark(&s.c) && plan_needs_filter(&s.plan));
	plan_free(&s.plan);
	make(&s, 77, 0, "10.8.0.2/24", "0.0.0.0/0");
	ck_assert_str_eq(routes(&s.plan, &nothing), "0.0.0.0/0@77");
	ck_assert(!s.plan.rules[0] && !plan_needs_mark(&s.c) && !plan_needs_filter(&s.plan));
	plan_free(&s.plan);
	make(&s, CONF_TABLE_OFF, 0, "10.8.0.2/24", "0.0.0.0/0 10.9.0.0/16");
	ck_assert_str_eq(routes(&s.plan, &nothing), "");
	plan_free(&s.plan);
}
END_TEST

START_TEST(the_walk_finds_what_only_one_has)
{
	struct sample a, b;

	make(&a, CONF_TABLE_AUTO, 0, "", "10.1.0.0/16 10.2.0.0/16 10.4.0.0/16 fd01::/64");
	make(&b, CONF_TABLE_AUTO, 0, "", "10.0.0.0/16 10.2.0.0/16 10.3.0.0/16 10.4.0.0/17 fd01::/64 fd02::/64");
	ck_assert_str_eq(routes(&a.plan, &b.plan), "10.1.0.0/16@0 10.4.0.0/16@0");
	ck_assert_str_eq(routes(&b.plan, &a.plan), "10.0.0.0/16@0 10.3.0.0/16@0 10.4.0.0/17@0 fd02::/64@0");
	ck_assert_str_eq(routes(&a.plan, &a.plan), "");
	plan_free(&a.plan);
	plan_free(&b.plan);
}
END_TEST

START_TEST(what_is_gone_is_left_out)
{
	struct sample have, seen;

	make(&have, CONF_TABLE_AUTO, 51820, "10.8.0.1/24 fd08::1/64", "10.9.0.0/16 10.7.0.0/16 fd09::/64 0.0.0.0/0");
	make(&seen, RT_TABLE_MAIN, 0, "10.8.0.1/16 fd08::1/64 192.0.2.1/24", "fd09::/64 10.7.0.0/16 10.9.0.0/17");
	seen.plan.routes[0].table = 51820;	/* 10.7.0.0/16 */
	plan_sort(&seen.plan);
	plan_keep(&have.plan, &seen.plan);
	ck_assert_str_eq(routes(&have.plan, &nothing), "fd09::/64@0");
	ck_assert_uint_eq(have.plan.address_count, 1);
	ck_assert_uint_eq(have.plan.addresses[0].addr.family, 6);
	plan_keep(&have.plan, &nothing);
	ck_assert_uint_eq(have.plan.address_count + have.plan.route_count, 0);
	plan_free(&have.plan);
	plan_free(&seen.plan);
}
END_TEST

START_TEST(a_copy_is_one_of_its_own)
{
	struct sample s;
	struct plan copy;

	make(&s, CONF_TABLE_AUTO, 51820, "10.8.0.1/24", "10.9.0.0/16 0.0.0.0/0");
	ck_assert_int_eq(plan_copy(&s.plan, &copy), 0);
	plan_free(&s.plan);
	ck_assert_str_eq(routes(&copy, &nothing), "0.0.0.0/0@51820 10.9.0.0/16@0");
	ck_assert(copy.rules[0] && copy.mark == 51820 && copy.address_count == 1);
	plan_free(&copy);
	ck_assert_int_eq(plan_copy(&nothing, &copy), 0);
	plan_free(&copy);
}
END_TEST

START_TEST(the_filter_differs_by_what_is_in_it)
{
	struct sample a, b;

	make(&a, CONF_TABLE_AUTO, 0, "10.8.0.1/24", "10.9.0.0/16");
	make(&b, CONF_TABLE_AUTO, 0, "10.7.0.1/24", "10.9.0.0/16");
	ck_assert(plan_same_filter(&a.plan, &b.plan));	/* neither has one */
	a.plan.nat = b.plan.nat = CONF_NAT_YES;
	ck_assert(!plan_same_filter(&a.plan, &b.plan));
	ck_assert(plan_same_filter(&a.plan, &a.plan));
	ck_assert(plan_forwards(&a.plan, 4) && !plan_forwards(&a.plan, 6));
	plan_free(&a.plan);
	plan_free(&b.plan);
}
END_TEST

static void collect(void *ctx, const char *line)
{
	strcat(ctx, line);
	strcat(ctx, "|");
}

START_TEST(differences_are_told_in_words)
{
	struct sample a, b;
	char text[4096] = "";

	make(&a, CONF_TABLE_AUTO, 0, "10.8.0.1/24", "10.9.0.0/16");
	make(&b, CONF_TABLE_AUTO, 51820, "10.8.0.1/24 fd08::1/64", "0.0.0.0/0");
	b.plan.kill_switch = CONF_KILL_LAN;
	plan_tell(&a.plan, &a.plan, collect, text);
	ck_assert_str_eq(text, "");
	plan_tell(&a.plan, &b.plan, collect, text);
	ck_assert_str_eq(text, "address fd08::1/64 added|route 0.0.0.0/0 in table 51820 added|"
			       "route 10.9.0.0/16 removed|default route for IPv4 added|kill switch lan, was no|");
	plan_free(&a.plan);
	plan_free(&b.plan);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("plan");
	TCase *t = tcase_create("plan");

	tcase_add_test(t, routes_are_sorted_and_none_is_there_twice);
	tcase_add_test(t, what_an_address_brings_needs_no_route);
	tcase_add_test(t, a_default_route_has_rules_and_a_table_only_by_auto);
	tcase_add_test(t, the_walk_finds_what_only_one_has);
	tcase_add_test(t, what_is_gone_is_left_out);
	tcase_add_test(t, a_copy_is_one_of_its_own);
	tcase_add_test(t, the_filter_differs_by_what_is_in_it);
	tcase_add_test(t, differences_are_told_in_words);
	suite_add_tcase(s, t);
	return suite_run(s);
}
