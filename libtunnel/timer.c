/* SPDX-License-Identifier: MIT */
#include "timer.h"

static void place(struct timer_heap *h, uint32_t i, struct timer_entry e)
{
	h->entry[i] = e;
	h->position[e.slot] = i;
}

/* The root is 1 and the children of i are 4i-2 .. 4i+1. */
static void sift_up(struct timer_heap *h, uint32_t i, struct timer_entry e)
{
	while (i > 1) {
		uint32_t parent = (i + 2) / 4;

		if (h->entry[parent].at <= e.at)
			break;
		place(h, i, h->entry[parent]);
		i = parent;
	}
	place(h, i, e);
}

static void sift_down(struct timer_heap *h, uint32_t i, struct timer_entry e)
{
	for (;;) {
		uint32_t first = 4 * i - 2, least = i;
		uint64_t at = e.at;

		for (uint32_t child = first; child < first + 4 && child <= h->count; child++)
			if (h->entry[child].at < at) {
				at = h->entry[child].at;
				least = child;
			}
		if (least == i)
			break;
		place(h, i, h->entry[least]);
		i = least;
	}
	place(h, i, e);
}

static void settle(struct timer_heap *h, uint32_t i, struct timer_entry e)
{
	if (i > 1 && h->entry[(i + 2) / 4].at > e.at)
		sift_up(h, i, e);
	else
		sift_down(h, i, e);
}

void timer_set(struct timer_heap *h, uint32_t slot, uint64_t at)
{
	uint32_t i = h->position[slot];

	if (at != UINT64_MAX) {
		settle(h, i ? i : ++h->count, (struct timer_entry){ at, slot });
		return;
	}
	if (!i)
		return;
	h->position[slot] = 0;
	struct timer_entry last = h->entry[h->count--];

	if (last.slot != slot)
		settle(h, i, last);
}

uint64_t timer_next(const struct timer_heap *h)
{
	return h->count ? h->entry[1].at : UINT64_MAX;
}
