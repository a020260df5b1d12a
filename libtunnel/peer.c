/* SPDX-License-Identifier: MIT */
/*
 * A peer lives in a slot of one array; its handle adds a generation so that a stale handle is refused. Removal unlinks
 * it at once (no look-up finds it) and parks the slot in limbo until no worker can hold it and no list of the owner
 * names it.
 */
#include "peer.h"

#include "session.h"

/* handle = generation << 20 | slot; generations start at 1, so that no handle is 0. */
enum { SLOT_BITS = 20, GENERATIONS = 1 << 12 };
_Static_assert(TNL_PEERS_MAX == 1 << SLOT_BITS, "tnl_slot() knows where the slot is");

struct peer *peer_get(const struct tnl *t, tnl_peer handle)
{
	uint32_t slot = handle & ((1u << SLOT_BITS) - 1);

	if (!handle || slot >= t->lim.peers)
		return NULL;
	return atomic_load_explicit(&t->peer[slot].handle, memory_order_acquire) == handle ? &t->peer[slot] : NULL;
}

static uint32_t hash_of(const struct tnl *t, const uint8_t pub[TNL_KEY_LEN])
{
	uint8_t h[crypto_shorthash_BYTES];

	crypto_shorthash(h, pub, TNL_KEY_LEN, t->hash_key);
	return get_le32(h);
}

/* There are as many buckets as peers, so that few peers touch little memory. One bucket at a time is added: it takes
 * from the one half of the table below it what hashes to it from then on. A hash that leads to a bucket that is not
 * there yet leads to that one. */
static uint32_t *bucket_of(const struct tnl *t, uint32_t hash)
{
	uint32_t at = hash & (2 * t->bucket_half - 1);

	return &t->bucket[at < t->buckets ? at : at - t->bucket_half];
}

static void put_in_bucket(struct tnl *t, uint32_t slot)
{
	struct chain *c = &t->chain[slot];
	uint32_t *bucket = bucket_of(t, c->hash);

	c->next = *bucket;
	*bucket = slot + 1;
}

static void add_bucket(struct tnl *t)
{
	uint32_t *below = &t->bucket[t->buckets - t->bucket_half], at = *below;

	*below = 0;
	if (++t->buckets == 2 * t->bucket_half)
		t->bucket_half = t->buckets;
	while (at) {
		uint32_t slot = at - 1;

		at = t->chain[slot].next;
		put_in_bucket(t, slot);
	}
}

static struct peer *find(const struct tnl *t, const uint8_t pub[TNL_KEY_LEN], uint32_t hash)
{
	for (uint32_t at = *bucket_of(t, hash); at; at = t->chain[at - 1].next)
		if (t->chain[at - 1].hash == hash && !memcmp(t->peer[at - 1].remote_static, pub, TNL_KEY_LEN))
			return &t->peer[at - 1];
	return NULL;
}

struct peer *peer_by_key(const struct tnl *t, const uint8_t pub[TNL_KEY_LEN])
{
	return find(t, pub, hash_of(t, pub));
}

tnl_peer tnl_peer_find(const struct tnl *t, const uint8_t pub[TNL_KEY_LEN])
{
	const struct peer *p = peer_by_key(t, pub);

	return p ? p->handle : 0;
}

/* ---- Paths ------------------------------------------------------------------------------------------------------- */

void peer_path(const struct peer *p, struct tnl_path *ret)
{
	uint64_t word[PATH_WORDS];
	uint32_t seq;

	do {
		seq = atomic_load_explicit(&p->path_seq, memory_order_acquire);
		for (int i = 0; i < PATH_WORDS; i++)
			word[i] = atomic_load_explicit(&p->path[i], memory_order_acquire);
	} while (seq % 2 || atomic_load_explicit(&p->path_seq, memory_order_relaxed) != seq);
	memcpy(ret, word, sizeof(*ret));
}

bool peer_path_try(struct peer *p, const struct tnl_path *path)
{
	uint32_t seq = atomic_load_explicit(&p->path_seq, memory_order_relaxed);
	uint64_t word[PATH_WORDS];

	if (seq % 2 || !atomic_compare_exchange_strong(&p->path_seq, &seq, seq + 1))
		return false;
	memcpy(word, path, sizeof(word));
	for (int i = 0; i < PATH_WORDS; i++)
		atomic_store_explicit(&p->path[i], word[i], memory_order_release);
	atomic_store_explicit(&p->path_seq, seq + 2, memory_order_release);
	return true;
}

void peer_path_set(struct peer *p, const struct tnl_path *path)
{
	while (!peer_path_try(p, path))
		;
}

void peer_path_forget_local(struct peer *p)
{
	struct tnl_path path;

	peer_path(p, &path);
	if (!path.local.family)
		return;
	memset(&path.local, 0, sizeof(path.local));
	/* When a worker writes at this moment, it writes a source that was just seen to work: leave it. */
	(void)peer_path_try(p, &path);
}

/* It goes round, so that nobody is left out when routes change again before all have had their turn. */
void peer_forget_some(struct tnl *t)
{
	for (unsigned i = 0; i < SLICE && t->forget; i++) {
		struct peer *p = &t->peer[t->forget_at];

		t->forget--;
		t->forget_at = (t->forget_at + 1) % t->peer_high;
		if (p->handle)
			peer_path_forget_local(p);
	}
}

void tnl_forget_source(struct tnl *t, tnl_peer handle)
{
	struct peer *p = peer_get(t, handle);

	if (p)
		peer_path_forget_local(p);
	if (handle)
		return;
	t->forget = t->peer_high;
	peer_forget_some(t);
}

/* ---- News, work, events ------------------------------------------------------------------------------------------ */

bool peer_tell(struct tnl *t, struct peer *p, uint32_t news)
{
	uint32_t head;

	if (atomic_fetch_or(&p->news, news))
		return false;
	head = atomic_load_explicit(&t->dirty, memory_order_relaxed);
	do
		p->dirty_next = head;
	while (!atomic_compare_exchange_weak_explicit(&t->dirty, &head, p->slot + 1, memory_order_release,
						      memory_order_relaxed));
	return true;
}

static void enqueue(struct peer *all, uint32_t *head, uint32_t *tail, size_t link, uint32_t slot)
{
	if (*tail)
		*(uint32_t *)((char *)&all[*tail - 1] + link) = slot + 1;
	else
		*head = slot + 1;
	*tail = slot + 1;
	*(uint32_t *)((char *)&all[slot] + link) = 0;
}

void peer_todo(struct tnl *t, struct peer *p, uint8_t todo)
{
	p->todo |= todo;
	if (!p->todo || p->queued)
		return;
	p->queued = true;
	enqueue(t->peer, &t->queue_head, &t->queue_tail, offsetof(struct peer, queue_next), p->slot);
}

void peer_event(struct tnl *t, struct peer *p, int what)
{
	p->events |= (uint8_t)(1u << what);
	if (p->event_queued)
		return;
	p->event_queued = true;
	enqueue(t->peer, &t->event_head, &t->event_tail, offsetof(struct peer, event_next), p->slot);
}

/* Of several events of one peer the one that keeps packets comes last: what was dropped stays dropped, what is new
 * goes. */
bool tnl_event(struct tnl *t, struct tnl_event *ret)
{
	static const uint8_t order[] = { TNL_EV_WIPED, TNL_EV_GAVE_UP, TNL_EV_READY };
	struct peer *p;

	if (!t->event_head)
		return false;
	p = &t->peer[t->event_head - 1];
	for (size_t i = 0; i < sizeof(order); i++) {
		uint8_t bit = (uint8_t)(1u << order[i]);

		if (!(p->events & bit))
			continue;
		p->events &= (uint8_t)~bit;
		ret->what = order[i];
		ret->peer = p->generation << SLOT_BITS | p->slot;
		break;
	}
	if (!p->events) {
		t->event_head = p->event_next;
		if (!t->event_head)
			t->event_tail = 0;
		p->event_queued = false;
	}
	return true;
}

/* ---- Timers ------------------------------------------------------------------------------------------------------ */

static tnl_ns least(tnl_ns a, tnl_ns b)
{
	return b && b < a ? b : a;
}

static tnl_ns earliest(struct peer *p)
{
	tnl_ns at = TNL_NEVER;

	at = least(at, p->retry_due);
	at = least(at, p->erase_due);
	at = least(at, p->confirm_due);
	at = least(at, atomic_load(&p->silence_due));
	at = least(at, atomic_load(&p->passive_due));
	if (p->keepalive_s)
		at = least(at, atomic_load_explicit(&p->traversed, memory_order_relaxed) + p->keepalive_s * TNL_SEC);
	return at;
}

void peer_arm(struct tnl *t, struct peer *p)
{
	tnl_ns at = TNL_NEVER, again;

	/* A worker sets a point, then reads `armed`; we set `armed`, then read the points: one of us sees the other. */
	if (atomic_load(&t->up) && p->handle)
		for (at = earliest(p);; at = again) {
			atomic_store(&p->armed, at);
			again = earliest(p);
			if (again >= at)
				break;
		}
	else
		atomic_store(&p->armed, TNL_NEVER);
	timer_set(&t->timers, p->slot, at);
}

static void clear_due(_Atomic uint64_t *due)
{
	if (atomic_load_explicit(due, memory_order_relaxed))
		atomic_store_explicit(due, 0, memory_order_relaxed);
}

static void traverse(struct peer *p, tnl_ns now)
{
	if (atomic_load_explicit(&p->traversed, memory_order_relaxed) != now)
		atomic_store_explicit(&p->traversed, now, memory_order_relaxed);
}

void peer_sent(struct peer *p, tnl_ns now)
{
	clear_due(&p->passive_due);
	traverse(p, now);
}

void peer_heard(struct peer *p, tnl_ns now)
{
	clear_due(&p->silence_due);
	traverse(p, now);
}

/* ---- Life -------------------------------------------------------------------------------------------------------- */

const uint8_t *peer_static_static(struct tnl *t, struct peer *p, unsigned identity)
{
	if (p->static_static_with != identity + 1) {
		noise_static_static(&t->identity[identity], p->remote_static, p->static_static);
		p->static_static_with = (uint8_t)(identity + 1);
	}
	return sodium_is_zero(p->static_static, TNL_KEY_LEN) ? NULL : p->static_static;
}

static struct peer *take_slot(struct tnl *t)
{
	struct peer *p = NULL;

	if (t->peer_free) {
		p = &t->peer[t->peer_free - 1];
		t->peer_free = p->limbo_next;
		p->limbo_next = 0;
	} else if (t->peer_high < t->lim.peers) {
		p = &t->peer[t->peer_high];
		p->slot = t->peer_high++;
	}
	return p;
}

int tnl_peer_add(struct tnl *t, const uint8_t pub[TNL_KEY_LEN], tnl_peer *ret)
{
	uint32_t hash = hash_of(t, pub);
	struct peer *p = find(t, pub, hash);

	if (p) {
		*ret = p->handle;
		return -EEXIST;
	}
	if (t->identity[0].set && !memcmp(t->identity[0].static_public, pub, TNL_KEY_LEN))
		return -EADDRINUSE;
	p = take_slot(t);
	if (!p)
		return -ENOSPC;
	memcpy(p->remote_static, pub, TNL_KEY_LEN);
	p->generation = p->generation % (GENERATIONS - 1) + 1;
	atomic_store_explicit(&p->armed, TNL_NEVER, memory_order_relaxed);
	atomic_store_explicit(&p->silence_timeout, SILENCE_TIMEOUT, memory_order_relaxed);
	if (t->peer_high > t->buckets)
		add_bucket(t);
	t->chain[p->slot].hash = hash;
	put_in_bucket(t, p->slot);
	*ret = p->generation << SLOT_BITS | p->slot;
	atomic_store_explicit(&p->handle, *ret, memory_order_release);
	return 0;
}

void peer_remove(struct tnl *t, struct peer *p)
{
	uint32_t *link = bucket_of(t, t->chain[p->slot].hash);

	while (*link != p->slot + 1)
		link = &t->chain[*link - 1].next;
	*link = t->chain[p->slot].next;
	route_clear(t->route, p->slot + 1, pin_tag(&t->pins));
	if (p->hs_initiated)
		index_release(&t->index, p->hs_index);
	p->hs_initiated = false;
	session_drop_all(t, p);
	atomic_store(&p->handle, 0);
	p->todo = 0;
	peer_arm(t, p);
	p->events = 0;
	peer_event(t, p, TNL_EV_WIPED);
	p->limbo_tag = pin_tag(&t->pins);
	p->limbo_next = 0;
	if (t->peer_limbo.first)
		t->peer[t->peer_limbo.last - 1].limbo_next = p->slot + 1;
	else
		t->peer_limbo.first = p->slot + 1;
	t->peer_limbo.last = p->slot + 1;
	pin_advance(&t->pins);
}

bool peer_reclaim(struct tnl *t, uint64_t oldest, uint32_t *slice)
{
	for (; t->peer_limbo.first && *slice; --*slice) {
		struct peer *p = &t->peer[t->peer_limbo.first - 1];
		uint32_t slot = p->slot, generation = p->generation;

		/* What still names it: a worker, the list of news, the work queue, an event. All come to it in time. */
		if (p->limbo_tag >= oldest || atomic_load(&p->news) || p->queued || p->event_queued)
			break;
		t->peer_limbo.first = p->limbo_next;
		sodium_memzero(p, sizeof(*p));
		p->slot = slot;
		p->generation = generation;
		p->limbo_next = t->peer_free;
		t->peer_free = slot + 1;
	}
	return !t->peer_limbo.first;
}

int tnl_peer_del(struct tnl *t, tnl_peer handle)
{
	struct peer *p = peer_get(t, handle);

	if (!p)
		return -ENOENT;
	peer_remove(t, p);
	return 0;
}

/* ---- Attributes -------------------------------------------------------------------------------------------------- */

int tnl_peer_set(struct tnl *t, struct tnl_now now, tnl_peer handle, const struct tnl_peer_conf *c, unsigned which)
{
	struct peer *p = peer_get(t, handle);

	if (!p)
		return -ENOENT;
	if (which & TNL_SET_PSK)
		memcpy(p->psk, c->psk, TNL_KEY_LEN);
	if (which & TNL_SET_ENDPOINT) {
		struct tnl_path path = { .remote = c->remote };

		peer_path_set(p, &path);
	}
	if (which & TNL_SET_KEEPALIVE) {
		bool speak = !p->keepalive_s && c->keepalive_s;

		p->keepalive_s = c->keepalive_s;
		if (speak && atomic_load(&t->up)) {
			traverse(p, now.boot);
			peer_tell(t, p, NEWS_KEEPALIVE);
		}
		peer_arm(t, p);
	}
	return 0;
}

int tnl_peer_get(const struct tnl *t, tnl_peer handle, uint8_t ret_pub[TNL_KEY_LEN], struct tnl_peer_conf *ret)
{
	const struct peer *p = peer_get(t, handle);
	struct tnl_path path;

	if (!p)
		return -ENOENT;
	if (ret_pub)
		memcpy(ret_pub, p->remote_static, TNL_KEY_LEN);
	if (ret) {
		peer_path(p, &path);
		*ret = (struct tnl_peer_conf){ .remote = path.remote, .keepalive_s = p->keepalive_s };
		memcpy(ret->psk, p->psk, TNL_KEY_LEN);
	}
	return 0;
}

int tnl_peer_stat(const struct tnl *t, tnl_peer handle, struct tnl_stat *ret)
{
	const struct peer *p = peer_get(t, handle);

	if (!p)
		return -ENOENT;
	ret->tx_bytes = atomic_load_explicit(&p->tx_bytes, memory_order_relaxed);
	ret->rx_bytes = atomic_load_explicit(&p->rx_bytes, memory_order_relaxed);
	ret->handshake_wall = p->handshake_wall;
	peer_path(p, &ret->path);
	return 0;
}

tnl_peer tnl_peer_next(const struct tnl *t, tnl_peer handle)
{
	uint32_t slot = handle ? (handle & ((1u << SLOT_BITS) - 1)) + 1 : 0;

	for (; slot < t->peer_high; slot++)
		if (t->peer[slot].handle)
			return t->peer[slot].handle;
	return 0;
}
