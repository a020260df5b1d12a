/* SPDX-License-Identifier: MIT */
/* mac1, mac2 and cookie replies against vectors and recorded messages. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "cookie.h"
#include "suite.h"
#include "vectors.h"

enum { MACS = 2 * MAC_LEN, MSG_MAX = 256, KEY_LEN = 32 };

static const uint8_t zeros[MAC_LEN];

/* The public key that belongs to a private one in the handshake vectors stands beside it. */
static void mac1_key_of(const json_t *v, const char *public_name, uint8_t ret[COOKIE_KEY_LEN])
{
	uint8_t public_key[KEY_LEN];

	vectors_bytes(v, public_name, public_key, sizeof(public_key));
	cookie_mac1_key(ret, public_key);
}

START_TEST(keys_agree_with_vectors)
{
	json_t *root = vectors_load("cookie.json"), *v;
	uint8_t public_key[KEY_LEN], key[COOKIE_KEY_LEN];
	size_t i;

	json_array_foreach(vectors_get(root, "mac1_keys"), i, v) {
		vectors_bytes(v, "public_key", public_key, sizeof(public_key));
		cookie_mac1_key(key, public_key);
		vectors_equal(v, "mac1_key", key, sizeof(key));
		cookie_reply_key(key, public_key);
		vectors_equal(v, "cookie_key", key, sizeof(key));
	}
	ck_assert_uint_ge(i, 3);
	json_decref(root);
}
END_TEST

START_TEST(replies_agree_with_vectors)
{
	json_t *root = vectors_load("cookie.json"), *v;
	uint8_t secret[KEY_LEN], mac1_key[COOKIE_KEY_LEN], reply_key[COOKIE_KEY_LEN];
	size_t i;

	vectors_bytes(root, "cookie_secret", secret, sizeof(secret));
	vectors_bytes(root, "mac1_key", mac1_key, sizeof(mac1_key));
	vectors_bytes(root, "cookie_key", reply_key, sizeof(reply_key));
	json_array_foreach(vectors_get(root, "cases"), i, v) {
		uint8_t src[18], nonce[COOKIE_NONCE_LEN], cookie[COOKIE_SIZE], got[COOKIE_SIZE], reply[COOKIE_LEN];
		uint8_t msg[MSG_MAX];
		size_t len = vectors_hex(vectors_get(root, "message_without_macs"), msg, sizeof(msg)) + MACS;

		cookie_make(cookie, secret, src, vectors_hex(vectors_get(v, "cookie_input"), src, sizeof(src)));
		vectors_equal(v, "cookie", cookie, sizeof(cookie));
		cookie_add_macs(msg, len, mac1_key, cookie);
		vectors_equal(v, "message_with_macs", msg, len);
		ck_assert(cookie_mac1_holds(mac1_key, msg, len));
		ck_assert(cookie_mac2_holds(cookie, msg, len));

		vectors_bytes(v, "nonce", nonce, sizeof(nonce));
		cookie_create_reply(reply, (uint32_t)json_number_value(vectors_get(v, "receiver_index")), nonce, cookie,
				    reply_key, msg + len - MACS);
		vectors_equal(v, "cookie_reply", reply, sizeof(reply));
		ck_assert(cookie_consume_reply(reply, reply_key, msg + len - MACS, got));
		ck_assert_mem_eq(got, cookie, sizeof(cookie));
	}
	ck_assert_uint_ge(i, 2);
	json_decref(root);
}
END_TEST

START_TEST(handshake_messages_have_these_macs)
{
	json_t *root = vectors_load("handshake.json"), *c;
	unsigned with_cookie = 0;
	size_t i;

	json_array_foreach(vectors_get(root, "cases"), i, c) {
		const json_t *in = vectors_get(c, "inputs"), *held = vectors_get(in, "cookie_held_by_initiator");
		uint8_t key[COOKIE_KEY_LEN], msg[MSG_MAX], cookie[COOKIE_SIZE];
		bool have = !json_is_null(held);

		if (have)
			ck_assert_uint_eq(vectors_hex(held, cookie, sizeof(cookie)), sizeof(cookie));
		with_cookie += have;
		mac1_key_of(in, "static_public_responder", key);
		vectors_equal(vectors_get(c, "initiation"), "mac1_key", key, sizeof(key));
		vectors_bytes(vectors_get(c, "initiation"), "initiation", msg, INITIATION_LEN);
		memset(msg + INITIATION_LEN - MACS, 0xa5, MACS);
		cookie_add_macs(msg, INITIATION_LEN, key, have ? cookie : NULL);
		vectors_equal(vectors_get(c, "initiation"), "initiation", msg, INITIATION_LEN);

		mac1_key_of(in, "static_public_initiator", key);
		vectors_equal(vectors_get(c, "response"), "mac1_key_initiator", key, sizeof(key));
		vectors_bytes(vectors_get(c, "response"), "response", msg, RESPONSE_LEN);
		memset(msg + RESPONSE_LEN - MACS, 0xa5, MACS);
		cookie_add_macs(msg, RESPONSE_LEN, key, NULL);
		vectors_equal(vectors_get(c, "response"), "response", msg, RESPONSE_LEN);
	}
	ck_assert_uint_ge(with_cookie, 1);
	json_decref(root);
}
END_TEST

START_TEST(recorded_messages_hold)
{
	json_t *root = vectors_load("live_wireguard_go.json");
	const json_t *t = json_array_get(vectors_get(root, "transcripts"), 0);
	uint8_t key[COOKIE_KEY_LEN], msg[INITIATION_LEN];

	vectors_bytes(vectors_get(t, "initiator_trace"), "mac1_key", key, sizeof(key));
	vectors_bytes(t, "initiation", msg, sizeof(msg));
	ck_assert(cookie_mac1_holds(key, msg, sizeof(msg)));
	ck_assert_mem_eq(msg + INITIATION_LEN - MAC_LEN, zeros, MAC_LEN);
	json_decref(root);
}
END_TEST

START_TEST(no_flipped_bit_holds)
{
	uint8_t msg[RESPONSE_LEN] = { 2 }, mac1_key[COOKIE_KEY_LEN] = { 1 }, cookie[COOKIE_SIZE] = { 3 };

	cookie_add_macs(msg, sizeof(msg), mac1_key, cookie);
	for (size_t at = 0; at < sizeof(msg); at++) {
		msg[at] ^= (uint8_t)(1U << at % 8);
		/* Each MAC covers what stands before it, and itself. */
		ck_assert_int_eq(cookie_mac1_holds(mac1_key, msg, sizeof(msg)), at >= sizeof(msg) - MAC_LEN);
		ck_assert(!cookie_mac2_holds(cookie, msg, sizeof(msg)));
		msg[at] ^= (uint8_t)(1U << at % 8);
	}
	mac1_key[31] ^= 1;
	cookie[15] ^= 1;
	ck_assert(!cookie_mac1_holds(mac1_key, msg, sizeof(msg)));
	ck_assert(!cookie_mac2_holds(cookie, msg, sizeof(msg)));
}
END_TEST

START_TEST(without_a_cookie_mac2_is_zero)
{
	uint8_t msg[RESPONSE_LEN], key[COOKIE_KEY_LEN] = { 1 };

	memset(msg, 0xa5, sizeof(msg));
	cookie_add_macs(msg, sizeof(msg), key, NULL);
	ck_assert_mem_eq(msg + sizeof(msg) - MAC_LEN, zeros, MAC_LEN);
	ck_assert(cookie_mac1_holds(key, msg, sizeof(msg)));
}
END_TEST

START_TEST(messages_without_room_for_macs_do_not_hold)
{
	uint8_t msg[MACS] = { 0 }, key[COOKIE_KEY_LEN] = { 1 }, cookie[COOKIE_SIZE] = { 2 };

	for (size_t len = 0; len < MACS; len++) {
		ck_assert(!cookie_mac1_holds(key, msg, len));
		ck_assert(!cookie_mac2_holds(cookie, msg, len));
	}
	cookie_add_macs(msg, MACS, key, cookie);
	ck_assert(cookie_mac1_holds(key, msg, MACS));
	ck_assert(cookie_mac2_holds(cookie, msg, MACS));
}
END_TEST

START_TEST(forged_replies_leave_the_cookie_alone)
{
	uint8_t reply[COOKIE_LEN], nonce[COOKIE_NONCE_LEN] = { 1 }, cookie[COOKIE_SIZE] = { 2 };
	uint8_t key[COOKIE_KEY_LEN] = { 3 }, mac1[MAC_LEN] = { 4 }, got[COOKIE_SIZE], before[COOKIE_SIZE];

	memset(before, 0x5a, sizeof(before));
	memcpy(got, before, sizeof(got));
	cookie_create_reply(reply, 5, nonce, cookie, key, mac1);
	for (size_t at = COOKIE_NONCE; at < COOKIE_LEN; at++) {
		reply[at] ^= (uint8_t)(1U << at % 8);
		ck_assert_msg(!cookie_consume_reply(reply, key, mac1, got), "byte %zu", at);
		ck_assert_mem_eq(got, before, sizeof(got));
		reply[at] ^= (uint8_t)(1U << at % 8);
	}
	mac1[0] ^= 1;	/* to another message of ours */
	ck_assert(!cookie_consume_reply(reply, key, mac1, got));
	mac1[0] ^= 1;
	key[0] ^= 1;	/* from somebody else */
	ck_assert(!cookie_consume_reply(reply, key, mac1, got));
	key[0] ^= 1;
	ck_assert_mem_eq(got, before, sizeof(got));
	ck_assert(cookie_consume_reply(reply, key, mac1, got));
	ck_assert_mem_eq(got, cookie, sizeof(got));
}
END_TEST

START_TEST(a_cookie_belongs_to_address_and_port)
{
	uint8_t secret[KEY_LEN] = { 1 }, src[6] = { 192, 0, 2, 1, 0xca, 0x6c }, one[COOKIE_SIZE], other[COOKIE_SIZE];

	cookie_make(one, secret, src, sizeof(src));
	for (size_t at = 0; at < sizeof(src); at++) {
		src[at] ^= 1;
		cookie_make(other, secret, src, sizeof(src));
		ck_assert_mem_ne(one, other, sizeof(one));
		src[at] ^= 1;
	}
	cookie_make(other, secret, src, sizeof(src));
	ck_assert_mem_eq(one, other, sizeof(one));
	secret[31] ^= 1;
	cookie_make(other, secret, src, sizeof(src));
	ck_assert_mem_ne(one, other, sizeof(one));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("cookie");
	TCase *t = tcase_create("cookie");

	tcase_add_test(t, keys_agree_with_vectors);
	tcase_add_test(t, replies_agree_with_vectors);
	tcase_add_test(t, handshake_messages_have_these_macs);
	tcase_add_test(t, recorded_messages_hold);
	tcase_add_test(t, no_flipped_bit_holds);
	tcase_add_test(t, without_a_cookie_mac2_is_zero);
	tcase_add_test(t, messages_without_room_for_macs_do_not_hold);
	tcase_add_test(t, forged_replies_leave_the_cookie_alone);
	tcase_add_test(t, a_cookie_belongs_to_address_and_port);
	suite_add_tcase(s, t);
	return suite_run(s);
}
