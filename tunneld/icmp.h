/* SPDX-License-Identifier: MIT */
/*
 * The answer to a packet from the host that no peer takes: destination unreachable, host (3/1, RFC 792) or address
 * (1/3, RFC 4443), so that connect() fails at once. Pure.
 */
#ifndef ICMP_H
#define ICMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ICMP_MAX = 1280 };	/* bytes of an answer: no larger than every link takes */

/* Answers pkt into ret. Returns the length, 0 when there must be no answer: errors, fragments but the first, multicast,
 * broadcast, no single sender. The source is pkt's destination: an address of the host's own would be discarded. */
size_t icmp_unreachable(const uint8_t *pkt, size_t len, uint8_t ret[ICMP_MAX]);

/* Answers are limited: ICMP_BURST at once, ICMP_PER_SECOND in the long run. All zero is a fresh limit. */
enum { ICMP_PER_SECOND = 100, ICMP_BURST = 50 };
struct icmp_limit {
	uint64_t full_ns;	/* when the bucket is full again */
};
bool icmp_allow(struct icmp_limit *l, uint64_t now_ns);

#endif
