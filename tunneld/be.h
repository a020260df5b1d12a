/* SPDX-License-Identifier: MIT */
/*
 * Big-endian numbers in packets, and where the fields of IP, TCP and UDP headers lie. No struct is laid over a packet:
 * the kernel's, the network's and our own buffers promise no alignment.
 */
#ifndef BE_H
#define BE_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

enum {
	IP4_TOS = 1, IP4_LEN = 2, IP4_ID = 4, IP4_FRAG = 6, IP4_TTL = 8, IP4_PROTO = 9, IP4_SUM = 10, IP4_SRC = 12,
	IP4_DST = 16, IP4_HEAD = 20,	/* bytes, without options */
	IP4_DF = 0x4000, IP4_MF = 0x2000, IP4_OFFSET = 0x1fff,	/* in the IP4_FRAG word */
	IP6_LEN = 4, IP6_NEXT = 6, IP6_HOPS = 7, IP6_SRC = 8, IP6_DST = 24, IP6_HEAD = 40,
	IP6_FRAGMENT = 8,	/* bytes of a fragment header */
	TCP_SEQ = 4, TCP_ACK = 8, TCP_OFF = 12, TCP_FLAGS = 13, TCP_WIN = 14, TCP_SUM = 16, TCP_URG = 18, TCP_HEAD = 20,
	TCP_FIN = 0x01, TCP_PSH = 0x08, TCP_ACKED = 0x10, TCP_ECE = 0x40, TCP_CWR = 0x80,	/* in TCP_FLAGS */
	UDP_SPORT = 0, UDP_DPORT = 2, UDP_LEN = 4, UDP_SUM = 6, UDP_HEAD = 8,
	PROTO_ICMP = 1, PROTO_TCP = 6, PROTO_UDP = 17, PROTO_FRAGMENT = 44, PROTO_ICMP6 = 58,
};

static inline uint16_t be16_get(const uint8_t *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return be16toh(v);
}

static inline uint32_t be32_get(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return be32toh(v);
}

static inline void be16_put(uint8_t *p, uint32_t v)
{
	uint16_t be = htobe16((uint16_t)v);

	memcpy(p, &be, sizeof(be));
}

static inline void be32_put(uint8_t *p, uint32_t v)
{
	uint32_t be = htobe32(v);

	memcpy(p, &be, sizeof(be));
}

#endif
