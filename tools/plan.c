/* SPDX-License-Identifier: MIT */
#include "plan.h"

#include <string.h>

enum { PLACE_BITS = 4 };	/* a taken network shorter than this is no place */

const struct net *plan_clash(const struct net *n, const struct net *taken, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (taken[i].bits >= PLACE_BITS && (net_contains(&taken[i], n) || net_contains(n, &taken[i])))
			return &taken[i];
	return NULL;
}

bool plan_ipv4(const struct net *taken, size_t count, uint32_t seed, struct net *ret)
{
	static const struct { uint8_t ip[4], bits; } pools[] = {
		{ { 10 }, 8 }, { { 172, 16 }, 12 }, { { 192, 168 }, 16 }, { { 100, 64 }, 10 },
	};
	struct net n = { .addr.family = 4, .bits = 24 };

	for (size_t p = 0; p < sizeof(pools) / sizeof(pools[0]); p++) {
		uint32_t base = (uint32_t)pools[p].ip[0] << 8 | pools[p].ip[1];
		uint32_t size = UINT32_C(1) << (24 - pools[p].bits);

		for (uint32_t i = 0; i < size; i++) {
			uint32_t at = (base << 8) + (seed + i) % size;

			n.addr.ip[0] = (uint8_t)(at >> 16);
			n.addr.ip[1] = (uint8_t)(at >> 8);
			n.addr.ip[2] = (uint8_t)at;
			n.addr.ip[3] = 1;
			if (plan_clash(&n, taken, count))
				continue;
			*ret = n;
			return true;
		}
	}
	return false;
}

bool plan_ipv6(const struct net *taken, size_t count, const uint8_t id[5], struct net *ret)
{
	struct net n = { .addr = { .family = 6, .ip = { [0] = 0xfd, [15] = 1 } }, .bits = 64 };

	memcpy(n.addr.ip + 1, id, 5);
	for (unsigned subnet = 0; subnet <= UINT16_MAX; subnet++) {
		n.addr.ip[6] = (uint8_t)(subnet >> 8);
		n.addr.ip[7] = (uint8_t)subnet;
		if (plan_clash(&n, taken, count))
			continue;
		*ret = n;
		return true;
	}
	return false;
}

bool plan_public(const struct tnl_addr *a)
{
	static const struct net inside[] = {
		{ { .family = 4, .ip = { 10 } }, 8 }, { { .family = 4, .ip = { 172, 16 } }, 12 },
		{ { .family = 4, .ip = { 192, 168 } }, 16 }, { { .family = 4, .ip = { 100, 64 } }, 10 },
		{ { .family = 4, .ip = { 169, 254 } }, 16 }, { { .family = 4, .ip = { 127 } }, 8 },
		{ { .family = 6, .ip = { 0xfc } }, 7 }, { { .family = 6, .ip = { 0xfe, 0x80 } }, 10 },
		{ { .family = 6, .ip = { [15] = 1 } }, 128 },
	};
	struct net n = { .addr = *a, .bits = a->family == 4 ? 32 : 128 };

	return !plan_clash(&n, inside, sizeof(inside) / sizeof(inside[0]));
}
