/* SPDX-License-Identifier: MIT */
/* Peers: the table by public key, their paths, their news, their timers. Functions are the owner's unless they say so.
 */
#ifndef PEER_H
#define PEER_H

#include "tnl.h"

/* NULL: dead handle. Workers may call it pinned. */
struct peer *peer_get(const struct tnl *t, tnl_peer handle);
struct peer *peer_by_key(const struct tnl *t, const uint8_t pub[TNL_KEY_LEN]);
void peer_remove(struct tnl *t, struct peer *p);
/* Frees what was removed and is nobody's any more, at most *slice of them, which counts down; true when none waits. */
bool peer_reclaim(struct tnl *t, uint64_t oldest, uint32_t *slice);
/* DH(static, static) with this identity, cached; NULL when it is zero (a public key of low order). */
const uint8_t *peer_static_static(struct tnl *t, struct peer *p, unsigned identity);

/* Any thread. A consistent copy. */
void peer_path(const struct peer *p, struct tnl_path *ret);
/* Any thread. False: somebody else is writing, nothing changed. */
bool peer_path_try(struct peer *p, const struct tnl_path *path);
/* Owner: waits for a worker that is writing, which takes it a copy of 48 bytes. */
void peer_path_set(struct peer *p, const struct tnl_path *path);
void peer_path_forget_local(struct peer *p);
/* Owner: the same for the next slice of those who have their turn since the routes changed. */
void peer_forget_some(struct tnl *t);

/* Any thread. True: nobody told the owner of this peer yet, wake it. */
bool peer_tell(struct tnl *t, struct peer *p, uint32_t news);
/* File the peer in the heap under the earliest of its points in time. */
void peer_arm(struct tnl *t, struct peer *p);
/* Something to emit, some event to report. */
void peer_todo(struct tnl *t, struct peer *p, uint8_t todo);
void peer_event(struct tnl *t, struct peer *p, int what);

/* An authentic packet was sent to, or came from, the peer: WG 6.5. Any thread; the owner files the peer afterwards. */
void peer_sent(struct peer *p, tnl_ns now);
void peer_heard(struct peer *p, tnl_ns now);

#endif
