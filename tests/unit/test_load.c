/* SPDX-License-Identifier: MIT */
/* Under load: cookies instead of Diffie-Hellman, WG 5.3. */
#include <check.h>
#include <stdlib.h>

#include "pair.h"
#include "peer.h"
#include "suite.h"

static struct pair x;

static void setup(void)
{
	pair_setup(&x);
}

static void teardown(void)
{
	pair_teardown(&x);
}

START_TEST(under_load_a_cookie_then_a_session)
{
	struct tnl_msg m = pair_initiation(&x, A), reply;
	struct tnl_path before, after;

	peer_path(x.host[A].p, &before);
	ck_assert_uint_eq(pair_deliver(&x, B, &m, true), 1);
	reply = x.out[0];
	ck_assert_uint_eq(reply.len, COOKIE_LEN);
	ck_assert_uint_eq(reply.peer, 0);
	ck_assert_uint_eq(reply.tos, 0);
	ck_assert_uint_eq(get_le32(reply.data + COOKIE_RECEIVER), get_le32(m.data + INITIATION_SENDER));
	/* A forged one is nothing, the honest one is taken once, and neither makes us move or speak. */
	reply.data[40] ^= 1;
	pair_deliver(&x, A, &reply, false);
	ck_assert_uint_eq(x.host[A].p->cookie_time, 0);
	reply.data[40] ^= 1;
	x.host[B].reached_at.remote.port = 7;
	pair_deliver(&x, A, &reply, false);
	x.host[B].reached_at.remote.port = 1001;
	ck_assert_uint_ne(x.host[A].p->cookie_time, 0);
	peer_path(x.host[A].p, &after);
	ck_assert_mem_eq(&before, &after, sizeof(before));
	ck_assert_uint_eq(pair_advance(&x, A), 0);
	x.host[A].p->cookie_time = 0;
	pair_deliver(&x, A, &reply, false);
	ck_assert_uint_eq(x.host[A].p->cookie_time, 0);
	x.host[A].p->cookie_time = x.now.boot;
	/* The retry has mac2 and is processed; the load lasts one second longer than its last sign. */
	m = pair_initiation(&x, A);
	ck_assert_uint_eq(pair_deliver(&x, B, &m, true), 1);
	ck_assert_uint_eq(x.out[0].len, RESPONSE_LEN);
	m = pair_initiation(&x, B);
	ck_assert_uint_eq(pair_deliver(&x, A, &m, false), 1);
	ck_assert_uint_eq(x.out[0].len, RESPONSE_LEN);
}
END_TEST

START_TEST(load_is_held_one_second)
{
	struct tnl_msg m = pair_initiation(&x, A), n = pair_initiation(&x, A);

	ck_assert_uint_eq(pair_deliver(&x, B, &m, true), 1);
	pair_wait(&x, TNL_SEC - 1);
	ck_assert_uint_eq(pair_deliver(&x, B, &n, false), 1);
	ck_assert_uint_eq(x.out[0].len, COOKIE_LEN);
	pair_wait(&x, 1);
	ck_assert_uint_eq(pair_deliver(&x, B, &n, false), 1);
	ck_assert_uint_eq(x.out[0].len, RESPONSE_LEN);
}
END_TEST

START_TEST(cookies_depend_on_address_port_and_secret)
{
	struct tnl_msg m = pair_initiation(&x, A), c[4];
	uint8_t cookie[4][COOKIE_SIZE], key[COOKIE_KEY_LEN];

	cookie_reply_key(key, x.host[B].pub);
	for (int i = 0; i < 4; i++) {
		x.host[A].reached_at.remote.port = i == 1 ? 5 : 4;
		if (i == 3)
			pair_wait(&x, COOKIE_SECRET_TIME);
		ck_assert_uint_eq(pair_deliver(&x, B, &m, true), 1);
		c[i] = x.out[0];
		ck_assert(cookie_consume_reply(c[i].data, key, m.data + INITIATION_LEN - 2 * MAC_LEN, cookie[i]));
	}
	ck_assert_mem_ne(cookie[0], cookie[1], COOKIE_SIZE);
	ck_assert_mem_eq(cookie[0], cookie[2], COOKIE_SIZE);
	ck_assert_mem_ne(cookie[0], cookie[3], COOKIE_SIZE);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("load");
	TCase *c = tcase_create("load");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, under_load_a_cookie_then_a_session);
	tcase_add_test(c, load_is_held_one_second);
	tcase_add_test(c, cookies_depend_on_address_port_and_secret);
	suite_add_tcase(s, c);
	return suite_run(s);
}
