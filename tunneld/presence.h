/* SPDX-License-Identifier: MIT */
/*
 * Which peers are there, and when that changes: a peer connects when a session is made and there was none for
 * PRESENCE_GONE, disconnects when there has been no new one for that long or its keys are wiped, roams when its address
 * is another. Addresses are kept as a hash only. A step costs the same for one peer and for a million. OWNER only.
 */
#ifndef PRESENCE_H
#define PRESENCE_H

#include <stdint.h>

#include "msg.h"
#include "tunnel.h"

#define PRESENCE_GONE (180 * TNL_SEC)	/* REJECT_AFTER_TIME, WG 6.1: no session is older */

struct presence;

/* For handles below that many slots. Address space, of which a peer that has connected uses 64 bytes. NULL: none. */
struct presence *presence_new(uint32_t slots);

/* Hears of what changes. */
typedef void presence_tell(void *ctx, enum msg_event_what what, const uint8_t key[TNL_KEY_LEN]);

/* A session of this peer was made. */
void presence_ready(struct presence *p, tnl_ns now, tnl_peer peer, const uint8_t key[TNL_KEY_LEN],
		    const struct tnl_addr *remote, presence_tell *tell, void *ctx);
/* Its keys are gone, or it is itself. */
void presence_wiped(struct presence *p, tnl_peer peer, presence_tell *tell, void *ctx);
/* Time has passed. */
void presence_advance(struct presence *p, tnl_ns now, presence_tell *tell, void *ctx);
tnl_ns presence_deadline(const struct presence *p);	/* when to call that; TNL_NEVER */

/* Walks those who are there, for presence_seen(): the one behind `peer`, or the first for 0; 0: no more. */
tnl_peer presence_next(const struct presence *p, tnl_peer peer);
/* This is where it is now. */
void presence_seen(struct presence *p, tnl_peer peer, const struct tnl_addr *remote, presence_tell *tell, void *ctx);

#endif
