/* SPDX-License-Identifier: MIT */
#include "split.h"

#include <stdbool.h>
#include <string.h>

static uint32_t get(const uint8_t *p, unsigned bytes)
{
	uint32_t v = 0;

	while (bytes-- > 0)
		v = v << 8 | *p++;
	return v;
}

static void put(uint8_t *p, unsigned bytes, uint32_t v)
{
	while (bytes-- > 0)
		p[bytes] = (uint8_t)v, v >>= 8;
}

/* One's complement sum of 16-bit words, RFC 1071, on top of another. */
static uint32_t add(uint32_t sum, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		sum += (uint32_t)p[i] << (i % 2 ? 0 : 8);
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return sum;
}

static uint32_t add_number(uint32_t sum, uint32_t v)
{
	uint8_t bytes[4];

	put(bytes, 4, v);
	return add(sum, bytes, 4);
}

/* Where the header of this protocol begins, and 0 if it is not to be found. */
static size_t transport(const uint8_t *pkt, size_t len, unsigned proto)
{
	unsigned next = pkt[6];
	size_t at = 40;

	if (pkt[0] >> 4 == 4)
		return pkt[9] == proto ? (pkt[0] & 15) * 4u : 0;
	while (next == 0 || next == 43 || next == 60) {
		if (at + 8 > len)
			return 0;
		next = pkt[at];
		at += 8 + 8u * pkt[at + 1];
	}
	return next == proto ? at : 0;
}

static bool is_ip(const uint8_t *pkt, size_t len)
{
	if (len >= 20 && pkt[0] >> 4 == 4)
		return (pkt[0] & 15) >= 5 && (pkt[0] & 15) * 4u <= len;
	return len >= 40 && pkt[0] >> 4 == 6;
}

static size_t whole(const struct virtio_net_hdr *h, const uint8_t *pkt, size_t len, uint8_t *dst)
{
	size_t stated = pkt[0] >> 4 == 4 ? get(pkt + 2, 2) : 40 + get(pkt + 4, 2);
	size_t field = (size_t)h->csum_start + h->csum_offset;
	uint32_t sum;

	if (stated > len || (pkt[0] >> 4 == 4 && stated < (pkt[0] & 15) * 4u))
		return 0;
	memcpy(dst, pkt, stated);
	if (!(h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM))
		return stated;
	if (field + 2 > stated)
		return 0;
	sum = 0xffff & ~add(0, pkt + h->csum_start, stated - h->csum_start);
	put(dst + field, 2, sum ? sum : 0xffff);
	return stated;
}

/* The sum of the pseudo-header of a segment whose transport part has l4_len bytes. Behind options the kernel's is to be
 * taken: it is that of the whole super-packet, so its length is taken out by adding the complement. */
static uint32_t pseudo(const struct virtio_net_hdr *h, const uint8_t *pkt, size_t len, size_t l4, unsigned proto,
		       size_t l4_len)
{
	bool v6 = pkt[0] >> 4 == 6;
	unsigned field = proto == 6 ? 16 : 6;

	if (l4 > (v6 ? 40 : 20) && (h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) && h->csum_start == l4 &&
	    h->csum_offset == field)
		return add_number(get(pkt + l4 + field, 2), (uint32_t)l4_len + (0xffff & ~(uint32_t)(len - l4)));
	return add_number(add_number(v6 ? add(0, pkt + 8, 32) : add(0, pkt + 12, 8), proto), (uint32_t)l4_len);
}

size_t split(const struct virtio_net_hdr *h, const uint8_t *pkt, size_t len, uint32_t i, uint8_t *dst)
{
	unsigned type = h->gso_type & ~VIRTIO_NET_HDR_GSO_ECN, proto = type == VIRTIO_NET_HDR_GSO_UDP_L4 ? 17 : 6;
	bool v6;
	size_t l4, head, mss = h->gso_size, from, part, all;
	uint32_t sum;

	if (!is_ip(pkt, len))
		return 0;
	if (type == VIRTIO_NET_HDR_GSO_NONE)
		return i == 0 ? whole(h, pkt, len, dst) : 0;
	v6 = pkt[0] >> 4 == 6;
	l4 = transport(pkt, len, proto);
	if (l4 == 0 || mss == 0 || l4 + (proto == 6 ? 20 : 8) > len || (!v6 && (get(pkt + 6, 2) & 0x3fff)) ||
	    (proto == 6 && type != (v6 ? VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4)))
		return 0;
	head = l4 + (proto == 6 ? (pkt[l4 + 12] >> 4) * 4u : 8);
	from = head + (size_t)i * mss;
	if (from >= len || (proto == 6 && head < l4 + 20))
		return 0;
	part = len - from < mss ? len - from : mss;
	all = head + part;
	memcpy(dst, pkt, head);
	memcpy(dst + head, pkt + from, part);
	put(dst + (v6 ? 4 : 2), 2, (uint32_t)(v6 ? all - 40 : all));
	if (!v6) {
		put(dst + 4, 2, get(pkt + 4, 2) + i);
		put(dst + 10, 2, 0);
		put(dst + 10, 2, ~add(0, dst, l4));
	}
	if (proto == 6) {
		put(dst + l4 + 4, 4, get(pkt + l4 + 4, 4) + (uint32_t)(i * mss));
		if (from + part < len)
			dst[l4 + 13] &= (uint8_t)~0x09;	/* FIN, PSH: in the last one only */
		if (i > 0)
			dst[l4 + 13] &= (uint8_t)~0x80;	/* CWR: in the first one only */
	} else {
		put(dst + l4 + 4, 2, (uint32_t)(all - l4));
	}
	put(dst + l4 + (proto == 6 ? 16 : 6), 2, 0);
	sum = 0xffff & ~add(pseudo(h, pkt, len, l4, proto, all - l4), dst + l4, all - l4);
	put(dst + l4 + (proto == 6 ? 16 : 6), 2, sum == 0 && proto == 17 ? 0xffff : sum);
	return all;
}
