/* SPDX-License-Identifier: MIT */
/* Both sides of a handshake on the level of message fields, for the tests of noise.c. */
#ifndef SIDES_H
#define SIDES_H

#include "noise.h"

/* Two sides with fixed keys, and what either needs for a handshake. */
struct sides {
	struct noise_identity initiator, responder;
	uint8_t static_static[NOISE_KEY_LEN], e_i[NOISE_KEY_LEN], e_r[NOISE_KEY_LEN], psk[NOISE_KEY_LEN];
	uint8_t initiation[INITIATION_LEN], response[RESPONSE_LEN];
	struct noise_handshake hs_i, hs_r;
};

/* Fixed keys that differ from each other. */
void sides_init(struct sides *s);
/* The four steps; messages and both states are in s. sides_initiate() fails the test if it cannot. */
void sides_initiate(struct sides *s, const uint8_t timestamp[TIMESTAMP_LEN]);
bool sides_consume(struct sides *s);
bool sides_respond(struct sides *s, struct noise_keys *ret);
bool sides_conclude(struct sides *s, struct noise_keys *ret);

#endif
