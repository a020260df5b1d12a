/* SPDX-License-Identifier: MIT */
/* The listener: has every datagram that ever passed and every public key, and may say anything from anywhere. */
#include <blake2.h>
#include <string.h>

#include "wire.h"
#include "world.h"

static struct tnl_addr listener(struct world *w, bool stranger, uint8_t family)
{
	return net_listener(stranger, family, (uint8_t)rng_below(&w->rng, 8));
}

/* Word for word: at once or late, from where it came, from elsewhere, or back to who sent it. */
static void replay(struct world *w, const struct dgram *d)
{
	struct tnl_addr src = d->src, dst = d->dst;
	uint32_t way = rng_below(&w->rng, 10);

	if (way < 3)
		src = listener(w, false, d->dst.family);
	else if (way < 5)
		dst = w->node[rng_below(&w->rng, (uint32_t)w->nodes)].addr[dst.family == 6];
	else if (way < 6)
		dst = d->src;
	net_inject(&w->net, sim.now + rng_below(&w->rng, 3000) * TNL_MS, &src, &dst, d->origin, d->genuine, d->data,
		   d->len);
}

/* Other bits, shorter, longer; as if from its sender or from a stranger. mac2 is let be: nobody has to look at it. */
static void forge(struct world *w, const struct dgram *d)
{
	struct tnl_addr src = rng_percent(&w->rng, 60) ? d->src : listener(w, true, d->dst.family);
	uint8_t data[DGRAM_MAX];
	size_t len = d->len, may = d->data[0] < WIRE_COOKIE ? len - MAC_LEN : len;
	uint32_t bit = rng_below(&w->rng, (uint32_t)may * 8);

	memset(data, 0, sizeof(data));
	memcpy(data, d->data, len);
	switch (rng_below(&w->rng, 3)) {
	case 0:
		data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		break;
	case 1:
		len = rng_below(&w->rng, (uint32_t)len);
		break;
	default:
		len += 1 + rng_below(&w->rng, 64);
	}
	net_inject(&w->net, sim.now, &src, &d->dst, d->origin, false, data, len);
}

static void noise(struct world *w)
{
	static const size_t lengths[] = { 0, 1, 3, 4, 31, 32, 33, 64, 92, 148, 149, 1500 };
	const struct tnl_addr *dst = world_locate(w, (int)rng_below(&w->rng, (uint32_t)w->nodes));
	struct tnl_addr src = listener(w, true, dst->family);
	uint8_t data[DGRAM_MAX];
	size_t len = lengths[rng_below(&w->rng, sizeof(lengths) / sizeof(lengths[0]))];

	rng_fill(&w->rng, data, len);
	if (len >= 4 && rng_percent(&w->rng, 80))
		put_le32(data, rng_below(&w->rng, 6));
	net_inject(&w->net, sim.now, &src, dst, 0, false, data, len);
}

/* Handshakes of nobody, with the mac1 that everybody can make. */
static void flood(struct world *w)
{
	struct node *n = &w->node[rng_below(&w->rng, (uint32_t)w->nodes)];
	const struct tnl_addr *dst = world_locate(w, n->id);
	bool initiation = rng_percent(&w->rng, 70);
	size_t len = initiation ? INITIATION_LEN : RESPONSE_LEN;
	uint8_t data[INITIATION_LEN], key[32], label[40] = "mac1----";
	uint32_t count = 1 + rng_below(&w->rng, 12);

	memcpy(label + 8, n->public, TNL_KEY_LEN);
	blake2s(key, label, NULL, sizeof(key), sizeof(label), 0);
	for (; count; count--) {
		struct tnl_addr src = listener(w, true, dst->family);

		rng_fill(&w->rng, data, len);
		put_le32(data, initiation ? WIRE_INITIATION : WIRE_RESPONSE);
		blake2s(data + len - 2 * MAC_LEN, data, key, MAC_LEN, len - 2 * MAC_LEN, sizeof(key));
		net_inject(&w->net, sim.now, &src, dst, 0, false, data, len);
	}
}

void attack(struct world *w)
{
	uint32_t count = 1 + rng_below(&w->rng, 12);

	for (; count; count--) {
		const struct dgram *d = net_recorded(&w->net);
		uint32_t what = rng_below(&w->rng, 100);

		if (what < 10)
			noise(w);
		else if (what < 15)
			flood(w);
		else if (d && what < 60)
			replay(w, d);
		else if (d)
			forge(w, d);
	}
}
