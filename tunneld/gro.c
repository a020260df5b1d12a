/* SPDX-License-Identifier: MIT */
/*
 * A table finds the newest super of a flow by a hash of addresses, ports and protocol. A packet is joined to that if it
 * is exactly what splitting would have produced next: same header but for lengths, sums, ID + 1, sequence number and
 * PSH. Whatever else belongs to the flow (a bare ACK, SYN, FIN, other options) starts a super of its own behind it, and
 * from then on only that one is found: so nothing overtakes. Two flows of one hash only take the slot from each other
 * and join less. Fragments, and what lies behind IPv6 extension headers, may belong to any flow: behind one of those
 * nothing is joined to what came before.
 *
 * A super-packet gets an IPv4 header sum of our making, so the sums of what is joined are verified: a packet with a
 * wrong one must reach the host as it is, to be dropped there. The TCP and UDP checksums are not, as in the kernel's
 * own WireGuard: the tunnel's tag has vouched for every byte since the sender's host, and to sum them up once more
 * would cost a tenth of what opening costs. What was wrong before it came into the tunnel is then not found out if it
 * is joined. The kernel computes them if it ever needs them (NEEDS_CSUM).
 */
#include "gro.h"

#include <string.h>

#include "be.h"
#include "csum.h"

void gro_init(struct gro *g, bool tcp, bool udp)
{
	g->tcp = tcp;
	g->udp = udp;
	gro_reset(g);
}

void gro_reset(struct gro *g)
{
	g->count = 0;
	memset(g->slot, 0, sizeof(g->slot));
}

/* What one packet is, if it may be joined to others; proto 0 if it belongs to no flow, or, barrier, we do not know to
 * which. */
struct seen {
	uint32_t l4, head;
	uint8_t proto;
	bool v6, joins, barrier;
};

/* Flags that a joined segment may have: ACK always, PSH in the last, ECE if all have it. The four bits beside the
 * header length are zero (RFC 9293 leaves them reserved, AccECN uses one). */
static bool tcp_joins(const uint8_t *tcp)
{
	return (tcp[TCP_OFF] & 15) == 0 && (tcp[TCP_FLAGS] & (uint8_t)~(TCP_PSH | TCP_ECE)) == TCP_ACKED &&
	       be16_get(tcp + TCP_URG) == 0;
}

/* Hop-by-hop options, routing, fragment, authentication, destination options, mobility: behind them may be a port. */
static bool is_extension(uint8_t next)
{
	return next == 0 || next == 43 || next == PROTO_FRAGMENT || next == 51 || next == 60 || next == 135;
}

/* The IP header alone: may there be a transport header behind it for us, and may it be joined? */
static void look_ip(const uint8_t *pkt, struct seen *s)
{
	if (s->v6) {
		s->barrier = is_extension(pkt[IP6_NEXT]);
		s->joins = true;
	} else {
		s->barrier = be16_get(pkt + IP4_FRAG) & (IP4_MF | IP4_OFFSET);
		s->joins = s->l4 == IP4_HEAD && csum_fold(csum_add(0, pkt, IP4_HEAD)) == 0;
	}
}

static struct seen look(const struct gro *g, const uint8_t *pkt, uint32_t len)
{
	struct seen s = { .v6 = pkt[0] >> 4 == 6 };
	const uint8_t *l4;

	s.l4 = s.v6 ? IP6_HEAD : (pkt[0] & 15) * 4u;
	look_ip(pkt, &s);
	if (s.barrier || len < s.l4 + UDP_HEAD)
		return s;
	l4 = pkt + s.l4;
	switch (pkt[s.v6 ? IP6_NEXT : IP4_PROTO]) {
	case PROTO_TCP:
		if (len < s.l4 + TCP_HEAD)
			return s;
		s.proto = PROTO_TCP;
		s.head = s.l4 + (l4[TCP_OFF] >> 4) * 4u;
		s.joins = s.joins && g->tcp && s.head >= s.l4 + TCP_HEAD && s.head < len && tcp_joins(l4);
		break;
	case PROTO_UDP:
		s.proto = PROTO_UDP;
		s.head = s.l4 + UDP_HEAD;
		s.joins = s.joins && g->udp && s.head < len && be16_get(l4 + UDP_LEN) == len - s.l4 &&
			  be16_get(l4 + UDP_SUM) != 0;
		break;
	}
	return s;
}

/* Addresses and ports, 12 or 36 bytes, mixed to a slot. Not keyed: whoever forces collisions only slows his own peer's
 * flows down to what they would be without joining. */
static uint32_t flow_slot(const uint8_t *pkt, const struct seen *s)
{
	const uint8_t *from = pkt + (s->v6 ? IP6_SRC : IP4_SRC);
	uint32_t words = s->v6 ? 8 : 2, v;
	uint64_t h = s->proto;

	for (uint32_t i = 0; i < words; i++) {
		memcpy(&v, from + 4 * i, 4);
		h = (h ^ v) * UINT64_C(0x9e3779b97f4a7c15);
	}
	memcpy(&v, pkt + s->l4, 4);
	h = (h ^ v) * UINT64_C(0x9e3779b97f4a7c15);
	return (uint32_t)(h >> 56) % GRO_FLOWS;
}

/* Everything of the IP header but length, sum and ID. */
static bool same_ip(const struct gro_super *p, const uint8_t *a, const uint8_t *b, bool *same_id)
{
	uint16_t step;

	if (a[0] >> 4 != b[0] >> 4)
		return false;
	if (a[0] >> 4 == 6)
		return memcmp(a, b, IP6_LEN) == 0 && memcmp(a + IP6_NEXT, b + IP6_NEXT, IP6_HEAD - IP6_NEXT) == 0;
	if (memcmp(a, b, IP4_LEN) != 0 || memcmp(a + IP4_FRAG, b + IP4_FRAG, IP4_SUM - IP4_FRAG) != 0 ||
	    memcmp(a + IP4_SRC, b + IP4_SRC, 8) != 0)
		return false;
	/* RFC 6864: where DF is set the ID means nothing, and some hosts leave it constant. */
	step = (uint16_t)(be16_get(b + IP4_ID) - be16_get(a + IP4_ID));
	*same_id = step == 0 && (be16_get(a + IP4_FRAG) & IP4_DF);
	if (p->segs > 1 && *same_id != p->same_id)
		return false;
	return *same_id || step == (uint16_t)p->segs;
}

static bool same_tcp(const struct gro_super *p, const uint8_t *a, const uint8_t *b)
{
	uint8_t flags = (uint8_t)(a[TCP_FLAGS] ^ b[TCP_FLAGS]);

	return memcmp(a, b, TCP_SEQ) == 0 && be32_get(b + TCP_SEQ) == p->next_seq &&
	       memcmp(a + TCP_ACK, b + TCP_ACK, TCP_FLAGS - TCP_ACK) == 0 && (flags & (uint8_t)~TCP_PSH) == 0 &&
	       memcmp(a + TCP_WIN, b + TCP_WIN, 2) == 0 &&
	       memcmp(a + TCP_HEAD, b + TCP_HEAD, p->head - p->l4 - TCP_HEAD) == 0;
}

static bool join(struct gro_super *p, uint8_t *pkt, uint32_t len, const struct seen *s)
{
	uint8_t *first = p->iov[1].iov_base;
	uint32_t payload = len - s->head;
	bool same_id = false;

	if (p->proto != s->proto || p->head != s->head || p->l4 != s->l4 || payload > p->mss || p->segs == GRO_SEGS ||
	    p->len + payload > 65535 || !same_ip(p, first, pkt, &same_id))
		return false;
	if (s->proto == PROTO_TCP && !same_tcp(p, first + p->l4, pkt + s->l4))
		return false;
	if (s->proto == PROTO_UDP && memcmp(first + p->l4, pkt + s->l4, UDP_LEN) != 0)
		return false;
	p->iov[p->count++] = (struct iovec) { pkt + s->head, payload };
	p->segs++;
	p->len += payload;
	p->next_seq += payload;
	p->same_id = same_id;
	if (payload < p->mss)
		p->proto = 0;
	if (s->proto == PROTO_TCP && (pkt[s->l4 + TCP_FLAGS] & TCP_PSH)) {
		first[p->l4 + TCP_FLAGS] |= TCP_PSH;
		p->proto = 0;
	}
	return true;
}

static void start(struct gro_super *p, uint8_t *pkt, uint32_t len, const struct seen *s)
{
	memset(&p->hdr, 0, sizeof(p->hdr));
	p->count = 2;
	p->iov[1] = (struct iovec) { pkt, len };
	p->len = len;
	p->segs = 1;
	p->proto = 0;
	p->l4 = s->l4;
	if (!s->joins)
		return;
	p->head = s->head;
	p->mss = len - s->head;
	if (s->proto == PROTO_UDP) {
		p->proto = PROTO_UDP;
	} else if (!(pkt[s->l4 + TCP_FLAGS] & TCP_PSH)) {
		p->proto = PROTO_TCP;
		p->next_seq = be32_get(pkt + s->l4 + TCP_SEQ) + p->mss;
	}
}

bool gro_add(struct gro *g, uint8_t *pkt, uint32_t len)
{
	struct seen s = look(g, pkt, len);
	uint32_t flow = 0;

	if (s.barrier)
		memset(g->slot, 0, sizeof(g->slot));
	s.joins = s.joins && s.proto != 0;
	if (s.proto != 0) {
		flow = flow_slot(pkt, &s);
		if (s.joins && g->slot[flow] != 0 && join(&g->super[g->slot[flow] - 1], pkt, len, &s))
			return true;
	}
	if (g->count == GRO_SUPERS)
		return false;
	start(&g->super[g->count++], pkt, len, &s);
	if (s.proto != 0)
		g->slot[flow] = (uint8_t)g->count;
	return true;
}

struct gro_super *gro_finish(struct gro *g, uint32_t i)
{
	struct gro_super *p = &g->super[i];
	uint8_t *ip = p->iov[1].iov_base, *l4 = ip + p->l4;
	bool v6 = ip[0] >> 4 == 6;
	uint8_t proto;

	if (p->segs == 1)
		return p;
	proto = ip[v6 ? IP6_NEXT : IP4_PROTO];
	if (v6) {
		be16_put(ip + IP6_LEN, p->len - IP6_HEAD);
	} else {
		be16_put(ip + IP4_LEN, p->len);
		csum_ip4(ip, p->l4);
	}
	p->hdr.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	p->hdr.hdr_len = (uint16_t)p->head;
	p->hdr.gso_size = (uint16_t)p->mss;
	p->hdr.csum_start = (uint16_t)p->l4;
	if (proto == PROTO_TCP) {
		p->hdr.gso_type = v6 ? VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4;
		p->hdr.csum_offset = TCP_SUM;
	} else {
		p->hdr.gso_type = VIRTIO_NET_HDR_GSO_UDP_L4;
		p->hdr.csum_offset = UDP_SUM;
		be16_put(l4 + UDP_LEN, p->len - p->l4);
	}
	csum_put(l4 + p->hdr.csum_offset, csum_partial(csum_pseudo(ip, proto, p->len - p->l4)));
	return p;
}
