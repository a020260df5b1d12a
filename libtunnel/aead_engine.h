/* SPDX-License-Identifier: MIT */
/*
 * What an engine of ChaCha20-Poly1305 is to aead.c, which finds, tries and chooses. All engines but libsodium are
 * looked for at run time, so that the same program runs where they are not installed.
 */
#ifndef AEAD_ENGINE_H
#define AEAD_ENGINE_H

#include <string.h>

#include "aead.h"
#include "wire.h"

enum { AEAD_NONCE_LEN = 12 };

struct aead_engine {
	const char *name;
	size_t state_size;		/* bytes of the caller's memory */
	bool (*start)(void *state);	/* false: this engine cannot be had now */
	void (*stop)(void *state);	/* gives back what start took */
	void (*seal)(void *state, struct aead_item *items, size_t count, const uint8_t *key);
	void (*open)(void *state, struct aead_item *items, size_t count, const uint8_t *key);
	/* A state of its own for the trial, when nobody has brought memory yet: NULL, there is none to be had. Both
	 * NULL: needs no state. */
	void *(*borrow)(void);
	void (*give_back)(void *state);
	const char *(*variant)(void);	/* what of the machine it uses, known once it was borrowed; or NULL */
};

/* Each false when the library is not here or not what was built for. */
bool aead_find_ipsec_mb(struct aead_engine *ret);
bool aead_find_libcrypto(struct aead_engine *ret);

static inline void aead_nonce(uint8_t nonce[AEAD_NONCE_LEN], uint64_t counter)
{
	memset(nonce, 0, 4);
	put_le64(nonce + 4, counter);
}

#endif
