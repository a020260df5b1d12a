/* SPDX-License-Identifier: MIT */
/* Networks as text, and the first free address against a slow obvious model. */
#include "../../tools/pick.h"
#include "suite.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct net parse(const char *text)
{
	struct net n;

	ck_assert_msg(net_parse(text, strlen(text), &n), "%s", text);
	return n;
}

static void expect_pick(const char *within, const char *const taken[], size_t count, const char *want)
{
	struct net w = parse(within), got, list[16];
	char text[TEXT_ADDR];

	for (size_t i = 0; i < count; i++)
		list[i] = parse(taken[i]);
	if (!want) {
		ck_assert_int_eq(pick_address(&w, list, count, &got), -ENOSPC);
		return;
	}
	ck_assert_int_eq(pick_address(&w, list, count, &got), 0);
	ck_assert_str_eq(net_text(&got, text), want);
}
#define PICK(within, want, ...) do { \
	const char *const taken[] = { __VA_ARGS__ }; \
	expect_pick(within, taken, sizeof(taken) / sizeof(taken[0]), want); \
} while (0)

START_TEST(net_text_round_trips)
{
	static const char *const good[][2] = {
		{ "10.8.0.7", "10.8.0.7/32" }, { "10.8.0.1/24", "10.8.0.1/24" }, { "0.0.0.0/0", "0.0.0.0/0" },
		{ "fd00::7", "fd00::7/128" }, { "FD00::0:7/64", "fd00::7/64" }, { "::/0", "::/0" },
	};
	static const char *const bad[] = {
		"", "/", "10.8.0.7/", "10.8.0.7/33", "10.8.0.7/-1", "10.8.0.7/+8", "10.8.0.7/ 8", "10.8.0/24",
		"010.8.0.1", "10.8.0.7 ", "fd00::/129", "fd00::/1000", "fd00::g", "auto", "10.8.0.7/24/24",
		"1:2:3:4:5:6:7:8:9",
		"0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000/64",
	};
	char text[TEXT_ADDR];
	struct net n;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		n = parse(good[i][0]);
		ck_assert_str_eq(net_text(&n, text), good[i][1]);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(!net_parse(bad[i], strlen(bad[i]), &n), "%s", bad[i]);
	ck_assert(!net_parse("10.8.0.7\0x", 10, &n));
	ck_assert(net_parse("10.8.0.7/24xyz", 11, &n));
}
END_TEST

START_TEST(net_masks_and_contains)
{
	struct net a = parse("10.8.3.7/22"), b = parse("10.8.0.0/22"), c = parse("10.8.4.0/24");
	struct net all = parse("0.0.0.0/0"), v6 = parse("::/0"), m = net_masked(a);

	ck_assert(net_equal(&m, &b));
	ck_assert(!net_equal(&a, &b));
	ck_assert(net_contains(&a, &b) && net_contains(&b, &a));
	ck_assert(!net_contains(&b, &c) && net_contains(&all, &c) && !net_contains(&c, &all));
	ck_assert(!net_contains(&v6, &c) && net_contains(&v6, &v6));
	m = parse("fd00::abcd/0");
	m = net_masked(m);
	ck_assert(net_equal(&m, &v6));
}
END_TEST

START_TEST(pick_takes_the_first_free)
{
	PICK("10.8.0.1/24", "10.8.0.2/32", "10.9.0.2/32");
	PICK("10.8.0.1/24", "10.8.0.3/32", "10.8.0.2/32");
	PICK("10.8.0.1/24", "10.8.0.3/32", "10.8.0.4/32", "10.8.0.2/32");
	PICK("10.8.0.2/24", "10.8.0.3/32", "10.8.0.1/32");
	PICK("10.8.0.254/24", "10.8.0.1/32", "fd00::1/128");
	PICK("10.8.0.1/24", "10.8.0.32/32", "10.8.0.0/27", "10.8.0.9/32");
	PICK("10.8.0.1/24", "10.8.0.2/32", "0.0.0.0/0", "10.8.0.0/24", "10.0.0.0/8");
	PICK("10.8.0.1/30", "10.8.0.2/32", "::/0");
	PICK("fd00::1/64", "fd00::2/128", "fd00::3/128");
	PICK("fd00::5/64", "fd00::1/128", "10.0.0.1/32");
	PICK("fd00::1/64", "fd00::1:0:0:0/128", "fd00::/80");
}
END_TEST

START_TEST(pick_says_when_all_are_taken)
{
	PICK("10.8.0.1/30", NULL, "10.8.0.2/32");
	PICK("10.8.0.1/24", NULL, "10.8.0.0/25", "10.8.0.128/25");
	PICK("10.8.0.1/32", NULL, "10.9.0.1/32");
	PICK("10.8.0.0/31", NULL, "10.9.0.1/32");
	PICK("255.255.255.253/30", NULL, "255.255.255.254/32");
	PICK("ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffc/126", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128",
	     "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffd/128", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/128");
	PICK("ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffc/126", NULL, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/127",
	     "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffd/128");
}
END_TEST

/* Tries one address after the other. */
static int slow_pick(const struct net *within, const struct net *taken, size_t count)
{
	for (int host = 1; host < 255; host++) {
		struct net n = { .addr = within->addr, .bits = 32 };
		size_t i = 0;

		n.addr.ip[3] = (uint8_t)host;
		while (i < count && (taken[i].bits <= within->bits || !net_contains(&taken[i], &n)))
			i++;
		if (i == count && host != within->addr.ip[3])
			return host;
	}
	return -ENOSPC;
}

START_TEST(pick_agrees_with_the_model)
{
	enum { ROUNDS = 3000, MAX = 120 };
	unsigned full = 0;

	srandom(7);
	for (int round = 0; round < ROUNDS; round++) {
		struct net within = parse("10.8.0.0/24"), taken[MAX], got;
		size_t count = (size_t)random() % MAX;
		int want, err;

		within.addr.ip[3] = (uint8_t)random();
		for (size_t i = 0; i < count; i++) {
			taken[i] = parse("10.8.0.0/32");
			taken[i].addr.ip[3] = (uint8_t)(random() % 256);
			taken[i].bits = 22 + (unsigned)random() % 11;
			if (random() % 8)
				taken[i].bits = 28 + (unsigned)random() % 5;
			if (round % 2)	/* only single addresses, most of them low, so that the first ones are taken */
				taken[i].bits = 32;
			if (round % 2 && random() % 4)
				taken[i].addr.ip[3] = (uint8_t)(random() % 64);
		}
		want = slow_pick(&within, taken, count);
		err = pick_address(&within, taken, count, &got);
		ck_assert_int_eq(err ? err : got.addr.ip[3], want);
		full += err != 0;
	}
	ck_assert_uint_gt(full, ROUNDS / 100);
	ck_assert_uint_lt(full, ROUNDS / 100 * 99);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("tools_pick");
	TCase *tc = tcase_create("all");

	tcase_add_test(tc, net_text_round_trips);
	tcase_add_test(tc, net_masks_and_contains);
	tcase_add_test(tc, pick_takes_the_first_free);
	tcase_add_test(tc, pick_says_when_all_are_taken);
	tcase_add_test(tc, pick_agrees_with_the_model);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
