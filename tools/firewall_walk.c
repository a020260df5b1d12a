/* SPDX-License-Identifier: MIT */
#include "firewall_walk.h"

#include "cmd.h"

#include <err.h>
#include <stdlib.h>
#include <string.h>

/* As deep as nftables lets chains jump. This ends those that come back to themselves, too, which no kernel takes. */
enum { DEPTH_MAX = 16 };

static int by_place(const struct place *a, const struct place *b)
{
	int r = strcmp(a->chain, b->chain);

	r = r ? r : strcmp(a->table, b->table);
	return r ? r : strcmp(a->family, b->family);
}

static int by_rule(const void *a, const void *b)
{
	const struct ranged *x = a, *y = b;
	int r = by_place(&x->in, &y->in);

	return r ? r : (x->at > y->at) - (x->at < y->at);
}

void walk_begin(struct walk *w, size_t max)
{
	w->count = 0;
	w->depth = 0;
	w->list = calloc(max + 1, sizeof(*w->list));
	if (!w->list)
		err(CMD_FAILED, "tunctl");
}

void walk_add(struct walk *w, struct place in, const void *rule)
{
	w->list[w->count] = (struct ranged){ .in = in, .at = w->count, .rule = rule };
	w->count++;
}

void walk_sort(struct walk *w)
{
	if (w->count)
		qsort(w->list, w->count, sizeof(*w->list), by_rule);
}

void walk_end(struct walk *w)
{
	free(w->list);
}

/* The first rule of a chain. */
static struct ranged *find(const struct walk *w, const struct place *in)
{
	size_t from = 0, to = w->count;

	while (from < to) {
		size_t mid = from + (to - from) / 2;

		if (by_place(&w->list[mid].in, in) < 0)
			from = mid + 1;
		else
			to = mid;
	}
	return from < w->count && !by_place(&w->list[from].in, in) ? &w->list[from] : NULL;
}

static void walk_rules(struct walk *w, const struct ranged *r)
{
	bool leaves = false;

	for (; r < w->list + w->count && !by_place(&r->in, &w->in) && !leaves; r++) {
		w->saw.outcome = w->rule(w, r->rule, &leaves);
		if (w->saw.outcome != FALLS_THROUGH)
			break;
	}
}

struct came_to walk_chain(struct walk *w, struct place in)
{
	struct ranged *first = find(w, &in);
	struct walk outer = *w;

	if (!first)
		return (struct came_to){ .outcome = FALLS_THROUGH };
	if (first->walked)
		return first->saw;
	if (w->depth > DEPTH_MAX)	/* it might do anything */
		return (struct came_to){ .outcome = FALLS_THROUGH, .may_accept = true };
	w->in = in;
	w->depth++;
	w->here = YES;
	w->saw = (struct came_to){ .outcome = FALLS_THROUGH };
	walk_rules(w, first);
	first->saw = w->saw;
	first->walked = true;
	*w = outer;
	return first->saw;
}

enum outcome walk_jump(struct walk *w, const char *chain, bool maybe)
{
	struct came_to there = walk_chain(w, (struct place){ w->in.family, w->in.table, chain });

	w->saw.foreign |= there.foreign;
	w->saw.may_accept |= there.may_accept || (maybe && there.outcome == ACCEPTED);
	return maybe ? FALLS_THROUGH : there.outcome;
}
