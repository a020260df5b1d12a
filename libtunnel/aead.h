/* SPDX-License-Identifier: MIT */
/*
 * The only caller of ChaCha20-Poly1305 (RFC 8439) with WireGuard's nonce: 4 zero bytes, then the counter as 8 bytes
 * little-endian. libsodium is always there and the referee; faster engines are taken when the machine has them, after
 * they agreed with the referee on every length that matters. No function allocates after aead_init().
 */
#ifndef AEAD_H
#define AEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { AEAD_KEY_LEN = 32, AEAD_TAG_LEN = 16 };

/* An engine's name, for benches: aead_name(i) for i in [0, aead_count()), fastest choice by aead_default(). */
unsigned aead_count(void);
const char *aead_name(unsigned engine);
unsigned aead_default(void);
/* For logs: "ipsec-mb (AVX512), beside libsodium": the choice, and what was not chosen. */
const char *aead_description(void);
/* Find engines and check them against the referee. Once per process, before any other call and before threads. Returns
 * false when not even the referee works. */
bool aead_init(void);
/* The same with every engine that there is, also those that could not win: for tests and benches. */
bool aead_init_all(void);

/* A thread's context: aead_ctx_size() bytes, 64-byte aligned, in memory that the caller brings. It keeps no key between
 * calls. An engine that cannot be had at init is replaced by libsodium. */
struct aead;
size_t aead_ctx_size(void);
void aead_ctx_init(struct aead *ctx, unsigned engine);
void aead_ctx_wipe(struct aead *ctx);

/* A run: packets under one key, handed over together so that an engine prepares itself once. In place, no associated
 * data: buf has len + AEAD_TAG_LEN bytes; the tag is written behind (seal) or checked in constant time (open). What did
 * not open has undefined bytes, which must not be used. */
struct aead_item {
	uint8_t *buf;
	size_t len;
	uint64_t counter;
	bool opened;	/* written by aead_open_run() */
};

void aead_seal_run(struct aead *ctx, struct aead_item *items, size_t count, const uint8_t key[AEAD_KEY_LEN]);
void aead_open_run(struct aead *ctx, struct aead_item *items, size_t count, const uint8_t key[AEAD_KEY_LEN]);

/* The same for one packet. */
void aead_seal(struct aead *ctx, uint8_t *buf, size_t len, const uint8_t key[AEAD_KEY_LEN], uint64_t counter);
bool aead_open(struct aead *ctx, uint8_t *buf, size_t len, const uint8_t key[AEAD_KEY_LEN], uint64_t counter);

/* With associated data, by the referee, out of place, any thread: handshakes. dst has len + AEAD_TAG_LEN (seal) or len
 * (open; src has len + AEAD_TAG_LEN) bytes. src NULL with len 0 is allowed. */
void aead_seal_ad(uint8_t *dst, const uint8_t *src, size_t len, const uint8_t *ad, size_t ad_len,
		  const uint8_t key[AEAD_KEY_LEN], uint64_t counter);
bool aead_open_ad(uint8_t *dst, const uint8_t *src, size_t len, const uint8_t *ad, size_t ad_len,
		  const uint8_t key[AEAD_KEY_LEN], uint64_t counter);

#endif
