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

/* Both ports added up, which is the same in either direction; 0: there are none, or not in every packet of the flow. */
static uint32_t ports(const uint8_t *pkt, uint32_t len, uint32_t l4, uint8_t proto)
{
	if ((proto != PROTO_TCP && proto != PROTO_UDP) || l4 + 4 > len)
		return 0;
	return be16_get(pkt + l4) + be16_get(pkt + l4 + 2);
}

/* The entry of a packet's flow, the same in either direction. */
static uint32_t entry(const struct lanes *l, const uint8_t *pkt, uint32_t len)
{
	uint64_t addrs, h;
	uint32_t l4;
	uint8_t proto;

	if (pkt[0] >> 4 == 4) {
		proto = pkt[IP4_PROTO];
		addrs = (uint64_t)word32(pkt + IP4_SRC) + word32(pkt + IP4_DST);
		l4 = be16_get(pkt + IP4_FRAG) & (IP4_MF | IP4_OFFSET) ? len : (pkt[0] & 15) * 4u;
	} else {
		proto = pkt[IP6_NEXT];
		addrs = (word64(pkt + IP6_SRC) + word64(pkt + IP6_DST)) * 31 +
			(word64(pkt + IP6_SRC + 8) + word64(pkt + IP6_DST + 8));
		l4 = IP6_HEAD;
	}
	h = (addrs ^ l->seed) * 0x9e3779b97f4a7c15;
	h = (h ^ h >> 32 ^ ((uint64_t)proto << 32 | ports(pkt, len, l4, proto))) * 0x9e3779b97f4a7c15;
	return (uint32_t)(h >> 40) % LANES_FLOWS;
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
