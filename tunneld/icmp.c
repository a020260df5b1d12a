/* SPDX-License-Identifier: MIT */
/*
 * When to stay silent is RFC 1122 3.2.2 and RFC 4443 2.4 (e). How much is quoted: all that keeps an IPv4 answer within
 * 576 bytes (RFC 1812 4.3.2.3) and an IPv6 one within 1280.
 */
#include "icmp.h"

#include <string.h>

#include "be.h"
#include "csum.h"

enum { ICMP_HEAD = 8, ICMP4_MAX = 576, TTL = 64, TOS_CONTROL = 0xc0 };

/* Unspecified, loopback, multicast or class E, the broadcast address among them: nobody, or not one. */
static bool ip4_single(const uint8_t *a)
{
	return a[0] != 0 && a[0] != 127 && a[0] < 224;
}

static bool ip6_single(const uint8_t *a)
{
	static const uint8_t unspecified[16];

	return a[0] != 0xff && memcmp(a, unspecified, 16) != 0;
}

static size_t answer4(const uint8_t *pkt, size_t len, uint8_t *ret)
{
	size_t head = (pkt[0] & 15) * 4u,
	       quote = len < ICMP4_MAX - IP4_HEAD - ICMP_HEAD ? len : ICMP4_MAX - IP4_HEAD - ICMP_HEAD;
	uint8_t *icmp = ret + IP4_HEAD;

	if (head < IP4_HEAD || head > len || (be16_get(pkt + IP4_FRAG) & IP4_OFFSET) || !ip4_single(pkt + IP4_SRC) ||
	    !ip4_single(pkt + IP4_DST))
		return 0;
	/* Only questions are answered: echo, timestamp, information, mask and router solicitation. */
	if (pkt[IP4_PROTO] == PROTO_ICMP && (len == head || !(pkt[head] == 8 || pkt[head] == 10 || pkt[head] == 13 ||
							      pkt[head] == 15 || pkt[head] == 17)))
		return 0;
	memset(ret, 0, IP4_HEAD + ICMP_HEAD);
	ret[0] = 0x45;
	ret[IP4_TOS] = TOS_CONTROL;
	be16_put(ret + IP4_LEN, (uint32_t)(IP4_HEAD + ICMP_HEAD + quote));
	ret[IP4_TTL] = TTL;
	ret[IP4_PROTO] = PROTO_ICMP;
	memcpy(ret + IP4_SRC, pkt + IP4_DST, 4);
	memcpy(ret + IP4_DST, pkt + IP4_SRC, 4);
	csum_ip4(ret, IP4_HEAD);
	icmp[0] = 3;
	icmp[1] = 1;
	memcpy(icmp + ICMP_HEAD, pkt, quote);
	csum_put(icmp + 2, csum_fold(csum_add(0, icmp, ICMP_HEAD + quote)));
	return IP4_HEAD + ICMP_HEAD + quote;
}

static size_t answer6(const uint8_t *pkt, size_t len, uint8_t *ret)
{
	size_t quote = len < ICMP_MAX - IP6_HEAD - ICMP_HEAD ? len : ICMP_MAX - IP6_HEAD - ICMP_HEAD;
	uint32_t icmp_len = (uint32_t)(ICMP_HEAD + quote);
	uint8_t *icmp = ret + IP6_HEAD;

	if (len < IP6_HEAD || !ip6_single(pkt + IP6_SRC) || !ip6_single(pkt + IP6_DST))
		return 0;
	/* Types below 128 are errors, 137 is a redirect. */
	if (pkt[IP6_NEXT] == PROTO_ICMP6 && (len == IP6_HEAD || pkt[IP6_HEAD] < 128 || pkt[IP6_HEAD] == 137))
		return 0;
	/* A fragment header that is not of the first. */
	if (pkt[IP6_NEXT] == 44 && (len < IP6_HEAD + 8 || be16_get(pkt + IP6_HEAD + 2) & 0xfff8))
		return 0;
	memset(ret, 0, IP6_HEAD + ICMP_HEAD);
	ret[0] = 0x60;
	be16_put(ret + IP6_LEN, icmp_len);
	ret[IP6_NEXT] = PROTO_ICMP6;
	ret[IP6_HOPS] = TTL;
	memcpy(ret + IP6_SRC, pkt + IP6_DST, 16);
	memcpy(ret + IP6_DST, pkt + IP6_SRC, 16);
	icmp[0] = 1;
	icmp[1] = 3;
	memcpy(icmp + ICMP_HEAD, pkt, quote);
	csum_put(icmp + 2, csum_fold(csum_add(csum_pseudo(ret, PROTO_ICMP6, icmp_len), icmp, icmp_len)));
	return IP6_HEAD + icmp_len;
}

size_t icmp_unreachable(const uint8_t *pkt, size_t len, uint8_t ret[ICMP_MAX])
{
	if (len < IP4_HEAD)
		return 0;
	switch (pkt[0] >> 4) {
	case 4:
		return answer4(pkt, len, ret);
	case 6:
		return answer6(pkt, len, ret);
	}
	return 0;
}

bool icmp_allow(struct icmp_limit *l, uint64_t now_ns)
{
	const uint64_t cost = UINT64_C(1000000000) / ICMP_PER_SECOND;
	uint64_t from = l->full_ns > now_ns ? l->full_ns : now_ns;

	if (from - now_ns > (ICMP_BURST - 1) * cost)
		return false;
	l->full_ns = from + cost;
	return true;
}
