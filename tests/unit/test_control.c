/* SPDX-License-Identifier: MIT */
/* Handshakes as two machines see them: what is answered, what is not, what moves and what stays. */
#include <check.h>
#include <stdlib.h>

#include "pair.h"
#include "peer.h"
#include "session.h"
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

START_TEST(every_flipped_bit_of_an_initiation_is_silent)
{
	struct tnl_msg m = pair_initiation(&x, A);
	struct peer before = *x.host[B].p;

	for (unsigned bit = 0; bit < 8u * (INITIATION_LEN - MAC_LEN); bit++) {
		m.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		ck_assert_uint_eq(pair_deliver(&x, B, &m, false), 0);
		m.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	ck_assert_mem_eq(&before, x.host[B].p, sizeof(before));
	/* mac2 is not looked at. */
	m.data[INITIATION_LEN - 1] ^= 1;
	ck_assert_uint_eq(pair_deliver(&x, B, &m, false), 1);
}
END_TEST

/* The same with mac1 made anew, as by somebody who knows the public key: Noise itself must refuse. */
START_TEST(a_right_mac1_alone_opens_nothing)
{
	struct tnl_msg m = pair_initiation(&x, A);
	uint8_t key[COOKIE_KEY_LEN];
	struct peer before;

	cookie_mac1_key(key, x.host[B].pub);
	peer_static_static(x.host[B].t, x.host[B].p, 0);	/* cached by the first attempt */
	before = *x.host[B].p;
	for (unsigned at = INITIATION_EPHEMERAL; at < INITIATION_LEN - 2 * MAC_LEN; at++) {
		struct tnl_msg bad = m;

		bad.data[at] ^= 1;
		cookie_add_macs(bad.data, INITIATION_LEN, key, NULL);
		ck_assert_uint_eq(pair_deliver(&x, B, &bad, false), 0);
	}
	ck_assert_mem_eq(&before, x.host[B].p, sizeof(before));
}
END_TEST

START_TEST(lengths_and_types_are_exact)
{
	struct tnl_msg m = pair_initiation(&x, A);
	uint8_t buf[256] = { 0 };
	struct tnl_msg out;

	memcpy(buf, m.data, INITIATION_LEN);
	for (size_t len = 0; len < sizeof(buf); len++)
		if (len != INITIATION_LEN)
			ck_assert_uint_eq(tnl_control(x.host[B].t, x.now, &x.host[A].reached_at, buf, len, false, &out),
					  0);
	for (unsigned i = 1; i < 4; i++) {
		buf[i] = 1;
		ck_assert_uint_eq(
			tnl_control(x.host[B].t, x.now, &x.host[A].reached_at, buf, INITIATION_LEN, false, &out), 0);
		buf[i] = 0;
	}
}
END_TEST

START_TEST(a_replayed_initiation_is_silent_for_ever)
{
	struct tnl_msg m = pair_initiation(&x, A);

	ck_assert_uint_eq(pair_deliver(&x, B, &m, false), 1);
	ck_assert_uint_eq(pair_deliver(&x, B, &m, false), 0);
	pair_wait(&x, 3600 * TNL_SEC);
	ck_assert_uint_eq(pair_deliver(&x, B, &m, false), 0);
}
END_TEST

START_TEST(initiations_closer_than_20_ms_are_dropped_and_do_not_count)
{
	struct tnl_msg first = pair_initiation(&x, A), second = pair_initiation(&x, A), third = pair_initiation(&x, A);

	ck_assert_uint_eq(pair_deliver(&x, B, &first, false), 1);
	pair_wait(&x, INITIATION_SPACING - 1);
	ck_assert_uint_eq(pair_deliver(&x, B, &second, false), 0);
	pair_wait(&x, 1);
	ck_assert_uint_eq(pair_deliver(&x, B, &second, false), 1);
	pair_wait(&x, INITIATION_SPACING);
	ck_assert_uint_eq(pair_deliver(&x, B, &third, false), 1);
}
END_TEST

START_TEST(own_timestamps_rise_even_when_the_wall_clock_falls)
{
	uint8_t last[TIMESTAMP_LEN] = { 0 };
	struct noise_handshake hs;
	uint8_t remote[32], stamp[TIMESTAMP_LEN], ss[32];

	noise_static_static(&x.host[B].t->identity[0], x.host[A].pub, ss);
	for (int i = 0; i < 50; i++) {
		struct tnl_msg m = pair_initiation(&x, A);

		x.now.wall -= i % 3 ? 6 * TNL_SEC : 3600 * TNL_SEC;
		ck_assert(noise_consume_initiation_static(&hs, &x.host[B].t->identity[0], m.data, remote));
		ck_assert(noise_consume_initiation_timestamp(&hs, ss, m.data, stamp));
		ck_assert_int_gt(memcmp(stamp, last, sizeof(stamp)), 0);
		ck_assert_uint_eq(stamp[10], 0);
		ck_assert_uint_eq(stamp[11], 0);
		memcpy(last, stamp, sizeof(last));
	}
}
END_TEST

START_TEST(a_forged_response_does_not_spoil_the_honest_one)
{
	struct tnl_msg m = pair_initiation(&x, A), good, bad;
	uint8_t key[COOKIE_KEY_LEN];

	ck_assert_uint_eq(pair_deliver(&x, B, &m, false), 1);
	good = bad = x.out[0];
	cookie_mac1_key(key, x.host[A].pub);
	for (unsigned at = RESPONSE_EPHEMERAL; at < RESPONSE_LEN - 2 * MAC_LEN; at++) {
		bad = good;
		bad.data[at] ^= 0x10;
		cookie_add_macs(bad.data, RESPONSE_LEN, key, NULL);
		pair_deliver(&x, A, &bad, false);
		ck_assert_ptr_null(x.host[A].p->current);
	}
	pair_deliver(&x, A, &good, false);
	ck_assert_ptr_nonnull(x.host[A].p->current);
	/* And once only. */
	struct tnl_session *s = x.host[A].p->current;
	pair_deliver(&x, A, &good, false);
	ck_assert_ptr_eq(x.host[A].p->current, s);
}
END_TEST

START_TEST(responder_sends_nothing_before_confirmation)
{
	struct tnl_msg m = pair_initiation(&x, A);

	ck_assert_uint_eq(pair_deliver(&x, B, &m, false), 1);
	m = x.out[0];
	ck_assert_int_eq(pair_pass(&x, B), TNL_WAIT);
	pair_deliver(&x, A, &m, false);
	ck_assert_int_eq(pair_pass(&x, A), TNL_PASS);
	/* From that packet on, not only once the owner has had its turn: A may know no other session. */
	ck_assert_int_eq(pair_pass(&x, B), TNL_PASS);
	pair_advance(&x, B);
	ck_assert_int_eq(pair_pass(&x, B), TNL_PASS);
}
END_TEST

START_TEST(old_session_sends_until_the_new_one_is_confirmed_and_receives_after)
{
	uint8_t wire[256];
	struct tnl_msg m;
	size_t len;

	pair_handshake(&x, A);
	struct tnl_session *first = x.host[B].p->current;
	ck_assert_int_eq(pair_send(&x, A, 100, wire, &len), TNL_PASS);
	m = pair_initiation(&x, A);
	ck_assert_uint_eq(pair_deliver(&x, B, &m, false), 1);
	m = x.out[0];
	ck_assert_ptr_eq(session_sending(x.host[B].p), first);
	ck_assert_int_eq(pair_pass(&x, B), TNL_PASS);
	pair_deliver(&x, A, &m, false);
	ck_assert_int_eq(pair_pass(&x, A), TNL_PASS);
	ck_assert_ptr_ne(session_sending(x.host[B].p), first);
	pair_advance(&x, B);
	ck_assert_ptr_ne(session_sending(x.host[B].p), first);
	ck_assert_ptr_eq(x.host[B].p->previous, first);
	/* What was under way on the old one still arrives, and does not bring it back. */
	ck_assert_int_eq(pair_receive(&x, B, wire, len), TNL_PASS);
	pair_advance(&x, B);
	ck_assert_ptr_eq(x.host[B].p->previous, first);
}
END_TEST

START_TEST(crossing_initiations_end_in_a_session)
{
	struct tnl_msg a = pair_initiation(&x, A), b = pair_initiation(&x, B), ra, rb;

	ck_assert_uint_eq(pair_deliver(&x, B, &a, false), 1);
	rb = x.out[0];
	ck_assert_uint_eq(pair_deliver(&x, A, &b, false), 1);
	ra = x.out[0];
	/* Each gave up its own by answering; one retry later one of them completes. */
	pair_deliver(&x, A, &rb, false);
	pair_deliver(&x, B, &ra, false);
	ck_assert_ptr_null(x.host[A].p->current);
	for (int i = 0; i < 100 && !x.host[A].p->current; i++) {
		pair_wait(&x, TNL_SEC / 10);
		if (pair_advance(&x, A)) {
			a = x.out[0];
			if (pair_deliver(&x, B, &a, false)) {
				ra = x.out[0];
				pair_deliver(&x, A, &ra, false);
			}
		}
	}
	ck_assert_int_eq(pair_pass(&x, A), TNL_PASS);
}
END_TEST

/* On a slow path both retries come too soon after the answers and are put off; not to the same moment. */
START_TEST(crossing_on_a_slow_path_does_not_repeat_itself)
{
	struct tnl_msg a = pair_initiation(&x, A), b = pair_initiation(&x, B);

	pair_wait(&x, TNL_SEC / 2);
	ck_assert_uint_eq(pair_deliver(&x, B, &a, false), 1);
	ck_assert_uint_eq(pair_deliver(&x, A, &b, false), 1);
	pair_wait(&x, 4900 * (TNL_SEC / 1000));
	ck_assert_uint_eq(pair_advance(&x, A) + pair_advance(&x, B), 0);
	ck_assert_uint_ge(x.host[A].p->retry_due, x.host[A].p->initiate_after);
	ck_assert_uint_ge(x.host[B].p->retry_due, x.host[B].p->initiate_after);
	ck_assert_uint_ne(x.host[A].p->retry_due, x.host[B].p->retry_due);
}
END_TEST

START_TEST(preshared_keys_must_agree)
{
	struct tnl_peer_conf conf = { .psk = { 1, 2, 3 } };
	struct tnl_msg m;

	tnl_peer_set(x.host[A].t, x.now, x.host[A].peer, &conf, TNL_SET_PSK);
	m = pair_initiation(&x, A);
	ck_assert_uint_eq(pair_deliver(&x, B, &m, false), 1);
	m = x.out[0];
	pair_deliver(&x, A, &m, false);
	ck_assert_ptr_null(x.host[A].p->current);
	/* Changed between initiation and response: it counts. */
	m = pair_initiation(&x, A);
	tnl_peer_set(x.host[B].t, x.now, x.host[B].peer, &conf, TNL_SET_PSK);
	ck_assert_uint_eq(pair_deliver(&x, B, &m, false), 1);
	m = x.out[0];
	pair_deliver(&x, A, &m, false);
	ck_assert_ptr_nonnull(x.host[A].p->current);
}
END_TEST

START_TEST(no_private_key_no_handshake)
{
	struct tnl_msg m;

	tnl_set_identity(x.host[A].t, 0, NULL);
	ck_assert_int_eq(pair_pass(&x, A), TNL_WAIT);
	ck_assert_uint_eq(pair_advance(&x, A), 0);
	m = pair_initiation(&x, B);
	ck_assert_uint_eq(pair_deliver(&x, A, &m, false), 0);
}
END_TEST

START_TEST(a_new_identity_is_presented_at_once_and_the_old_one_refused)
{
	uint8_t priv[32], got[32];
	struct tnl_msg m;

	pair_handshake(&x, A);
	randombytes_buf(priv, sizeof(priv));
	m = pair_initiation(&x, B);
	ck_assert_int_eq(tnl_set_identity(x.host[A].t, 0, priv), 0);
	ck_assert_int_eq(tnl_identity(x.host[A].t, 0, got), 0);
	ck_assert_int_eq(got[0] & 7, 0);
	ck_assert_int_eq(got[31] & 192, 64);
	ck_assert_uint_eq(pair_deliver(&x, A, &m, false), 0);
	/* What B still sends is received; A itself begins a handshake with its next packet. */
	ck_assert_int_eq(pair_pass(&x, B), TNL_PASS);
	ck_assert_int_eq(pair_pass(&x, A), TNL_WAIT);
	ck_assert_uint_eq(pair_advance(&x, A), 1);
	m = x.out[0];
	ck_assert_uint_eq(pair_deliver(&x, B, &m, false), 0);
}
END_TEST

START_TEST(the_same_identity_again_changes_nothing)
{
	pair_handshake(&x, A);
	ck_assert_int_eq(tnl_set_identity(x.host[A].t, 0, x.host[A].priv), 0);
	ck_assert_int_eq(pair_pass(&x, A), TNL_PASS);
}
END_TEST

START_TEST(a_second_identity_is_answered_and_never_presented)
{
	uint8_t priv[32], pub[32];
	struct tnl_msg m;

	randombytes_buf(priv, sizeof(priv));
	crypto_scalarmult_base(pub, priv);
	ck_assert_int_eq(tnl_set_identity(x.host[B].t, 1, priv), 0);
	/* A knows B under its second key. */
	ck_assert_int_eq(tnl_peer_del(x.host[A].t, x.host[A].peer), 0);
	pair_advance(&x, A);
	ck_assert_int_eq(tnl_peer_add(x.host[A].t, pub, &x.host[A].peer), 0);
	x.host[A].p = peer_get(x.host[A].t, x.host[A].peer);
	struct tnl_peer_conf conf = { .remote = x.host[B].reached_at.remote };
	tnl_peer_set(x.host[A].t, x.now, x.host[A].peer, &conf, TNL_SET_ENDPOINT);
	m = pair_initiation(&x, A);
	ck_assert_uint_eq(pair_deliver(&x, B, &m, false), 1);
	m = x.out[0];
	pair_deliver(&x, A, &m, false);
	ck_assert_ptr_nonnull(x.host[A].p->current);
	m = pair_initiation(&x, B);
	ck_assert_uint_eq(pair_deliver(&x, A, &m, false), 0);
}
END_TEST

START_TEST(our_own_key_is_no_peer)
{
	tnl_peer p;
	uint8_t priv[32];

	ck_assert_int_eq(tnl_peer_add(x.host[A].t, x.host[A].pub, &p), -EADDRINUSE);
	/* Becoming the peer removes it. */
	memcpy(priv, x.host[B].priv, sizeof(priv));
	ck_assert_int_eq(tnl_set_identity(x.host[A].t, 0, priv), 0);
	ck_assert_uint_eq(tnl_peer_find(x.host[A].t, x.host[B].pub), 0);
}
END_TEST

START_TEST(a_public_key_of_low_order_never_gets_a_handshake)
{
	uint8_t one[32] = { 1 };
	struct tnl_peer_conf conf = { .remote = x.host[B].reached_at.remote, .keepalive_s = 5 };
	tnl_peer p;

	ck_assert_int_eq(tnl_peer_add(x.host[A].t, one, &p), 0);
	ck_assert_int_eq(tnl_peer_set(x.host[A].t, x.now, p, &conf, TNL_SET_ENDPOINT | TNL_SET_KEEPALIVE), 0);
	for (int i = 0; i < 100; i++) {
		ck_assert_uint_eq(pair_advance(&x, A), 0);
		pair_wait(&x, TNL_SEC);
	}
	pair_handshake(&x, B);
}
END_TEST

START_TEST(a_removed_peer_is_forgotten_at_once)
{
	struct tnl_msg m = pair_initiation(&x, A);
	uint8_t wire[256];
	tnl_peer again;
	size_t len;

	pair_handshake(&x, A);
	ck_assert_int_eq(pair_send(&x, A, 100, wire, &len), TNL_PASS);
	ck_assert_int_eq(tnl_peer_del(x.host[B].t, x.host[B].peer), 0);
	ck_assert_int_eq(pair_receive(&x, B, wire, len), TNL_DROP_INDEX);
	ck_assert_int_eq(pair_pass(&x, B), TNL_DROP_NOROUTE);
	ck_assert_int_eq(tnl_peer_del(x.host[B].t, x.host[B].peer), -ENOENT);
	ck_assert_uint_eq(pair_deliver(&x, B, &m, false), 0);
	pair_advance(&x, B);
	/* Added again it starts from nothing: also the old timestamp is acceptable again. */
	ck_assert_int_eq(tnl_peer_add(x.host[B].t, x.host[A].pub, &again), 0);
	ck_assert_uint_ne(again, x.host[B].peer);
	ck_assert_uint_eq(pair_deliver(&x, B, &m, false), 1);
}
END_TEST

START_TEST(peers_come_and_go_without_end)
{
	uint8_t pub[32];
	tnl_peer p;

	for (int i = 0; i < 20000; i++) {
		memset(pub, 0, sizeof(pub));
		put_le32(pub, (uint32_t)i + 10);
		ck_assert_int_eq(tnl_peer_add(x.host[A].t, pub, &p), 0);
		ck_assert_uint_ne(p, 0);
		ck_assert_int_eq(tnl_peer_del(x.host[A].t, p), 0);
		pair_advance(&x, A);
	}
	for (int i = 0; i < 15; i++) {
		put_le32(pub, (uint32_t)i + 10);
		ck_assert_int_eq(tnl_peer_add(x.host[A].t, pub, &p), 0);
	}
	put_le32(pub, 9);
	ck_assert_int_eq(tnl_peer_add(x.host[A].t, pub, &p), -ENOSPC);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("control");
	TCase *c = tcase_create("control");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, every_flipped_bit_of_an_initiation_is_silent);
	tcase_add_test(c, a_right_mac1_alone_opens_nothing);
	tcase_add_test(c, lengths_and_types_are_exact);
	tcase_add_test(c, a_replayed_initiation_is_silent_for_ever);
	tcase_add_test(c, initiations_closer_than_20_ms_are_dropped_and_do_not_count);
	tcase_add_test(c, own_timestamps_rise_even_when_the_wall_clock_falls);
	tcase_add_test(c, a_forged_response_does_not_spoil_the_honest_one);
	tcase_add_test(c, responder_sends_nothing_before_confirmation);
	tcase_add_test(c, old_session_sends_until_the_new_one_is_confirmed_and_receives_after);
	tcase_add_test(c, crossing_initiations_end_in_a_session);
	tcase_add_test(c, crossing_on_a_slow_path_does_not_repeat_itself);
	tcase_add_test(c, preshared_keys_must_agree);
	tcase_add_test(c, no_private_key_no_handshake);
	tcase_add_test(c, a_new_identity_is_presented_at_once_and_the_old_one_refused);
	tcase_add_test(c, the_same_identity_again_changes_nothing);
	tcase_add_test(c, a_second_identity_is_answered_and_never_presented);
	tcase_add_test(c, our_own_key_is_no_peer);
	tcase_add_test(c, a_public_key_of_low_order_never_gets_a_handshake);
	tcase_add_test(c, a_removed_peer_is_forgotten_at_once);
	tcase_add_test(c, peers_come_and_go_without_end);
	suite_add_tcase(s, c);
	return suite_run(s);
}
