/* SPDX-License-Identifier: MIT */
/*
 * What a stranger can send to the owner's door, and what the peer itself can, when it makes its messages wrongly: bytes
 * as they come, and authentic initiations and responses with something changed before their MACs are made, which is how
 * deep an attacker without the peer's key gets. An input is a list of steps.
 *
 * Claims: an unchanged message is answered and both sides then have the same keys; a changed one is not answered and
 * ends nothing, so that the honest one behind it is; no answer is longer than what it answers.
 */
#include <string.h>

#include "rig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { STEPS_MAX = 24, RAW_MAX = 255 };

static const uint8_t no_psk[NOISE_KEY_LEN];
static const uint8_t responder_ephemeral[NOISE_KEY_LEN] = "another one that does not change";

static void raw(struct rig *r, struct input *in)
{
	uint8_t msg[RAW_MAX];
	size_t len = input_bytes(in, msg, input_byte(in));
	struct tnl_msg out;

	rig_control(r, msg, len, false, &out);
}

/* As it was, but with the MACs of somebody who knows the host's public key. */
static void raw_with_macs(struct rig *r, struct input *in)
{
	static const uint16_t lens[] = { INITIATION_LEN, RESPONSE_LEN };
	uint8_t msg[INITIATION_LEN] = { 0 };
	unsigned type = input_byte(in) % 2;
	struct tnl_msg out;

	input_bytes(in, msg + 4, lens[type] - 4U);
	put_le32(msg, type + 1);
	cookie_add_macs(msg, lens[type], r->to_host, NULL);
	must(!rig_control(r, msg, lens[type], false, &out));
}

static void initiation(struct rig *r, struct input *in)
{
	uint8_t msg[INITIATION_LEN], honest[INITIATION_LEN];
	struct noise_handshake hs;
	struct noise_keys keys;
	struct tnl_msg out;
	uint32_t index = input_word(in);

	r->now.boot += TNL_SEC;		/* beyond the spacing of initiations */
	rig_initiation(r, index, NULL, &hs, honest);
	memcpy(msg, honest, sizeof(msg));
	/* Type and sender index are not the handshake's. */
	if (input_mutate(in, msg, INITIATION_EPHEMERAL, INITIATION_LEN - RIG_MACS)) {
		cookie_add_macs(msg, sizeof(msg), r->to_host, NULL);
		must(!rig_control(r, msg, sizeof(msg), false, &out));
	}
	must(rig_control(r, honest, sizeof(honest), false, &out) == 1 && out.len == RESPONSE_LEN);
	must(get_le32(out.data + RESPONSE_RECEIVER) == index);
	must(cookie_mac1_holds(r->to_partner, out.data, out.len));
	must(noise_consume_response(&hs, &r->partner, no_psk, out.data, &keys));
	/* Again: its timestamp is no longer new. */
	must(!rig_control(r, honest, sizeof(honest), false, &out));
}

static bool make_response(struct rig *r, const struct tnl_msg *to, uint8_t msg[RESPONSE_LEN])
{
	uint8_t who[NOISE_KEY_LEN], when[TIMESTAMP_LEN];
	struct noise_handshake hs;
	struct noise_keys keys;

	if (!noise_consume_initiation_static(&hs, &r->partner, to->data, who) ||
	    !noise_consume_initiation_timestamp(&hs, r->static_static, to->data, when) ||
	    !noise_create_response(&hs, who, no_psk, responder_ephemeral, msg, &keys))
		return false;
	put_le32(msg, WIRE_RESPONSE);
	put_le32(msg + RESPONSE_SENDER, 7);
	memcpy(msg + RESPONSE_RECEIVER, to->data + INITIATION_SENDER, 4);
	cookie_add_macs(msg, RESPONSE_LEN, r->to_host, NULL);
	return true;
}

static void response(struct rig *r, struct input *in)
{
	uint8_t msg[RESPONSE_LEN], honest[RESPONSE_LEN];
	struct tnl_stat before, after;
	struct tnl_msg asked, out;

	r->now.boot += 200 * TNL_SEC;	/* beyond any session that an earlier step made */
	r->now.wall += 200 * TNL_SEC;
	rig_turn(r, NULL);
	r->now.boot += 10 * TNL_SEC;
	if (!rig_host_initiates(r, &asked))
		return;
	must(cookie_mac1_holds(r->to_partner, asked.data, asked.len));
	must(make_response(r, &asked, honest));
	memcpy(msg, honest, sizeof(msg));
	must(!tnl_peer_stat(r->t, r->peer, &before));
	/* The sender index is not the handshake's. */
	if (input_mutate(in, msg, RESPONSE_RECEIVER, RESPONSE_LEN - RIG_MACS)) {
		cookie_add_macs(msg, sizeof(msg), r->to_host, NULL);
		must(!rig_control(r, msg, sizeof(msg), false, &out));
		must(!tnl_peer_stat(r->t, r->peer, &after));
		must(after.rx_bytes == before.rx_bytes && after.handshake_wall == before.handshake_wall);
	}
	must(!rig_control(r, honest, sizeof(honest), false, &out));
	must(!tnl_peer_stat(r->t, r->peer, &after));
	must(after.rx_bytes == before.rx_bytes + RESPONSE_LEN && after.handshake_wall == r->now.wall);
}

static void wait(struct rig *r, struct input *in)
{
	tnl_ns ns = (tnl_ns)input_byte(in) * TNL_SEC;

	r->now.boot += ns;
	r->now.wall += ns;
	rig_turn(r, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const step[])(struct rig *, struct input *) = { raw, raw_with_macs, initiation, response, wait };
	struct input in = { data, size };
	struct rig *r = rig_begin();

	for (int i = 0; i < STEPS_MAX && in.left; i++) {
		step[input_byte(&in) % (sizeof(step) / sizeof(step[0]))](r, &in);
		rig_turn(r, NULL);
	}
	return 0;
}
