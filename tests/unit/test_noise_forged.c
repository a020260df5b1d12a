/* SPDX-License-Identifier: MIT */
/*
 * The handshake against somebody who has no key: points of low order, flipped bits, another preshared key. The
 * functions cheat_ are that somebody: they seal as the pattern says but with a Diffie-Hellman result that the caller
 * makes up, so that with zeros only the refusal of zeros stands between it and a session.
 */
#include <check.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "aead.h"
#include "hash.h"
#include "sides.h"
#include "suite.h"
#include "vectors.h"

enum { MACS = 2 * MAC_LEN };

static const uint8_t zeros[NOISE_KEY_LEN];
static const uint8_t stamp[TIMESTAMP_LEN] = "\x40\0\0\0\x6b\2\xdb\x66\x14\0\0";

static void cheat_mix(struct noise_handshake *hs, const uint8_t public[NOISE_KEY_LEN])
{
	hash_kdf(hs->chaining_key, NULL, NULL, hs->chaining_key, public, NOISE_KEY_LEN);
	hash_two(hs->hash, hs->hash, NOISE_HASH_LEN, public, NOISE_KEY_LEN);
}

static void cheat_seal(struct noise_handshake *hs, const uint8_t dh[NOISE_KEY_LEN], uint8_t *dst, const void *src,
		       size_t len)
{
	uint8_t key[NOISE_KEY_LEN];

	hash_kdf(hs->chaining_key, key, NULL, hs->chaining_key, dh, NOISE_KEY_LEN);
	aead_seal_ad(dst, src, len, hs->hash, NOISE_HASH_LEN, key, 0);
	hash_two(hs->hash, hs->hash, NOISE_HASH_LEN, dst, len + AEAD_TAG_LEN);
}

/* An initiation whose ephemeral key on the wire, es, static key and ss are given. */
static void cheat_initiation(struct sides *s, const uint8_t *ephemeral, const uint8_t *es, const uint8_t *who,
			     const uint8_t *ss)
{
	struct noise_handshake *hs = &s->hs_i;

	memset(hs, 0, sizeof(*hs));
	hash_two(hs->chaining_key, "Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s", 37, NULL, 0);
	memcpy(hs->hash, s->responder.hash, NOISE_HASH_LEN);
	memcpy(hs->ephemeral_private, s->e_i, NOISE_KEY_LEN);
	memcpy(s->initiation + INITIATION_EPHEMERAL, ephemeral, NOISE_KEY_LEN);
	cheat_mix(hs, ephemeral);
	cheat_seal(hs, es, s->initiation + INITIATION_STATIC, who, NOISE_KEY_LEN);
	cheat_seal(hs, ss, s->initiation + INITIATION_TIMESTAMP, stamp, TIMESTAMP_LEN);
}

static void low_order_point(int i, uint8_t ret[NOISE_KEY_LEN])
{
	json_t *root = vectors_load("primitives.json");

	ck_assert_uint_eq(json_array_size(vectors_get(root, "low_order_points")), 14);
	ck_assert_uint_eq(vectors_hex(json_array_get(vectors_get(root, "low_order_points"), (size_t)i), ret, 32), 32);
	json_decref(root);
}

START_TEST(the_cheat_would_pass_with_real_keys)
{
	uint8_t ephemeral[NOISE_KEY_LEN], es[NOISE_KEY_LEN];
	struct sides s;

	sides_init(&s);
	crypto_scalarmult_base(ephemeral, s.e_i);
	ck_assert_int_eq(crypto_scalarmult(es, s.e_i, s.responder.static_public), 0);
	cheat_initiation(&s, ephemeral, es, s.initiator.static_public, s.static_static);
	ck_assert(sides_consume(&s));
}
END_TEST

START_TEST(low_order_static_key_never_gets_a_handshake)
{
	uint8_t point[NOISE_KEY_LEN], ss[NOISE_KEY_LEN], es[NOISE_KEY_LEN], ephemeral[NOISE_KEY_LEN];
	uint8_t who[NOISE_KEY_LEN], when[TIMESTAMP_LEN];
	struct noise_handshake before;
	struct sides s;

	sides_init(&s);
	low_order_point(_i, point);
	memset(ss, 0xa5, sizeof(ss));
	ck_assert(!noise_static_static(&s.initiator, point, ss));
	ck_assert_mem_eq(ss, zeros, sizeof(ss));
	/* Ours to it: es is zero already. With a good es, ss is. */
	before = s.hs_i;
	ck_assert(!noise_create_initiation(&s.hs_i, &s.initiator, point, s.static_static, s.e_i, stamp, s.initiation));
	ck_assert(!noise_create_initiation(&s.hs_i, &s.initiator, s.responder.static_public, zeros, s.e_i, stamp,
					   s.initiation));
	ck_assert_mem_eq(&s.hs_i, &before, sizeof(before));
	/* Its to us. */
	crypto_scalarmult_base(ephemeral, s.e_i);
	ck_assert_int_eq(crypto_scalarmult(es, s.e_i, s.responder.static_public), 0);
	cheat_initiation(&s, ephemeral, es, point, zeros);
	ck_assert(noise_consume_initiation_static(&s.hs_r, &s.responder, s.initiation, who));
	ck_assert_mem_eq(who, point, sizeof(who));
	before = s.hs_r;
	ck_assert(!noise_consume_initiation_timestamp(&s.hs_r, zeros, s.initiation, when));
	ck_assert_mem_eq(&s.hs_r, &before, sizeof(before));
}
END_TEST

START_TEST(low_order_ephemeral_key_opens_no_initiation)
{
	uint8_t point[NOISE_KEY_LEN], who[NOISE_KEY_LEN];
	struct noise_handshake before;
	struct sides s;

	sides_init(&s);
	low_order_point(_i, point);
	cheat_initiation(&s, point, zeros, s.initiator.static_public, s.static_static);
	before = s.hs_r;
	ck_assert(!noise_consume_initiation_static(&s.hs_r, &s.responder, s.initiation, who));
	ck_assert_mem_eq(&s.hs_r, &before, sizeof(before));
}
END_TEST

START_TEST(low_order_ephemeral_key_gets_no_response)
{
	struct noise_handshake before;
	struct noise_keys keys;
	struct sides s;

	sides_init(&s);
	sides_initiate(&s, stamp);
	ck_assert(sides_consume(&s));
	low_order_point(_i, s.hs_r.remote_ephemeral);
	before = s.hs_r;
	ck_assert(!sides_respond(&s, &keys));
	ck_assert_mem_eq(&s.hs_r, &before, sizeof(before));
}
END_TEST

START_TEST(low_order_ephemeral_key_concludes_nothing)
{
	uint8_t point[NOISE_KEY_LEN], t[NOISE_HASH_LEN], key[NOISE_KEY_LEN];
	struct noise_handshake forged, before;
	struct noise_keys keys;
	struct sides s;

	sides_init(&s);
	sides_initiate(&s, stamp);
	low_order_point(_i, point);
	forged = before = s.hs_i;
	memcpy(s.response + RESPONSE_EPHEMERAL, point, NOISE_KEY_LEN);
	cheat_mix(&forged, point);
	hash_kdf(forged.chaining_key, NULL, NULL, forged.chaining_key, zeros, NOISE_KEY_LEN);
	hash_kdf(forged.chaining_key, NULL, NULL, forged.chaining_key, zeros, NOISE_KEY_LEN);
	hash_kdf(forged.chaining_key, t, key, forged.chaining_key, s.psk, NOISE_KEY_LEN);
	hash_two(forged.hash, forged.hash, NOISE_HASH_LEN, t, sizeof(t));
	aead_seal_ad(s.response + RESPONSE_EMPTY, NULL, 0, forged.hash, NOISE_HASH_LEN, key, 0);
	ck_assert(!sides_conclude(&s, &keys));
	ck_assert_mem_eq(&s.hs_i, &before, sizeof(before));
}
END_TEST

/* X25519 ignores bit 255, the hash does not. */
START_TEST(bit_255_of_an_ephemeral_key_is_hashed)
{
	uint8_t ephemeral[NOISE_KEY_LEN], es[NOISE_KEY_LEN];
	struct noise_keys ours, theirs;
	struct sides s;

	sides_init(&s);
	crypto_scalarmult_base(ephemeral, s.e_i);
	ephemeral[31] |= 0x80;
	ck_assert_int_eq(crypto_scalarmult(es, s.e_i, s.responder.static_public), 0);
	cheat_initiation(&s, ephemeral, es, s.initiator.static_public, s.static_static);
	ck_assert(sides_consume(&s));
	ck_assert(sides_respond(&s, &theirs));
	ck_assert(sides_conclude(&s, &ours));
	ck_assert_mem_eq(ours.send, theirs.receive, NOISE_KEY_LEN);
	ck_assert_mem_eq(ours.receive, theirs.send, NOISE_KEY_LEN);
}
END_TEST

START_TEST(a_flipped_bit_leaves_the_handshake_as_it_was)
{
	struct noise_keys ours, theirs;
	struct noise_handshake before;
	struct sides s;

	sides_init(&s);
	sides_initiate(&s, stamp);
	for (size_t at = INITIATION_EPHEMERAL; at < INITIATION_LEN - MACS; at++) {
		s.initiation[at] ^= (uint8_t)(1U << at % 7);
		ck_assert_msg(!sides_consume(&s), "initiation, byte %zu", at);
		s.initiation[at] ^= (uint8_t)(1U << at % 7);
	}
	ck_assert(sides_consume(&s));
	ck_assert(sides_respond(&s, &theirs));
	before = s.hs_i;
	for (size_t at = RESPONSE_EPHEMERAL; at < RESPONSE_LEN - MACS; at++) {
		s.response[at] ^= (uint8_t)(1U << at % 7);
		ck_assert_msg(!sides_conclude(&s, &ours), "response, byte %zu", at);
		ck_assert_mem_eq(&s.hs_i, &before, sizeof(before));
		s.response[at] ^= (uint8_t)(1U << at % 7);
	}
	ck_assert(sides_conclude(&s, &ours));
	ck_assert_mem_eq(ours.send, theirs.receive, NOISE_KEY_LEN);
}
END_TEST

START_TEST(a_used_handshake_is_wiped)
{
	static const struct noise_handshake none;
	struct noise_keys keys;
	struct sides s;

	sides_init(&s);
	sides_initiate(&s, stamp);
	ck_assert(sides_consume(&s));
	ck_assert(sides_respond(&s, &keys));
	ck_assert_mem_eq(&s.hs_r, &none, sizeof(none));
	ck_assert(sides_conclude(&s, &keys));
	ck_assert_mem_eq(&s.hs_i, &none, sizeof(none));
	ck_assert(!sides_conclude(&s, &keys));
}
END_TEST

START_TEST(preshared_keys_must_agree)
{
	struct noise_keys keys;
	struct sides s;

	sides_init(&s);
	sides_initiate(&s, stamp);
	ck_assert(sides_consume(&s));
	ck_assert(sides_respond(&s, &keys));
	s.psk[0] ^= 1;
	ck_assert(!sides_conclude(&s, &keys));
	s.psk[0] ^= 1;
	ck_assert(sides_conclude(&s, &keys));
}
END_TEST

START_TEST(without_an_identity_nothing_is_consumed)
{
	uint8_t who[NOISE_KEY_LEN], base[NOISE_KEY_LEN], es[NOISE_KEY_LEN], ephemeral[NOISE_KEY_LEN];
	struct sides s;

	sides_init(&s);
	/* Addressed to the public key that the all-zero scalar would have, once clamped. */
	noise_identity_set(&s.responder, NULL);
	crypto_scalarmult_base(base, zeros);
	crypto_scalarmult_base(ephemeral, s.e_i);
	ck_assert_int_eq(crypto_scalarmult(es, s.e_i, base), 0);
	cheat_initiation(&s, ephemeral, es, s.initiator.static_public, s.static_static);
	ck_assert(!noise_consume_initiation_static(&s.hs_r, &s.responder, s.initiation, who));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("noise_forged");
	TCase *t = tcase_create("noise_forged");

	if (!aead_init())
		return EXIT_FAILURE;
	tcase_add_test(t, the_cheat_would_pass_with_real_keys);
	tcase_add_loop_test(t, low_order_static_key_never_gets_a_handshake, 0, 14);
	tcase_add_loop_test(t, low_order_ephemeral_key_opens_no_initiation, 0, 14);
	tcase_add_loop_test(t, low_order_ephemeral_key_gets_no_response, 0, 14);
	tcase_add_loop_test(t, low_order_ephemeral_key_concludes_nothing, 0, 14);
	tcase_add_test(t, bit_255_of_an_ephemeral_key_is_hashed);
	tcase_add_test(t, a_flipped_bit_leaves_the_handshake_as_it_was);
	tcase_add_test(t, a_used_handshake_is_wiped);
	tcase_add_test(t, preshared_keys_must_agree);
	tcase_add_test(t, without_an_identity_nothing_is_consumed);
	suite_add_tcase(s, t);
	return suite_run(s);
}
