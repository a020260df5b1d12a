/* SPDX-License-Identifier: MIT */
/*
 * Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s, WG 5.4, as four steps on message fields. It knows no peer table, socket, queue
 * or MAC; the ephemeral key and the timestamp are arguments, so every step is a function and vectors test it as one.
 * All of it belongs to the OWNER. Every step that returns false has left `hs` as it was and wiped what it computed.
 */
#ifndef NOISE_H
#define NOISE_H

#include <stdbool.h>
#include <stdint.h>

#include "wire.h"

enum { NOISE_KEY_LEN = 32, NOISE_HASH_LEN = 32 };

/* One of our static keys. hash: HASH(HASH(HASH(construction) || identifier) || public), where a handshake to us starts.
 */
struct noise_identity {
	uint8_t static_private[NOISE_KEY_LEN];	/* clamped */
	uint8_t static_public[NOISE_KEY_LEN];
	uint8_t hash[NOISE_HASH_LEN];
	bool set;
};

/* priv is clamped; NULL or all zero: the identity is unset and wiped. */
void noise_identity_set(struct noise_identity *id, const uint8_t priv[NOISE_KEY_LEN]);

/* A handshake between its two messages. */
struct noise_handshake {
	uint8_t chaining_key[NOISE_HASH_LEN];
	uint8_t hash[NOISE_HASH_LEN];
	uint8_t ephemeral_private[NOISE_KEY_LEN];	/* initiator only */
	uint8_t remote_ephemeral[NOISE_KEY_LEN];	/* responder only */
};

struct noise_keys {
	uint8_t send[NOISE_KEY_LEN], receive[NOISE_KEY_LEN];
};

/* DH(static, static): ret, false when it is all zero (ret is then zero as well). */
bool noise_static_static(const struct noise_identity *id, const uint8_t remote_static[NOISE_KEY_LEN],
			 uint8_t ret[NOISE_KEY_LEN]);

/* Writes ephemeral, static and timestamp fields into msg, not type, sender or MACs. static_static: as cached by the
 * caller. ephemeral_private need not be clamped. False: a DH gave zero. */
bool noise_create_initiation(struct noise_handshake *hs, const struct noise_identity *id,
			     const uint8_t remote_static[NOISE_KEY_LEN], const uint8_t static_static[NOISE_KEY_LEN],
			     const uint8_t ephemeral_private[NOISE_KEY_LEN], const uint8_t timestamp[TIMESTAMP_LEN],
			     uint8_t msg[INITIATION_LEN]);

/* In two halves, since the peer is known only after the first: open the static key ... */
bool noise_consume_initiation_static(struct noise_handshake *hs, const struct noise_identity *id,
				     const uint8_t msg[INITIATION_LEN], uint8_t ret_remote_static[NOISE_KEY_LEN]);
/* ... then, with DH(static, static) of that peer, the timestamp. */
bool noise_consume_initiation_timestamp(struct noise_handshake *hs, const uint8_t static_static[NOISE_KEY_LEN],
					const uint8_t msg[INITIATION_LEN], uint8_t ret_timestamp[TIMESTAMP_LEN]);

/* Writes ephemeral and empty fields; hs is used up (wiped) on success and the session keys are out. psk: all zero for
 * none. */
bool noise_create_response(struct noise_handshake *hs, const uint8_t remote_static[NOISE_KEY_LEN],
			   const uint8_t psk[NOISE_KEY_LEN], const uint8_t ephemeral_private[NOISE_KEY_LEN],
			   uint8_t msg[RESPONSE_LEN], struct noise_keys *ret);

/* hs is used up (wiped) on success, untouched otherwise, so that an honest response may follow a forged one. */
bool noise_consume_response(struct noise_handshake *hs, const struct noise_identity *id,
			    const uint8_t psk[NOISE_KEY_LEN], const uint8_t msg[RESPONSE_LEN], struct noise_keys *ret);

#endif
