/* SPDX-License-Identifier: MIT */
/*
 * The life of transport keys. A peer has up to three sessions: current seals, previous only opens what is still under
 * way, next is one that we made as responder and that the initiator has not confirmed yet. OWNER.
 */
#ifndef SESSION_H
#define SESSION_H

#include "tnl.h"

/* What seals now; NULL: nothing can. A responder's new session does from the very packet that confirms it, since the
 * initiator may have lost the one before; so it is published at once, with the one before beside it. Any thread. */
static inline struct tnl_session *session_sending(const struct peer *p)
{
	struct tnl_session *s = atomic_load_explicit(&p->tx, memory_order_acquire);

	if (s && !atomic_load_explicit(&s->confirmed, memory_order_relaxed))
		s = atomic_load_explicit(&s->before, memory_order_acquire);
	return s;
}

/* A free index that names `ref`; false when none was found (the table is full, which limits rule out). */
bool session_new_index(struct tnl *t, uint32_t ref, uint32_t *ret);

/* A session from fresh keys, or NULL at the limit. index: as initiator the handshake's own, live already; as responder
 * a fresh one is drawn and written to *index. It is filed in the peer's slots: as initiator it is current at once. */
struct tnl_session *session_begin(struct tnl *t, struct peer *p, const struct noise_keys *keys, bool initiator,
				  uint32_t *index, uint32_t remote_index, tnl_ns now);
/* Room for one more session. */
bool session_available(const struct tnl *t);
/* The next session was confirmed: next -> current -> previous. False: it is not there or was not. */
bool session_confirm(struct tnl *t, struct peer *p);
/* All sessions of the peer end now. */
void session_drop_all(struct tnl *t, struct peer *p);
/* Zero what no worker can hold any more, at most *slice of them, which counts down; true when none waits. */
bool session_reclaim(struct tnl *t, uint64_t oldest, uint32_t *slice);

#endif
