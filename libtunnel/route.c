/* SPDX-License-Identifier: MIT */
/*
 * Prefixes come in two kinds that are kept apart. Full-length ones (/32, /128), nearly all of what a server has, live
 * in a chained hash table: one look-up costs a hash and two cache misses however many there are. All shorter ones live
 * in one path-compressed binary trie per family. A full-length prefix is the longest there is, so the hash table is
 * asked first and its answer is final.
 *
 *	trie of 10/8 A, 10.1/16 B, 10.2/16 C:		root -> 10/8 A -> 10.0/14 (glue) -> 10.1/16 B
 *										 -> 10.2/16 C
 *
 * A node is a prefix with an owner, or glue: no owner, there because two branches part.
 *
 * Readers hold no lock, so every change must be one store that takes a reader from the old answer to the new one:
 * - a new owner: one store into the node, hash table and trie alike;
 * - a new node: complete, its child links set, before the one link that leads to it is stored (release; readers load
 *   links with acquire). Splitting is the same: the new glue has both children before it is linked;
 * - removal: first the owner becomes 0, and the node is glue that answers nothing; then, if it has at most one child,
 *   the link that led to it leads to that child. A reader that stands on the node still goes on from it, since what is
 *   unlinked keeps its content until every worker that could have seen it has left (its tag). What it leads to was
 *   linked when the reader came, and cannot have been reused either, for the same reason.
 * - a larger hash table: it is built beside the one in use, over the same nodes, since a node has two child links and a
 *   chain needs one. One store publishes which table it is, and by that which links; they change roles each time, and
 *   not again before every worker has left that could follow those of the time before.
 * A look-up that overlaps one change sees it or not. One that overlaps several may see a later one and miss an earlier
 * one; a prefix that none of them touches is found throughout.
 *
 * Nodes are numbers into two arrays: what readers touch, half a cache line a node, and what only the owner touches.
 * Reclaimed numbers are handed out again first, then those above a high-water mark: memory is touched as it is needed.
 */
#include "route.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "route_own.h"

enum { BUCKETS_FIRST = 4096, GROWTH = 8 };

/* Where a prefix is or would be. */
struct place {
	_Atomic uint32_t *link;		/* leads to node */
	uint32_t node;			/* the first that is not a shorter prefix of ours; 0: none */
	uint32_t above;			/* the node that has link; 0: link is a root or a bucket */
	_Atomic uint32_t *above_link;	/* leads to above */
	unsigned common;		/* how many bits node has in common with ours, up to both lengths */
};

/* ---- Readers ----------------------------------------------------------------------------------------------------- */

static uint32_t owner_of(const struct node *n)
{
	return atomic_load_explicit(&n->owner, memory_order_acquire);
}

static _Atomic uint32_t *bucket_of(const struct route *r, uint32_t table, struct key k)
{
	uint32_t n = table & ~1u;
	uint64_t hash;

	crypto_shorthash((uint8_t *)&hash, (const uint8_t *)&k, sizeof(k), r->seed);
	return &r->bucket[n + (hash & (n - 1))];
}

static uint32_t lookup(const struct route *r, struct key k, uint8_t family)
{
	uint32_t best = 0, table = follow(&r->table);

	for (uint32_t i = follow(bucket_of(r, table, k)); i; i = follow(&r->node[i].child[table & 1])) {
		const struct node *n = &r->node[i];

		if (key_equal(n->key, k) && n->family == family) {
			uint32_t owner = owner_of(n);

			if (owner)
				return owner;
			break;
		}
	}
	for (uint32_t i = follow(&r->root[family == 6]); i;) {
		const struct node *n = &r->node[i];
		uint32_t owner;

		if (common_bits(n->key, k) < n->bits)
			break;
		owner = owner_of(n);
		if (owner)
			best = owner;
		i = follow(&n->child[bit_at(k, n->bits)]);
	}
	return best;
}

uint32_t route_lookup4(const struct route *r, const uint8_t ip[4])
{
	return lookup(r, to_key(ip, 4), 4);
}

uint32_t route_lookup6(const struct route *r, const uint8_t ip[16])
{
	return lookup(r, to_key(ip, 6), 6);
}

/* ---- Life -------------------------------------------------------------------------------------------------------- */

/* Two for each prefix, itself and glue, and as many again in limbo: everything may be removed and set anew before the
 * first worker leaves. Number 0 is no node. */
static uint32_t nodes_for(uint32_t prefixes)
{
	return 4 * prefixes + 1;
}

/* At least as many as prefixes: on average one node or none behind each. */
static uint32_t buckets_for(uint32_t prefixes)
{
	uint32_t n = 16;

	while (n < prefixes)
		n *= 2;
	return n;
}

/* Reserves `count` things of `size` bytes at *at, on a cache line of their own; returns where. */
static size_t carve(size_t *at, size_t count, size_t size)
{
	size_t here = *at;

	*at += (count * size + 63) / 64 * 64;
	return here;
}

/* Where each part lies in the region; returns the length of the whole. */
static size_t layout(uint32_t prefixes, uint32_t owners, size_t at[4])
{
	size_t len = 0;

	carve(&len, 1, sizeof(struct route));
	at[0] = carve(&len, nodes_for(prefixes), sizeof(struct node));
	at[1] = carve(&len, nodes_for(prefixes), sizeof(struct link));
	at[2] = carve(&len, 2 * (size_t)buckets_for(prefixes), sizeof(uint32_t));
	at[3] = carve(&len, (size_t)owners + 1, sizeof(struct list));
	return len;
}

size_t route_footprint(uint32_t prefixes, uint32_t owners)
{
	size_t at[4];

	return prefixes <= PREFIXES_MAX ? layout(prefixes, owners, at) : 0;
}

struct route *route_init(void *mem, uint32_t prefixes, uint32_t owners, const uint8_t seed[16])
{
	struct route *r = mem;
	uint8_t *base = mem;
	size_t at[4];

	if (prefixes > PREFIXES_MAX)
		return NULL;
	layout(prefixes, owners, at);
	r->node = (struct node *)(base + at[0]);
	r->link = (struct link *)(base + at[1]);
	r->bucket = (_Atomic uint32_t *)(base + at[2]);
	r->list = (struct list *)(base + at[3]);
	r->most = buckets_for(prefixes);
	publish(&r->table, r->most < BUCKETS_FIRST ? r->most : BUCKETS_FIRST);
	r->prefixes = prefixes;
	r->owners = owners;
	r->nodes = nodes_for(prefixes);
	r->used = 1;
	memcpy(r->seed, seed, sizeof(r->seed));
	return r;
}

/* ---- Nodes ------------------------------------------------------------------------------------------------------- */

static bool available(const struct route *r, unsigned want)
{
	uint32_t fresh = r->nodes - r->used;
	uint32_t i = r->free;

	for (; fresh < want && i; i = r->link[i].next)
		want--;
	return fresh >= want;
}

/* Only after available(). The node is nobody's yet. */
static uint32_t take(struct route *r, const struct route_prefix *p, struct key k, unsigned bits)
{
	uint32_t i = r->free ? r->free : r->used++;
	struct node *n = &r->node[i];

	assert(i < r->nodes);
	if (i == r->free)
		r->free = r->link[i].next;
	r->link[i] = (struct link){ 0 };
	n->key = clear_host_bits(k, bits);
	n->bits = (uint8_t)bits;
	n->family = p->family;
	publish(&n->child[0], 0);
	publish(&n->child[1], 0);
	publish(&n->owner, 0);
	return i;
}

/* Its content stays: a reader may stand on it. */
static void retire(struct route *r, uint32_t i, uint64_t epoch)
{
	r->link[i] = (struct link){ .tag = epoch };
	if (r->limbo.last)
		r->link[r->limbo.last].next = i;
	else
		r->limbo.first = i;
	r->limbo.last = i;
}

bool route_reclaim(struct route *r, uint64_t epoch)
{
	uint32_t i;

	while ((i = r->limbo.first) && r->link[i].tag < epoch) {
		r->limbo.first = r->link[i].next;
		r->link[i].next = r->free;
		r->free = i;
	}
	if (!r->limbo.first)
		r->limbo.last = 0;
	if (r->grown < epoch)
		r->grown = 0;
	return !r->limbo.first && !r->grown;
}

/* ---- Owners ------------------------------------------------------------------------------------------------------ */

static void leave_list(struct route *r, uint32_t i)
{
	struct list *list = &r->list[peek(&r->node[i].owner)];
	struct link *l = &r->link[i];

	*(l->prev ? &r->link[l->prev].next : &list->first) = l->next;
	*(l->next ? &r->link[l->next].prev : &list->last) = l->prev;
}

/* The node is the newest prefix of `owner`, whosever it was. */
static void give(struct route *r, uint32_t i, uint32_t owner)
{
	struct list *list = &r->list[owner];

	if (peek(&r->node[i].owner))
		leave_list(r, i);
	else
		r->count++;
	r->link[i].prev = list->last;
	r->link[i].next = 0;
	*(list->last ? &r->link[list->last].next : &list->first) = i;
	list->last = i;
	publish(&r->node[i].owner, owner);
}

static void take_away(struct route *r, uint32_t i)
{
	leave_list(r, i);
	publish(&r->node[i].owner, 0);
	r->count--;
}

/* ---- Changes ----------------------------------------------------------------------------------------------------- */

static struct place find_host(struct route *r, uint8_t family, struct key k)
{
	uint32_t table = peek(&r->table);
	struct place at = { .link = bucket_of(r, table, k) };

	while ((at.node = peek(at.link))) {
		const struct node *n = &r->node[at.node];

		if (key_equal(n->key, k) && n->family == family)
			break;
		at.link = &r->node[at.node].child[table & 1];
	}
	return at;
}

static struct place find_branch(struct route *r, uint8_t family, struct key k, unsigned bits)
{
	struct place at = { .link = &r->root[family == 6] };

	while ((at.node = peek(at.link))) {
		struct node *n = &r->node[at.node];

		at.common = common_bits(n->key, k);
		if (at.common > bits)
			at.common = bits;
		if (at.common > n->bits)
			at.common = n->bits;
		if (at.common < n->bits || n->bits == bits)
			break;
		at.above = at.node;
		at.above_link = at.link;
		at.link = &n->child[bit_at(k, n->bits)];
	}
	return at;
}

static bool valid(const struct route_prefix *p)
{
	return (p->family == 4 || p->family == 6) && p->bits <= full_length(p->family);
}

/* The node of exactly this prefix, glue included, or 0; *ret: where it is or belongs. */
static uint32_t find(struct route *r, const struct route_prefix *p, struct key k, struct place *ret)
{
	if (p->bits == full_length(p->family)) {
		*ret = find_host(r, p->family, k);
		return ret->node;
	}
	*ret = find_branch(r, p->family, k, p->bits);
	return ret->node && r->node[ret->node].bits == p->bits && ret->common == p->bits ? ret->node : 0;
}

static void insert_host(struct route *r, uint32_t table, uint32_t i)
{
	_Atomic uint32_t *bucket = bucket_of(r, table, r->node[i].key);

	publish(&r->node[i].child[table & 1], peek(bucket));
	publish(bucket, i);
}

/* Not before the last reader has left that knows the table before this one, whose chains are made anew. */
static void grow(struct route *r, uint64_t epoch)
{
	uint32_t table = peek(&r->table), n = table & ~1u, larger;

	if (r->hosts < n || n == r->most || r->grown)
		return;
	larger = (n < r->most / GROWTH ? GROWTH * n : r->most) | (~table & 1);
	for (uint32_t b = n; b < 2 * n; b++)
		for (uint32_t i = peek(&r->bucket[b]); i; i = peek(&r->node[i].child[table & 1]))
			insert_host(r, larger, i);
	publish(&r->table, larger);
	r->grown = epoch;
}

/* Links the finished node i in where `at` says. */
static void insert(struct route *r, const struct route_prefix *p, struct key k, const struct place *at, uint32_t i)
{
	struct node *n = &r->node[i];

	if (p->bits == full_length(p->family)) {
		insert_host(r, peek(&r->table), i);
		r->hosts++;
	} else if (!at->node) {
		publish(at->link, i);
	} else if (at->common == p->bits) {
		publish(&n->child[bit_at(r->node[at->node].key, p->bits)], at->node);
		publish(at->link, i);
	} else {
		uint32_t glue = take(r, p, k, at->common);
		unsigned side = bit_at(k, at->common);

		publish(&r->node[glue].child[side], i);
		publish(&r->node[glue].child[!side], at->node);
		publish(at->link, glue);
	}
}

int route_set(struct route *r, const struct route_prefix *p, uint32_t owner, uint64_t epoch)
{
	struct place at;
	struct key k;
	uint32_t i;

	if (!valid(p) || !owner || owner > r->owners)
		return -EINVAL;
	k = clear_host_bits(to_key(p->ip, p->family), p->bits);
	i = find(r, p, k, &at);
	if (r->count == r->prefixes && (!i || !peek(&r->node[i].owner)))
		return -ENOSPC;
	if (!i) {
		if (!available(r, 2))
			return -ENOSPC;
		i = take(r, p, k, p->bits);
		give(r, i, owner);
		insert(r, p, k, &at, i);
		grow(r, epoch);
	} else {
		give(r, i, owner);
	}
	return 0;
}

/* Node i, where `at` says, has lost its owner: unlink it and the glue above, if nothing needs them any more. */
static void prune(struct route *r, const struct place *at, uint32_t i, uint64_t epoch)
{
	const struct node *n = &r->node[i], *above = &r->node[at->above];
	uint32_t left = peek(&n->child[0]), right = peek(&n->child[1]);

	if (n->bits == full_length(n->family)) {
		publish(at->link, peek(&n->child[peek(&r->table) & 1]));
		retire(r, i, epoch);
		r->hosts--;
		return;
	}
	if (left && right)
		return;
	publish(at->link, left | right);
	retire(r, i, epoch);
	/* Glue has two children or goes; it just lost one if i had none to put in its place. */
	if (at->above && !peek(&above->owner) && !(left | right)) {
		publish(at->above_link, peek(&above->child[0]) | peek(&above->child[1]));
		retire(r, at->above, epoch);
	}
}

int route_del(struct route *r, const struct route_prefix *p, uint32_t owner, uint64_t epoch)
{
	struct place at;
	uint32_t i;

	if (!valid(p) || !owner)
		return -ENOENT;
	i = find(r, p, clear_host_bits(to_key(p->ip, p->family), p->bits), &at);
	if (!i || peek(&r->node[i].owner) != owner)
		return -ENOENT;
	take_away(r, i);
	prune(r, &at, i, epoch);
	return 0;
}

uint32_t route_owner(struct route *r, const struct route_prefix *p)
{
	struct place at;
	uint32_t i = valid(p) ? find(r, p, clear_host_bits(to_key(p->ip, p->family), p->bits), &at) : 0;

	return i ? peek(&r->node[i].owner) : 0;
}

static struct route_prefix to_prefix(const struct node *n)
{
	struct route_prefix p = { .family = n->family, .bits = n->bits };

	from_key(n->key, n->family, p.ip);
	return p;
}

void route_clear(struct route *r, uint32_t owner, uint64_t epoch)
{
	uint32_t i;

	if (owner > r->owners)
		return;
	while ((i = r->list[owner].first)) {
		struct route_prefix p = to_prefix(&r->node[i]);
		int err = route_del(r, &p, owner, epoch);

		assert(!err);
		(void)err;
	}
}

bool route_next(const struct route *r, uint32_t owner, uint32_t *cursor, struct route_prefix *ret)
{
	uint32_t next;

	if (!owner || owner > r->owners)
		return false;
	next = *cursor ? r->link[*cursor].next : r->list[owner].first;
	if (!next)
		return false;
	*cursor = next;
	*ret = to_prefix(&r->node[next]);
	return true;
}

uint32_t route_count(const struct route *r)
{
	return r->count;
}
