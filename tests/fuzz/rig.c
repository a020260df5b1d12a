/* SPDX-License-Identifier: MIT */
#include "rig.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum { TURNS_MAX = 64, SESSION_INDEX = 0x11223344 };

static const uint8_t ephemeral[NOISE_KEY_LEN] = "an ephemeral key that never dies";

void must(bool holds)
{
	if (!holds)
		abort();
}

uint8_t input_byte(struct input *in)
{
	uint8_t b = 0;

	input_bytes(in, &b, 1);
	return b;
}

uint32_t input_word(struct input *in)
{
	uint8_t w[4] = { 0 };

	input_bytes(in, w, sizeof(w));
	return get_le32(w);
}

size_t input_bytes(struct input *in, uint8_t *dst, size_t len)
{
	size_t n = len < in->left ? len : in->left;

	if (n)
		memcpy(dst, in->at, n);
	in->at += n;
	in->left -= n;
	return n;
}

bool input_mutate(struct input *in, uint8_t *msg, size_t from, size_t to)
{
	uint8_t before[TNL_MSG_MAX];
	unsigned count = input_byte(in) % 4;

	must(to <= sizeof(before));
	memcpy(before, msg, to);
	while (count--) {
		size_t at = from + input_byte(in) % (to - from);

		msg[at] ^= input_byte(in);
	}
	return memcmp(before, msg, to) != 0;
}

/* The same bytes for every input, but no two alike within one. */
static void entropy(void *ctx, void *dst, size_t len)
{
	uint64_t *count = ctx;
	uint8_t seed[randombytes_SEEDBYTES] = { 0 };

	put_le64(seed, ++*count);
	randombytes_buf_deterministic(dst, len, seed);
}

static uint64_t drawn;

static void first(struct rig *r)
{
	static const struct tnl_limits lim = { .peers = 4, .sessions = 12, .prefixes = 16, .workers = 1 };
	static const struct tnl_env env = { .ctx = &drawn, .random = entropy };
	size_t size = tnl_footprint(&lim);
	void *mem = aligned_alloc(64, size);

	must(size && mem);
	memset(mem, 0, size);
	r->t = tnl_init(mem, &lim, &env);
	must(r->t);
	r->w = tnl_worker(r->t, 0);
	noise_identity_set(&r->host, (const uint8_t *)"the private key of the machine..");
	noise_identity_set(&r->partner, (const uint8_t *)"the private key of its only peer");
	must(noise_static_static(&r->partner, r->host.static_public, r->static_static));
	cookie_mac1_key(r->to_host, r->host.static_public);
	cookie_mac1_key(r->to_partner, r->partner.static_public);
	cookie_reply_key(r->host_reply_key, r->host.static_public);
	cookie_reply_key(r->partner_reply_key, r->partner.static_public);
	r->now = (struct tnl_now){ .boot = TNL_SEC, .wall = 1700000000 * TNL_SEC };
	must(!tnl_set_identity(r->t, 0, r->host.static_private));
	tnl_set_up(r->t, r->now, true);
}

struct rig *rig_begin(void)
{
	static const struct tnl_addr v4 = { .ip = { 10, 0, 0, 0 }, .family = 4 }, v6 = { .ip = { 0xfd }, .family = 6 };
	static struct rig r;
	struct tnl_peer_conf conf = { 0 };

	if (!r.t)
		first(&r);
	else
		must(!tnl_peer_del(r.t, r.peer));
	drawn = 0;
	r.now.boot += 1000 * TNL_SEC;
	r.now.wall += 1000 * TNL_SEC;
	rig_turn(&r, NULL);
	r.stamp = 0;
	r.from = (struct tnl_path){ .remote = { .ip = { 192, 0, 2, 1 }, .port = 51820, .family = 4 } };
	conf.remote = r.from.remote;
	must(!tnl_peer_add(r.t, r.partner.static_public, &r.peer));
	must(!tnl_peer_set(r.t, r.now, r.peer, &conf, TNL_SET_ENDPOINT));
	must(!tnl_route_set(r.t, &v4, 8, r.peer) && !tnl_route_set(r.t, &v6, 8, r.peer));
	return &r;
}

size_t rig_turn(struct rig *r, struct tnl_msg *ret)
{
	struct tnl_event event;
	struct tnl_msg out;
	size_t total = 0;

	for (int i = 0; i < TURNS_MAX; i++) {
		while (tnl_event(r->t, &event))
			must(event.what <= TNL_EV_WIPED);
		if (!tnl_advance(r->t, r->now, &out, 1))
			return total;
		must(out.len >= DATA_MIN && out.len <= INITIATION_LEN);
		if (ret)
			*ret = out;
		total++;
	}
	abort();	/* it would talk for ever */
}

size_t rig_control(struct rig *r, const uint8_t *msg, size_t len, bool busy, struct tnl_msg *out)
{
	size_t n = tnl_control(r->t, r->now, &r->from, msg, len, busy, out);

	must(n <= 1);
	if (n)
		must(out->len < len && !memcmp(&out->path, &r->from, sizeof(r->from)));
	return n;
}

void rig_initiation(struct rig *r, uint32_t index, const uint8_t *cookie, struct noise_handshake *hs,
		    uint8_t msg[INITIATION_LEN])
{
	uint8_t stamp[TIMESTAMP_LEN] = { 0x40 };

	put_be32(stamp + 4, ++r->stamp);
	must(noise_create_initiation(hs, &r->partner, r->host.static_public, r->static_static, ephemeral, stamp, msg));
	put_le32(msg, WIRE_INITIATION);
	put_le32(msg + INITIATION_SENDER, index);
	cookie_add_macs(msg, INITIATION_LEN, r->to_host, cookie);
}

bool rig_host_initiates(struct rig *r, struct tnl_msg *ret)
{
	uint8_t inner[20] = { 0x45, [3] = 20, [12] = 10, [16] = 10, [19] = 1 };
	struct tnl_run run;

	tnl_enter(r->w);
	(void)tnl_tx_begin(r->w, r->now.boot, inner, sizeof(inner), 1, &run);
	(void)tnl_leave(r->w);
	return rig_turn(r, ret) && ret->len == INITIATION_LEN;
}

/* A keepalive from the partner on the new session: the host confirms it. */
static void confirm(struct rig *r)
{
	uint8_t wire[DATA_MIN] = { 0 };
	struct tnl_pkt pkt = { .data = wire, .len = sizeof(wire) };
	struct tnl_run run;

	put_le32(wire, WIRE_DATA);
	put_le32(wire + DATA_RECEIVER, r->host_index);
	aead_seal_ad(wire + DATA_BODY, NULL, 0, NULL, 0, r->keys.send, 0);
	tnl_enter(r->w);
	must(tnl_rx_begin(r->w, r->now.boot, &pkt, 1, &run) == 1 && run.key);
	tnl_rx_open(r->w, &run, &pkt);
	tnl_rx_end(r->w, r->now.boot, &run, &r->from, &pkt);
	must(pkt.verdict == TNL_EMPTY);
	(void)tnl_leave(r->w);
	rig_turn(r, NULL);
}

void rig_session(struct rig *r)
{
	static const uint8_t no_psk[NOISE_KEY_LEN];
	uint8_t msg[INITIATION_LEN];
	struct noise_handshake hs;
	struct tnl_msg out;

	rig_initiation(r, SESSION_INDEX, NULL, &hs, msg);
	must(rig_control(r, msg, sizeof(msg), false, &out) == 1 && out.len == RESPONSE_LEN);
	must(noise_consume_response(&hs, &r->partner, no_psk, out.data, &r->keys));
	r->host_index = get_le32(out.data + RESPONSE_SENDER);
	confirm(r);
}
