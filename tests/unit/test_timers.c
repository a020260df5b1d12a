/* SPDX-License-Identifier: MIT */
/* The timers of WG 6, to the nanosecond where they have no jitter, and the heap that files them. */
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

/* Nothing is said by `host` before `until`, and its deadline asks for nothing earlier that would say something. */
static void ck_silent_until(int host, tnl_ns until)
{
	for (int i = 0; i < 1000; i++) {
		tnl_ns next = tnl_deadline(x.host[host].t);

		if (next >= until)
			break;
		if (next > x.now.boot)
			pair_wait(&x, next - x.now.boot);
		ck_assert_uint_eq(pair_advance(&x, host), 0);
	}
	if (until > x.now.boot)
		pair_wait(&x, until - x.now.boot);
}

/* The next thing that `host` says by itself; the clock is then at that time. */
static const struct tnl_msg *next_message(int host)
{
	for (int i = 0; i < 1000; i++) {
		tnl_ns next = tnl_deadline(x.host[host].t);

		ck_assert_uint_ne(next, TNL_NEVER);
		if (next > x.now.boot)
			pair_wait(&x, next - x.now.boot);
		if (pair_advance(&x, host))
			return &x.out[0];
	}
	ck_abort_msg("silent for 1000 turns");
}

START_TEST(heap_agrees_with_a_sorted_array)
{
	enum { SLOTS = 200 };
	struct timer_entry entry[SLOTS + 1] = { { 0, 0 } };
	uint32_t position[SLOTS] = { 0 };
	struct timer_heap h = { entry, position, 0 };
	uint64_t at[SLOTS];

	srandom(7);
	for (int i = 0; i < SLOTS; i++)
		at[i] = UINT64_MAX;
	for (int step = 0; step < 20000; step++) {
		uint32_t slot = (uint32_t)random() % SLOTS;
		uint64_t least = UINT64_MAX;

		at[slot] = random() % 4 ? (uint64_t)random() % 1000 : UINT64_MAX;
		timer_set(&h, slot, at[slot]);
		for (int i = 0; i < SLOTS; i++)
			least = at[i] < least ? at[i] : least;
		ck_assert_uint_eq(timer_next(&h), least);
	}
}
END_TEST

START_TEST(twenty_initiations_then_silence)
{
	tnl_ns first = 0, last = 0;
	uint32_t index[20];
	struct tnl_event ev;
	bool gave_up = false;

	ck_assert_int_eq(pair_pass(&x, A), TNL_WAIT);
	for (int i = 0; i < 20; i++) {
		const struct tnl_msg *m = next_message(A);

		ck_assert_uint_eq(m->len, INITIATION_LEN);
		ck_assert_uint_eq(m->tos, 0x88);
		index[i] = get_le32(m->data + INITIATION_SENDER);
		for (int j = 0; j < i; j++)
			ck_assert_uint_ne(index[i], index[j]);
		if (i) {
			ck_assert_uint_ge(x.now.boot - last, REKEY_TIMEOUT);
			ck_assert_uint_lt(x.now.boot - last, REKEY_TIMEOUT + REKEY_JITTER);
		} else {
			first = x.now.boot;
		}
		last = x.now.boot;
	}
	ck_assert_uint_le(last - first, 102 * TNL_SEC);
	while (tnl_deadline(x.host[A].t) < last + 60 * TNL_SEC) {
		pair_wait(&x, tnl_deadline(x.host[A].t) - x.now.boot);
		ck_assert_uint_eq(tnl_advance(x.host[A].t, x.now, x.out, 8), 0);
		while (tnl_event(x.host[A].t, &ev))
			gave_up |= ev.what == TNL_EV_GAVE_UP;
	}
	ck_assert(gave_up);
	/* New traffic starts over. */
	pair_wait(&x, 10 * TNL_SEC);
	ck_assert_int_eq(pair_pass(&x, A), TNL_WAIT);
	ck_assert_uint_eq(pair_advance(&x, A), 1);
	ck_assert_uint_eq(x.host[A].p->attempts, 0);
}
END_TEST

START_TEST(traffic_during_retries_resets_the_count_not_the_spacing)
{
	ck_assert_int_eq(pair_pass(&x, A), TNL_WAIT);
	for (int i = 0; i < 60; i++) {
		tnl_ns before = x.now.boot;
		const struct tnl_msg *m = next_message(A);

		ck_assert_uint_eq(m->len, INITIATION_LEN);
		if (i)
			ck_assert_uint_ge(x.now.boot - before, REKEY_TIMEOUT - TNL_SEC);
		pair_wait(&x, TNL_SEC);
		ck_assert_int_eq(pair_pass(&x, A), TNL_WAIT);
	}
}
END_TEST

START_TEST(initiator_renews_at_120_s)
{
	pair_handshake(&x, A);
	ck_silent_until(A, x.host[A].p->current->birth + REKEY_AFTER_TIME - 1);
	ck_assert_int_eq(pair_pass(&x, A), TNL_PASS);
	ck_assert_uint_eq(pair_advance(&x, A), 0);
	pair_wait(&x, 1);
	ck_assert_int_eq(pair_pass(&x, A), TNL_PASS);
	ck_assert_uint_eq(pair_advance(&x, A), 1);
	ck_assert_uint_eq(x.out[0].len, INITIATION_LEN);
}
END_TEST

START_TEST(responder_does_not_renew_by_time)
{
	pair_handshake(&x, A);
	ck_silent_until(B, x.host[B].p->current->birth + REJECT_AFTER_TIME - 1);
	ck_assert_int_eq(pair_pass(&x, B), TNL_PASS);
	ck_assert_uint_eq(pair_advance(&x, B), 0);
}
END_TEST

START_TEST(initiator_renews_once_when_it_receives_after_165_s)
{
	pair_handshake(&x, A);
	ck_silent_until(A, x.host[A].p->current->birth + 165 * TNL_SEC - 1);
	ck_assert_int_eq(pair_pass(&x, B), TNL_PASS);
	ck_assert_uint_eq(pair_advance(&x, A), 0);
	pair_wait(&x, 1);
	ck_assert_int_eq(pair_pass(&x, B), TNL_PASS);
	ck_assert_uint_eq(pair_advance(&x, A), 1);
	ck_assert_uint_eq(x.out[0].len, INITIATION_LEN);
	x.host[A].p->retry_due = 0;
	atomic_store(&x.host[A].p->passive_due, 0);
	peer_arm(x.host[A].t, x.host[A].p);
	pair_wait(&x, 6 * TNL_SEC);
	ck_assert_int_eq(pair_pass(&x, B), TNL_PASS);
	ck_assert_uint_eq(pair_advance(&x, A), 0);
}
END_TEST

START_TEST(session_ends_at_180_s_for_both_directions)
{
	uint8_t wire[256], late[256];
	size_t len;

	pair_handshake(&x, A);
	ck_assert_int_eq(pair_send(&x, A, 100, wire, &len), TNL_PASS);
	ck_assert_int_eq(pair_send(&x, A, 100, late, &len), TNL_PASS);
	pair_wait(&x, x.host[A].p->current->birth + REJECT_AFTER_TIME - 1 - x.now.boot);
	ck_assert_int_eq(pair_receive(&x, B, wire, len), TNL_PASS);
	ck_assert_int_eq(pair_pass(&x, B), TNL_PASS);
	pair_wait(&x, 1);
	ck_assert_int_eq(pair_receive(&x, B, late, len), TNL_DROP_EXPIRED);
	ck_assert_int_eq(pair_pass(&x, A), TNL_WAIT);
	ck_assert_int_eq(pair_pass(&x, B), TNL_WAIT);
	/* Either side begins anew when it has something to say. */
	ck_assert_uint_eq(pair_advance(&x, B), 1);
	ck_assert_uint_eq(x.out[0].len, INITIATION_LEN);
}
END_TEST

START_TEST(passive_keepalive_10_s_after_content)
{
	tnl_ns received;
	const struct tnl_msg *m;

	pair_handshake(&x, A);
	pair_wait(&x, TNL_SEC);
	ck_assert_int_eq(pair_pass(&x, A), TNL_PASS);
	received = x.now.boot;
	pair_advance(&x, B);
	/* More content does not postpone it. */
	pair_wait(&x, 3 * TNL_SEC);
	ck_assert_int_eq(pair_pass(&x, A), TNL_PASS);
	m = next_message(B);
	ck_assert_uint_eq(m->len, DATA_MIN);
	ck_assert_uint_eq(m->tos, 0);
	ck_assert_uint_eq(x.now.boot, received + KEEPALIVE_TIMEOUT);
	/* A received keepalive starts nothing: both fall silent. */
	ck_assert_int_eq(pair_receive(&x, A, x.out[0].data, DATA_MIN), TNL_EMPTY);
	pair_advance(&x, A);
	ck_silent_until(A, x.now.boot + 100 * TNL_SEC);
}
END_TEST

START_TEST(sending_cancels_the_passive_keepalive)
{
	pair_handshake(&x, A);
	ck_assert_int_eq(pair_pass(&x, A), TNL_PASS);
	pair_wait(&x, TNL_SEC);
	ck_assert_int_eq(pair_pass(&x, B), TNL_PASS);
	pair_wait(&x, 12 * TNL_SEC);
	ck_assert_uint_eq(pair_advance(&x, B), 0);
}
END_TEST

START_TEST(silence_for_15_s_begins_a_handshake)
{
	uint8_t wire[256];
	tnl_ns sent;
	size_t len;

	pair_handshake(&x, A);
	pair_wait(&x, TNL_SEC);
	ck_assert_int_eq(pair_send(&x, A, 100, wire, &len), TNL_PASS);
	sent = x.now.boot;
	ck_assert_uint_eq(next_message(A)->len, INITIATION_LEN);
	ck_assert_uint_ge(x.now.boot, sent + SILENCE_TIMEOUT);
	ck_assert_uint_lt(x.now.boot, sent + SILENCE_TIMEOUT + REKEY_JITTER);
}
END_TEST

START_TEST(an_answer_cancels_the_silence_timer)
{
	pair_handshake(&x, A);
	ck_assert_int_eq(pair_pass(&x, A), TNL_PASS);
	ck_assert_int_eq(pair_pass(&x, B), TNL_PASS);
	ck_silent_until(B, x.now.boot + 1);
	/* A owes a keepalive for B's packet, and that is all that it says. */
	ck_assert_uint_eq(next_message(A)->len, DATA_MIN);
	ck_silent_until(A, x.now.boot + 100 * TNL_SEC);
}
END_TEST

START_TEST(persistent_keepalive_runs_from_the_last_packet)
{
	struct tnl_peer_conf conf = { .keepalive_s = 25 };
	tnl_ns last;

	pair_handshake(&x, A);
	ck_assert_int_eq(tnl_peer_set(x.host[A].t, x.now, x.host[A].peer, &conf, TNL_SET_KEEPALIVE), 0);
	ck_assert_uint_eq(pair_advance(&x, A), 1);
	ck_assert_uint_eq(x.out[0].len, DATA_MIN);
	last = x.now.boot;
	ck_assert_uint_eq(next_message(A)->len, DATA_MIN);
	ck_assert_uint_eq(x.now.boot, last + 25 * TNL_SEC);
	pair_wait(&x, 10 * TNL_SEC);
	ck_assert_int_eq(pair_pass(&x, B), TNL_PASS);
	last = x.now.boot;
	/* The passive keepalive comes first, and restarts the persistent one. */
	ck_assert_uint_eq(next_message(A)->len, DATA_MIN);
	ck_assert_uint_eq(x.now.boot, last + 10 * TNL_SEC);
	last = x.now.boot;
	ck_assert_uint_eq(next_message(A)->len, DATA_MIN);
	ck_assert_uint_eq(x.now.boot, last + 25 * TNL_SEC);
	conf.keepalive_s = 0;
	ck_assert_int_eq(tnl_peer_set(x.host[A].t, x.now, x.host[A].peer, &conf, TNL_SET_KEEPALIVE), 0);
	ck_silent_until(A, x.now.boot + 100 * TNL_SEC);
}
END_TEST

START_TEST(persistent_keepalive_begins_a_handshake_without_a_session)
{
	struct tnl_peer_conf conf = { .keepalive_s = 25 };

	ck_assert_int_eq(tnl_peer_set(x.host[A].t, x.now, x.host[A].peer, &conf, TNL_SET_KEEPALIVE), 0);
	ck_assert_uint_eq(pair_advance(&x, A), 1);
	ck_assert_uint_eq(x.out[0].len, INITIATION_LEN);
}
END_TEST

START_TEST(keepalive_without_an_endpoint_says_nothing)
{
	struct tnl_peer_conf conf = { .keepalive_s = 25 };

	ck_assert_int_eq(tnl_peer_set(x.host[A].t, x.now, x.host[A].peer, &conf, TNL_SET_ENDPOINT | TNL_SET_KEEPALIVE),
			 0);
	ck_assert_uint_eq(pair_advance(&x, A), 0);
	ck_silent_until(A, x.now.boot + 200 * TNL_SEC);
	ck_assert_int_eq(pair_pass(&x, A), TNL_DROP_NOPATH);
}
END_TEST

static bool all_zero(const void *p, size_t n)
{
	return sodium_is_zero(p, n);
}

START_TEST(everything_is_erased_540_s_after_the_last_session)
{
	struct tnl_session *s;
	tnl_ns birth;

	pair_handshake(&x, A);
	s = x.host[A].p->current;
	birth = s->birth;
	ck_assert(!all_zero(s->send, sizeof(s->send)));
	ck_silent_until(A, birth + ERASE_AFTER_TIME - 1);
	pair_advance(&x, A);
	ck_assert(!all_zero(s->send, sizeof(s->send)));
	pair_wait(&x, 1);
	pair_advance(&x, A);
	ck_assert(all_zero(s->send, sizeof(s->send)) && all_zero(s->receive, sizeof(s->receive)));
	ck_assert_ptr_null(x.host[A].p->current);
	ck_assert(all_zero(&x.host[A].p->handshake, sizeof(x.host[A].p->handshake)));
	ck_assert_uint_eq(tnl_deadline(x.host[A].t), TNL_NEVER);
}
END_TEST

START_TEST(keys_of_a_used_up_handshake_are_gone)
{
	pair_handshake(&x, A);
	for (int i = A; i <= B; i++)
		ck_assert(all_zero(&x.host[i].p->handshake, sizeof(x.host[i].p->handshake)));
}
END_TEST

START_TEST(idle_tunnel_is_silent)
{
	pair_handshake(&x, A);
	ck_silent_until(A, x.now.boot + 3600 * TNL_SEC);
	x.now.boot -= 3600 * TNL_SEC;
	ck_silent_until(B, x.now.boot + 3600 * TNL_SEC);
}
END_TEST

START_TEST(down_ends_everything_and_up_begins_anew)
{
	struct tnl_peer_conf conf = { .keepalive_s = 25 };
	uint8_t wire[256];
	size_t len;

	pair_handshake(&x, A);
	ck_assert_int_eq(pair_send(&x, B, 100, wire, &len), TNL_PASS);
	ck_assert_int_eq(tnl_peer_set(x.host[A].t, x.now, x.host[A].peer, &conf, TNL_SET_KEEPALIVE), 0);
	pair_advance(&x, A);
	tnl_set_up(x.host[A].t, x.now, false);
	ck_assert_int_eq(pair_receive(&x, A, wire, len), TNL_DROP_DOWN);
	ck_assert_int_eq(pair_pass(&x, A), TNL_DROP_DOWN);
	ck_silent_until(A, x.now.boot + 100 * TNL_SEC);
	tnl_set_up(x.host[A].t, x.now, true);
	ck_assert_uint_eq(pair_advance(&x, A), 1);
	ck_assert_uint_eq(x.out[0].len, INITIATION_LEN);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("timers");
	TCase *c = tcase_create("timers");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, heap_agrees_with_a_sorted_array);
	tcase_add_test(c, twenty_initiations_then_silence);
	tcase_add_test(c, traffic_during_retries_resets_the_count_not_the_spacing);
	tcase_add_test(c, initiator_renews_at_120_s);
	tcase_add_test(c, responder_does_not_renew_by_time);
	tcase_add_test(c, initiator_renews_once_when_it_receives_after_165_s);
	tcase_add_test(c, session_ends_at_180_s_for_both_directions);
	tcase_add_test(c, passive_keepalive_10_s_after_content);
	tcase_add_test(c, sending_cancels_the_passive_keepalive);
	tcase_add_test(c, silence_for_15_s_begins_a_handshake);
	tcase_add_test(c, an_answer_cancels_the_silence_timer);
	tcase_add_test(c, persistent_keepalive_runs_from_the_last_packet);
	tcase_add_test(c, persistent_keepalive_begins_a_handshake_without_a_session);
	tcase_add_test(c, keepalive_without_an_endpoint_says_nothing);
	tcase_add_test(c, everything_is_erased_540_s_after_the_last_session);
	tcase_add_test(c, keys_of_a_used_up_handshake_are_gone);
	tcase_add_test(c, idle_tunnel_is_silent);
	tcase_add_test(c, down_ends_everything_and_up_begins_anew);
	suite_add_tcase(s, c);
	return suite_run(s);
}
