/* SPDX-License-Identifier: MIT */
/* Every peer stays for the same time after its last session, so a list in the order of these is sorted by when they
 * would go: who gets a new session moves to its end, who goes is at its head. */
#include "presence.h"

#include <sodium.h>
#include <string.h>

#include "arena.h"

struct entry {
	tnl_peer peer;		/* 0: not there */
	uint32_t next, before;	/* slot + 1; 0 ends */
	tnl_ns made;		/* its last session */
	uint64_t where;		/* hash of its address */
	uint8_t key[TNL_KEY_LEN];
};

struct presence {
	uint8_t hash_key[crypto_shorthash_KEYBYTES];
	uint32_t slots, head, tail;
	struct entry entry[];
};

struct presence *presence_new(uint32_t slots)
{
	struct presence *p = arena_map(sizeof(*p) + slots * sizeof(p->entry[0]));

	if (!p)
		return NULL;
	p->slots = slots;
	crypto_shorthash_keygen(p->hash_key);
	return p;
}

/* The peer's entry, if it is there. */
static struct entry *find(const struct presence *p, tnl_peer peer)
{
	uint32_t slot = tnl_slot(peer);
	struct entry *e = slot < p->slots ? (struct entry *)&p->entry[slot] : NULL;

	return e && e->peer == peer ? e : NULL;
}

static uint32_t link_of(const struct presence *p, const struct entry *e)
{
	return (uint32_t)(e - p->entry) + 1;
}

static void take_out(struct presence *p, struct entry *e)
{
	*(e->before ? &p->entry[e->before - 1].next : &p->head) = e->next;
	*(e->next ? &p->entry[e->next - 1].before : &p->tail) = e->before;
	e->next = e->before = 0;
}

static void put_last(struct presence *p, struct entry *e)
{
	e->before = p->tail;
	e->next = 0;
	*(p->tail ? &p->entry[p->tail - 1].next : &p->head) = link_of(p, e);
	p->tail = link_of(p, e);
}

static void leave(struct presence *p, struct entry *e, presence_tell *tell, void *ctx)
{
	take_out(p, e);
	tell(ctx, MSG_EVENT_DISCONNECT, e->key);
	memset(e, 0, sizeof(*e));
}

static uint64_t hash(const struct presence *p, const struct tnl_addr *remote)
{
	uint64_t ret;

	_Static_assert(sizeof(ret) == crypto_shorthash_BYTES, "a hash is a number");
	crypto_shorthash((uint8_t *)&ret, (const uint8_t *)remote, sizeof(*remote), p->hash_key);
	return ret;
}

void presence_ready(struct presence *p, tnl_ns now, tnl_peer peer, const uint8_t key[TNL_KEY_LEN],
		    const struct tnl_addr *remote, presence_tell *tell, void *ctx)
{
	struct entry *e = find(p, peer);

	if (e) {
		take_out(p, e);
	} else if (tnl_slot(peer) < p->slots) {
		e = &p->entry[tnl_slot(peer)];
		if (e->peer)
			leave(p, e, tell, ctx);	/* who had the slot before */
		e->peer = peer;
		e->where = hash(p, remote);
		memcpy(e->key, key, sizeof(e->key));
		tell(ctx, MSG_EVENT_CONNECT, key);
	} else {
		return;
	}
	e->made = now;
	put_last(p, e);
	presence_seen(p, peer, remote, tell, ctx);
}

void presence_wiped(struct presence *p, tnl_peer peer, presence_tell *tell, void *ctx)
{
	struct entry *e = find(p, peer);

	if (e)
		leave(p, e, tell, ctx);
}

tnl_ns presence_deadline(const struct presence *p)
{
	return p->head ? p->entry[p->head - 1].made + PRESENCE_GONE : TNL_NEVER;
}

void presence_advance(struct presence *p, tnl_ns now, presence_tell *tell, void *ctx)
{
	while (presence_deadline(p) <= now)
		leave(p, &p->entry[p->head - 1], tell, ctx);
}

tnl_peer presence_next(const struct presence *p, tnl_peer peer)
{
	const struct entry *e = peer ? find(p, peer) : NULL;
	uint32_t next = e ? e->next : peer ? 0 : p->head;

	return next ? p->entry[next - 1].peer : 0;
}

void presence_seen(struct presence *p, tnl_peer peer, const struct tnl_addr *remote, presence_tell *tell, void *ctx)
{
	struct entry *e = find(p, peer);
	uint64_t where = hash(p, remote);

	if (!e || e->where == where)
		return;
	e->where = where;
	tell(ctx, MSG_EVENT_ROAM, e->key);
}
