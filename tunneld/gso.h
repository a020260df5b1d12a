/* SPDX-License-Identifier: MIT */
/*
 * Takes a packet as the TUN device hands it over, super-packet or not, apart into the packets that go on the wire, each
 * whole: lengths, IPv4 IDs, TCP sequence numbers and flags, checksums. Pure bytes; any thread. The kernel is believed
 * no more than the network: whatever header and packet say, nothing outside the packet is read.
 */
#ifndef GSO_H
#define GSO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vnet.h"

struct gso {
	const uint8_t *pkt;	/* borrowed */
	uint32_t len;		/* bytes of it */
	uint32_t l4;		/* where the transport header begins */
	uint32_t head;		/* bytes that every segment begins with; a single packet: all of it */
	uint32_t mss;		/* payload bytes of every segment but the last; a single packet: 0 */
	uint32_t count;		/* segments, at least 1 */
	uint8_t proto;		/* PROTO_TCP or PROTO_UDP; a single packet: 0 */
	bool v6;
	uint32_t sum_from,
		sum_at; /* a single packet whose checksum is ours to finish: its span, its field; else 0, 0 */
	bool given;		/* a super-packet whose sum of the pseudo-header, but for the length, is `pseudo` */
	uint64_t pseudo;
};

/* False: not IPv4 or IPv6, cut short, or a header that makes no sense; drop it. ret borrows pkt. */
bool gso_parse(const struct virtio_net_hdr *h, const uint8_t *pkt, size_t len, struct gso *ret);

/* Bytes of packet i, i < count. */
static inline uint32_t gso_len(const struct gso *g, uint32_t i)
{
	return i + 1 < g->count ? g->head + g->mss : g->len - i * g->mss;
}

/* Writes packet i, gso_len() bytes, to dst, which must not overlap with g->pkt. */
void gso_segment(const struct gso *g, uint32_t i, uint8_t *dst);

#endif
