/* SPDX-License-Identifier: MIT */
/* The window, an answered handshake, and what an idle peer takes. */
#include <assert.h>
#include <sodium.h>
#include <string.h>

#include "cookie.h"
#include "micro.h"
#include "noise.h"
#include "replay.h"
#include "tunnel.h"
#include "wire.h"

enum { COUNTERS = 1000000, FEW_COUNTERS = 10000, HANDSHAKES = 500, FEW_HANDSHAKES = 20, PEERS = 100000 };

/* ---- Window ------------------------------------------------------------------------------------------------------ */

struct window {
	struct replay replay;
	uint64_t count, swap;	/* swap 1: each two in the wrong order */
};

static void window_lap(void *arg)
{
	struct window *w = arg;

	memset(&w->replay, 0, sizeof(w->replay));
	for (uint64_t c = 0; c < w->count; c++) {
		bool accepted = replay_accept(&w->replay, c ^ w->swap);

		assert(accepted);
	}
}

void micro_window(void)
{
	static struct window w;

	w.count = micro_counting() ? FEW_COUNTERS : COUNTERS;
	micro_run("window", window_lap, &w, (unsigned)w.count);
	w.swap = 1;
	micro_run("window_swapped", window_lap, &w, (unsigned)w.count);
}

/* ---- Handshake --------------------------------------------------------------------------------------------------- */

struct responder {
	struct tnl *t;
	struct tnl_now now;
	unsigned next, count;
	uint8_t msg[MICRO_LAPS * HANDSHAKES][INITIATION_LEN];
};

static void entropy(void *ctx, void *dst, size_t len)
{
	(void)ctx;
	randombytes_buf(dst, len);
}

/* One peer that begins again each second; every answer is a whole session, as after 120 s of a real one. */
static void handshake_lap(void *arg)
{
	static const struct tnl_path from = { .remote = { .ip = { 192, 0, 2, 1 }, .port = 51820, .family = 4 } };
	struct responder *r = arg;

	for (unsigned i = 0; i < r->count; i++) {
		struct tnl_msg out;
		size_t answered;

		r->now.boot += TNL_SEC;
		r->now.wall += TNL_SEC;
		answered = tnl_control(r->t, r->now, &from, r->msg[r->next++], INITIATION_LEN, false, &out);
		assert(answered == 1 && out.len == RESPONSE_LEN);
		while (tnl_advance(r->t, r->now, &out, 1))
			;
	}
}

static void make_initiations(struct responder *r, const struct noise_identity *from, const uint8_t to[NOISE_KEY_LEN])
{
	uint8_t ss[NOISE_KEY_LEN], key[COOKIE_KEY_LEN], ephemeral[NOISE_KEY_LEN], stamp[TIMESTAMP_LEN] = { 0x40 };
	struct noise_handshake hs;
	bool made = noise_static_static(from, to, ss);

	cookie_mac1_key(key, to);
	for (uint32_t i = 0; i < MICRO_LAPS * r->count; i++) {
		put_be32(stamp + 4, i + 1);
		randombytes_buf(ephemeral, sizeof(ephemeral));
		made = made && noise_create_initiation(&hs, from, to, ss, ephemeral, stamp, r->msg[i]);
		assert(made);
		put_le32(r->msg[i], WIRE_INITIATION);
		put_le32(r->msg[i] + INITIATION_SENDER, i);
		cookie_add_macs(r->msg[i], INITIATION_LEN, key, NULL);
	}
}

void micro_handshake(void)
{
	static const struct tnl_limits lim = { .peers = 4, .sessions = 16, .prefixes = 16, .workers = 1 };
	static const struct tnl_env env = { .random = entropy };
	static struct responder r;
	struct noise_identity host, peer;
	uint8_t key[NOISE_KEY_LEN];
	tnl_peer handle;
	int err;

	if (!micro_wanted("handshake"))
		return;
	r.count = micro_counting() ? FEW_HANDSHAKES : HANDSHAKES;
	r.t = tnl_init(micro_memory(tnl_footprint(&lim)), &lim, &env);
	assert(r.t);
	r.now = (struct tnl_now){ .boot = TNL_SEC, .wall = 1700000000 * TNL_SEC };
	randombytes_buf(key, sizeof(key));
	noise_identity_set(&host, key);
	randombytes_buf(key, sizeof(key));
	noise_identity_set(&peer, key);
	err = tnl_set_identity(r.t, 0, host.static_private);
	assert(!err);
	tnl_set_up(r.t, r.now, true);
	err = tnl_peer_add(r.t, peer.static_public, &handle);
	assert(!err);
	make_initiations(&r, &peer, host.static_public);
	micro_run("handshake", handshake_lap, &r, r.count);
}

/* ---- Memory ------------------------------------------------------------------------------------------------------ */

/* What one more peer without a session and with one prefix adds to the region, all its tables included. */
void micro_peer(void)
{
	struct tnl_limits few = { .peers = 1, .sessions = 1, .prefixes = 1, .workers = 1 }, many = few;

	many.peers = many.prefixes = PEERS;
	micro_value("idle_peer", (double)(tnl_footprint(&many) - tnl_footprint(&few)) / (PEERS - 1), "bytes");
}
