/* SPDX-License-Identifier: MIT */
/*
 * An address is a 128-bit number; a network an interval of them. The taken ones are sorted by where they begin, and one
 * pass lifts the candidate over each that holds it: n log n for n peers, whatever the size of the network.
 */
#include "pick.h"

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
	number v = 0;

	for (unsigned i = 0; i < width(n) / 8; i++)
		v = v << 8 | n->addr.ip[i];
	return v;
}

static struct net from_number(uint8_t family, number v, unsigned bits)
{
	struct net n = { .addr.family = family, .bits = bits };

	for (unsigned i = width(&n) / 8; i-- > 0; v >>= 8)
		n.addr.ip[i] = (uint8_t)v;
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

static int by_first(const void *a, const void *b)
{
	number x = first(a), y = first(b);

	return x < y ? -1 : x > y;
}

int pick_address(const struct net *within, struct net *taken, size_t count, struct net *ret)
{
	number begin = first(within), end = last(within), own = to_number(within), at = begin;

	if (width(within) - within->bits < 2)
		return -ENOSPC;
	at++;
	if (within->addr.family == 4)
		end--;
	qsort(taken, count, sizeof(*taken), by_first);
	for (size_t i = 0; i <= count && at <= end; i++) {
		/* Own address: it may lie before or behind any of the taken ones, so look each time. */
		if (at == own)
			at++;
		if (i == count)
			break;
		if (taken[i].addr.family != within->addr.family || taken[i].bits <= within->bits)
			continue;
		if (first(&taken[i]) > at)
			break;
		if (last(&taken[i]) >= at) {
			if (last(&taken[i]) >= end)
				return -ENOSPC;
			at = last(&taken[i]) + 1;
		}
	}
	if (at > end)
		return -ENOSPC;
	*ret = from_number(within->addr.family, at, width(within));
	return 0;
}
