/* SPDX-License-Identifier: MIT */
/* What route.c is made of: nodes in two arrays, that of the readers and the owner's, and the links between them. */
#ifndef ROUTE_OWN_H
#define ROUTE_OWN_H

#include <sodium.h>
#include <stdatomic.h>
#include <stdint.h>

#include "prefix.h"

enum { PREFIXES_MAX = 1 << 28 };

/* key, bits and family never change while the node is linked. */
struct node {
	struct key key;
	_Atomic uint32_t child[2];	/* owner writes, workers read; in the hash table chains, see route.c */
	_Atomic uint32_t owner;		/* owner writes, workers read; 0: glue */
	uint8_t bits, family;
};

_Static_assert(sizeof(struct node) == 32, "two to a cache line, none across two");

/* Owner only. In use: neighbours in the list of its owner. Unlinked or free: next of its list, and the tag. */
struct link {
	uint32_t prev, next;
	uint64_t tag;
};

struct list {
	uint32_t first, last;
};

struct route {
	/* What workers read. */
	struct node *node;
	_Atomic uint32_t *bucket;	/* tables of n buckets each, at n */
	_Atomic uint32_t table;		/* the one in use: n | side; owner writes */
	_Atomic uint32_t root[2];	/* tries: IPv4, IPv6; owner writes */
	uint8_t seed[crypto_shorthash_KEYBYTES];

	/* What only the owner touches, on lines of its own. */
	_Alignas(64) struct link *link;
	struct list *list;		/* [owner]: its prefixes in the order in which they were set */
	struct list limbo;		/* unlinked nodes, oldest first */
	uint32_t prefixes, owners;	/* limits */
	uint32_t nodes, used, free;	/* how many, how many were ever handed out, first of the free ones */
	uint32_t count;
	uint32_t hosts, most;		/* full-length prefixes; buckets of the largest table */
	uint64_t grown;			/* when the table became larger; 0: no reader knows the one before */
};

static inline uint32_t follow(const _Atomic uint32_t *link)
{
	return atomic_load_explicit(link, memory_order_acquire);
}

static inline uint32_t peek(const _Atomic uint32_t *link)
{
	return atomic_load_explicit(link, memory_order_relaxed);
}

static inline void publish(_Atomic uint32_t *link, uint32_t node)
{
	atomic_store_explicit(link, node, memory_order_release);
}

#endif
