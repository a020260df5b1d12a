/* SPDX-License-Identifier: MIT */
/* What the four messages look like, WG 5.4: offsets, lengths, and the only way to read and write their integers. */
#ifndef WIRE_H
#define WIRE_H

#include <stdint.h>
#include <string.h>

/* The first four bytes of a message, read as one little-endian word: the type and three reserved zeros. */
enum { WIRE_INITIATION = 1, WIRE_RESPONSE = 2, WIRE_COOKIE = 3, WIRE_DATA = 4 };

enum {
	INITIATION_LEN = 148,
	INITIATION_SENDER = 4,
	INITIATION_EPHEMERAL = 8,
	INITIATION_STATIC = 40,		/* 32 + 16, sealed */
	INITIATION_TIMESTAMP = 88,	/* 12 + 16, sealed */

	RESPONSE_LEN = 92,
	RESPONSE_SENDER = 4,
	RESPONSE_RECEIVER = 8,
	RESPONSE_EPHEMERAL = 12,
	RESPONSE_EMPTY = 44,		/* 0 + 16, sealed */

	COOKIE_LEN = 64,
	COOKIE_RECEIVER = 4,
	COOKIE_NONCE = 8,
	COOKIE_SEALED = 32,		/* 16 + 16 */

	DATA_RECEIVER = 4,
	DATA_COUNTER = 8,
	DATA_BODY = 16,
	DATA_MIN = 32,			/* a keepalive */

	MAC_LEN = 16,			/* mac1 and mac2 are the last 32 bytes of initiation and response */
	TIMESTAMP_LEN = 12,		/* TAI64N */
};

_Static_assert(INITIATION_TIMESTAMP + TIMESTAMP_LEN + 16 + 2 * MAC_LEN == INITIATION_LEN, "initiation");
_Static_assert(RESPONSE_EMPTY + 16 + 2 * MAC_LEN == RESPONSE_LEN, "response");
_Static_assert(COOKIE_SEALED + MAC_LEN + 16 == COOKIE_LEN, "cookie reply");

static inline uint32_t get_le32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline uint64_t get_le64(const uint8_t *p)
{
	return (uint64_t)get_le32(p) | (uint64_t)get_le32(p + 4) << 32;
}

static inline void put_le32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> 8 * i);
}

static inline void put_le64(uint8_t *p, uint64_t v)
{
	put_le32(p, (uint32_t)v);
	put_le32(p + 4, (uint32_t)(v >> 32));
}

static inline uint16_t get_be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline void put_be16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline void put_be32(uint8_t *p, uint32_t v)
{
	put_be16(p, (uint16_t)(v >> 16));
	put_be16(p + 2, (uint16_t)v);
}

#endif
