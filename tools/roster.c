/* SPDX-License-Identifier: MIT */
#include "roster.h"

#include <endian.h>
#include <err.h>
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

static void wipe_peers(struct roster *r)
{
	if (r->peer)
		sodium_memzero(r->peer, r->count * sizeof(*r->peer));
	free(r->peer);
}

/* Not by realloc(): what it leaves behind holds preshared keys. */
static void resize(struct roster *r, size_t room)
{
	struct peer *list = calloc(room, sizeof(*list));

	if (!list)
		err(CMD_FAILED, "tunctl");
	if (r->count)
		memcpy(list, r->peer, r->count * sizeof(*list));
	wipe_peers(r);
	r->peer = list;
	r->room = room;
}

void roster_reserve(struct roster *r, size_t count)
{
	if (r->room - r->count < count)
		resize(r, r->count + count);
}

struct peer *roster_add(struct roster *r, const uint8_t key[TNL_KEY_LEN])
{
	struct peer *p;

	if (r->count == r->room)
		resize(r, r->room ? 2 * r->room : 64);
	p = &r->peer[r->count++];
	*p = (struct peer){ 0 };
	memcpy(p->key, key, sizeof(p->key));
	return p;
}

void peer_add_net(struct peer *p, const struct net *n)
{
	if (p->net_count == p->net_room) {
		p->net_room = p->net_room ? 2 * p->net_room : 4;
		p->net = reallocarray(p->net, p->net_room, sizeof(*p->net));
		if (!p->net)
			err(CMD_FAILED, "tunctl");
	}
	p->net[p->net_count++] = net_masked(*n);
}

void roster_free(struct roster *r)
{
	for (size_t i = 0; i < r->count; i++) {
		free(r->peer[i].net);
		free(r->peer[i].note);
		free(r->peer[i].tags);
		free(r->peer[i].host);
		free(r->peer[i].file);
	}
	wipe_peers(r);
	*r = (struct roster){ 0 };
}

static void *copy_of(const void *from, size_t len)
{
	void *ret = from ? malloc(len) : NULL;

	if (from && !ret)
		err(CMD_FAILED, "tunctl");
	return from ? memcpy(ret, from, len) : NULL;
}

static char *copy_text(const char *text)
{
	return copy_of(text, text ? strlen(text) + 1 : 0);
}

void roster_copy(const struct roster *from, struct roster *ret)
{
	*ret = *from;
	ret->peer = NULL;
	ret->count = ret->room = 0;
	roster_reserve(ret, from->count);
	for (; ret->count < from->count; ret->count++) {
		const struct peer *p = &from->peer[ret->count];
		struct peer *q = &ret->peer[ret->count];

		*q = *p;
		q->net = p->net_count ? copy_of(p->net, p->net_count * sizeof(*p->net)) : NULL;
		q->net_room = p->net_count;
		q->note = copy_text(p->note);
		q->tags = copy_text(p->tags);
		q->host = copy_text(p->host);
		q->file = copy_text(p->file);
	}
}

uint64_t key_head(const uint8_t key[TNL_KEY_LEN])
{
	uint64_t head;

	memcpy(&head, key, sizeof(head));
	return be64toh(head);
}

static int cmp_key(const struct peer *a, const struct peer *b)
{
	return memcmp(a->key, b->key, TNL_KEY_LEN);
}

static int by_key(const void *a, const void *b)
{
	return cmp_key(a, b);
}

/* Where a peer stands now, and how its key begins, as a number: most comparisons need no more. */
struct place {
	uint64_t head;
	const struct peer *peer;
};

struct order {
	int (*cmp)(const struct peer *, const struct peer *);
};

static int by_place(const void *a, const void *b, void *order)
{
	const struct place *x = a, *y = b;

	return ((const struct order *)order)->cmp(x->peer, y->peer);
}

static int by_head(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	return x->head != y->head ? (x->head < y->head ? -1 : 1) : cmp_key(x->peer, y->peer);
}

static struct place *places_of(const struct roster *r)
{
	struct place *from = calloc(r->count + 1, sizeof(*from));

	if (!from)
		err(CMD_FAILED, "tunctl");
	for (size_t i = 0; i < r->count; i++)
		from[i] = (struct place){ .head = key_head(r->peer[i].key), .peer = &r->peer[i] };
	return from;
}

/* Each peer moves once, round by round of those that follow each other, without a second array: fresh memory is what
 * costs most here. Frees the places. */
static void move_peers(struct roster *r, struct place *from)
{
	struct peer first;

	for (size_t i = 0; i < r->count; i++) {
		size_t at = i;

		if (from[i].peer == &r->peer[i])
			continue;
		first = r->peer[i];
		while (from[at].peer != &r->peer[i]) {
			size_t next = (size_t)(from[at].peer - r->peer);

			r->peer[at] = r->peer[next];
			from[at].peer = &r->peer[at];
			at = next;
		}
		r->peer[at] = first;
		from[at].peer = &r->peer[at];
	}
	sodium_memzero(&first, sizeof(first));
	free(from);
}

void roster_order(struct roster *r, int (*cmp)(const struct peer *a, const struct peer *b))
{
	struct place *from = places_of(r);

	qsort_r(from, r->count, sizeof(*from), by_place, &(struct order){ cmp });
	move_peers(r, from);
}

static bool is_sorted(const struct roster *r)
{
	for (size_t i = 1; i < r->count; i++)
		if (cmp_key(&r->peer[i - 1], &r->peer[i]) > 0)
			return false;
	return true;
}

void roster_sort(struct roster *r)
{
	struct place *from;

	if (is_sorted(r))
		return;
	from = places_of(r);
	qsort(from, r->count, sizeof(*from), by_head);
	move_peers(r, from);
}

struct peer *roster_by_key(const struct roster *r, const uint8_t key[TNL_KEY_LEN])
{
	struct peer want;

	memcpy(want.key, key, sizeof(want.key));
	return r->count ? bsearch(&want, r->peer, r->count, sizeof(*r->peer), by_key) : NULL;
}

struct peer *roster_by_name(const struct roster *r, const char *name)
{
	for (size_t i = 0; i < r->count; i++)
		if (*name && !strcmp(r->peer[i].name, name))
			return &r->peer[i];
	return NULL;
}

static int find_by_key_text(const struct roster *r, const char *text, struct peer **ret)
{
	size_t len = strlen(text), found = 0;
	struct peer *last = NULL;

	if (len < ROSTER_PREFIX_MIN || len > TEXT_BASE64_KEY - 1)
		return -ENOENT;
	for (size_t i = 0; i < r->count; i++) {
		char key[TEXT_BASE64_KEY];

		text_key_to_base64(key, r->peer[i].key);
		if (!strncmp(key, text, len)) {
			last = &r->peer[i];
			found++;
		}
	}
	if (found != 1)
		return found ? -ENOTUNIQ : -ENOENT;
	*ret = last;
	return 0;
}

const struct peer *roster_owner(const struct roster *r, const struct net *n, const struct peer *but)
{
	struct net want = net_masked(*n);

	for (size_t i = 0; i < r->count; i++)
		for (size_t k = 0; k < r->peer[i].net_count; k++)
			if (&r->peer[i] != but && net_equal(&r->peer[i].net[k], &want))
				return &r->peer[i];
	return NULL;
}

/* Only the very network: what merely contains the address, a default route say, is not meant. */
static int find_by_net(const struct roster *r, const char *text, struct peer **ret)
{
	struct net want;
	const struct peer *p;

	if (!net_parse(text, strlen(text), &want) || !(p = roster_owner(r, &want, NULL)))
		return -ENOENT;
	*ret = &r->peer[p - r->peer];
	return 0;
}

int roster_find(const struct roster *r, const char *text, struct peer **ret)
{
	struct peer *p = roster_by_name(r, text);
	int err;

	if (p) {
		*ret = p;
		return 0;
	}
	err = find_by_net(r, text, ret);
	return err == -ENOENT ? find_by_key_text(r, text, ret) : err;
}

const char *peer_label(const struct peer *p, char ret[IFACE_PEER_NAME_MAX + 1])
{
	char key[TEXT_BASE64_KEY];

	text_key_to_base64(key, p->key);
	if (p->name[0])
		strcpy(ret, p->name);
	else
		snprintf(ret, IFACE_PEER_NAME_MAX + 1, "%.8s", key);
	return ret;
}

bool peer_online(const struct peer *p, uint64_t now_s)
{
	return p->handshake_s && (now_s < p->handshake_s || now_s - p->handshake_s < ROSTER_ONLINE_S);
}
