/* SPDX-License-Identifier: MIT */
#include "cookie.h"

#include <sodium.h>
#include <string.h>

#include "hash.h"

enum { MACS = 2 * MAC_LEN };

void cookie_mac1_key(uint8_t ret[COOKIE_KEY_LEN], const uint8_t public_key[32])
{
	hash_two(ret, "mac1----", 8, public_key, 32);
}

void cookie_reply_key(uint8_t ret[COOKIE_KEY_LEN], const uint8_t public_key[32])
{
	hash_two(ret, "cookie--", 8, public_key, 32);
}

static bool mac_holds(const uint8_t *key, size_t key_len, const uint8_t *msg, size_t covered)
{
	uint8_t mac[MAC_LEN];

	hash_mac(mac, key, key_len, msg, covered);
	return !sodium_memcmp(mac, msg + covered, MAC_LEN);
}

bool cookie_mac1_holds(const uint8_t mac1_key[COOKIE_KEY_LEN], const uint8_t *msg, size_t len)
{
	return len >= MACS && mac_holds(mac1_key, COOKIE_KEY_LEN, msg, len - MACS);
}

bool cookie_mac2_holds(const uint8_t cookie[COOKIE_SIZE], const uint8_t *msg, size_t len)
{
	return len >= MACS && mac_holds(cookie, COOKIE_SIZE, msg, len - MAC_LEN);
}

void cookie_add_macs(uint8_t *msg, size_t len, const uint8_t mac1_key[COOKIE_KEY_LEN],
		     const uint8_t cookie[COOKIE_SIZE])
{
	hash_mac(msg + len - MACS, mac1_key, COOKIE_KEY_LEN, msg, len - MACS);
	if (cookie)
		hash_mac(msg + len - MAC_LEN, cookie, COOKIE_SIZE, msg, len - MAC_LEN);
	else
		memset(msg + len - MAC_LEN, 0, MAC_LEN);
}

void cookie_make(uint8_t ret[COOKIE_SIZE], const uint8_t secret[32], const uint8_t *src, size_t len)
{
	hash_mac(ret, secret, 32, src, len);
}

void cookie_create_reply(uint8_t msg[COOKIE_LEN], uint32_t receiver, const uint8_t nonce[COOKIE_NONCE_LEN],
			 const uint8_t cookie[COOKIE_SIZE], const uint8_t reply_key[COOKIE_KEY_LEN],
			 const uint8_t mac1[MAC_LEN])
{
	put_le32(msg, WIRE_COOKIE);
	put_le32(msg + COOKIE_RECEIVER, receiver);
	memcpy(msg + COOKIE_NONCE, nonce, COOKIE_NONCE_LEN);
	crypto_aead_xchacha20poly1305_ietf_encrypt(msg + COOKIE_SEALED, NULL, cookie, COOKIE_SIZE, mac1, MAC_LEN, NULL,
						   nonce, reply_key);
}

bool cookie_consume_reply(const uint8_t msg[COOKIE_LEN], const uint8_t reply_key[COOKIE_KEY_LEN],
			  const uint8_t mac1[MAC_LEN], uint8_t ret[COOKIE_SIZE])
{
	uint8_t cookie[COOKIE_SIZE];
	bool authentic;

	authentic = !crypto_aead_xchacha20poly1305_ietf_decrypt(cookie, NULL, NULL, msg + COOKIE_SEALED,
								COOKIE_LEN - COOKIE_SEALED, mac1, MAC_LEN,
								msg + COOKIE_NONCE, reply_key);
	if (authentic)
		memcpy(ret, cookie, COOKIE_SIZE);
	sodium_memzero(cookie, sizeof(cookie));
	return authentic;
}
