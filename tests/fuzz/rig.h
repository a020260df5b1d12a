/* SPDX-License-Identifier: MIT */
/*
 * A machine under test, the host, with one peer whose private key the target holds, so that it can make messages
 * that are authentic but for what the input changes in them. The machine lives as long as the process; for each
 * input its peer is removed and added again and time jumps ahead, past everything that is remembered. Randomness is
 * fixed.
 */
#ifndef RIG_H
#define RIG_H

#include "aead.h"
#include "cookie.h"
#include "noise.h"
#include "tunnel.h"
#include "wire.h"

enum { RIG_MACS = 2 * MAC_LEN };

struct rig {
	struct tnl *t;
	struct tnl_worker *w;
	struct tnl_now now;
	tnl_peer peer;
	struct noise_identity host, partner;
	uint8_t static_static[NOISE_KEY_LEN];
	uint8_t to_host[COOKIE_KEY_LEN], to_partner[COOKIE_KEY_LEN];	/* mac1 keys */
	uint8_t host_reply_key[COOKIE_KEY_LEN], partner_reply_key[COOKIE_KEY_LEN];
	struct tnl_path from;		/* where the partner is */
	uint32_t stamp;			/* of its last initiation */
	/* Of the session that rig_session() made, as the partner sees it. */
	struct noise_keys keys;
	uint32_t host_index;
};

/* What is left of the fuzzer's input. Beyond its end there are zeros. */
struct input {
	const uint8_t *at;
	size_t left;
};

uint8_t input_byte(struct input *in);
uint32_t input_word(struct input *in);
/* Up to len bytes into dst; how many there were. */
size_t input_bytes(struct input *in, uint8_t *dst, size_t len);
/* Changes some of msg[from..to): count, then pairs of offset and mask. True: it differs from what it was. */
bool input_mutate(struct input *in, uint8_t *msg, size_t from, size_t to);

/* Ends the process: a claim does not hold. */
void must(bool holds);

struct rig *rig_begin(void);
/* The owner's turn until it has nothing more to say. ret: the last message, if there was any. */
size_t rig_turn(struct rig *r, struct tnl_msg *ret);
/* A control datagram; out: as tnl_control() gave it, checked for being no more than was received. */
size_t rig_control(struct rig *r, const uint8_t *msg, size_t len, bool busy, struct tnl_msg *out);
/* An authentic initiation of the partner, later than all before; mac1 is right, mac2 that of the cookie or zero. */
void rig_initiation(struct rig *r, uint32_t index, const uint8_t *cookie, struct noise_handshake *hs,
		    uint8_t msg[INITIATION_LEN]);
/* Makes the host want a session; true: msg is its initiation. */
bool rig_host_initiates(struct rig *r, struct tnl_msg *ret);
/* A session begun by the partner and confirmed. Only for a rig that has none. */
void rig_session(struct rig *r);

#endif
