/* SPDX-License-Identifier: MIT */
/* What the protocol has to know of an inner packet: where it goes, where it comes from and where it ends. Pure. */
#ifndef IP_H
#define IP_H

#include <stddef.h>
#include <stdint.h>

#include "wire.h"

enum { IP4_HEAD = 20, IP4_SRC = 12, IP4_DST = 16, IP6_HEAD = 40, IP6_SRC = 8, IP6_DST = 24 };

/* 4 or 6 when a whole header of that version is there, else 0. */
static inline unsigned ip_version(const uint8_t *pkt, size_t len)
{
	if (len >= IP4_HEAD && pkt[0] >> 4 == 4)
		return 4;
	if (len >= IP6_HEAD && pkt[0] >> 4 == 6)
		return 6;
	return 0;
}

/* The packet's own length, at most len; 0 when its header is not that of a whole IP packet of at most len bytes. The
 * sum for IPv6 is done in size_t: in 16 bits a hostile payload length would wrap to a short one. */
static inline size_t ip_total_len(const uint8_t *pkt, size_t len)
{
	size_t total;

	switch (ip_version(pkt, len)) {
	case 4:
		total = get_be16(pkt + 2);
		return total >= IP4_HEAD && total <= len ? total : 0;
	case 6:
		total = (size_t)get_be16(pkt + 4) + IP6_HEAD;
		return total <= len ? total : 0;
	default:
		return 0;
	}
}

#endif
