/* SPDX-License-Identifier: MIT */
/* Allowed IPs against exact tables, the vectors, and a model that is a list and a loop. */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "route.h"
#include "suite.h"

static const uint8_t seed[16] = "0123456789abcdef";

static struct route *new_route(uint32_t prefixes, uint32_t owners)
{
	size_t len = route_footprint(prefixes, owners);
	void *mem = aligned_alloc(64, len);

	ck_assert_ptr_nonnull(mem);
	memset(mem, 0, len);
	return route_init(mem, prefixes, owners, seed);
}

/* "10.0.0.0/8", "fd00::/8"; without length an address. */
static struct route_prefix prefix(const char *text)
{
	struct route_prefix p = { 0 };
	char ip[INET6_ADDRSTRLEN];
	const char *slash = strchrnul(text, '/');

	snprintf(ip, sizeof(ip), "%.*s", (int)(slash - text), text);
	p.family = strchr(ip, ':') ? 6 : 4;
	ck_assert_int_eq(inet_pton(p.family == 4 ? AF_INET : AF_INET6, ip, p.ip), 1);
	p.bits = (uint8_t)(*slash ? atoi(slash + 1) : p.family == 4 ? 32 : 128);
	return p;
}

static const char *text_of(const struct route_prefix *p)
{
	static char text[64];
	char ip[INET6_ADDRSTRLEN];

	inet_ntop(p->family == 4 ? AF_INET : AF_INET6, p->ip, ip, sizeof(ip));
	snprintf(text, sizeof(text), "%s/%u", ip, p->bits);
	return text;
}

static uint32_t lookup(const struct route *r, const struct route_prefix *a)
{
	return a->family == 4 ? route_lookup4(r, a->ip) : route_lookup6(r, a->ip);
}

static int set(struct route *r, const char *p, uint32_t owner)
{
	return route_set(r, &(struct route_prefix[]){ prefix(p) }[0], owner, 1);
}

static int del(struct route *r, const char *p, uint32_t owner)
{
	return route_del(r, &(struct route_prefix[]){ prefix(p) }[0], owner, 1);
}

static uint32_t owner_of(const struct route *r, const char *ip)
{
	return lookup(r, &(struct route_prefix[]){ prefix(ip) }[0]);
}

/* All prefixes of an owner, in order, with a blank between. */
static const char *list(const struct route *r, uint32_t owner)
{
	static char text[1024];
	struct route_prefix p;
	uint32_t cursor = 0;
	size_t len = 0;

	text[0] = 0;
	while (route_next(r, owner, &cursor, &p))
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s", len ? " " : "", text_of(&p));
	return text;
}

START_TEST(longest_prefix_wins)
{
	struct route *r = new_route(16, 9);

	ck_assert_uint_eq(owner_of(r, "10.0.0.1"), 0);
	ck_assert_int_eq(set(r, "10.1.2.3", 5), 0);
	ck_assert_int_eq(set(r, "0.0.0.0/0", 1), 0);
	ck_assert_int_eq(set(r, "10.1.0.0/16", 3), 0);
	ck_assert_int_eq(set(r, "10.2.0.0/16", 4), 0);
	ck_assert_int_eq(set(r, "10.0.0.0/8", 2), 0);
	ck_assert_int_eq(set(r, "10.1.2.2/31", 6), 0);
	ck_assert_uint_eq(owner_of(r, "11.0.0.1"), 1);
	ck_assert_uint_eq(owner_of(r, "10.3.0.1"), 2);
	ck_assert_uint_eq(owner_of(r, "10.1.0.1"), 3);
	ck_assert_uint_eq(owner_of(r, "10.2.0.1"), 4);
	ck_assert_uint_eq(owner_of(r, "10.1.2.3"), 5);
	ck_assert_uint_eq(owner_of(r, "10.1.2.2"), 6);
	ck_assert_uint_eq(owner_of(r, "::"), 0);
	ck_assert_uint_eq(route_count(r), 6);
	free(r);
}
END_TEST

START_TEST(families_are_apart)
{
	struct route *r = new_route(16, 9);

	ck_assert_int_eq(set(r, "10.0.0.1", 1), 0);
	ck_assert_int_eq(set(r, "a00:1::", 2), 0);	/* the same first bytes */
	ck_assert_int_eq(set(r, "::/0", 3), 0);
	ck_assert_uint_eq(owner_of(r, "10.0.0.1"), 1);
	ck_assert_uint_eq(owner_of(r, "a00:1::"), 2);
	ck_assert_uint_eq(owner_of(r, "a00:1::1"), 3);
	ck_assert_uint_eq(owner_of(r, "10.0.0.2"), 0);
	ck_assert_int_eq(del(r, "a00:1::", 2), 0);
	ck_assert_uint_eq(owner_of(r, "10.0.0.1"), 1);
	ck_assert_uint_eq(owner_of(r, "a00:1::"), 3);
	free(r);
}
END_TEST

START_TEST(host_bits_are_cleared)
{
	struct route *r = new_route(16, 9);

	ck_assert_int_eq(set(r, "10.1.2.3/12", 1), 0);
	ck_assert_int_eq(set(r, "fd00:1:2:3:ffff::1/65", 1), 0);
	ck_assert_int_eq(set(r, "fd00:1:2:3:ffff::1/64", 1), 0);
	ck_assert_int_eq(set(r, "ffff::1/0", 1), 0);
	ck_assert_str_eq(list(r, 1), "10.0.0.0/12 fd00:1:2:3:8000::/65 fd00:1:2:3::/64 ::/0");
	ck_assert_int_eq(del(r, "10.15.0.0/12", 1), 0);
	ck_assert_int_eq(set(r, "fd00:1:2:3::9/64", 2), 0);
	ck_assert_str_eq(list(r, 1), "fd00:1:2:3:8000::/65 ::/0");
	free(r);
}
END_TEST

START_TEST(setting_moves_and_lists_keep_order)
{
	struct route *r = new_route(16, 9);

	ck_assert_int_eq(set(r, "10.0.0.1", 1), 0);
	ck_assert_int_eq(set(r, "10.0.0.0/24", 1), 0);
	ck_assert_int_eq(set(r, "10.0.0.2", 1), 0);
	ck_assert_int_eq(set(r, "10.0.0.0/24", 2), 0);
	ck_assert_int_eq(set(r, "10.0.0.1", 1), 0);	/* set again: last again */
	ck_assert_str_eq(list(r, 1), "10.0.0.2/32 10.0.0.1/32");
	ck_assert_str_eq(list(r, 2), "10.0.0.0/24");
	ck_assert_uint_eq(route_count(r), 3);
	ck_assert_int_eq(del(r, "10.0.0.0/24", 1), -ENOENT);	/* not its own any more */
	ck_assert_uint_eq(owner_of(r, "10.0.0.3"), 2);
	route_clear(r, 1, 1);
	ck_assert_str_eq(list(r, 1), "");
	ck_assert_uint_eq(owner_of(r, "10.0.0.1"), 2);
	ck_assert_uint_eq(route_count(r), 1);
	free(r);
}
END_TEST

/* 10.0.0.0/15 is glue once both /16 are there: no prefix, but may become one and cease to be one. */
START_TEST(glue_is_no_prefix)
{
	struct route *r = new_route(16, 9);

	ck_assert_int_eq(set(r, "10.0.0.0/16", 1), 0);
	ck_assert_int_eq(set(r, "10.1.0.0/16", 1), 0);
	ck_assert_int_eq(del(r, "10.0.0.0/15", 1), -ENOENT);
	ck_assert_int_eq(set(r, "10.0.0.0/15", 2), 0);
	ck_assert_int_eq(del(r, "10.0.0.0/16", 1), 0);
	ck_assert_uint_eq(owner_of(r, "10.0.0.1"), 2);
	ck_assert_int_eq(del(r, "10.0.0.0/15", 2), 0);
	ck_assert_uint_eq(owner_of(r, "10.0.0.1"), 0);
	ck_assert_uint_eq(owner_of(r, "10.1.0.1"), 1);
	free(r);
}
END_TEST

START_TEST(bad_input_changes_nothing)
{
	struct route *r = new_route(2, 3);
	struct route_prefix p = prefix("10.0.0.0/8");

	p.bits = 33;
	ck_assert_int_eq(route_set(r, &p, 1, 1), -EINVAL);
	p = prefix("fd00::");
	p.bits = 129;
	ck_assert_int_eq(route_set(r, &p, 1, 1), -EINVAL);
	ck_assert_int_eq(route_del(r, &p, 1, 1), -ENOENT);
	p.family = 5;
	ck_assert_int_eq(route_set(r, &p, 1, 1), -EINVAL);
	ck_assert_int_eq(set(r, "10.0.0.0/8", 0), -EINVAL);
	ck_assert_int_eq(set(r, "10.0.0.0/8", 4), -EINVAL);
	ck_assert_uint_eq(route_count(r), 0);
	ck_assert_uint_eq(route_footprint((1 << 28) + 1, 1), 0);
	free(r);
}
END_TEST

/* At the limit a prefix may move and any prefix may be replaced, again and again, as long as somebody reclaims. */
START_TEST(limit_is_exact_and_nothing_leaks)
{
	enum { LIMIT = 20, ROUNDS = 1000 };
	struct route *r = new_route(LIMIT, 2);
	uint64_t epoch = 1;
	char text[32];

	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < LIMIT; i++) {
			snprintf(text, sizeof(text), "10.%d.%d.0/%d", (i * 37 + round) % 256, i, 24 + (round + i) % 9);
			ck_assert_int_eq(set(r, text, 1), 0);
		}
		ck_assert_int_eq(set(r, "11.0.0.0/8", 1), -ENOSPC);
		ck_assert_int_eq(set(r, "11.0.0.0", 1), -ENOSPC);
		ck_assert_int_eq(set(r, text, 2), 0);
		route_clear(r, 1, epoch);
		route_clear(r, 2, epoch);
		ck_assert_uint_eq(route_count(r), 0);
		ck_assert(!route_reclaim(r, epoch));	/* somebody may have seen it */
		ck_assert(round % 2 || route_reclaim(r, ++epoch));
	}
	free(r);
}
END_TEST

START_TEST(agrees_with_vectors)
{
	struct route *r = new_route(4096, 26);
	json_t *root = json_load_file("tests/vectors/allowedips.json", 0, NULL), *step;
	size_t i;

	ck_assert_ptr_nonnull(root);
	json_array_foreach(json_object_get(root, "steps"), i, step) {
		const char *op = json_string_value(json_object_get(step, "op"));
		const char *peer = json_string_value(json_object_get(step, "peer"));
		const char *net = json_string_value(json_object_get(step, "net"));
		uint32_t owner = peer ? (uint32_t)(peer[0] - 'A' + 1) : 0;

		if (!strcmp(op, "add"))
			ck_assert_int_eq(set(r, net, owner), 0);
		else if (!strcmp(op, "del"))
			del(r, net, owner);	/* the vectors also delete what is not there */
		else if (!strcmp(op, "clear"))
			route_clear(r, owner, 1);
		else
			ck_assert_msg(owner_of(r, json_string_value(json_object_get(step, "ip"))) == owner,
				      "step %zu: %s", i, json_string_value(json_object_get(step, "ip")));
	}
	ck_assert_uint_gt(i, 1000);
	json_decref(root);
	free(r);
}
END_TEST

/* ---- The model: a list in the order of setting, searched from end to end ----------------------------------------- */

enum { MODEL_MAX = 300, OWNERS = 6 };

struct model {
	struct { struct route_prefix p; uint32_t owner; } entry[MODEL_MAX];
	uint32_t count;
};

static bool holds(const struct route_prefix *p, const struct route_prefix *a)
{
	for (unsigned i = 0; i < p->bits; i++)
		if ((p->ip[i / 8] ^ a->ip[i / 8]) & 0x80 >> i % 8)
			return false;
	return p->family == a->family;
}

static uint32_t model_find(const struct model *m, const struct route_prefix *p)
{
	uint32_t i = 0;

	while (i < m->count && !(m->entry[i].p.bits == p->bits && holds(p, &m->entry[i].p)))
		i++;
	return i;
}

static void model_remove(struct model *m, uint32_t i)
{
	m->count--;
	memmove(&m->entry[i], &m->entry[i + 1], (m->count - i) * sizeof(m->entry[0]));
}

static uint32_t model_lookup(const struct model *m, const struct route_prefix *a)
{
	uint32_t owner = 0;
	int best = -1;

	for (uint32_t i = 0; i < m->count; i++) {
		if (holds(&m->entry[i].p, a) && m->entry[i].p.bits > best) {
			best = m->entry[i].p.bits;
			owner = m->entry[i].owner;
		}
	}
	return owner;
}

/* A small corner of the address space, so that prefixes meet; now and then bits from anywhere. */
static struct route_prefix random_prefix(void)
{
	struct route_prefix p = { .family = random() % 2 ? 4 : 6 };
	unsigned len = p.family == 4 ? 4 : 16, top = 8 * len;

	for (unsigned i = 0; i < len; i++)
		p.ip[i] = (uint8_t)(random() % 3 ? 0 : 1 << random() % 8);
	if (random() % 16 == 0)
		p.ip[(unsigned)random() % len] = (uint8_t)random();
	p.bits = (uint8_t)(random() % 3 ? (unsigned)random() % (top + 1) : top);
	for (unsigned i = p.bits; i < top; i++)
		p.ip[i / 8] &= (uint8_t)~(0x80 >> i % 8);
	return p;
}

static void change_both(struct route *r, struct model *m, uint64_t epoch)
{
	struct route_prefix p = m->count && random() % 2 ? m->entry[(uint32_t)random() % m->count].p : random_prefix();
	uint32_t i = model_find(m, &p), owner = (uint32_t)(random() % OWNERS) + 1;
	long what = random() % 1000;

	if (what < 4) {
		for (i = 0; i < m->count;)
			if (m->entry[i].owner == owner)
				model_remove(m, i);
			else
				i++;
		route_clear(r, owner, epoch);
	} else if (what < 450) {
		bool there = i < m->count && m->entry[i].owner == owner;

		ck_assert_int_eq(route_del(r, &p, owner, epoch), there ? 0 : -ENOENT);
		if (there)
			model_remove(m, i);
	} else if (i == m->count && m->count == MODEL_MAX) {
		ck_assert_int_eq(route_set(r, &p, owner, epoch), -ENOSPC);
	} else {
		if (i < m->count)
			model_remove(m, i);
		m->entry[m->count].p = p;
		m->entry[m->count++].owner = owner;
		ck_assert_int_eq(route_set(r, &p, owner, epoch), 0);
	}
}

/* Of one prefix, which may be there or not. */
static void compare_owner(struct route *r, const struct model *m)
{
	struct route_prefix p = m->count && random() % 2 ? m->entry[(uint32_t)random() % m->count].p : random_prefix();
	uint32_t i = model_find(m, &p);

	ck_assert_uint_eq(route_owner(r, &p), i < m->count ? m->entry[i].owner : 0);
}

static void compare_lists(const struct route *r, const struct model *m)
{
	ck_assert_uint_eq(route_count(r), m->count);
	for (uint32_t owner = 1; owner <= OWNERS; owner++) {
		struct route_prefix p;
		uint32_t cursor = 0;

		for (uint32_t i = 0; i < m->count; i++) {
			if (m->entry[i].owner != owner)
				continue;
			ck_assert(route_next(r, owner, &cursor, &p));
			ck_assert_mem_eq(&p, &m->entry[i].p, sizeof(p));
		}
		ck_assert(!route_next(r, owner, &cursor, &p));
	}
}

START_TEST(agrees_with_model)
{
	const char *given = getenv("SEED");
	unsigned first = given ? (unsigned)strtoul(given, NULL, 0) : (unsigned)time(NULL);

	printf("route: SEED=%u\n", first);
	fflush(stdout);
	for (unsigned run = 0; run < 20; run++) {
		struct route *r = new_route(MODEL_MAX, OWNERS);
		struct model *m = calloc(1, sizeof(*m));
		uint64_t epoch = 1;

		srandom(first + run);
		for (int step = 0; step < 3000; step++) {
			change_both(r, m, epoch);
			if (random() % 8 == 0)
				ck_assert(route_reclaim(r, ++epoch));
			for (int i = 0; i < 4; i++) {
				struct route_prefix a = random_prefix();

				ck_assert_msg(lookup(r, &a) == model_lookup(m, &a), "seed %u step %d: %s", first + run,
					      step, text_of(&a));
			}
			compare_owner(r, m);
			if (step % 50 == 0)
				compare_lists(r, m);
		}
		free(m);
		free(r);
	}
}
END_TEST

/* 130,000 prefixes on one owner beside one that stays, in far less time than Check allows a test if all is linear. */
START_TEST(large_owner_is_set_and_cleared)
{
	enum { COUNT = 130000 };
	struct route *r = new_route(COUNT + 1, 2);
	struct route_prefix p = { .family = 4 };
	uint32_t cursor = 0, seen = 0;

	ck_assert_int_eq(set(r, "10.0.0.0/7", 2), 0);
	for (uint32_t i = 0; i < COUNT; i++) {
		p = (struct route_prefix){ { 10, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i }, 4, 32 };
		if (i % 2)
			p = (struct route_prefix){ { 11, (uint8_t)(i >> 15), (uint8_t)(i >> 7), (uint8_t)(i << 1) },
						   4, 31 };
		ck_assert_int_eq(route_set(r, &p, 1, 1), 0);
	}
	ck_assert_uint_eq(owner_of(r, "10.0.0.2"), 1);
	while (route_next(r, 1, &cursor, &p))
		seen++;
	ck_assert_uint_eq(seen, COUNT);
	route_clear(r, 1, 1);
	ck_assert_uint_eq(route_count(r), 1);
	ck_assert_uint_eq(owner_of(r, "10.0.0.2"), 2);
	free(r);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("route");
	TCase *t = tcase_create("route");

	tcase_add_test(t, longest_prefix_wins);
	tcase_add_test(t, families_are_apart);
	tcase_add_test(t, host_bits_are_cleared);
	tcase_add_test(t, setting_moves_and_lists_keep_order);
	tcase_add_test(t, glue_is_no_prefix);
	tcase_add_test(t, bad_input_changes_nothing);
	tcase_add_test(t, limit_is_exact_and_nothing_leaks);
	tcase_add_test(t, agrees_with_vectors);
	tcase_add_test(t, agrees_with_model);
	tcase_add_test(t, large_owner_is_set_and_cleared);
	suite_add_tcase(s, t);
	return suite_run(s);
}
