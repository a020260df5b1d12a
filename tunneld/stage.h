/* SPDX-License-Identifier: MIT */
/*
 * Packets that wait for a session: per peer the newest STAGE_PER_PEER, in order, in memory of a fixed size. When that
 * is used up, a peer with many packets waiting loses its oldest to one with few, so a flood to a dead peer costs others
 * nothing. One thread.
 */
#ifndef STAGE_H
#define STAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tunnel.h"

enum {
	STAGE_PER_PEER = 128,
	STAGE_BLOCK = 2048,	/* bytes; a packet takes as many blocks as it needs */
	STAGE_BLOCKS = 8192,	/* in all: 16 MiB, touched only as far as it is used */
};

struct stage;

/* Bytes of the memory that stage_init() wants, zeroed and aligned to 64. */
size_t stage_footprint(void);
struct stage *stage_init(void *mem);

/* Does anything wait at all, for anybody? */
bool stage_empty(const struct stage *s);
/* How many packets wait for p. */
unsigned stage_count(const struct stage *s, tnl_peer p);

/* Copies a packet behind those that wait for p, which is not 0. len <= 65535. */
void stage_push(struct stage *s, tnl_peer p, const uint8_t *pkt, size_t len);

/* p's oldest packet, NULL: none. *ret_len is its length, of which the first STAGE_BLOCK bytes can be read here. */
const uint8_t *stage_peek(const struct stage *s, tnl_peer p, size_t *ret_len);
/* Moves it to dst, all *ret_len bytes of it. */
void stage_pop(struct stage *s, tnl_peer p, uint8_t *dst);

void stage_drop(struct stage *s, tnl_peer p);
void stage_clear(struct stage *s);

#endif
