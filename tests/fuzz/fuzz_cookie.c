/* SPDX-License-Identifier: MIT */
/*
 * Cookies from both ends. As responder under load: initiations without cookie, with the right one, with a changed one
 * or from another place. As initiator: replies as they come, and authentic ones with something changed.
 *
 * Claims: under load only the right cookie from the right place gets a response, everything else with mac1 a cookie
 * reply that opens for the sender, without mac1 nothing. A reply is taken only unchanged; then mac2 is made with it.
 */
#include <string.h>

#include "rig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { STEPS_MAX = 24, INDEX = 0x01020304 };

static const uint8_t zeros[MAC_LEN];

/* The cookie that the host would give to where the messages now come from. */
static void ask_cookie(struct rig *r, uint8_t ret[COOKIE_SIZE])
{
	uint8_t msg[INITIATION_LEN];
	struct noise_handshake hs;
	struct tnl_msg out;

	rig_initiation(r, INDEX, NULL, &hs, msg);
	must(rig_control(r, msg, sizeof(msg), true, &out) == 1 && out.len == COOKIE_LEN);
	must(get_le32(out.data) == WIRE_COOKIE && get_le32(out.data + COOKIE_RECEIVER) == INDEX);
	must(cookie_consume_reply(out.data, r->host_reply_key, msg + INITIATION_LEN - RIG_MACS, ret));
}

static void as_responder(struct rig *r, struct input *in)
{
	uint8_t cookie[COOKIE_SIZE], msg[INITIATION_LEN];
	struct noise_handshake hs;
	struct tnl_msg out;
	bool moved, changed, mac1;
	uint8_t port = input_byte(in);

	r->now.boot += 2 * TNL_SEC;	/* the limiter forgets in one */
	ask_cookie(r, cookie);
	r->from.remote.port ^= port;
	moved = port != 0;
	rig_initiation(r, INDEX, cookie, &hs, msg);
	changed = input_mutate(in, msg, INITIATION_LEN - MAC_LEN, INITIATION_LEN);
	mac1 = !input_mutate(in, msg, INITIATION_SENDER, INITIATION_LEN - MAC_LEN);
	if (!rig_control(r, msg, sizeof(msg), true, &out))
		must(!mac1);
	else
		must(mac1 && out.len == (moved || changed ? COOKIE_LEN : RESPONSE_LEN));
}

static void burst(struct rig *r, struct input *in)
{
	unsigned answered = 0, tries = input_byte(in) % 16;
	uint8_t cookie[COOKIE_SIZE], msg[RESPONSE_LEN] = { 0 };
	struct tnl_msg out;

	ask_cookie(r, cookie);
	/* A response to nothing: with cookie it is dropped, with a stale one it earns another. */
	input_bytes(in, msg + RESPONSE_SENDER, RESPONSE_LEN - RESPONSE_SENDER - RIG_MACS);
	put_le32(msg, WIRE_RESPONSE);
	cookie_add_macs(msg, sizeof(msg), r->to_host, cookie);
	for (unsigned i = 0; i < tries; i++)
		answered += rig_control(r, msg, sizeof(msg), true, &out) != 0;
	must(!answered);
	r->now.boot += 130 * TNL_SEC;	/* the secret has changed */
	must(rig_control(r, msg, sizeof(msg), true, &out) == 1 && out.len == COOKIE_LEN);
}

/* The host has sent `asked`; does its next initiation carry the cookie? */
static bool uses(struct rig *r, const uint8_t cookie[COOKIE_SIZE])
{
	struct tnl_msg again;
	bool has;

	r->now.boot += 10 * TNL_SEC;
	must(rig_host_initiates(r, &again));
	must(cookie_mac1_holds(r->to_partner, again.data, again.len));
	has = memcmp(again.data + INITIATION_LEN - MAC_LEN, zeros, MAC_LEN) != 0;
	must(!has || !cookie || cookie_mac2_holds(cookie, again.data, again.len));
	return has;
}

static void as_initiator(struct rig *r, struct input *in)
{
	uint8_t reply[COOKIE_LEN], honest[COOKIE_LEN], nonce[COOKIE_NONCE_LEN] = { 0 }, cookie[COOKIE_SIZE] = { 1 };
	struct tnl_msg asked, out;

	r->now.boot += 130 * TNL_SEC;	/* older cookies and attempts are over */
	rig_turn(r, NULL);
	r->now.boot += 130 * TNL_SEC;
	if (!rig_host_initiates(r, &asked))
		return;
	must(!memcmp(asked.data + INITIATION_LEN - MAC_LEN, zeros, MAC_LEN));
	input_bytes(in, nonce, sizeof(nonce));
	input_bytes(in, cookie, sizeof(cookie));
	cookie_create_reply(honest, get_le32(asked.data + INITIATION_SENDER), nonce, cookie, r->partner_reply_key,
			    asked.data + INITIATION_LEN - RIG_MACS);
	memcpy(reply, honest, sizeof(reply));
	if (input_mutate(in, reply, 0, COOKIE_LEN)) {
		must(!rig_control(r, reply, sizeof(reply), false, &out));
		if (input_byte(in) % 2) {
			must(!uses(r, NULL));
			return;
		}
	}
	must(!rig_control(r, honest, sizeof(honest), false, &out));
	must(!rig_control(r, honest, sizeof(honest), false, &out));
	must(uses(r, cookie));
}

static void raw(struct rig *r, struct input *in)
{
	uint8_t msg[COOKIE_LEN] = { 0 };
	struct tnl_msg out;

	input_bytes(in, msg, sizeof(msg));
	put_le32(msg, WIRE_COOKIE);
	must(!rig_control(r, msg, sizeof(msg), input_byte(in) % 2, &out));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const step[])(struct rig *, struct input *) = { as_responder, as_initiator, burst, raw };
	struct input in = { data, size };
	struct rig *r = rig_begin();

	for (int i = 0; i < STEPS_MAX && in.left; i++) {
		step[input_byte(&in) % (sizeof(step) / sizeof(step[0]))](r, &in);
		rig_turn(r, NULL);
	}
	return 0;
}
