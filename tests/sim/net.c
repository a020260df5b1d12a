/* SPDX-License-Identifier: MIT */
#include "net.h"

#include <stdlib.h>
#include <string.h>

#include "wire.h"

struct tnl_addr net_listener(bool stranger, uint8_t family, uint8_t which)
{
	if (family == 4)
		return (struct tnl_addr){ { 203, 0, stranger ? 113 : 114, which }, 0, 4000, 4, 0 };
	return (struct tnl_addr){ { 0x20, 0x01, 0x0d, 0xb8, stranger ? 113 : 114, [15] = which }, 0, 4000, 6, 0 };
}

bool net_stranger(const struct tnl_addr *a)
{
	const struct tnl_addr s = net_listener(true, a->family == 4 ? 4 : 6, a->ip[a->family == 4 ? 3 : 15]);

	return !memcmp(&s, a, sizeof(s));
}

void net_init(struct net *n, uint64_t seed)
{
	*n = (struct net){ .rng = { seed } };
}

void net_clear(struct net *n)
{
	while (n->count)
		free(n->heap[--n->count]);
}

void net_free(struct net *n)
{
	net_clear(n);
	for (size_t i = 0; i < RECORDED; i++)
		free(n->recorded[i]);
	free(n->heap);
}

static bool before(const struct dgram *a, const struct dgram *b)
{
	return a->due != b->due ? a->due < b->due : a->seq < b->seq;
}

static void push(struct net *n, struct dgram *d)
{
	size_t i = n->count++;

	if (n->count > n->room) {
		n->room = n->room ? 2 * n->room : 64;
		n->heap = realloc(n->heap, n->room * sizeof(n->heap[0]));
		if (!n->heap)
			abort();
	}
	d->seq = n->seq++;
	for (; i && before(d, n->heap[(i - 1) / 2]); i = (i - 1) / 2)
		n->heap[i] = n->heap[(i - 1) / 2];
	n->heap[i] = d;
}

static struct dgram *make(const struct tnl_addr *src, const struct tnl_addr *dst, const uint8_t *data, size_t len)
{
	struct dgram *d = calloc(1, sizeof(*d) + len);

	if (!d || len > DGRAM_MAX)
		abort();
	d->src = *src;
	d->dst = *dst;
	d->len = (uint16_t)len;
	if (len)
		memcpy(d->data, data, len);
	return d;
}

/* A changed byte: still genuine only within the mac2 of a handshake message, which is not looked at without load. */
static void corrupt(struct net *n, struct dgram *d)
{
	uint32_t at;

	if (!d->len)
		return;
	at = rng_below(&n->rng, d->len);
	d->data[at] ^= (uint8_t)(1 << rng_below(&n->rng, 8));
	if (d->data[0] >= WIRE_COOKIE || at < (uint32_t)d->len - MAC_LEN || at < MAC_LEN)
		d->genuine = false;
}

static tnl_ns delay(struct net *n)
{
	tnl_ns jitter = n->weather.jitter ? rng_next(&n->rng) % n->weather.jitter : 0;

	return n->weather.delay + jitter;
}

void net_train(struct net *n, bool together)
{
	n->train = together ? delay(n) : 0;
}

void net_send(struct net *n, const struct tnl_addr *src, const struct tnl_addr *dst, const uint8_t *data, size_t len)
{
	uint32_t copies = rng_percent(&n->rng, n->weather.duplicate) ? 2 : 1, origin = ++n->origins;
	uint32_t slot = rng_below(&n->rng, RECORDED);

	free(n->recorded[slot]);
	n->recorded[slot] = make(src, dst, data, len);
	n->recorded[slot]->origin = origin;
	n->recorded[slot]->genuine = true;
	for (; copies; copies--) {
		struct dgram *d;

		if (rng_percent(&n->rng, n->weather.loss))
			continue;
		d = make(src, dst, data, len);
		d->origin = origin;
		d->genuine = true;
		d->due = sim.now + (n->train ? n->train : delay(n));
		if (rng_percent(&n->rng, n->weather.corrupt))
			corrupt(n, d);
		push(n, d);
	}
}

void net_inject(struct net *n, tnl_ns due, const struct tnl_addr *src, const struct tnl_addr *dst, uint32_t origin,
		bool genuine, const uint8_t *data, size_t len)
{
	struct dgram *d = make(src, dst, data, len);

	d->due = due;
	d->origin = origin;
	d->genuine = genuine;
	push(n, d);
}

const struct dgram *net_recorded(struct net *n)
{
	return n->recorded[rng_below(&n->rng, RECORDED)];
}

const struct dgram *net_peek(const struct net *n)
{
	return n->count ? n->heap[0] : NULL;
}

tnl_ns net_next(const struct net *n)
{
	return n->count ? n->heap[0]->due : TNL_NEVER;
}

struct dgram *net_receive(struct net *n)
{
	struct dgram *top, *last;
	size_t i = 0, child;

	if (!n->count || n->heap[0]->due > sim.now)
		return NULL;
	top = n->heap[0];
	last = n->heap[--n->count];
	while ((child = 2 * i + 1) < n->count) {
		if (child + 1 < n->count && before(n->heap[child + 1], n->heap[child]))
			child++;
		if (!before(n->heap[child], last))
			break;
		n->heap[i] = n->heap[child];
		i = child;
	}
	n->heap[i] = last;
	return top;
}
