/* SPDX-License-Identifier: MIT */
/*
 * What the parts cost, each alone on one core: name, value, unit; tab-separated. The best of a few laps counts, in CPU
 * time of this thread, since the machine may have other work.
 */
#include <assert.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "aead.h"
#include "cookie.h"
#include "noise.h"
#include "replay.h"
#include "tunnel.h"
#include "wire.h"

enum { LAPS = 7, PACKETS = 20000, COUNTERS = 1000000, HANDSHAKES = 1000, PEERS = 100000 };

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* ns that one of `count` takes in the best lap of lap(arg). */
static double best(void (*lap)(void *arg), void *arg, unsigned count)
{
	double least = 1e300;

	for (int i = 0; i < LAPS; i++) {
		double begin = now(), took;

		lap(arg);
		took = now() - begin;
		least = took < least ? took : least;
	}
	return least / count;
}

static void *zeroed(size_t len)
{
	void *mem = aligned_alloc(64, (len + 63) / 64 * 64);

	assert(mem);
	return memset(mem, 0, len);
}

/* ---- Seal and open ----------------------------------------------------------------------------------------------- */

struct seal {
	struct aead *ctx;
	size_t len;
	uint8_t key[AEAD_KEY_LEN], buf[2048], sealed[2048];
};

static void seal_lap(void *arg)
{
	struct seal *s = arg;

	for (unsigned i = 0; i < PACKETS; i++)
		aead_seal(s->ctx, s->buf, s->len, s->key, i);
}

/* An opened packet is plaintext, so each needs its ciphertext anew: the figure includes a copy of some 20 ns. */
static void open_lap(void *arg)
{
	struct seal *s = arg;

	for (unsigned i = 0; i < PACKETS; i++) {
		bool opened;

		memcpy(s->buf, s->sealed, s->len + AEAD_TAG_LEN);
		opened = aead_open(s->ctx, s->buf, s->len, s->key, 7);
		assert(opened);
	}
}

static void bench_aead(void)
{
	static const size_t lens[] = { 64, 1420 };
	static struct seal s;

	for (unsigned engine = 0; engine < aead_count(); engine++) {
		s.ctx = zeroed(aead_ctx_size());
		aead_ctx_init(s.ctx, engine);
		for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
			s.len = lens[i];
			aead_seal_ad(s.sealed, s.buf, s.len, NULL, 0, s.key, 7);
			printf("seal_%s_%zu\t%.0f\tns\n", aead_name(engine), s.len, best(seal_lap, &s, PACKETS));
			printf("open_%s_%zu\t%.0f\tns\n", aead_name(engine), s.len, best(open_lap, &s, PACKETS));
		}
		free(s.ctx);
	}
	printf("aead_default\t%s\tname\n", aead_name(aead_default()));
}

/* ---- Window ------------------------------------------------------------------------------------------------------ */

static void replay_lap(void *arg)
{
	struct replay *r = arg;

	memset(r, 0, sizeof(*r));
	for (uint64_t c = 0; c < COUNTERS; c++) {
		bool accepted = replay_accept(r, c);

		assert(accepted);
	}
}

/* ---- Handshakes -------------------------------------------------------------------------------------------------- */

static void entropy(void *ctx, void *dst, size_t len)
{
	(void)ctx;
	randombytes_buf(dst, len);
}

struct responder {
	struct tnl *t;
	struct tnl_now now;
	unsigned next;
	uint8_t msg[LAPS * HANDSHAKES][INITIATION_LEN];
};

/* One peer that begins again each second; every answer is a whole session, as after 120 s of a real one. */
static void handshake_lap(void *arg)
{
	static const struct tnl_path from = { .remote = { .ip = { 192, 0, 2, 1 }, .port = 51820, .family = 4 } };
	struct responder *r = arg;

	for (unsigned i = 0; i < HANDSHAKES; i++) {
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
	for (uint32_t i = 0; i < LAPS * HANDSHAKES; i++) {
		put_be32(stamp + 4, i + 1);
		randombytes_buf(ephemeral, sizeof(ephemeral));
		made = made && noise_create_initiation(&hs, from, to, ss, ephemeral, stamp, r->msg[i]);
		assert(made);
		put_le32(r->msg[i], WIRE_INITIATION);
		put_le32(r->msg[i] + INITIATION_SENDER, i);
		cookie_add_macs(r->msg[i], INITIATION_LEN, key, NULL);
	}
}

static void bench_handshakes(void)
{
	static const struct tnl_limits lim = { .peers = 4, .sessions = 16, .prefixes = 16, .workers = 1 };
	static const struct tnl_env env = { .random = entropy };
	static struct responder r;
	struct noise_identity host, peer;
	uint8_t key[NOISE_KEY_LEN];
	tnl_peer handle;
	int err;

	r.t = tnl_init(zeroed(tnl_footprint(&lim)), &lim, &env);
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
	printf("handshakes_answered\t%.0f\t1/s\n", 1e9 / best(handshake_lap, &r, HANDSHAKES));
}

/* ---- Memory ------------------------------------------------------------------------------------------------------ */

/* What one more peer without a session and with one prefix adds to the region, all its tables included. */
static double bytes_per_peer(void)
{
	struct tnl_limits few = { .peers = 1, .sessions = 1, .prefixes = 1, .workers = 1 }, many = few;

	many.peers = many.prefixes = PEERS;
	return (double)(tnl_footprint(&many) - tnl_footprint(&few)) / (PEERS - 1);
}

int main(void)
{
	static struct replay window;

	if (!aead_init())
		return EXIT_FAILURE;
	bench_aead();
	printf("replay_accept\t%.1f\tns\n", best(replay_lap, &window, COUNTERS));
	bench_handshakes();
	printf("idle_peer\t%.0f\tbytes\n", bytes_per_peer());
	return EXIT_SUCCESS;
}
