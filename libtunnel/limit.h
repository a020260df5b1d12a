/* SPDX-License-Identifier: MIT */
/*
 * Handshakes per source under load, WG 5.3: a token bucket per IPv4 address or upper 64 bits of an IPv6 address, 20 per
 * second, burst 5. Bounded memory in one struct, no allocation; idle entries vanish after 1 s; when the table is full
 * of live entries a new source is refused (the flood has spoofless cookies already behind it). OWNER.
 */
#ifndef LIMIT_H
#define LIMIT_H

#include <stdbool.h>
#include <stdint.h>

enum { LIMIT_PER_SECOND = 20, LIMIT_BURST = 5, LIMIT_SLOTS = 8192 };

struct limit_slot {
	uint64_t key;		/* 0: empty */
	uint64_t seen;		/* ns */
	uint64_t tokens;	/* ns of credit */
};

/* All zero but the secret is a fresh one. secret: random, so that slots cannot be aimed at. */
struct limit {
	uint8_t secret[16];
	struct limit_slot slot[LIMIT_SLOTS];
};

/* family 4: ip[0..3]; 6: ip[0..7] counts. now: ns, monotonic. True: may pass. */
bool limit_pass(struct limit *l, uint8_t family, const uint8_t ip[16], uint64_t now);

#endif
