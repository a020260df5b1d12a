/* SPDX-License-Identifier: MIT */
/* What concerns all peers at once is done a slice a turn, and completely. */
#include <check.h>
#include <stdlib.h>

#include "peer.h"
#include "suite.h"

enum { PEERS = 3 * SLICE + 7, TURNS_MAX = 40 };

static struct tnl *t;
static void *mem;
static tnl_peer handle[PEERS];
static struct tnl_now now;

static void entropy(void *ctx, void *dst, size_t len)
{
	(void)ctx;
	randombytes_buf(dst, len);
}

static void add_all(void)
{
	const struct tnl_peer_conf conf = { .keepalive_s = 25 };

	for (unsigned i = 0; i < PEERS; i++) {
		uint8_t pub[TNL_KEY_LEN];

		randombytes_buf(pub, sizeof(pub));
		ck_assert_int_eq(tnl_peer_add(t, pub, &handle[i]), 0);
		ck_assert_int_eq(tnl_peer_set(t, now, handle[i], &conf, TNL_SET_KEEPALIVE), 0);
	}
}

static void new_identity(void)
{
	uint8_t key[TNL_KEY_LEN];

	randombytes_buf(key, sizeof(key));
	ck_assert_int_eq(tnl_set_identity(t, 0, key), 0);
}

static void setup(void)
{
	static const struct tnl_limits lim = { .peers = PEERS, .sessions = 3, .prefixes = 1, .workers = 1 };
	static const struct tnl_env env = { .random = entropy };
	size_t size = tnl_footprint(&lim);

	ck_assert_int_eq(posix_memalign(&mem, 64, size), 0);
	t = tnl_init(memset(mem, 0, size), &lim, &env);
	now = (struct tnl_now){ .boot = 1000 * TNL_SEC, .wall = 1700000000 * TNL_SEC };
	new_identity();
	add_all();
}

static void teardown(void)
{
	tnl_wipe(t);
	free(mem);
}

/* A turn, and more until nothing is due. Nobody has an endpoint, so nothing is said. */
static unsigned turns(void)
{
	struct tnl_event ev;
	struct tnl_msg out;
	unsigned n = 0;

	do {
		while (tnl_event(t, &ev))
			;
		ck_assert_uint_eq(tnl_advance(t, now, &out, 1), 0);
		ck_assert_uint_lt(++n, TURNS_MAX);
	} while (tnl_deadline(t) <= now.boot);
	return n;
}

/* How many will be looked at by their timers, and not before that. */
static unsigned armed(tnl_ns at)
{
	unsigned n = 0;

	for (unsigned i = 0; i < PEERS; i++)
		n += peer_get(t, handle[i])->armed == at;
	return n;
}

START_TEST(news_of_all_come_in_slices)
{
	struct tnl_msg out;
	unsigned told = 0;

	tnl_set_up(t, now, true);
	tnl_advance(t, now, &out, 1);
	for (unsigned i = 0; i < PEERS; i++)
		told += !peer_get(t, handle[i])->news;
	ck_assert_uint_eq(told, SLICE);
	turns();
	for (unsigned i = 0; i < PEERS; i++) {
		ck_assert_uint_eq(peer_get(t, handle[i])->news, 0);
		ck_assert_uint_eq(peer_get(t, handle[i])->todo, 0);
	}
	ck_assert_uint_eq(armed(now.boot + 25 * TNL_SEC), PEERS);
}
END_TEST

START_TEST(timers_of_all_run_in_slices)
{
	struct tnl_msg out;

	tnl_set_up(t, now, true);
	turns();
	now.boot += 25 * TNL_SEC;
	tnl_advance(t, now, &out, 1);
	ck_assert_uint_eq(armed(now.boot + 25 * TNL_SEC), SLICE);
	turns();
	ck_assert_uint_eq(armed(now.boot + 25 * TNL_SEC), PEERS);
}
END_TEST

START_TEST(work_for_all_is_dropped_in_slices_when_the_interface_goes_down)
{
	struct tnl_msg out;

	tnl_set_up(t, now, true);
	for (unsigned i = 0; i < PEERS / SLICE; i++)
		ck_assert_uint_eq(tnl_advance(t, now, &out, 0), 0);
	tnl_set_up(t, now, false);
	ck_assert_uint_ge(turns(), PEERS / SLICE);
	ck_assert_uint_eq(tnl_deadline(t), TNL_NEVER);
}
END_TEST

START_TEST(slots_of_all_come_back_in_slices)
{
	for (unsigned i = 0; i < PEERS; i++)
		ck_assert_int_eq(tnl_peer_del(t, handle[i]), 0);
	ck_assert_uint_ge(turns(), PEERS / SLICE);
	add_all();
}
END_TEST

static unsigned with_source(void)
{
	struct tnl_path path;
	unsigned n = 0;

	for (unsigned i = 0; i < PEERS; i++) {
		peer_path(peer_get(t, handle[i]), &path);
		n += path.local.family == 4;
	}
	return n;
}

START_TEST(sources_of_all_are_forgotten_in_slices)
{
	const struct tnl_path path = { .local.family = 4 };

	for (unsigned i = 0; i < PEERS; i++)
		peer_path_set(peer_get(t, handle[i]), &path);
	tnl_forget_source(t, 0);
	ck_assert_uint_eq(with_source(), PEERS - SLICE);
	/* Again, before the first time is over. */
	tnl_forget_source(t, 0);
	ck_assert_uint_eq(with_source(), PEERS - 2 * SLICE);
	turns();
	ck_assert_uint_eq(with_source(), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("slices");
	TCase *c = tcase_create("slices");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, news_of_all_come_in_slices);
	tcase_add_test(c, timers_of_all_run_in_slices);
	tcase_add_test(c, work_for_all_is_dropped_in_slices_when_the_interface_goes_down);
	tcase_add_test(c, slots_of_all_come_back_in_slices);
	tcase_add_test(c, sources_of_all_are_forgotten_in_slices);
	suite_add_tcase(s, c);
	return suite_run(s);
}
