/* SPDX-License-Identifier: MIT */
/* Whole IP packets, built and judged the slow and obvious way, for tests of what takes packets apart and joins them. */
#ifndef PACKETS_H
#define PACKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PACKETS_MAX = 65535 };

struct packet {
	bool v6, df;
	uint8_t proto;		/* 6, 17, or anything else: payload right behind the IP header */
	uint8_t tos, ttl, flags;
	uint16_t id, sport, window;
	uint32_t seq, ack;
	uint32_t options;	/* bytes of TCP options, a multiple of 4 */
	uint32_t from;		/* the payload is this part of a stream of bytes */
	uint32_t payload;	/* bytes */
};

/* Writes it with right lengths and sums; returns its length. */
size_t packet_make(const struct packet *p, uint8_t *dst);

/* NULL: lengths and sums are right. */
const char *packet_fault(const uint8_t *pkt, size_t len);

/* The same sequence on every machine. */
uint32_t packet_random(uint32_t *state);

#endif
