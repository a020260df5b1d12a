/* SPDX-License-Identifier: MIT */
#include "lost.h"

#include <stdlib.h>

struct sight {
	struct plan seen;
	size_t address_room, route_room;
	bool failed;
};

static void *room_for(void *list, size_t count, size_t *room, size_t size, bool *failed)
{
	size_t more = *room ? 2 * *room : 16;
	void *ret;

	if (count < *room)
		return list;
	ret = reallocarray(list, more, size);
	*failed |= !ret;
	*room = ret ? more : *room;
	return ret ? ret : list;
}

static void see_address(void *ctx, const struct tnl_addr *a, unsigned bits)
{
	struct sight *s = ctx;
	struct plan *p = &s->seen;

	p->addresses = room_for(p->addresses, p->address_count, &s->address_room, sizeof(*p->addresses), &s->failed);
	if (!s->failed)
		p->addresses[p->address_count++] = (struct config_prefix){.addr = *a, .bits = (uint8_t)bits};
}

static void see_route(void *ctx, const struct tnl_addr *net, unsigned bits, uint32_t table)
{
	struct sight *s = ctx;
	struct plan *p = &s->seen;

	p->routes = room_for(p->routes, p->route_count, &s->route_room, sizeof(*p->routes), &s->failed);
	if (!s->failed)
		p->routes[p->route_count++] = (struct plan_route){.net = *net, .bits = (uint8_t)bits, .table = table};
}

/* That IPv6 addresses are missing with so small an MTU is as it must be. */
static void pretend(struct sight *s, const struct plan *p)
{
	for (size_t i = 0; i < p->address_count; i++) {
		if (p->addresses[i].addr.family == 6)
			see_address(s, &p->addresses[i].addr, p->addresses[i].bits);
	}
}

void lost_forget(struct steps *s, const char *ifname, uint32_t mtu, struct plan *p)
{
	struct netlink_state link;
	struct sight sight = {0};

	if (netlink_link_state(s->netlink, s->ifindex, ifname, &link) < 0)
		return;
	s->mtu = link.up ? link.mtu : 0;
	if (mtu < LOST_MTU6)
		pretend(&sight, p);
	/* Walking all routes of a router takes its time, and most servers have none. */
	if (netlink_each_address(s->netlink, s->ifindex, see_address, &sight) == 0 &&
	    (!p->route_count || netlink_each_route(s->netlink, s->ifindex, see_route, &sight) == 0) && !sight.failed) {
		plan_sort(&sight.seen);
		plan_keep(p, &sight.seen);
	}
	plan_free(&sight.seen);
	for (unsigned f = 0; f < 2; f++)
		p->rules[f] = p->rules[f] && netlink_rule_there(s->netlink, f ? 6 : 4, p->mark);
}
