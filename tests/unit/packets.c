/* SPDX-License-Identifier: MIT */
#include "packets.h"

#include <string.h>

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v);
}

static uint32_t get16(const uint8_t *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

/* RFC 1071, byte by byte. */
static uint32_t sum(const uint8_t *p, size_t len, uint32_t start)
{
	uint64_t s = start;

	for (size_t i = 0; i < len; i++)
		s += i % 2 ? p[i] : (uint32_t)p[i] << 8;
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return (uint32_t)s;
}

static uint32_t transport_sum(const uint8_t *pkt, size_t head, size_t len, uint8_t proto)
{
	bool v6 = pkt[0] >> 4 == 6;
	uint8_t tail[8] = { 0 };
	uint32_t s = sum(v6 ? pkt + 8 : pkt + 12, v6 ? 32 : 8, 0);

	put32(tail, (uint32_t)(len - head));
	tail[7] = proto;
	return sum(pkt + head, len - head, sum(tail, 8, s));
}

size_t packet_make(const struct packet *p, uint8_t *dst)
{
	size_t head = p->v6 ? 40 : 20, l4 = p->proto == 6 ? 20 + p->options : p->proto == 17 ? 8 : 0;
	size_t len = head + l4 + p->payload;
	uint8_t *t = dst + head, *field = p->proto == 6 ? t + 16 : t + 6;

	memset(dst, 0, head + l4);
	if (p->v6) {
		put32(dst, 6u << 28 | (uint32_t)p->tos << 20);
		put16(dst + 4, (uint32_t)(len - head));
		dst[6] = p->proto;
		dst[7] = p->ttl;
		dst[8] = dst[24] = 0xfd;
		dst[39] = 1;
	} else {
		dst[0] = 0x45;
		dst[1] = p->tos;
		put16(dst + 2, (uint32_t)len);
		put16(dst + 4, p->id);
		put16(dst + 6, p->df ? 0x4000 : 0);
		dst[8] = p->ttl;
		dst[9] = p->proto;
		put32(dst + 12, 0x0a000001);
		put32(dst + 16, 0x0a000002);
		put16(dst + 10, ~sum(dst, 20, 0));
	}
	for (uint32_t i = 0; i < p->payload; i++)
		t[l4 + i] = (uint8_t)((p->from + i) * 2654435761u >> 21);
	if (l4 == 0)
		return len;
	put16(t, p->sport);
	put16(t + 2, 443);
	if (p->proto == 6) {
		put32(t + 4, p->seq);
		put32(t + 8, p->ack);
		t[12] = (uint8_t)((20 + p->options) / 4 << 4);
		t[13] = p->flags;
		put16(t + 14, p->window);
		memset(t + 20, 1, p->options);
	} else {
		put16(t + 4, (uint32_t)(len - head));
	}
	put16(field, ~transport_sum(dst, head, len, p->proto));
	if (p->proto == 17 && get16(field) == 0)
		put16(field, 0xffff);
	return len;
}

const char *packet_fault(const uint8_t *pkt, size_t len)
{
	size_t head;
	uint8_t proto;

	if (len >= 40 && pkt[0] >> 4 == 6) {
		head = 40;
		proto = pkt[6];
		if (get16(pkt + 4) + 40 != len)
			return "IPv6 length";
	} else if (len >= 20 && pkt[0] >> 4 == 4) {
		head = (pkt[0] & 15) * 4u;
		proto = pkt[9];
		if (get16(pkt + 2) != len || head < 20 || head > len)
			return "IPv4 length";
		if (sum(pkt, head, 0) != 0xffff)
			return "IPv4 header sum";
	} else {
		return "not IP";
	}
	if (proto == 17 && (len < head + 8 || get16(pkt + head + 4) != len - head))
		return "UDP length";
	if (proto == 17 && get16(pkt + head + 6) == 0)
		return "UDP sum missing";
	if (proto == 1)
		return sum(pkt + head, len - head, 0) == 0xffff ? NULL : "ICMP sum";
	if ((proto == 6 || proto == 17 || proto == 58) && transport_sum(pkt, head, len, proto) != 0xffff)
		return "transport sum";
	return NULL;
}

uint32_t packet_random(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}
