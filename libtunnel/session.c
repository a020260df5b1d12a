/* SPDX-License-Identifier: MIT */
#include "session.h"

static uint32_t number(const struct tnl *t, const struct tnl_session *s)
{
	return (uint32_t)(s - t->session) + 1;
}

bool session_new_index(struct tnl *t, uint32_t ref, uint32_t *ret)
{
	/* The table is at most a quarter full: 64 failures in a row have probability 2^-128. */
	for (int i = 0; i < 64; i++) {
		uint32_t candidate = random_u32(t);

		if (index_claim(&t->index, candidate, ref)) {
			*ret = candidate;
			return true;
		}
	}
	return false;
}

bool session_available(const struct tnl *t)
{
	return t->session_free || t->session_high < t->lim.sessions;
}

static struct tnl_session *take(struct tnl *t)
{
	struct tnl_session *s;

	if (t->session_free) {
		s = &t->session[t->session_free - 1];
		t->session_free = s->next;
	} else {
		s = &t->session[t->session_high++];
	}
	s->next = 0;
	return s;
}

/* From now on its index is unknown; its memory waits for workers that still use it. */
static void retire(struct tnl *t, struct tnl_session *s)
{
	if (!s)
		return;
	index_release(&t->index, s->local_index);
	s->tag = pin_tag(&t->pins);
	s->next = 0;
	if (t->session_limbo.first)
		t->session[t->session_limbo.last - 1].next = number(t, s);
	else
		t->session_limbo.first = number(t, s);
	t->session_limbo.last = number(t, s);
	pin_advance(&t->pins);
}

/* Before what is no longer in a slot is retired, so that nobody finds it any more. */
static void publish(struct peer *p)
{
	struct tnl_session *current = p->current && !p->current->send_dead ? p->current : NULL;

	if (p->next && !p->next->send_dead) {
		atomic_store(&p->next->before, current);
		atomic_store(&p->tx, p->next);
	} else {
		atomic_store(&p->tx, current);
	}
}

struct tnl_session *session_begin(struct tnl *t, struct peer *p, const struct noise_keys *keys, bool initiator,
				  uint32_t *index, uint32_t remote_index, tnl_ns now)
{
	struct tnl_session *s, *drop = p->previous, *drop_too;

	if (!session_available(t))
		return NULL;
	s = take(t);
	/* Not yet under the session's number: a worker must not find it before it is whole. */
	if (!initiator && !session_new_index(t, INDEX_HANDSHAKE | p->slot, index)) {
		s->next = t->session_free;
		t->session_free = number(t, s);
		return NULL;
	}
	s->peer = p;
	s->birth = now;
	s->local_index = *index;
	s->remote_index = remote_index;
	s->initiator = initiator;
	memcpy(s->send, keys->send, TNL_KEY_LEN);
	memcpy(s->receive, keys->receive, TNL_KEY_LEN);
	atomic_store_explicit(&s->confirmed, initiator, memory_order_relaxed);
	/* A worker finds it from here on: by index, and as initiator to send. */
	index_replace(&t->index, *index, number(t, s));
	if (initiator) {
		drop_too = p->next ? p->current : NULL;
		p->previous = p->next ? p->next : p->current;
		p->next = NULL;
		p->current = s;
	} else {
		drop_too = p->next;
		p->previous = NULL;
		p->next = s;
	}
	publish(p);
	retire(t, drop);
	retire(t, drop_too);
	return s;
}

bool session_confirm(struct tnl *t, struct peer *p)
{
	struct tnl_session *drop = p->previous;

	if (!p->next || !atomic_load(&p->next->confirmed))
		return false;
	p->previous = p->current;
	p->current = p->next;
	p->next = NULL;
	publish(p);
	retire(t, drop);
	return true;
}

void session_drop_all(struct tnl *t, struct peer *p)
{
	atomic_store(&p->tx, NULL);
	retire(t, p->previous);
	retire(t, p->current);
	retire(t, p->next);
	p->previous = p->current = p->next = NULL;
}

bool session_reclaim(struct tnl *t, uint64_t oldest, uint32_t *slice)
{
	for (; t->session_limbo.first && *slice; --*slice) {
		uint32_t at = t->session_limbo.first;
		struct tnl_session *s = &t->session[at - 1];

		if (s->tag >= oldest)
			break;
		t->session_limbo.first = s->next;
		sodium_memzero(s, sizeof(*s));
		s->next = t->session_free;
		t->session_free = at;
	}
	return !t->session_limbo.first;
}
