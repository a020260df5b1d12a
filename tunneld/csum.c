/* SPDX-License-Identifier: MIT */
/*
 * Every byte of a super-packet passes here once more than it would have to, so the inner loop takes 64 bytes a turn in
 * vectors of whatever width the machine has. A 64-bit lane takes the two 32-bit halves apart, adds each to an
 * accumulator of its own and so has room for 2^32 turns before a carry could be lost.
 */
#include "csum.h"

#include <string.h>

#include "be.h"

typedef uint64_t lanes __attribute__((vector_size(16)));

static uint64_t csum_bulk(const uint8_t *p, size_t blocks)
{
	lanes low = { 0 }, high = { 0 }, v[4];
	uint64_t sum = 0;

	while (blocks-- > 0) {
		memcpy(v, p, sizeof(v));
		p += sizeof(v);
		for (unsigned i = 0; i < 4; i++) {
			low += v[i] & 0xffffffff;
			high += v[i] >> 32;
		}
	}
	low += high;
	for (unsigned i = 0; i < sizeof(lanes) / 8; i++)
		sum += low[i];
	return sum;
}

uint64_t csum_add(uint64_t sum, const uint8_t *p, size_t len)
{
	size_t bulk = len / 64;

	sum += csum_bulk(p, bulk);
	p += bulk * 64;
	len -= bulk * 64;
	for (; len >= 4; p += 4, len -= 4) {
		uint32_t v;

		memcpy(&v, p, sizeof(v));
		sum += v;
	}
	for (unsigned take; len > 0; p += take, len -= take) {
		uint16_t v = 0;

		take = len > 1 ? 2 : 1;
		memcpy(&v, p, take);
		sum += v;
	}
	return sum;
}

uint64_t csum_pseudo(const uint8_t *ip, uint8_t proto, uint32_t len)
{
	uint64_t sum = htobe16(proto);

	sum += htobe32(len);
	return ip[0] >> 4 == 4 ? csum_add(sum, ip + IP4_SRC, 8) : csum_add(sum, ip + IP6_SRC, 32);
}

uint16_t csum_partial(uint64_t sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)((sum & 0xffff) + (sum >> 16));
}

uint16_t csum_fold(uint64_t sum)
{
	return (uint16_t)~csum_partial(sum);
}

void csum_put(uint8_t *field, uint16_t sum)
{
	memcpy(field, &sum, sizeof(sum));
}

void csum_ip4(uint8_t *ip, size_t head_len)
{
	csum_put(ip + IP4_SUM, 0);
	csum_put(ip + IP4_SUM, csum_fold(csum_add(0, ip, head_len)));
}
