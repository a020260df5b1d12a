/* SPDX-License-Identifier: MIT */
/*
 * A super-packet is one header and many payloads. Segment i gets a copy of the header in which only this differs: the
 * lengths, the IPv4 ID (+ i), the sequence number (+ i payloads), FIN and PSH (last segment only), CWR (first only),
 * and the sums over all of it. hdr_len of the virtio header is a hint that kernels have got wrong; the packet's own
 * headers decide. A checksum that is ours to finish holds the sum of the pseudo-header already (NEEDS_CSUM).
 *
 * Of a super-packet that sum is made anew, from the addresses in the header. But options and extension headers may hold
 * the address that counts (a source route's last, a mobile node's home); the kernel knows, so what it has put into the
 * field is taken then, less the length.
 */
#include "gso.h"

#include <string.h>

#include "be.h"
#include "csum.h"

/* Finds the transport header behind hop-by-hop (0), routing (43) and destination options (60). 0: there is none of this
 * protocol. */
static uint32_t ip6_transport(const uint8_t *pkt, uint32_t len, uint8_t proto)
{
	uint32_t at = IP6_HEAD;
	uint8_t next = pkt[IP6_NEXT];

	while (next != proto) {
		if ((next != 0 && next != 43 && next != 60) || len - at < 8)
			return 0;
		next = pkt[at];
		at += 8 + 8u * pkt[at + 1];
		if (at > len)
			return 0;
	}
	return at;
}

static bool parse_ip(const uint8_t *pkt, size_t len, struct gso *g)
{
	if (len < IP4_HEAD || len > 65535)
		return false;
	g->v6 = pkt[0] >> 4 == 6;
	if (g->v6)
		return len >= IP6_HEAD;
	g->l4 = (pkt[0] & 15) * 4u;
	return pkt[0] >> 4 == 4 && g->l4 >= IP4_HEAD && g->l4 <= len;
}

/* A packet that stays one: trimmed to the length that its header states, and perhaps a checksum to finish. */
static bool parse_single(const struct virtio_net_hdr *h, struct gso *g)
{
	uint32_t want = g->v6 ? IP6_HEAD + (uint32_t)be16_get(g->pkt + IP6_LEN) : be16_get(g->pkt + IP4_LEN);

	if (want > g->len || (!g->v6 && want < g->l4))
		return false;
	g->len = g->head = want;
	if (!(h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM))
		return true;
	g->sum_from = h->csum_start;
	g->sum_at = (uint32_t)h->csum_start + h->csum_offset;
	return g->sum_from >= (g->v6 ? IP6_HEAD : g->l4) && g->sum_at + 2 <= g->len && g->sum_at % 2 == g->sum_from % 2;
}

/* The kernel's sum of the pseudo-header, where ours would not do. */
static void take_pseudo(const struct virtio_net_hdr *h, struct gso *g)
{
	uint16_t sum;

	if (g->l4 == (g->v6 ? IP6_HEAD : IP4_HEAD) || !(h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) ||
	    h->csum_start != g->l4 || h->csum_offset != (g->proto == PROTO_TCP ? TCP_SUM : UDP_SUM))
		return;
	memcpy(&sum, g->pkt + g->l4 + h->csum_offset, sizeof(sum));
	g->given = true;
	g->pseudo = (uint64_t)sum + (uint16_t)~htobe16((uint16_t)(g->len - g->l4));
}

static bool parse_super(const struct virtio_net_hdr *h, struct gso *g)
{
	uint32_t l4_head;

	if (!g->v6 && (g->pkt[IP4_PROTO] != g->proto || (be16_get(g->pkt + IP4_FRAG) & (IP4_MF | IP4_OFFSET))))
		return false;
	if (g->v6)
		g->l4 = ip6_transport(g->pkt, g->len, g->proto);
	if (g->l4 == 0 || g->len - g->l4 < (g->proto == PROTO_TCP ? TCP_HEAD : UDP_HEAD))
		return false;
	l4_head = g->proto == PROTO_TCP ? (g->pkt[g->l4 + TCP_OFF] >> 4) * 4u : UDP_HEAD;
	g->head = g->l4 + l4_head;
	g->mss = h->gso_size;
	if ((g->proto == PROTO_TCP && l4_head < TCP_HEAD) || g->head >= g->len || g->mss == 0)
		return false;
	if (g->head + g->mss > 65535)
		return false;
	g->count = (g->len - g->head + g->mss - 1) / g->mss;
	take_pseudo(h, g);
	return true;
}

bool gso_parse(const struct virtio_net_hdr *h, const uint8_t *pkt, size_t len, struct gso *ret)
{
	struct gso g = { .pkt = pkt, .len = (uint32_t)len, .count = 1 };
	uint8_t type = h->gso_type & (uint8_t)~VIRTIO_NET_HDR_GSO_ECN;
	bool good = parse_ip(pkt, len, &g);

	if (!good)
		return false;
	switch (type) {
	case VIRTIO_NET_HDR_GSO_NONE:
		good = parse_single(h, &g);
		break;
	case VIRTIO_NET_HDR_GSO_TCPV4:
	case VIRTIO_NET_HDR_GSO_TCPV6:
		g.proto = PROTO_TCP;
		good = g.v6 == (type == VIRTIO_NET_HDR_GSO_TCPV6) && parse_super(h, &g);
		break;
	case VIRTIO_NET_HDR_GSO_UDP_L4:
		g.proto = PROTO_UDP;
		good = parse_super(h, &g);
		break;
	default:
		good = false;
	}
	if (good)
		*ret = g;
	return good;
}

static void finish_single(const struct gso *g, uint8_t *dst)
{
	uint16_t sum;

	if (g->sum_at == 0) {
		memcpy(dst, g->pkt, g->len);
		return;
	}
	memcpy(dst, g->pkt, g->sum_from);
	sum = csum_fold(csum_copy(0, dst + g->sum_from, g->pkt + g->sum_from, g->len - g->sum_from));
	/* To UDP a sum of 0 means none, RFC 768; to the others both zeros are the same. */
	csum_put(dst + g->sum_at, sum ? sum : 0xffff);
}

static void set_tcp(const struct gso *g, uint32_t i, uint8_t *tcp)
{
	uint8_t clear = 0;

	be32_put(tcp + TCP_SEQ, be32_get(tcp + TCP_SEQ) + i * g->mss);
	if (i + 1 < g->count)
		clear |= TCP_FIN | TCP_PSH;
	if (i > 0)
		clear |= TCP_CWR;
	tcp[TCP_FLAGS] &= (uint8_t)~clear;
}

void gso_segment(const struct gso *g, uint32_t i, uint8_t *dst)
{
	uint32_t len = gso_len(g, i), l4_len = len - g->l4;
	uint8_t *l4 = dst + g->l4, *field;
	uint64_t sum;
	uint16_t folded;

	if (g->mss == 0) {
		finish_single(g, dst);
		return;
	}
	memcpy(dst, g->pkt, g->head);
	if (g->v6) {
		be16_put(dst + IP6_LEN, len - IP6_HEAD);
	} else {
		be16_put(dst + IP4_LEN, len);
		be16_put(dst + IP4_ID, be16_get(dst + IP4_ID) + i);
		csum_ip4(dst, g->l4);
	}
	if (g->proto == PROTO_TCP) {
		set_tcp(g, i, l4);
		field = l4 + TCP_SUM;
	} else {
		be16_put(l4 + UDP_LEN, l4_len);
		field = l4 + UDP_SUM;
	}
	csum_put(field, 0);
	sum = g->given ? g->pseudo + htobe16((uint16_t)l4_len) : csum_pseudo(dst, g->proto, l4_len);
	sum = csum_add(sum, l4, g->head - g->l4);
	sum = csum_copy(sum, dst + g->head, g->pkt + g->head + i * g->mss, len - g->head);
	folded = csum_fold(sum);
	csum_put(field, folded == 0 && g->proto == PROTO_UDP ? 0xffff : folded);
}
