/* SPDX-License-Identifier: MIT */
/* BLAKE2s (RFC 7693) by libb2 and what WG 5.4 builds on it: HMAC and the key derivation of Noise. Pure; any thread. */
#ifndef HASH_H
#define HASH_H

#include <stddef.h>
#include <stdint.h>

enum { HASH_LEN = 32, HASH_MAC_LEN = 16 };

/* One of the pieces that are hashed as if they stood behind each other. */
struct hash_part {
	const void *data;
	size_t len;
};

void hash_parts(uint8_t ret[HASH_LEN], const struct hash_part *part, size_t count);
/* HASH(a || b); ret may be a or b. */
void hash_two(uint8_t ret[HASH_LEN], const void *a, size_t a_len, const void *b, size_t b_len);
/* BLAKE2s keyed with key_len <= 32 bytes, 16 bytes of output: MAC() of the paper. */
void hash_mac(uint8_t ret[HASH_MAC_LEN], const uint8_t *key, size_t key_len, const void *data, size_t len);
/* RFC 2104 over BLAKE2s-256 with block 64; not the keyed hash. key_len <= 64. */
void hash_hmac(uint8_t ret[HASH_LEN], const uint8_t *key, size_t key_len, const void *data, size_t len);
/* KDF_n(key, input), n = 1..3: the outputs are 32 bytes each, NULL for those beyond n; t1 may be key. */
void hash_kdf(uint8_t *t1, uint8_t *t2, uint8_t *t3, const uint8_t key[HASH_LEN], const void *input, size_t len);

#endif
