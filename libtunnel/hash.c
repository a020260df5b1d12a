/* SPDX-License-Identifier: MIT */
#include "hash.h"

#include <assert.h>
#include <blake2.h>
#include <sodium.h>
#include <string.h>

enum { BLOCK = 64 };

/* libb2 reports only misuse (lengths out of range), which our constants rule out. */
static void must(int err)
{
	assert(err == 0);
	(void)err;
}

void hash_parts(uint8_t ret[HASH_LEN], const struct hash_part *part, size_t count)
{
	blake2s_state state;

	must(blake2s_init(&state, HASH_LEN));
	for (size_t i = 0; i < count; i++)
		must(blake2s_update(&state, part[i].data, part[i].len));
	must(blake2s_final(&state, ret, HASH_LEN));
	sodium_memzero(&state, sizeof(state));
}

void hash_two(uint8_t ret[HASH_LEN], const void *a, size_t a_len, const void *b, size_t b_len)
{
	hash_parts(ret, (struct hash_part[]){ { a, a_len }, { b, b_len } }, 2);
}

void hash_mac(uint8_t ret[HASH_MAC_LEN], const uint8_t *key, size_t key_len, const void *data, size_t len)
{
	blake2s_state state;

	must(blake2s_init_key(&state, HASH_MAC_LEN, key, key_len));
	must(blake2s_update(&state, data, len));
	must(blake2s_final(&state, ret, HASH_MAC_LEN));
	sodium_memzero(&state, sizeof(state));
}

void hash_hmac(uint8_t ret[HASH_LEN], const uint8_t *key, size_t key_len, const void *data, size_t len)
{
	uint8_t pad[BLOCK], inner[HASH_LEN];

	assert(key_len <= BLOCK);
	memset(pad, 0x36, sizeof(pad));
	for (size_t i = 0; i < key_len; i++)
		pad[i] ^= key[i];
	hash_two(inner, pad, sizeof(pad), data, len);
	for (size_t i = 0; i < sizeof(pad); i++)
		pad[i] ^= 0x36 ^ 0x5c;
	hash_two(ret, pad, sizeof(pad), inner, sizeof(inner));
	sodium_memzero(pad, sizeof(pad));
	sodium_memzero(inner, sizeof(inner));
}

void hash_kdf(uint8_t *t1, uint8_t *t2, uint8_t *t3, const uint8_t key[HASH_LEN], const void *input, size_t len)
{
	uint8_t *out[] = { t1, t2, t3 }, secret[HASH_LEN], block[HASH_LEN + 1];
	size_t block_len = 0;

	hash_hmac(secret, key, HASH_LEN, input, len);
	for (uint8_t i = 0; i < 3 && out[i]; i++) {
		block[block_len] = i + 1;
		hash_hmac(out[i], secret, HASH_LEN, block, block_len + 1);
		memcpy(block, out[i], HASH_LEN);
		block_len = HASH_LEN;
	}
	sodium_memzero(secret, sizeof(secret));
	sodium_memzero(block, sizeof(block));
}
