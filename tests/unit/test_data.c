/* SPDX-License-Identifier: MIT */
/* The data path: counters, padding, what is delivered and what is not, roaming, statistics. */
#include <check.h>
#include <jansson.h>
#include <stdlib.h>

#include "pair.h"
#include "peer.h"
#include "suite.h"

static struct pair x;
static uint8_t wire[4096];
static size_t len;

static void setup(void)
{
	pair_setup(&x);
	pair_handshake(&x, A);
}

static void teardown(void)
{
	pair_teardown(&x);
}

/* Seal arbitrary plaintext as `from` would, so that it is authentic whatever it says. */
static void seal_raw(int from, const uint8_t *plain, size_t n)
{
	struct tnl_session *s = atomic_load(&x.host[from].p->tx);
	uint64_t counter = atomic_fetch_add(&s->tx_counter, 1);

	put_le32(wire, WIRE_DATA);
	put_le32(wire + DATA_RECEIVER, s->remote_index);
	put_le64(wire + DATA_COUNTER, counter);
	aead_seal_ad(wire + DATA_BODY, plain, n, NULL, 0, s->send, counter);
	len = n + DATA_MIN;
}

START_TEST(padding_vectors)
{
	json_t *doc = json_load_file("tests/vectors/padding.json", 0, NULL), *c;
	size_t i;

	ck_assert_ptr_nonnull(doc);
	ck_assert_uint_gt(json_array_size(json_object_get(doc, "cases")), 50);
	json_array_foreach(json_object_get(doc, "cases"), i, c) {
		size_t packet = (size_t)json_integer_value(json_object_get(c, "packet"));
		size_t mtu = (size_t)json_integer_value(json_object_get(c, "mtu"));

		ck_assert_uint_eq(tnl_tx_len(packet, mtu),
				  (size_t)json_integer_value(json_object_get(c, "padded")) + DATA_MIN);
	}
	json_decref(doc);
}
END_TEST

START_TEST(counters_start_at_zero_and_rise_by_one)
{
	uint64_t first = 0;

	for (uint64_t i = 0; i < 100; i++) {
		ck_assert_int_eq(pair_send(&x, B, 100, wire, &len), TNL_PASS);
		if (!i)
			first = get_le64(wire + DATA_COUNTER);
		ck_assert_uint_eq(first, 0);
		ck_assert_uint_eq(get_le64(wire + DATA_COUNTER), i);
		ck_assert_uint_eq(get_le32(wire), WIRE_DATA);
	}
}
END_TEST

START_TEST(sending_stops_at_the_last_counter_and_asks_for_a_session)
{
	struct tnl_session *s = atomic_load(&x.host[A].p->tx);

	atomic_store(&s->tx_counter, REJECT_AFTER_MESSAGES - 1);
	ck_assert_int_eq(pair_send(&x, A, 100, wire, &len), TNL_PASS);
	ck_assert_uint_eq(get_le64(wire + DATA_COUNTER), REJECT_AFTER_MESSAGES - 1);
	ck_assert_int_eq(pair_receive(&x, B, wire, len), TNL_PASS);
	pair_wait(&x, REKEY_TIMEOUT);
	for (int i = 0; i < 20000; i++)
		ck_assert_int_eq(pair_send(&x, A, 100, wire, &len), TNL_WAIT);
	ck_assert_uint_lt(atomic_load(&s->tx_counter), UINT64_MAX - 1);
	ck_assert_uint_ge(atomic_load(&s->tx_counter), REJECT_AFTER_MESSAGES);
	ck_assert_uint_eq(pair_advance(&x, A), 1);
	ck_assert_uint_eq(x.out[0].len, INITIATION_LEN);
}
END_TEST

START_TEST(a_run_that_does_not_fit_below_the_limit_sends_nothing)
{
	struct tnl_session *s = atomic_load(&x.host[A].p->tx);
	uint8_t inner[20] = { 0x45, 0, 0, 20, [16] = 10, 0, 0, 2 };
	struct tnl_run run;

	atomic_store(&s->tx_counter, REJECT_AFTER_MESSAGES - 4);
	tnl_enter(x.host[A].w);
	ck_assert_int_eq(tnl_tx_begin(x.host[A].w, x.now.boot, inner, sizeof(inner), 5, &run), TNL_WAIT);
	tnl_leave(x.host[A].w);
}
END_TEST

START_TEST(either_role_renews_after_2_60_messages)
{
	struct tnl_session *s = atomic_load(&x.host[B].p->tx);

	pair_wait(&x, REKEY_TIMEOUT);
	atomic_store(&s->tx_counter, REKEY_AFTER_MESSAGES - 1);
	ck_assert_int_eq(pair_send(&x, B, 100, wire, &len), TNL_PASS);
	ck_assert_uint_eq(pair_advance(&x, B), 0);
	ck_assert_int_eq(pair_send(&x, B, 100, wire, &len), TNL_PASS);
	ck_assert_uint_eq(pair_advance(&x, B), 1);
	ck_assert_uint_eq(x.out[0].len, INITIATION_LEN);
}
END_TEST

START_TEST(replays_and_forgeries_are_dropped_and_move_nothing)
{
	uint8_t copy[4096];
	struct tnl_stat before, after;

	ck_assert_int_eq(pair_send(&x, A, 100, wire, &len), TNL_PASS);
	memcpy(copy, wire, len);
	ck_assert_int_eq(pair_receive(&x, B, wire, len), TNL_PASS);
	tnl_peer_stat(x.host[B].t, x.host[B].peer, &before);
	x.host[A].reached_at.remote.port = 9;
	memcpy(wire, copy, len);
	ck_assert_int_eq(pair_receive(&x, B, wire, len), TNL_DROP_REPLAY);
	for (size_t bit = 0; bit < 8 * len; bit++) {
		enum tnl_verdict v;

		memcpy(wire, copy, len);
		wire[bit / 8] ^= (uint8_t)(1u << bit % 8);
		v = pair_receive(&x, B, wire, len);
		ck_assert(v == TNL_DROP_AUTH || v == TNL_DROP_INDEX || v == TNL_DROP_TYPE || v == TNL_DROP_EXPIRED ||
			  v == TNL_DROP_SHORT);
	}
	tnl_peer_stat(x.host[B].t, x.host[B].peer, &after);
	ck_assert_mem_eq(&before, &after, sizeof(before));
}
END_TEST

START_TEST(a_forged_counter_does_not_move_the_window)
{
	uint8_t copy[4096];

	ck_assert_int_eq(pair_send(&x, A, 100, wire, &len), TNL_PASS);
	memcpy(copy, wire, len);
	put_le64(wire + DATA_COUNTER, UINT64_C(1) << 40);
	ck_assert_int_eq(pair_receive(&x, B, wire, len), TNL_DROP_AUTH);
	put_le64(wire + DATA_COUNTER, REJECT_AFTER_MESSAGES);
	ck_assert_int_eq(pair_receive(&x, B, wire, len), TNL_DROP_EXPIRED);
	ck_assert_int_eq(pair_receive(&x, B, copy, len), TNL_PASS);
}
END_TEST

START_TEST(only_whole_packets_of_the_senders_own_addresses_are_delivered)
{
	uint8_t p[128] = { 0x45, 0, 0, 60, [12] = 10, 0, 0, 1 };
	struct tnl_stat before, after;
	static const struct {
		uint8_t at, value;
		enum tnl_verdict want;
	} table[] = {
		{ 0, 0x45, TNL_PASS },		{ 3, 19, TNL_DROP_INNER },	{ 3, 64, TNL_PASS },
		{ 3, 65, TNL_DROP_INNER },	{ 2, 1, TNL_DROP_INNER },	{ 0, 0x55, TNL_DROP_INNER },
		{ 0, 0x00, TNL_DROP_INNER },	{ 15, 2, TNL_DROP_SOURCE },	{ 12, 11, TNL_DROP_SOURCE },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		uint8_t keep = p[table[i].at];

		tnl_peer_stat(x.host[B].t, x.host[B].peer, &before);
		p[table[i].at] = table[i].value;
		seal_raw(A, p, 64);
		ck_assert_int_eq(pair_receive(&x, B, wire, len), table[i].want);
		p[table[i].at] = keep;
		tnl_peer_stat(x.host[B].t, x.host[B].peer, &after);
		ck_assert_uint_eq(after.rx_bytes - before.rx_bytes, table[i].want == TNL_PASS ? len : 0);
	}
}
END_TEST

START_TEST(a_payload_length_that_wraps_16_bits_is_no_whole_packet)
{
	uint8_t p[128] = { 0x60 };

	put_be16(p + 4, 0xffff);
	for (unsigned n = 0xffd8; n <= 0xffff; n++) {
		put_be16(p + 4, (uint16_t)n);
		seal_raw(B, p, 96);
		ck_assert_int_eq(pair_receive(&x, A, wire, len), TNL_DROP_INNER);
	}
	put_be16(p + 4, 56);
	seal_raw(B, p, 96);
	ck_assert_int_eq(pair_receive(&x, A, wire, len), TNL_PASS);
}
END_TEST

START_TEST(any_padding_is_taken_and_cut_off)
{
	for (size_t pad = 0; pad < 100; pad++) {
		uint8_t p[256] = { 0x45, 0, 0, 33, [12] = 10, 0, 0, 1 };
		struct tnl_pkt pkt = { .data = wire };
		struct tnl_run run;

		seal_raw(A, p, 33 + pad);
		pkt.len = (uint32_t)len;
		tnl_enter(x.host[B].w);
		tnl_rx_begin(x.host[B].w, x.now.boot, &pkt, 1, &run);
		tnl_rx_open(x.host[B].w, &run, &pkt);
		tnl_rx_end(x.host[B].w, x.now.boot, &run, &x.host[A].reached_at, &pkt);
		tnl_leave(x.host[B].w);
		ck_assert_uint_eq(pkt.verdict, TNL_PASS);
		ck_assert_uint_eq(pkt.len, 33);
		ck_assert_ptr_eq(pkt.data, wire + DATA_BODY);
	}
}
END_TEST

START_TEST(authentic_packets_move_the_endpoint_also_those_that_are_not_delivered)
{
	uint8_t p[64] = { 0x45, 0, 0, 60, [12] = 99 };
	struct tnl_path path;

	x.host[A].reached_at.remote =
		(struct tnl_addr){ .ip = { 0xfe, 0x80, [15] = 1 }, .scope = 3, .port = 77, .family = 6 };
	x.host[A].reached_at.local = (struct tnl_addr){ .ip = { 0xfe, 0x80, [15] = 2 }, .scope = 3, .family = 6 };
	seal_raw(A, p, 64);
	ck_assert_int_eq(pair_receive(&x, B, wire, len), TNL_DROP_SOURCE);
	peer_path(x.host[B].p, &path);
	ck_assert_mem_eq(&path, &x.host[A].reached_at, sizeof(path));
	tnl_forget_source(x.host[B].t, x.host[B].peer);
	peer_path(x.host[B].p, &path);
	ck_assert_uint_eq(path.local.family, 0);
	ck_assert_mem_eq(&path.remote, &x.host[A].reached_at.remote, sizeof(path.remote));
}
END_TEST

START_TEST(unknown_index_teaches_nothing)
{
	struct tnl_path before, after;

	peer_path(x.host[B].p, &before);
	ck_assert_int_eq(pair_send(&x, A, 100, wire, &len), TNL_PASS);
	put_le32(wire + DATA_RECEIVER, get_le32(wire + DATA_RECEIVER) + 1);
	x.host[A].reached_at.remote.port = 9;
	ck_assert_int_eq(pair_receive(&x, B, wire, len), TNL_DROP_INDEX);
	peer_path(x.host[B].p, &after);
	ck_assert_mem_eq(&before, &after, sizeof(before));
	ck_assert_uint_eq(pair_advance(&x, B), 0);
}
END_TEST

/* One datagram's worth of packets of two sessions and some rubbish: the runs are cut where they must be. */
START_TEST(runs_are_cut_where_the_key_changes)
{
	static uint8_t buf[8][256];
	struct tnl_pkt pkt[8];
	uint32_t runs = 0;
	struct tnl_run run;

	for (int i = 0; i < 8; i++) {
		ck_assert_int_eq(pair_send(&x, A, 100, buf[i], &len), TNL_PASS);
		pkt[i] = (struct tnl_pkt){ .data = buf[i], .len = (uint32_t)len };
	}
	put_le32(buf[3], 9);
	pkt[6].len = 31;
	tnl_enter(x.host[B].w);
	for (uint32_t i = 0, k; i < 8; i += k, runs++) {
		k = tnl_rx_begin(x.host[B].w, x.now.boot, &pkt[i], 8 - i, &run);
		ck_assert_uint_eq(k, run.count);
		if (run.key) {
			tnl_rx_open_run(x.host[B].w, &run, &pkt[i], k);
			tnl_rx_end(x.host[B].w, x.now.boot, &run, &x.host[A].reached_at, &pkt[i]);
		}
	}
	tnl_leave(x.host[B].w);
	ck_assert_uint_eq(runs, 5);
	for (int i = 0; i < 8; i++)
		ck_assert_uint_eq(pkt[i].verdict, i == 3 ? TNL_DROP_TYPE : i == 6 ? TNL_DROP_SHORT : TNL_PASS);
}
END_TEST

/* A whole run sealed at once into slots without a gap, in two parts, is what sealing one by one makes of it. Received
 * with one packet forged and more packets than a run has, all others arrive. */
START_TEST(runs_are_sealed_and_opened_together)
{
	enum { N = TNL_RUN_MAX };
	static uint8_t slots[(N + 1) * 256], one[256];
	static struct tnl_pkt pkt[N + 1];
	uint8_t *slot = slots, *inner = slots + TNL_HEAD;
	struct host *a = &x.host[A], *b = &x.host[B];
	struct tnl_run run;

	for (int i = 0; i < N; i++, slot += tnl_tx_len(pkt[i - 1].len, 1420)) {
		pkt[i] = (struct tnl_pkt){ .data = slot, .len = 20 + (uint32_t)i };
		memcpy(slot + TNL_HEAD, (uint8_t[20]){ 0x45, 0, 0, (uint8_t)pkt[i].len }, 20);
		memcpy(slot + TNL_HEAD + IP4_SRC, (uint8_t[]){ 10, 0, 0, 1, 10, 0, 0, 2 }, 8);
		memset(slot + TNL_HEAD + 20, i, (size_t)i);
	}
	tnl_enter(a->w);
	ck_assert_int_eq(tnl_tx_begin(a->w, x.now.boot, inner, pkt[0].len, N, &run), TNL_PASS);
	memcpy(one + TNL_HEAD, pkt[N - 1].data + TNL_HEAD, pkt[N - 1].len);
	ck_assert_uint_eq(tnl_tx_seal(a->w, &run, N - 1, one, pkt[N - 1].len, 1420), 16 + 160 + 16);
	tnl_tx_seal_run(a->w, &run, 0, pkt, 5, 1420);
	tnl_tx_seal_run(a->w, &run, 5, pkt + 5, N - 5, 1420);
	tnl_leave(a->w);
	ck_assert_uint_eq(pkt[N - 1].len, 16 + 160 + 16);
	ck_assert_mem_eq(pkt[N - 1].data, one, pkt[N - 1].len);
	pkt[N] = (struct tnl_pkt){ .data = one, .len = pkt[N - 1].len };
	pkt[7].data[pkt[7].len - 1] ^= 1;
	tnl_enter(b->w);
	ck_assert_uint_eq(tnl_rx_begin(b->w, x.now.boot, pkt, N + 1, &run), N);
	tnl_rx_open_run(b->w, &run, pkt, 3);
	tnl_rx_open_run(b->w, &run, pkt + 3, N - 3);
	tnl_rx_end(b->w, x.now.boot, &run, &a->reached_at, pkt);
	ck_assert_uint_eq(tnl_rx_begin(b->w, x.now.boot, pkt + N, 1, &run), 1);
	tnl_rx_open_run(b->w, &run, pkt + N, 1);
	tnl_rx_end(b->w, x.now.boot, &run, &a->reached_at, pkt + N);
	tnl_leave(b->w);
	for (uint32_t i = 0; i <= N; i++)
		ck_assert_uint_eq(pkt[i].verdict, i == 7 ? TNL_DROP_AUTH : i == N ? TNL_DROP_REPLAY : TNL_PASS);
	for (uint32_t i = 0; i < N; i++)
		ck_assert(i == 7 || (pkt[i].len == 20 + i && pkt[i].data[pkt[i].len - 1] == (i ? i : 2)));
}
END_TEST

START_TEST(any_bytes_are_survived)
{
	static const uint32_t type[] = { 0, 1, 2, 3, 4, 5, 0x01000004 };
	uint64_t count[TNL_VERDICTS];

	srandom(3);
	for (int i = 0; i < 20000; i++) {
		size_t n = (size_t)random() % 200;

		randombytes_buf(wire, sizeof(wire));
		put_le32(wire, type[random() % 7]);
		ck_assert_int_ne(pair_receive(&x, B, wire, n), TNL_PASS);
	}
	tnl_counts(x.host[B].w, count);
	ck_assert_uint_gt(count[TNL_DROP_SHORT], 0);
	ck_assert_uint_gt(count[TNL_DROP_TYPE], 0);
	ck_assert_uint_gt(count[TNL_DROP_INDEX], 0);
}
END_TEST

START_TEST(inner_packets_that_are_not_ip_have_no_route)
{
	uint8_t inner[64] = { 0 };
	struct tnl_run run;

	tnl_enter(x.host[A].w);
	for (unsigned v = 0; v < 16; v++)
		for (size_t n = 0; n < sizeof(inner); n++) {
			bool v4 = v == 4 && n >= 20, v6 = v == 6 && n >= 40;

			inner[0] = (uint8_t)(v << 4);
			ck_assert_int_eq(tnl_tx_begin(x.host[A].w, x.now.boot, inner, n, 1, &run),
					 v4 ? TNL_DROP_NOROUTE : v6 ? TNL_PASS : TNL_DROP_INNER);
		}
	tnl_leave(x.host[A].w);
}
END_TEST

/* A worker that found the route a moment ago still stands on the peer's slot when the owner has emptied it. */
START_TEST(nothing_waits_for_a_peer_that_was_just_removed)
{
	ck_assert_int_eq(pair_send(&x, A, 60, wire, &len), TNL_PASS);
	atomic_store(&x.host[A].p->handle, 0);
	atomic_store(&x.host[A].p->tx, NULL);
	ck_assert_int_eq(pair_send(&x, A, 60, wire, &len), TNL_DROP_NOROUTE);
}
END_TEST

START_TEST(cookies_reach_the_owner_only_for_indices_of_ours)
{
	uint8_t msg[COOKIE_LEN] = { WIRE_COOKIE };
	struct tnl_pkt pkt = { .data = msg, .len = COOKIE_LEN };
	const struct tnl_session *s = x.host[A].p->current;
	struct tnl_run run;

	tnl_enter(x.host[A].w);
	put_le32(msg + COOKIE_RECEIVER, s->local_index);
	tnl_rx_begin(x.host[A].w, x.now.boot, &pkt, 1, &run);
	ck_assert_uint_eq(pkt.verdict, TNL_CONTROL);
	put_le32(msg + COOKIE_RECEIVER, s->local_index + 1);
	tnl_rx_begin(x.host[A].w, x.now.boot, &pkt, 1, &run);
	ck_assert_uint_eq(pkt.verdict, TNL_DROP_INDEX);
	tnl_leave(x.host[A].w);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("data");
	TCase *c = tcase_create("data");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, padding_vectors);
	tcase_add_test(c, counters_start_at_zero_and_rise_by_one);
	tcase_add_test(c, sending_stops_at_the_last_counter_and_asks_for_a_session);
	tcase_add_test(c, a_run_that_does_not_fit_below_the_limit_sends_nothing);
	tcase_add_test(c, either_role_renews_after_2_60_messages);
	tcase_add_test(c, replays_and_forgeries_are_dropped_and_move_nothing);
	tcase_add_test(c, a_forged_counter_does_not_move_the_window);
	tcase_add_test(c, only_whole_packets_of_the_senders_own_addresses_are_delivered);
	tcase_add_test(c, a_payload_length_that_wraps_16_bits_is_no_whole_packet);
	tcase_add_test(c, any_padding_is_taken_and_cut_off);
	tcase_add_test(c, authentic_packets_move_the_endpoint_also_those_that_are_not_delivered);
	tcase_add_test(c, unknown_index_teaches_nothing);
	tcase_add_test(c, runs_are_cut_where_the_key_changes);
	tcase_add_test(c, runs_are_sealed_and_opened_together);
	tcase_add_test(c, any_bytes_are_survived);
	tcase_add_test(c, inner_packets_that_are_not_ip_have_no_route);
	tcase_add_test(c, nothing_waits_for_a_peer_that_was_just_removed);
	tcase_add_test(c, cookies_reach_the_owner_only_for_indices_of_ours);
	suite_add_tcase(s, c);
	return suite_run(s);
}
