/* SPDX-License-Identifier: MIT */
#include "pair.h"

#include <stdlib.h>

#include "peer.h"
#include "suite.h"

static void entropy(void *ctx, void *dst, size_t len)
{
	(void)ctx;
	randombytes_buf(dst, len);
}

static struct tnl_path path_of(int host)
{
	return (struct tnl_path){
		.remote = { .ip = { 192, 0, 2, (uint8_t)(host + 1) }, .port = (uint16_t)(1000 + host), .family = 4 },
	};
}

static void start(struct host *h, int self)
{
	static const struct tnl_limits lim = { .peers = 16, .sessions = 48, .prefixes = 64, .workers = 1 };
	static const struct tnl_env env = { .random = entropy };

	h->size = tnl_footprint(&lim);
	ck_assert_uint_gt(h->size, 0);
	ck_assert_int_eq(posix_memalign(&h->mem, 64, h->size), 0);
	memset(h->mem, 0, h->size);
	h->t = tnl_init(h->mem, &lim, &env);
	ck_assert_ptr_nonnull(h->t);
	h->w = tnl_worker(h->t, 0);
	h->reached_at = path_of(self);
	randombytes_buf(h->priv, sizeof(h->priv));
	crypto_scalarmult_base(h->pub, h->priv);
	ck_assert_int_eq(tnl_set_identity(h->t, 0, h->priv), 0);
}

static void introduce(struct pair *x, int self)
{
	struct host *h = &x->host[self], *other = &x->host[!self];
	struct tnl_peer_conf conf = { .remote = path_of(!self).remote };
	struct tnl_addr v4 = { .ip = { 10, 0, 0, self == A ? 2 : 1 }, .family = 4 }, v6 = { .family = 6 };

	ck_assert_int_eq(tnl_peer_add(h->t, other->pub, &h->peer), 0);
	h->p = &h->t->peer[0];
	ck_assert_int_eq(tnl_peer_set(h->t, x->now, h->peer, &conf, TNL_SET_ENDPOINT), 0);
	ck_assert_int_eq(tnl_route_set(h->t, &v4, 32, h->peer), 0);
	if (self == A)
		ck_assert_int_eq(tnl_route_set(h->t, &v6, 0, h->peer), 0);
	tnl_set_up(h->t, x->now, true);
}

void pair_setup(struct pair *x)
{
	memset(x, 0, sizeof(*x));
	x->now = (struct tnl_now){ .boot = 1000 * TNL_SEC, .wall = 1700000000 * TNL_SEC };
	for (int i = A; i <= B; i++)
		start(&x->host[i], i);
	for (int i = A; i <= B; i++)
		introduce(x, i);
}

void pair_teardown(struct pair *x)
{
	for (int i = A; i <= B; i++) {
		tnl_wipe(x->host[i].t);
		free(x->host[i].mem);
	}
}

void pair_wait(struct pair *x, tnl_ns ns)
{
	x->now.boot += ns;
	x->now.wall += ns;
}

size_t pair_advance(struct pair *x, int host)
{
	struct tnl_event ev;

	while (tnl_event(x->host[host].t, &ev))
		;
	x->count = tnl_advance(x->host[host].t, x->now, x->out, sizeof(x->out) / sizeof(x->out[0]));
	while (tnl_event(x->host[host].t, &ev))
		;
	return x->count;
}

size_t pair_deliver(struct pair *x, int to, const struct tnl_msg *msg, bool busy)
{
	struct tnl_msg copy = *msg;

	x->count = tnl_control(x->host[to].t, x->now, &x->host[!to].reached_at, copy.data, copy.len, busy, x->out);
	return x->count;
}

enum tnl_verdict pair_send(struct pair *x, int from, size_t len, uint8_t *wire, size_t *wire_len)
{
	uint8_t inner[2048] = { 0x45, 0, (uint8_t)(len >> 8), (uint8_t)len };
	struct host *h = &x->host[from];
	enum tnl_verdict v;
	struct tnl_run run;

	memcpy(inner + IP4_SRC, (uint8_t[]){ 10, 0, 0, from == A ? 1 : 2 }, 4);
	memcpy(inner + IP4_DST, (uint8_t[]){ 10, 0, 0, from == A ? 2 : 1 }, 4);
	tnl_enter(h->w);
	v = tnl_tx_begin(h->w, x->now.boot, inner, len, 1, &run);
	if (v == TNL_PASS) {
		memcpy(wire + TNL_HEAD, inner, len);
		*wire_len = tnl_tx_seal(h->w, &run, 0, wire, len, 1420);
		tnl_tx_end(h->w, x->now.boot, &run, *wire_len);
	}
	tnl_leave(h->w);
	return v;
}

enum tnl_verdict pair_receive(struct pair *x, int to, uint8_t *wire, size_t len)
{
	struct tnl_pkt pkt = { .data = wire, .len = (uint32_t)len };
	struct host *h = &x->host[to];
	struct tnl_run run;

	tnl_enter(h->w);
	ck_assert_uint_eq(tnl_rx_begin(h->w, x->now.boot, &pkt, 1, &run), 1);
	if (run.key) {
		tnl_rx_open(h->w, &run, &pkt);
		tnl_rx_end(h->w, x->now.boot, &run, &x->host[!to].reached_at, &pkt);
	}
	tnl_leave(h->w);
	return pkt.verdict;
}

enum tnl_verdict pair_pass(struct pair *x, int from)
{
	uint8_t wire[2048 + 64];
	size_t len;
	enum tnl_verdict v = pair_send(x, from, 100, wire, &len);

	return v == TNL_PASS ? pair_receive(x, !from, wire, len) : v;
}

void pair_handshake(struct pair *x, int from)
{
	struct tnl_msg msg;

	pair_wait(x, REKEY_TIMEOUT + 1);
	peer_tell(x->host[from].t, x->host[from].p, NEWS_INITIATE);
	ck_assert_uint_eq(pair_advance(x, from), 1);
	msg = x->out[0];
	ck_assert_uint_eq(pair_deliver(x, !from, &msg, false), 1);
	msg = x->out[0];
	ck_assert_uint_eq(pair_deliver(x, from, &msg, false), 0);
	ck_assert_uint_eq(pair_advance(x, from), 1);
	ck_assert_uint_eq(x->out[0].len, DATA_MIN);
	ck_assert_int_eq(pair_receive(x, !from, x->out[0].data, DATA_MIN), TNL_EMPTY);
	pair_advance(x, !from);
}

struct tnl_msg pair_initiation(struct pair *x, int from)
{
	pair_wait(x, REKEY_TIMEOUT + 1);
	peer_tell(x->host[from].t, x->host[from].p, NEWS_INITIATE);
	ck_assert_uint_eq(pair_advance(x, from), 1);
	ck_assert_uint_eq(x->out[0].len, INITIATION_LEN);
	return x->out[0];
}
