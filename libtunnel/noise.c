/* SPDX-License-Identifier: MIT */
/*
 * The handshake IKpsk2, WG 5.4. Comments in the steps are the tokens of the Noise pattern:
 *	<- s ... -> e, es, s, ss, {t}  <- e, ee, se, psk
 */
#include "noise.h"

#include <sodium.h>

#include "aead.h"
#include "hash.h"

static const char construction[37] = "Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s";
static const char identifier[34] = "WireGuard v1 zx2c4 Jason@zx2c4.com";

/* ---- Steps of the symmetric state -------------------------------------------------------------------------------- */

static void mix_hash(struct noise_handshake *hs, const void *data, size_t len)
{
	hash_two(hs->hash, hs->hash, NOISE_HASH_LEN, data, len);
}

/* key NULL: only the chaining key moves on. False: the shared secret is zero, one of the keys is of low order. */
static bool mix_dh(struct noise_handshake *hs, uint8_t *key, const uint8_t private[NOISE_KEY_LEN],
		   const uint8_t public[NOISE_KEY_LEN])
{
	uint8_t dh[NOISE_KEY_LEN];
	bool contributes = !crypto_scalarmult(dh, private, public) && !sodium_is_zero(dh, sizeof(dh));

	if (contributes)
		hash_kdf(hs->chaining_key, key, NULL, hs->chaining_key, dh, sizeof(dh));
	sodium_memzero(dh, sizeof(dh));
	return contributes;
}

static void mix_psk(struct noise_handshake *hs, uint8_t key[NOISE_KEY_LEN], const uint8_t psk[NOISE_KEY_LEN])
{
	uint8_t temp[NOISE_HASH_LEN];

	hash_kdf(hs->chaining_key, temp, key, hs->chaining_key, psk, NOISE_KEY_LEN);
	mix_hash(hs, temp, sizeof(temp));
	sodium_memzero(temp, sizeof(temp));
}

static void mix_ephemeral(struct noise_handshake *hs, const uint8_t public[NOISE_KEY_LEN])
{
	hash_kdf(hs->chaining_key, NULL, NULL, hs->chaining_key, public, NOISE_KEY_LEN);
	mix_hash(hs, public, NOISE_KEY_LEN);
}

static void seal(struct noise_handshake *hs, uint8_t *dst, const uint8_t *src, size_t len,
		 const uint8_t key[NOISE_KEY_LEN])
{
	aead_seal_ad(dst, src, len, hs->hash, NOISE_HASH_LEN, key, 0);
	mix_hash(hs, dst, len + AEAD_TAG_LEN);
}

static bool open(struct noise_handshake *hs, uint8_t *dst, const uint8_t *src, size_t len,
		 const uint8_t key[NOISE_KEY_LEN])
{
	if (!aead_open_ad(dst, src, len, hs->hash, NOISE_HASH_LEN, key, 0))
		return false;
	mix_hash(hs, src, len + AEAD_TAG_LEN);
	return true;
}

static void start_hash(uint8_t ret[NOISE_HASH_LEN], const uint8_t responder_static[NOISE_KEY_LEN])
{
	hash_parts(ret, &(struct hash_part){ construction, sizeof(construction) }, 1);
	hash_two(ret, ret, NOISE_HASH_LEN, identifier, sizeof(identifier));
	hash_two(ret, ret, NOISE_HASH_LEN, responder_static, NOISE_KEY_LEN);
}

static void start_chain(struct noise_handshake *hs)
{
	hash_parts(hs->chaining_key, &(struct hash_part){ construction, sizeof(construction) }, 1);
}

/* The transport keys, in the order initiator to responder, responder to initiator. */
static void split(const struct noise_handshake *hs, uint8_t first[NOISE_KEY_LEN], uint8_t second[NOISE_KEY_LEN])
{
	hash_kdf(first, second, NULL, hs->chaining_key, NULL, 0);
}

/* Every step works on a copy and ends here: kept on success, in either case nothing lies about. */
static bool finish(bool done, struct noise_handshake *hs, struct noise_handshake *work, uint8_t key[NOISE_KEY_LEN])
{
	if (done)
		*hs = *work;
	sodium_memzero(work, sizeof(*work));
	sodium_memzero(key, NOISE_KEY_LEN);
	return done;
}

/* ---- Keys -------------------------------------------------------------------------------------------------------- */

static void clamp(uint8_t key[NOISE_KEY_LEN])
{
	key[0] &= 248;
	key[31] = (key[31] & 127) | 64;
}

void noise_identity_set(struct noise_identity *id, const uint8_t priv[NOISE_KEY_LEN])
{
	uint8_t copy[NOISE_KEY_LEN] = { 0 };

	if (priv)
		memcpy(copy, priv, sizeof(copy));
	sodium_memzero(id, sizeof(*id));
	if (!sodium_is_zero(copy, sizeof(copy))) {
		clamp(copy);
		memcpy(id->static_private, copy, sizeof(copy));
		crypto_scalarmult_base(id->static_public, id->static_private);
		start_hash(id->hash, id->static_public);
		id->set = true;
	}
	sodium_memzero(copy, sizeof(copy));
}

bool noise_static_static(const struct noise_identity *id, const uint8_t remote_static[NOISE_KEY_LEN],
			 uint8_t ret[NOISE_KEY_LEN])
{
	if (!crypto_scalarmult(ret, id->static_private, remote_static) && !sodium_is_zero(ret, NOISE_KEY_LEN))
		return true;
	sodium_memzero(ret, NOISE_KEY_LEN);
	return false;
}

/* ---- Initiation -------------------------------------------------------------------------------------------------- */

bool noise_create_initiation(struct noise_handshake *hs, const struct noise_identity *id,
			     const uint8_t remote_static[NOISE_KEY_LEN], const uint8_t static_static[NOISE_KEY_LEN],
			     const uint8_t ephemeral_private[NOISE_KEY_LEN], const uint8_t timestamp[TIMESTAMP_LEN],
			     uint8_t msg[INITIATION_LEN])
{
	struct noise_handshake work = { 0 };
	uint8_t key[NOISE_KEY_LEN];

	start_chain(&work);
	start_hash(work.hash, remote_static);
	/* e */
	memcpy(work.ephemeral_private, ephemeral_private, NOISE_KEY_LEN);
	clamp(work.ephemeral_private);
	crypto_scalarmult_base(msg + INITIATION_EPHEMERAL, work.ephemeral_private);
	mix_ephemeral(&work, msg + INITIATION_EPHEMERAL);
	/* es */
	if (!mix_dh(&work, key, work.ephemeral_private, remote_static))
		return finish(false, hs, &work, key);
	/* s */
	seal(&work, msg + INITIATION_STATIC, id->static_public, NOISE_KEY_LEN, key);
	/* ss */
	hash_kdf(work.chaining_key, key, NULL, work.chaining_key, static_static, NOISE_KEY_LEN);
	/* {t} */
	seal(&work, msg + INITIATION_TIMESTAMP, timestamp, TIMESTAMP_LEN, key);
	return finish(!sodium_is_zero(static_static, NOISE_KEY_LEN), hs, &work, key);
}

bool noise_consume_initiation_static(struct noise_handshake *hs, const struct noise_identity *id,
				     const uint8_t msg[INITIATION_LEN], uint8_t ret_remote_static[NOISE_KEY_LEN])
{
	struct noise_handshake work = { 0 };
	uint8_t key[NOISE_KEY_LEN];
	bool done;

	start_chain(&work);
	memcpy(work.hash, id->hash, NOISE_HASH_LEN);
	/* e */
	memcpy(work.remote_ephemeral, msg + INITIATION_EPHEMERAL, NOISE_KEY_LEN);
	mix_ephemeral(&work, work.remote_ephemeral);
	/* es, s */
	done = id->set && mix_dh(&work, key, id->static_private, work.remote_ephemeral) &&
	       open(&work, ret_remote_static, msg + INITIATION_STATIC, NOISE_KEY_LEN, key);
	return finish(done, hs, &work, key);
}

bool noise_consume_initiation_timestamp(struct noise_handshake *hs, const uint8_t static_static[NOISE_KEY_LEN],
					const uint8_t msg[INITIATION_LEN], uint8_t ret_timestamp[TIMESTAMP_LEN])
{
	struct noise_handshake work = *hs;
	uint8_t key[NOISE_KEY_LEN];
	bool done;

	/* ss, {t} */
	hash_kdf(work.chaining_key, key, NULL, work.chaining_key, static_static, NOISE_KEY_LEN);
	done = !sodium_is_zero(static_static, NOISE_KEY_LEN) &&
	       open(&work, ret_timestamp, msg + INITIATION_TIMESTAMP, TIMESTAMP_LEN, key);
	return finish(done, hs, &work, key);
}

/* ---- Response ---------------------------------------------------------------------------------------------------- */

bool noise_create_response(struct noise_handshake *hs, const uint8_t remote_static[NOISE_KEY_LEN],
			   const uint8_t psk[NOISE_KEY_LEN], const uint8_t ephemeral_private[NOISE_KEY_LEN],
			   uint8_t msg[RESPONSE_LEN], struct noise_keys *ret)
{
	struct noise_handshake work = *hs;
	uint8_t key[NOISE_KEY_LEN], ephemeral[NOISE_KEY_LEN];
	bool done;

	/* e */
	memcpy(ephemeral, ephemeral_private, NOISE_KEY_LEN);
	clamp(ephemeral);
	crypto_scalarmult_base(msg + RESPONSE_EPHEMERAL, ephemeral);
	mix_ephemeral(&work, msg + RESPONSE_EPHEMERAL);
	/* ee, se */
	done = mix_dh(&work, NULL, ephemeral, work.remote_ephemeral) && mix_dh(&work, NULL, ephemeral, remote_static);
	sodium_memzero(ephemeral, sizeof(ephemeral));
	if (!done)
		return finish(false, hs, &work, key);
	/* psk, {} */
	mix_psk(&work, key, psk);
	seal(&work, msg + RESPONSE_EMPTY, NULL, 0, key);
	split(&work, ret->receive, ret->send);
	sodium_memzero(hs, sizeof(*hs));
	finish(false, hs, &work, key);
	return true;
}

bool noise_consume_response(struct noise_handshake *hs, const struct noise_identity *id,
			    const uint8_t psk[NOISE_KEY_LEN], const uint8_t msg[RESPONSE_LEN], struct noise_keys *ret)
{
	struct noise_handshake work = *hs;
	uint8_t key[NOISE_KEY_LEN];
	bool done;

	/* e */
	mix_ephemeral(&work, msg + RESPONSE_EPHEMERAL);
	/* ee, se */
	done = mix_dh(&work, NULL, work.ephemeral_private, msg + RESPONSE_EPHEMERAL) &&
	       mix_dh(&work, NULL, id->static_private, msg + RESPONSE_EPHEMERAL);
	if (done) {
		/* psk, {} */
		mix_psk(&work, key, psk);
		done = open(&work, NULL, msg + RESPONSE_EMPTY, 0, key);
	}
	if (done) {
		split(&work, ret->send, ret->receive);
		sodium_memzero(hs, sizeof(*hs));
	}
	finish(false, hs, &work, key);
	return done;
}
