/* SPDX-License-Identifier: MIT */
/*
 * Arithmetic on prefixes. An address of either family is a 128-bit key, IPv4 in the upper 32 bits and zero below, so
 * that a bit has the same number in the key and in the prefix length. Pure.
 */
#ifndef PREFIX_H
#define PREFIX_H

#include <stdbool.h>
#include <stdint.h>

struct key {
	uint64_t hi, lo;
};

/* n bytes, at most 8, as the upper ones of a word. */
static inline uint64_t get_be(const uint8_t *p, unsigned n)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < 8; i++)
		v = v << 8 | (i < n ? p[i] : 0);
	return v;
}

static inline unsigned full_length(uint8_t family)
{
	return family == 4 ? 32 : 128;
}

/* ip: 4 or 16 bytes. */
static inline struct key to_key(const uint8_t *ip, uint8_t family)
{
	if (family == 4)
		return (struct key){ get_be(ip, 4), 0 };
	return (struct key){ get_be(ip, 8), get_be(ip + 8, 8) };
}

static inline struct key clear_host_bits(struct key k, unsigned bits)
{
	if (bits < 64)
		k.hi &= ~(UINT64_MAX >> bits);
	if (bits <= 64)
		k.lo = 0;
	else if (bits < 128)
		k.lo &= ~(UINT64_MAX >> (bits - 64));
	return k;
}

static inline bool key_equal(struct key a, struct key b)
{
	return a.hi == b.hi && a.lo == b.lo;
}

static inline unsigned common_bits(struct key a, struct key b)
{
	if (a.hi != b.hi)
		return (unsigned)__builtin_clzll(a.hi ^ b.hi);
	if (a.lo != b.lo)
		return 64 + (unsigned)__builtin_clzll(a.lo ^ b.lo);
	return 128;
}

/* i < 128 */
static inline unsigned bit_at(struct key k, unsigned i)
{
	return (unsigned)(i < 64 ? k.hi >> (63 - i) : k.lo >> (127 - i)) & 1;
}

/* The first n bytes of v, at most 8. */
static inline void put_be(uint8_t *p, uint64_t v, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		p[i] = (uint8_t)(v >> (56 - 8 * i));
}

static inline void from_key(struct key k, uint8_t family, uint8_t ip[16])
{
	put_be(ip, k.hi, family == 4 ? 4 : 8);
	if (family == 6)
		put_be(ip + 8, k.lo, 8);
}

#endif
