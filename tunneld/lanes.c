/* SPDX-License-Identifier: MIT */
#include "lanes.h"

#include <string.h>

#include "be.h"

static uint64_t word64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static uint32_t word32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static uint64_t mix(uint64_t h)
{
	h *= 0x9e3779b97f4a7c15;
	return h ^ h >> 32;
}

static uint64_t end4(uint64_t seed, const uint8_t *addr, uint16_t port)
{
	return mix(seed ^ ((uint64_t)word32(addr) << 16 | port));
}

static uint64_t end6(uint64_t seed, const uint8_t *addr, uint16_t port)
{
	return mix(mix(mix(seed ^ word64(addr)) ^ word64(addr + 8)) ^ port);
}

struct ports {
	uint16_t src, dst;
};

/* Zero: there are none, or not in every packet of the flow. */
static struct ports ports(const uint8_t *pkt, uint32_t len, uint32_t l4, uint8_t proto)
{
	if ((proto != PROTO_TCP && proto != PROTO_UDP) || l4 + 4 > len)
		return (struct ports) { 0, 0 };
	return (struct ports) { be16_get(pkt + l4), be16_get(pkt + l4 + 2) };
}

/* The entry of a packet's flow, the same in either direction. Each end is hashed before both are added up, so that no
 * two flows meet just because their addresses and ports add up to the same. */
static uint32_t entry(const struct lanes *l, const uint8_t *pkt, uint32_t len)
{
	struct ports port;
	uint32_t l4;
	uint8_t proto;
	uint64_t h;

	if (pkt[0] >> 4 == 4) {
		proto = pkt[IP4_PROTO];
		l4 = be16_get(pkt + IP4_FRAG) & (IP4_MF | IP4_OFFSET) ? len : (pkt[0] & 15) * 4u;
		port = ports(pkt, len, l4, proto);
		h = end4(l->seed, pkt + IP4_SRC, port.src) + end4(l->seed, pkt + IP4_DST, port.dst);
	} else {
		proto = pkt[IP6_NEXT];
		port = ports(pkt, len, IP6_HEAD, proto);
		h = end6(l->seed, pkt + IP6_SRC, port.src) + end6(l->seed, pkt + IP6_DST, port.dst);
	}
	return (uint32_t)(mix(h ^ proto) >> 40) % LANES_FLOWS;
}

static uint8_t emptiest(const struct lanes *l)
{
	unsigned best = 1;

	for (unsigned i = 2; i < l->count; i++)
		if (l->load[i] < l->load[best])
			best = i;
	return (uint8_t)best;
}

void lanes_weigh(struct lanes *l, tnl_ns now, const uint8_t *pkt, uint32_t len)
{
	struct lanes_flow *f;

	if (l->count == 1)
		return;
	f = &l->flow[entry(l, pkt, len)];
	if (now - l->begin >= LANES_PERIOD) {
		for (unsigned i = 0; i < l->count; i++)
			l->load[i] /= 2;
		l->begin = now;
	}
	if (now - f->begin >= LANES_PERIOD) {
		if (f->bytes < LANES_FEW)
			f->lane = 0;
		f->bytes = 0;
		f->begin = now;
	}
	f->bytes += len + LANES_PACKET;
	if (f->lane == 0 && f->bytes > LANES_MANY)
		f->lane = emptiest(l);
	l->load[f->lane] += len + LANES_PACKET;
}

int lanes_choose(const struct lanes *l, const uint8_t *pkt, uint32_t len)
{
	return l->count == 1 ? l->fd[0] : l->fd[l->flow[entry(l, pkt, len)].lane];
}
