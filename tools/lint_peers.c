/* SPDX-License-Identifier: MIT */
/*
 * What no single line can tell. Keys, names and networks are sorted, so that those that belong together are neighbours:
 * n log n for n peers. Networks are sorted by where they begin, the wider first; those that still reach over the one at
 * hand lie on a stack, and the innermost of them is the one that it overlaps.
 *
 * A network inside another peer's is how routing works and no error; the warning is there because an operator seldom
 * means it, but for default routes, which contain everything and are not spoken of.
 */
#include "lint.h"

#include <err.h>
#include <stdlib.h>
#include <string.h>

static const struct lint *sorting;	/* qsort() has no argument for it */

static int cmp_size(size_t a, size_t b)
{
	return a < b ? -1 : a > b;
}

static int by_key(const void *a, const void *b)
{
	size_t x = *(const size_t *)a, y = *(const size_t *)b;
	int r = memcmp(sorting->peer[x].key, sorting->peer[y].key, TNL_KEY_LEN);

	return r ? r : cmp_size(x, y);
}

static int by_name(const void *a, const void *b)
{
	size_t x = *(const size_t *)a, y = *(const size_t *)b;
	int r = strcmp(sorting->peer[x].name, sorting->peer[y].name);

	return r ? r : cmp_size(x, y);
}

static int by_net(const void *a, const void *b)
{
	size_t x = *(const size_t *)a, y = *(const size_t *)b;
	const struct net *n = &sorting->net[x].net, *m = &sorting->net[y].net;
	int r = n->addr.family - m->addr.family;

	if (!r)
		r = memcmp(n->addr.ip, m->addr.ip, sizeof(n->addr.ip));
	if (!r)
		r = (int)n->bits - (int)m->bits;
	return r ? r : cmp_size(x, y);
}

/* The numbers 0 .. count - 1 in the order of cmp. */
static size_t *sorted(const struct lint *l, size_t count, int (*cmp)(const void *, const void *))
{
	size_t *order = calloc(count + 1, sizeof(*order));

	if (!order)
		err(CMD_FAILED, "tunctl");
	for (size_t i = 0; i < count; i++)
		order[i] = i;
	sorting = l;
	if (count)
		qsort(order, count, sizeof(*order), cmp);
	return order;
}

/* "NAME", or the place of its header. */
static const char *label(const struct lint *l, size_t peer, char ret[LINT_MESSAGE_MAX])
{
	const struct lint_peer *p = &l->peer[peer];
	const char *file = l->file[p->at.file], *slash = strrchr(file, '/');

	if (p->name[0])
		snprintf(ret, LINT_MESSAGE_MAX, "\"%s\"", p->name);
	else
		snprintf(ret, LINT_MESSAGE_MAX, "the peer of %.100s:%u", slash ? slash + 1 : file, p->at.line);
	return ret;
}

static void check_keys(struct lint *l)
{
	size_t *order = sorted(l, l->peer_count, by_key);
	char name[LINT_MESSAGE_MAX];

	for (size_t i = 0; i < l->peer_count; i++) {
		const struct lint_peer *p = &l->peer[order[i]], *before = i ? &l->peer[order[i - 1]] : NULL;

		if (!p->has_key)
			continue;
		if (before && before->has_key && !memcmp(p->key, before->key, sizeof(p->key)))
			lint_say(l, true, p->key_at, "PublicKey: %s has the same", label(l, order[i - 1], name));
		if (l->has_key && !memcmp(p->key, l->public, sizeof(p->key)))
			lint_say(l, true, p->key_at, "PublicKey: it is the interface's own");
	}
	free(order);
}

static void check_names(struct lint *l)
{
	size_t *order = sorted(l, l->peer_count, by_name);
	char name[LINT_MESSAGE_MAX];

	for (size_t i = 1; i < l->peer_count; i++) {
		const struct lint_peer *p = &l->peer[order[i]], *before = &l->peer[order[i - 1]];
		const char *file = l->file[before->at.file], *slash = strrchr(file, '/');

		if (!p->name[0] || strcmp(p->name, before->name))
			continue;
		snprintf(name, sizeof(name), "%.100s:%u", slash ? slash + 1 : file, before->at.line);
		lint_say(l, true, p->name_at, "Name: the peer of %s has the same", name);
	}
	free(order);
}

static bool is_default(const struct net *n)
{
	return n->bits == 0;
}

static void compare_nets(struct lint *l, const struct lint_net *outer, const struct lint_net *n)
{
	char name[LINT_MESSAGE_MAX], text[TEXT_ADDR];

	if (outer->peer == n->peer) {
		if (net_equal(&outer->net, &n->net))
			lint_say(l, false, n->at, "AllowedIPs: %s is here twice", net_text(&n->net, text));
		return;
	}
	/* A disabled peer holds its place, but no packets: it collides when it is enabled. */
	if (net_equal(&outer->net, &n->net))
		lint_say(l, !l->peer[outer->peer].disabled && !l->peer[n->peer].disabled, n->at,
			 "AllowedIPs: %s belongs to %s, too", net_text(&n->net, text), label(l, outer->peer, name));
	else if (!is_default(&outer->net))
		lint_say(l, false, n->at, "AllowedIPs: it lies inside %s of %s", net_text(&outer->net, text),
			 label(l, outer->peer, name));
}

static void check_nets(struct lint *l)
{
	size_t *order = sorted(l, l->net_count, by_net), depth = 0;
	size_t *stack = calloc(l->net_count + 1, sizeof(*stack));

	if (!stack)
		err(CMD_FAILED, "tunctl");
	for (size_t i = 0; i < l->net_count; i++) {
		const struct lint_net *n = &l->net[order[i]];

		while (depth && !net_contains(&l->net[stack[depth - 1]].net, &n->net))
			depth--;
		if (depth)
			compare_nets(l, &l->net[stack[depth - 1]], n);
		stack[depth++] = order[i];
	}
	free(stack);
	free(order);
}

static void check_own(struct lint *l)
{
	for (size_t i = 0; i < l->own_count; i++) {
		struct net own = l->own[i].net;

		own.bits = own.addr.family == 4 ? 32 : 128;
		for (size_t k = 0; k < l->net_count; k++)
			if (net_equal(&l->net[k].net, &own))
				lint_say(l, true, l->net[k].at, "AllowedIPs: it is the interface's own address");
	}
}

void lint_together(struct lint *l)
{
	if (!l->has_interface)
		lint_say(l, false, (struct lint_place){ 0, 0, 0 }, "it has no [Interface] section");
	else if (!l->names_key)
		lint_say(l, false, (struct lint_place){ 0, 0, 0 }, "it has no PrivateKey: no peer can be spoken to");
	for (size_t i = 0; i < l->peer_count; i++)
		if (!l->peer[i].nets)
			lint_say(l, false, l->peer[i].at, "[Peer] without AllowedIPs: nothing goes there or comes in");
	check_keys(l);
	check_names(l);
	check_nets(l);
	check_own(l);
}
