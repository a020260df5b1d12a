/* SPDX-License-Identifier: MIT */
/*
 * In IPv4 the bits are the low two of the second byte; in IPv6 the traffic class lies across the first two bytes and
 * they are bits 4 and 5 of the second. A packet that does not take part (Not-ECT) is delivered unchanged even if the
 * outer one was marked: the kernel does, though RFC 6040 would drop it.
 */
#include "ecn.h"

#include <stdbool.h>

#include "be.h"

enum { NOT_ECT = 0, ECT1 = 1, ECT0 = 2, CE = 3, ECN_BITS = 3 };

static unsigned bits_at(const uint8_t *pkt)
{
	return pkt[0] >> 4 == 6 ? 4 : 0;
}

uint8_t ecn_outer(const uint8_t *pkt)
{
	uint8_t ecn = pkt[IP4_TOS] >> bits_at(pkt) & ECN_BITS;

	return ecn == CE ? ECT0 : ecn;
}

/* RFC 1624: what was right stays right and what was wrong stays wrong, and a header length that is a lie is not asked.
 */
static void adjust_sum(uint8_t *field, uint16_t before, uint16_t after)
{
	uint32_t sum = (uint16_t)~be16_get(field) + (uint32_t)(uint16_t)~before + after;

	sum = (sum & 0xffff) + (sum >> 16);
	sum += sum >> 16;
	be16_put(field, (uint16_t)~sum);
}

void ecn_inner(uint8_t outer_tos, uint8_t *pkt)
{
	uint8_t outer = outer_tos & ECN_BITS, inner = pkt[IP4_TOS] >> bits_at(pkt) & ECN_BITS;
	bool marked = outer == CE && inner != NOT_ECT;
	uint16_t before;

	if (!marked && !(outer == ECT1 && inner == ECT0))
		return;
	if (marked && inner == CE)
		return;
	before = be16_get(pkt);
	pkt[IP4_TOS] = (uint8_t)((pkt[IP4_TOS] & ~(ECN_BITS << bits_at(pkt))) | outer << bits_at(pkt));
	if (pkt[0] >> 4 == 4)
		adjust_sum(pkt + IP4_SUM, before, be16_get(pkt));
}
