/* SPDX-License-Identifier: MIT */
/* Handshake messages of peers: made, taken apart, and what follows for the peer's state. OWNER. */
#ifndef HANDSHAKE_H
#define HANDSHAKE_H

#include "tnl.h"

/* Write an initiation to p into out, WG 5.4.2, unless one (or a response) left less than REKEY_TIMEOUT ago, there is no
 * endpoint or no private key. The retry timer is armed before the caller can send. */
bool handshake_initiate(struct tnl *t, struct peer *p, struct tnl_now now, bool retry, struct tnl_msg *out);
/* Write an empty data message; false when no session can send. */
bool handshake_keepalive(struct tnl *t, struct peer *p, struct tnl_now now, struct tnl_msg *out);
/* The peer has a session that was not there before: retries are over, what waits may go. */
void handshake_complete(struct tnl *t, struct peer *p, struct tnl_now now);

#endif
