/* SPDX-License-Identifier: MIT */
/*
 * mac1, mac2 and cookies, WG 5.4.4 and 5.4.7. Messages are initiations and responses of any length >= 32 whose last 32
 * bytes are mac1 and mac2. Keys are derived once: mac1 = HASH("mac1----" || public), cookie = HASH("cookie--" ||
 * public).
 */
#ifndef COOKIE_H
#define COOKIE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire.h"

enum { COOKIE_KEY_LEN = 32, COOKIE_SIZE = 16, COOKIE_NONCE_LEN = 24 };

void cookie_mac1_key(uint8_t ret[COOKIE_KEY_LEN], const uint8_t public_key[32]);
void cookie_reply_key(uint8_t ret[COOKIE_KEY_LEN], const uint8_t public_key[32]);

/* Any thread. */
bool cookie_mac1_holds(const uint8_t mac1_key[COOKIE_KEY_LEN], const uint8_t *msg, size_t len);
bool cookie_mac2_holds(const uint8_t cookie[COOKIE_SIZE], const uint8_t *msg, size_t len);
/* Writes mac1, and mac2 if cookie is not NULL, else 16 zeros. */
void cookie_add_macs(uint8_t *msg, size_t len, const uint8_t mac1_key[COOKIE_KEY_LEN],
		     const uint8_t cookie[COOKIE_SIZE]);

/* MAC(secret, address || port): src is address bytes and port in network order, 6 or 18 bytes. */
void cookie_make(uint8_t ret[COOKIE_SIZE], const uint8_t secret[32], const uint8_t *src, size_t len);
/* The reply's type, receiver, nonce and sealed cookie. mac1: of the message that is answered. */
void cookie_create_reply(uint8_t msg[COOKIE_LEN], uint32_t receiver, const uint8_t nonce[COOKIE_NONCE_LEN],
			 const uint8_t cookie[COOKIE_SIZE], const uint8_t reply_key[COOKIE_KEY_LEN],
			 const uint8_t mac1[MAC_LEN]);
/* False: not authentic; ret untouched. */
bool cookie_consume_reply(const uint8_t msg[COOKIE_LEN], const uint8_t reply_key[COOKIE_KEY_LEN],
			  const uint8_t mac1[MAC_LEN], uint8_t ret[COOKIE_SIZE]);

#endif
