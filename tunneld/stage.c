/* SPDX-License-Identifier: MIT */
/*
 * Blocks of one size, a free list through them, and a queue per waiting peer. A packet is a chain of blocks, a queue a
 * chain of packets; both chains run through arrays beside the data so that walking them touches no packet. Queues lie
 * densely in an array, found by a hash of the peer's handle; one that runs empty is gone, so there are never more
 * queues than blocks and they need no limit of their own.
 *
 * When blocks run out, a few queues are looked at in turn and the one with the most packets loses its oldest. A full
 * search would find a fatter one, but would cost every packet of a flood a walk over thousands of peers.
 *
 * Index 0 of blocks and queues is unused and means none.
 */
#include "stage.h"

#include <string.h>

enum { BUCKETS = 4096, PROBES = 16 };

struct packet {
	uint32_t len;
	uint32_t next_packet;	/* in the queue; valid in a packet's first block */
	uint32_t next_block;	/* of the packet, or of the free list */
};

struct queue {
	tnl_peer peer;
	uint32_t count;
	uint32_t first, last;	/* blocks */
	uint32_t next;		/* in the bucket */
};

struct stage {
	uint32_t queues, victim;
	uint32_t free_blocks, free_head;
	uint32_t fresh;		/* blocks up to here have been used once */
	uint32_t bucket[BUCKETS];
	struct queue queue[STAGE_BLOCKS + 1];
	struct packet packet[STAGE_BLOCKS + 1];
	uint8_t data[STAGE_BLOCKS + 1][STAGE_BLOCK];
};

size_t stage_footprint(void)
{
	return sizeof(struct stage);
}

/* Zero memory is almost an empty stage: blocks that were never used are not on the free list but beyond its watermark,
 * so that starting touches nothing. */
struct stage *stage_init(void *mem)
{
	struct stage *s = mem;

	s->free_blocks = STAGE_BLOCKS;
	return s;
}

static uint32_t hash(tnl_peer p)
{
	return (p * 0x9e3779b1u) >> 20;
}
_Static_assert(BUCKETS == 1 << 12, "the hash keeps 12 bits");

static uint32_t find(const struct stage *s, tnl_peer p)
{
	uint32_t q = s->bucket[hash(p)];

	while (q != 0 && s->queue[q].peer != p)
		q = s->queue[q].next;
	return q;
}

static uint32_t take_block(struct stage *s)
{
	uint32_t b = s->free_head;

	if (b != 0)
		s->free_head = s->packet[b].next_block;
	else
		b = ++s->fresh;
	s->free_blocks--;
	s->packet[b].next_block = 0;
	return b;
}

static void give_packet(struct stage *s, uint32_t b)
{
	while (b != 0) {
		uint32_t next = s->packet[b].next_block;

		s->packet[b].next_block = s->free_head;
		s->free_head = b;
		s->free_blocks++;
		b = next;
	}
}

/* The place in the chain that points to queue q. */
static uint32_t *link_to(struct stage *s, uint32_t q)
{
	uint32_t *at = &s->bucket[hash(s->queue[q].peer)];

	while (*at != q)
		at = &s->queue[*at].next;
	return at;
}

/* Takes queue q out; the last one moves into its place. */
static void remove_queue(struct stage *s, uint32_t q)
{
	uint32_t last = s->queues--;

	*link_to(s, q) = s->queue[q].next;
	if (q == last)
		return;
	*link_to(s, last) = q;
	s->queue[q] = s->queue[last];
}

static void drop_oldest(struct stage *s, uint32_t q)
{
	struct queue *k = &s->queue[q];
	uint32_t b = k->first;

	k->first = s->packet[b].next_packet;
	give_packet(s, b);
	if (--k->count == 0)
		remove_queue(s, q);
}

static uint32_t fattest(struct stage *s)
{
	uint32_t best = 0;

	for (unsigned i = 0; i < PROBES; i++) {
		s->victim = s->victim % s->queues + 1;
		if (best == 0 || s->queue[s->victim].count > s->queue[best].count)
			best = s->victim;
	}
	return best;
}

static uint32_t find_or_add(struct stage *s, tnl_peer p)
{
	uint32_t q = find(s, p), *bucket = &s->bucket[hash(p)];

	if (q != 0)
		return q;
	q = ++s->queues;
	s->queue[q] = (struct queue) { .peer = p, .next = *bucket };
	*bucket = q;
	return q;
}

bool stage_empty(const struct stage *s)
{
	return s->queues == 0;
}

unsigned stage_count(const struct stage *s, tnl_peer p)
{
	uint32_t q = find(s, p);

	return q != 0 ? s->queue[q].count : 0;
}

void stage_push(struct stage *s, tnl_peer p, const uint8_t *pkt, size_t len)
{
	uint32_t want = len ? (uint32_t)((len + STAGE_BLOCK - 1) / STAGE_BLOCK) : 1, q = find(s, p), first = 0,
		 *at = &first;
	struct queue *k;

	if (q != 0 && s->queue[q].count == STAGE_PER_PEER)
		drop_oldest(s, q);
	while (s->free_blocks < want)
		drop_oldest(s, fattest(s));
	for (size_t off = 0; want > 0; want--, off += STAGE_BLOCK) {
		*at = take_block(s);
		memcpy(s->data[*at], pkt + off, len - off < STAGE_BLOCK ? len - off : STAGE_BLOCK);
		at = &s->packet[*at].next_block;
	}
	s->packet[first].len = (uint32_t)len;
	s->packet[first].next_packet = 0;
	/* Only now: the queue may have run empty above. */
	k = &s->queue[find_or_add(s, p)];
	if (k->count++ == 0)
		k->first = first;
	else
		s->packet[k->last].next_packet = first;
	k->last = first;
}

const uint8_t *stage_peek(const struct stage *s, tnl_peer p, size_t *ret_len)
{
	uint32_t q = find(s, p);

	if (q == 0)
		return NULL;
	*ret_len = s->packet[s->queue[q].first].len;
	return s->data[s->queue[q].first];
}

void stage_pop(struct stage *s, tnl_peer p, uint8_t *dst)
{
	uint32_t q = find(s, p), b;
	size_t left;

	if (q == 0)
		return;
	b = s->queue[q].first;
	left = s->packet[b].len;
	for (; b != 0; b = s->packet[b].next_block) {
		size_t part = left < STAGE_BLOCK ? left : STAGE_BLOCK;

		memcpy(dst, s->data[b], part);
		dst += part;
		left -= part;
	}
	drop_oldest(s, q);
}

void stage_drop(struct stage *s, tnl_peer p)
{
	/* At most STAGE_PER_PEER turns. */
	for (uint32_t q; (q = find(s, p)) != 0;)
		drop_oldest(s, q);
}

void stage_clear(struct stage *s)
{
	while (s->queues > 0)
		drop_oldest(s, s->queues);
}
