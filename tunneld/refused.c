/* SPDX-License-Identifier: MIT */
/*
 * An address has one slot, by a hash of it; two addresses of one slot take it from each other, which costs a refused
 * call now and then and nothing else. Addresses here are those of authentic peers.
 */
#include "refused.h"

#include <string.h>

#define HASH_FACTOR UINT64_C(0x9e3779b97f4a7c15)

static unsigned slot_of(const struct tnl_addr *to)
{
	uint64_t high, low;

	memcpy(&high, to->ip, 8);
	memcpy(&low, to->ip + 8, 8);
	return (unsigned)(((high * HASH_FACTOR ^ low) * HASH_FACTOR) >> 58) % REFUSED_SLOTS;
}

static bool same_host(const struct tnl_addr *a, const struct tnl_addr *b)
{
	return a->family == b->family && a->scope == b->scope && memcmp(a->ip, b->ip, sizeof(a->ip)) == 0;
}

bool refused_skip(struct refused *r, const struct tnl_addr *to, uint16_t size)
{
	unsigned i;

	if (r->count == 0)
		return false;
	i = slot_of(to);
	if (!same_host(&r->slot[i].to, to) || size < r->slot[i].least || r->slot[i].left == 0)
		return false;
	r->slot[i].left--;
	return true;
}

void refused_add(struct refused *r, const struct tnl_addr *to, uint16_t least)
{
	unsigned i = slot_of(to);

	if (same_host(&r->slot[i].to, to)) {
		if (least < r->slot[i].least)
			r->slot[i].least = least;
		if (r->slot[i].step < REFUSED_MOST)
			r->slot[i].step = (uint16_t)(2 * r->slot[i].step);
	} else {
		r->count += r->slot[i].to.family == 0;
		r->slot[i].to = *to;
		r->slot[i].least = least;
		r->slot[i].step = REFUSED_FIRST;
	}
	r->slot[i].left = r->slot[i].step;
}

void refused_del(struct refused *r, const struct tnl_addr *to, uint16_t size)
{
	unsigned i;

	if (r->count == 0)
		return;
	i = slot_of(to);
	if (!same_host(&r->slot[i].to, to) || size < r->slot[i].least)
		return;
	memset(&r->slot[i], 0, sizeof(r->slot[i]));
	r->count--;
}
