/* SPDX-License-Identifier: MIT */
/* The handshake step by step against computed and recorded ones. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "aead.h"
#include "sides.h"
#include "suite.h"
#include "vectors.h"

enum { MACS = 2 * MAC_LEN, DATA_MAX = 2048 };

static const uint8_t zeros[NOISE_KEY_LEN];

static void identity_from(struct noise_identity *id, const json_t *v, const char *name)
{
	uint8_t key[NOISE_KEY_LEN];

	vectors_bytes(v, name, key, sizeof(key));
	memset(id, 0, sizeof(*id));
	noise_identity_set(id, key);
	ck_assert(id->set);
}

/* What follows type, indices and before the MACs is the handshake's part of a message. */
static void check_message(const json_t *v, const char *name, const uint8_t *msg, size_t len, size_t from)
{
	uint8_t want[INITIATION_LEN];

	vectors_bytes(v, name, want, len);
	ck_assert_msg(!memcmp(msg + from, want + from, len - MACS - from), "\"%s\" differs", name);
}

static void opens_with(const json_t *list, const struct noise_keys *initiator)
{
	const json_t *d;
	size_t i;

	json_array_foreach(list, i, d) {
		bool sent = !strcmp(json_string_value(vectors_get(d, "sender")), "initiator");
		uint8_t msg[DATA_MAX], plain[DATA_MAX];
		size_t len = vectors_hex(vectors_get(d, "message"), msg, sizeof(msg));
		const char *content = json_object_get(d, "plaintext") ? "plaintext" : "padded_plaintext";

		ck_assert(aead_open_ad(plain, msg + DATA_BODY, len - DATA_MIN, NULL, 0,
				       sent ? initiator->send : initiator->receive, get_le64(msg + DATA_COUNTER)));
		vectors_equal(d, content, plain, len - DATA_MIN);
	}
	ck_assert_uint_gt(i, 0);
}

START_TEST(private_keys_are_clamped_and_have_their_public_key)
{
	json_t *root = vectors_load("primitives.json"), *v;
	size_t i;

	json_array_foreach(vectors_get(root, "x25519"), i, v) {
		uint8_t peer[NOISE_KEY_LEN], shared[NOISE_KEY_LEN];
		struct noise_identity id;

		identity_from(&id, v, "private_unclamped");
		vectors_equal(v, "private_clamped", id.static_private, NOISE_KEY_LEN);
		vectors_equal(v, "public_of_private", id.static_public, NOISE_KEY_LEN);
		vectors_bytes(v, "peer_public", peer, sizeof(peer));
		ck_assert(noise_static_static(&id, peer, shared));
		vectors_equal(v, "shared", shared, sizeof(shared));
	}
	ck_assert_uint_ge(i, 4);
	json_decref(root);
}
END_TEST

START_TEST(no_key_unsets_the_identity)
{
	struct noise_identity id = { .set = true, .static_private = { 1 }, .hash = { 2 } }, none = { 0 };

	noise_identity_set(&id, zeros);
	ck_assert_mem_eq(&id, &none, sizeof(id));
	id.set = true;
	noise_identity_set(&id, NULL);
	ck_assert_mem_eq(&id, &none, sizeof(id));
}
END_TEST

static void check_initiator(const json_t *c, const json_t *in, struct sides *s)
{
	const json_t *first = vectors_get(c, "initiation");
	uint8_t when[TIMESTAMP_LEN];

	vectors_bytes(in, "timestamp", when, sizeof(when));
	sides_initiate(s, when);
	vectors_equal(in, "ephemeral_public_initiator", s->initiation + INITIATION_EPHEMERAL, NOISE_KEY_LEN);
	vectors_equal(first, "encrypted_static", s->initiation + INITIATION_STATIC, 48);
	vectors_equal(first, "encrypted_timestamp", s->initiation + INITIATION_TIMESTAMP, 28);
	vectors_equal(first, "ck3_after_ss", s->hs_i.chaining_key, NOISE_HASH_LEN);
	vectors_equal(first, "h4_after_timestamp", s->hs_i.hash, NOISE_HASH_LEN);
	check_message(first, "initiation", s->initiation, INITIATION_LEN, INITIATION_EPHEMERAL);
}

static void check_responder(const json_t *c, const json_t *in, struct sides *s, struct noise_keys *ret)
{
	const json_t *first = vectors_get(c, "initiation"), *second = vectors_get(c, "response");
	uint8_t who[NOISE_KEY_LEN], when[TIMESTAMP_LEN];

	vectors_equal(first, "h1_after_responder_static", s->responder.hash, NOISE_HASH_LEN);
	ck_assert(noise_consume_initiation_static(&s->hs_r, &s->responder, s->initiation, who));
	vectors_equal(in, "static_public_initiator", who, sizeof(who));
	vectors_equal(first, "ck2_after_es", s->hs_r.chaining_key, NOISE_HASH_LEN);
	vectors_equal(first, "h3_after_static", s->hs_r.hash, NOISE_HASH_LEN);
	ck_assert(noise_consume_initiation_timestamp(&s->hs_r, s->static_static, s->initiation, when));
	vectors_equal(in, "timestamp", when, sizeof(when));
	vectors_equal(first, "ck3_after_ss", s->hs_r.chaining_key, NOISE_HASH_LEN);
	vectors_equal(first, "h4_after_timestamp", s->hs_r.hash, NOISE_HASH_LEN);
	ck_assert(sides_respond(s, ret));
	vectors_equal(in, "ephemeral_public_responder", s->response + RESPONSE_EPHEMERAL, NOISE_KEY_LEN);
	vectors_equal(second, "encrypted_nothing", s->response + RESPONSE_EMPTY, AEAD_TAG_LEN);
	check_message(second, "response", s->response, RESPONSE_LEN, RESPONSE_EPHEMERAL);
}

START_TEST(both_roles_agree_with_vectors)
{
	json_t *root = vectors_load("handshake.json"), *c;
	size_t i;

	json_array_foreach(vectors_get(root, "cases"), i, c) {
		const json_t *in = vectors_get(c, "inputs"), *second = vectors_get(c, "response");
		struct noise_keys ours, theirs;
		struct sides s = { 0 };

		identity_from(&s.initiator, in, "static_private_initiator");
		identity_from(&s.responder, in, "static_private_responder");
		vectors_equal(in, "static_public_initiator", s.initiator.static_public, NOISE_KEY_LEN);
		vectors_bytes(in, "ephemeral_private_initiator", s.e_i, NOISE_KEY_LEN);
		vectors_bytes(in, "ephemeral_private_responder", s.e_r, NOISE_KEY_LEN);
		vectors_bytes(in, "preshared_key", s.psk, NOISE_KEY_LEN);
		ck_assert(noise_static_static(&s.initiator, s.responder.static_public, s.static_static));
		vectors_equal(vectors_get(c, "initiation"), "dh_ss", s.static_static, NOISE_KEY_LEN);

		check_initiator(c, in, &s);
		check_responder(c, in, &s, &theirs);
		ck_assert(sides_conclude(&s, &ours));
		vectors_equal(second, "key_initiator_to_responder", ours.send, NOISE_KEY_LEN);
		vectors_equal(second, "key_responder_to_initiator", ours.receive, NOISE_KEY_LEN);
		vectors_equal(second, "key_initiator_to_responder", theirs.receive, NOISE_KEY_LEN);
		vectors_equal(second, "key_responder_to_initiator", theirs.send, NOISE_KEY_LEN);
		opens_with(vectors_get(c, "data"), &ours);
	}
	ck_assert_uint_ge(i, 2);
	json_decref(root);
}
END_TEST

/* We in the initiator's place: the same bytes leave, its recorded answer concludes, its data opens. */
START_TEST(a_recorded_responder_is_understood)
{
	json_t *root = vectors_load("live_wireguard_go.json");
	const json_t *t = json_array_get(vectors_get(root, "transcripts"), 0);
	const json_t *trace = vectors_get(t, "initiator_trace");
	const json_t *second = vectors_get(t, "initiator_response_trace");
	uint8_t who[NOISE_KEY_LEN], when[TIMESTAMP_LEN];
	struct noise_keys keys;
	struct sides s = { 0 };

	identity_from(&s.initiator, t, "static_private_initiator");
	identity_from(&s.responder, t, "static_private_responder");
	vectors_bytes(t, "ephemeral_private_initiator", s.e_i, NOISE_KEY_LEN);
	vectors_bytes(t, "preshared_key", s.psk, NOISE_KEY_LEN);
	vectors_bytes(t, "initiation", s.initiation, INITIATION_LEN);
	vectors_bytes(t, "response", s.response, RESPONSE_LEN);
	ck_assert(noise_static_static(&s.initiator, s.responder.static_public, s.static_static));
	/* The recording has no timestamp in clear, but we hold the responder's key too. */
	ck_assert(noise_consume_initiation_static(&s.hs_r, &s.responder, s.initiation, who));
	ck_assert(noise_consume_initiation_timestamp(&s.hs_r, s.static_static, s.initiation, when));
	ck_assert_mem_eq(who, s.initiator.static_public, NOISE_KEY_LEN);
	sides_initiate(&s, when);
	check_message(t, "initiation", s.initiation, INITIATION_LEN, INITIATION_EPHEMERAL);
	vectors_equal(trace, "ck3_after_ss", s.hs_i.chaining_key, NOISE_HASH_LEN);
	vectors_equal(trace, "h4_after_timestamp", s.hs_i.hash, NOISE_HASH_LEN);
	ck_assert(sides_conclude(&s, &keys));
	vectors_equal(second, "key_initiator_to_responder", keys.send, NOISE_KEY_LEN);
	vectors_equal(second, "key_responder_to_initiator", keys.receive, NOISE_KEY_LEN);
	opens_with(vectors_get(t, "data"), &keys);
	json_decref(root);
}
END_TEST

/* We in the responder's place. */
START_TEST(a_recorded_initiator_is_understood)
{
	json_t *root = vectors_load("live_wireguard_go.json");
	const json_t *t = json_array_get(vectors_get(root, "transcripts"), 1);
	const json_t *trace = vectors_get(t, "responder_initiation_trace");
	const json_t *second = vectors_get(t, "responder_trace");
	uint8_t who[NOISE_KEY_LEN], when[TIMESTAMP_LEN];
	struct noise_keys keys, ours;
	struct sides s = { 0 };

	identity_from(&s.responder, t, "static_private_responder");
	vectors_bytes(t, "ephemeral_private_responder", s.e_r, NOISE_KEY_LEN);
	vectors_bytes(t, "preshared_key", s.psk, NOISE_KEY_LEN);
	vectors_bytes(t, "initiation", s.initiation, INITIATION_LEN);
	ck_assert(noise_consume_initiation_static(&s.hs_r, &s.responder, s.initiation, who));
	vectors_equal(trace, "s_pub", who, sizeof(who));
	ck_assert(noise_static_static(&s.responder, who, s.static_static));
	ck_assert(noise_consume_initiation_timestamp(&s.hs_r, s.static_static, s.initiation, when));
	vectors_equal(trace, "timestamp", when, sizeof(when));
	vectors_equal(trace, "ck", s.hs_r.chaining_key, NOISE_HASH_LEN);
	vectors_equal(trace, "h", s.hs_r.hash, NOISE_HASH_LEN);
	memcpy(s.initiator.static_public, who, sizeof(who));
	ck_assert(sides_respond(&s, &ours));
	check_message(t, "response", s.response, RESPONSE_LEN, RESPONSE_EPHEMERAL);
	vectors_equal(second, "key_initiator_to_responder", ours.receive, NOISE_KEY_LEN);
	vectors_equal(second, "key_responder_to_initiator", ours.send, NOISE_KEY_LEN);
	memcpy(keys.send, ours.receive, NOISE_KEY_LEN);
	memcpy(keys.receive, ours.send, NOISE_KEY_LEN);
	opens_with(vectors_get(t, "data"), &keys);
	json_decref(root);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("noise");
	TCase *t = tcase_create("noise");

	if (!aead_init())
		return EXIT_FAILURE;
	tcase_add_test(t, private_keys_are_clamped_and_have_their_public_key);
	tcase_add_test(t, no_key_unsets_the_identity);
	tcase_add_test(t, both_roles_agree_with_vectors);
	tcase_add_test(t, a_recorded_responder_is_understood);
	tcase_add_test(t, a_recorded_initiator_is_understood);
	suite_add_tcase(s, t);
	return suite_run(s);
}
