/* SPDX-License-Identifier: MIT */
/*
 * An address is a 128-bit number; a network an interval of them. Where n single addresses are taken, one of the first
 * n + 2 is free, and a map of those finds it. Where larger networks stand in between, the taken ones are sorted by
 * where they begin, and one pass lifts the candidate over each that holds it: n log n for n peers, whatever the size of
 * the network.
 */
#include "pick.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

typedef unsigned __int128 number;

static unsigned width(const struct net *n)
{
	return n->addr.family == 4 ? 32 : 128;
}

static number to_number(const struct net *n)
{
	uint32_t v4;
	uint64_t half[2];

	if (n->addr.family == 4) {
		memcpy(&v4, n->addr.ip, sizeof(v4));
		return be32toh(v4);
	}
	memcpy(half, n->addr.ip, sizeof(half));
	return (number)be64toh(half[0]) << 64 | be64toh(half[1]);
}

static struct net from_number(uint8_t family, number v, unsigned bits)
{
	struct net n = { .addr.family = family, .bits = bits };
	uint32_t v4 = htobe32((uint32_t)v);
	uint64_t half[2] = { htobe64((uint64_t)(v >> 64)), htobe64((uint64_t)v) };

	memcpy(n.addr.ip, family == 4 ? (const void *)&v4 : half, width(&n) / 8);
	return n;
}

/* The host part, all ones. */
static number host_mask(const struct net *n)
{
	unsigned host = width(n) - n->bits;

	return host == 128 ? ~(number)0 : ((number)1 << host) - 1;
}

static number first(const struct net *n)
{
	return to_number(n) & ~host_mask(n);
}

static number last(const struct net *n)
{
	return to_number(n) | host_mask(n);
}

bool net_parse(const char *text, size_t len, struct net *ret)
{
	struct net n = { 0 };
	uint8_t bits;

	if (!text_prefix(text, len, true, &n.addr, &bits))
		return false;
	n.bits = bits;
	*ret = n;
	return true;
}

const char *net_text(const struct net *n, char ret[TEXT_ADDR])
{
	text_from_prefix(ret, &n->addr, n->bits);
	return ret;
}

struct net net_masked(struct net n)
{
	return from_number(n.addr.family, first(&n), n.bits);
}

bool net_equal(const struct net *a, const struct net *b)
{
	return a->addr.family == b->addr.family && a->bits == b->bits &&
	       !memcmp(a->addr.ip, b->addr.ip, sizeof(a->addr.ip));
}

bool net_contains(const struct net *outer, const struct net *inner)
{
	return outer->addr.family == inner->addr.family && first(outer) <= first(inner) && last(inner) <= last(outer);
}

/* Both masked, and of one family. */
static int by_first(const void *a, const void *b)
{
	const struct net *x = a, *y = b;

	return memcmp(x->addr.ip, y->addr.ip, sizeof(x->addr.ip));
}

/* Those that lie inside `within` and are smaller, in front and masked. How many there are. */
static size_t inside(const struct net *within, struct net *taken, size_t count)
{
	size_t found = 0;

	for (size_t i = 0; i < count; i++) {
		struct net n = taken[i];

		if (n.bits <= within->bits || !net_contains(within, &n))
			continue;
		taken[i] = taken[found];
		taken[found++] = net_masked(n);
	}
	return found;
}

/* Lifts *at to the first free number. False: not known, since a larger network is in the way, or without memory. */
static bool lift_by_map(const struct net *taken, size_t count, number own, number *at)
{
	size_t reach = count + 2, offset = 0;
	uint8_t *map = calloc(reach, 1);
	bool single = map != NULL;

	for (size_t i = 0; single && i < count; i++) {
		number begin = first(&taken[i]), end = last(&taken[i]);

		if (end < *at || (begin > *at && begin - *at >= reach))
			continue;
		single = begin == end;
		if (single)
			map[begin - *at] = 1;
	}
	if (single && own >= *at && own - *at < reach)
		map[own - *at] = 1;
	while (single && offset < reach && map[offset])
		offset++;
	*at += offset;
	free(map);
	return single;
}

/* The same for any. False: there is none up to `end`. */
static bool lift_by_order(struct net *taken, size_t count, number own, number end, number *at)
{
	qsort(taken, count, sizeof(*taken), by_first);
	for (size_t i = 0; i <= count && *at <= end; i++) {
		/* Own address: it may lie before or behind any of the taken ones, so look each time. */
		if (*at == own)
			++*at;
		if (i == count || first(&taken[i]) > *at)
			break;
		if (last(&taken[i]) >= end)
			return false;
		if (last(&taken[i]) >= *at)
			*at = last(&taken[i]) + 1;
	}
	return true;
}

bool net_reserved(const struct net *within, const struct net *n)
{
	if (n->bits != width(n) || width(within) - within->bits < 2 || !net_contains(within, n))
		return false;
	return to_number(n) == first(within) || (n->addr.family == 4 && to_number(n) == last(within));
}

int pick_address(const struct net *within, struct net *taken, size_t count, struct net *ret)
{
	number begin = first(within), end = last(within), own = to_number(within), at = begin;

	if (width(within) - within->bits < 2)
		return -ENOSPC;
	at++;
	if (within->addr.family == 4)
		end--;
	count = inside(within, taken, count);
	if (!lift_by_map(taken, count, own, &at) && !lift_by_order(taken, count, own, end, &at))
		return -ENOSPC;
	if (at > end)
		return -ENOSPC;
	*ret = from_number(within->addr.family, at, width(within));
	return 0;
}
