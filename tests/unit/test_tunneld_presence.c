/* SPDX-License-Identifier: MIT */
/* Who is there: exact steps, then random ones against a slow obvious model. */
#include <check.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../tunneld/presence.h"
#include "suite.h"

enum { PEERS = 8 };

static struct presence *presence;
static unsigned heard[PEERS][MSG_EVENTS];

static void hear(void *ctx, enum msg_event_what what, const uint8_t key[TNL_KEY_LEN])
{
	(void)ctx;
	heard[key[0]][what]++;
}

static void set_up(void)
{
	ck_assert_int_ge(sodium_init(), 0);
	presence = presence_new(PEERS);
	ck_assert_ptr_nonnull(presence);
	memset(heard, 0, sizeof(heard));
}

/* Generation 1 of each slot. */
static tnl_peer handle(unsigned i)
{
	return TNL_PEERS_MAX | i;
}

static void ready(unsigned i, tnl_ns now, uint8_t where)
{
	const struct tnl_addr at = { .family = 4, .ip = { 10, 0, 0, where }, .port = 1 };
	uint8_t key[TNL_KEY_LEN] = { (uint8_t)i };

	presence_ready(presence, now, handle(i), key, &at, hear, NULL);
}

START_TEST(presence_is_one_connect_and_one_disconnect)
{
	ready(3, 10 * TNL_SEC, 1);
	ready(3, 120 * TNL_SEC, 1);
	ck_assert_uint_eq(heard[3][MSG_EVENT_CONNECT], 1);
	ck_assert_uint_eq(presence_deadline(presence), 120 * TNL_SEC + PRESENCE_GONE);
	presence_advance(presence, 120 * TNL_SEC + PRESENCE_GONE - 1, hear, NULL);
	ck_assert_uint_eq(heard[3][MSG_EVENT_DISCONNECT], 0);
	presence_advance(presence, 120 * TNL_SEC + PRESENCE_GONE, hear, NULL);
	ck_assert_uint_eq(heard[3][MSG_EVENT_DISCONNECT], 1);
	ck_assert_uint_eq(presence_deadline(presence), TNL_NEVER);
	ck_assert_uint_eq(heard[3][MSG_EVENT_ROAM], 0);
}
END_TEST

START_TEST(presence_roams_once_a_place)
{
	const struct tnl_addr there = { .family = 4, .ip = { 10, 0, 0, 2 }, .port = 1 };

	presence_seen(presence, handle(1), &there, hear, NULL);
	ck_assert_uint_eq(heard[1][MSG_EVENT_ROAM], 0);
	ready(1, TNL_SEC, 1);
	presence_seen(presence, handle(1), &there, hear, NULL);
	presence_seen(presence, handle(1), &there, hear, NULL);
	ck_assert_uint_eq(heard[1][MSG_EVENT_ROAM], 1);
	ready(1, 2 * TNL_SEC, 1);
	ck_assert_uint_eq(heard[1][MSG_EVENT_ROAM], 2);
}
END_TEST

START_TEST(presence_takes_a_slot_over)
{
	const struct tnl_addr at = { .family = 4 };
	const uint8_t key[TNL_KEY_LEN] = { 2 };

	ready(1, TNL_SEC, 1);
	presence_ready(presence, TNL_SEC, handle(1) + TNL_PEERS_MAX, key, &at, hear, NULL);
	ck_assert_uint_eq(heard[1][MSG_EVENT_DISCONNECT], 1);
	ck_assert_uint_eq(heard[2][MSG_EVENT_CONNECT], 1);
	presence_wiped(presence, handle(1), hear, NULL);
	ck_assert_uint_eq(heard[2][MSG_EVENT_DISCONNECT], 0);
	ck_assert_uint_eq(presence_next(presence, 0), handle(1) + TNL_PEERS_MAX);
	ck_assert_uint_eq(presence_next(presence, handle(1) + TNL_PEERS_MAX), 0);
}
END_TEST

START_TEST(presence_agrees_with_a_model)
{
	unsigned seed = (unsigned)time(NULL), want[PEERS][MSG_EVENTS] = { { 0 } }, count = 0;
	tnl_ns made[PEERS] = { 0 }, now = TNL_SEC;

	srand(seed);
	for (unsigned step = 0; step < 20000; step++) {
		unsigned i = (unsigned)rand() % PEERS;

		now += (tnl_ns)(rand() % 60) * TNL_SEC;
		presence_advance(presence, now, hear, NULL);
		for (unsigned k = 0; k < PEERS; k++) {
			if (made[k] && made[k] + PRESENCE_GONE <= now) {
				want[k][MSG_EVENT_DISCONNECT]++;
				made[k] = 0;
			}
		}
		if (rand() % 4) {
			want[i][MSG_EVENT_CONNECT] += !made[i];
			made[i] = now;
			ready(i, now, 1);
		} else {
			want[i][MSG_EVENT_DISCONNECT] += made[i] != 0;
			made[i] = 0;
			presence_wiped(presence, handle(i), hear, NULL);
		}
		ck_assert_msg(!memcmp(want, heard, sizeof(want)), "seed %u, step %u", seed, step);
		count = 0;
		for (tnl_peer p = presence_next(presence, 0); p; p = presence_next(presence, p))
			count++;
		for (unsigned k = 0; k < PEERS; k++)
			count -= made[k] != 0;
		ck_assert_msg(count == 0, "seed %u, step %u", seed, step);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("tunneld presence");
	TCase *c = tcase_create("presence");

	tcase_add_checked_fixture(c, set_up, NULL);
	tcase_add_test(c, presence_is_one_connect_and_one_disconnect);
	tcase_add_test(c, presence_roams_once_a_place);
	tcase_add_test(c, presence_takes_a_slot_over);
	tcase_add_test(c, presence_agrees_with_a_model);
	suite_add_tcase(s, c);
	return suite_run(s);
}
