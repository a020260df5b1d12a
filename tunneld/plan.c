/* SPDX-License-Identifier: MIT */
/*
 * Addresses are few and their order matters, so they stay a list. Routes may be a million: they are sorted once, and
 * two plans are compared by walking both in step.
 */
#include "plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <linux/rtnetlink.h>

#include "conf.h"
#include "prefix.h"

/* Is there a default route to set by rules? */
static bool has_default(const struct config *c, uint8_t family)
{
	for (size_t i = 0; c->table == CONF_TABLE_AUTO && i < c->op_count; i++) {
		if (c->ops[i].what == UAPI_ALLOWED_IP && c->ops[i].bits == 0 && c->ops[i].addr.family == family)
			return true;
	}
	return false;
}

bool plan_needs_mark(const struct config *c)
{
	return c->kill_switch != CONF_KILL_NO || has_default(c, 4) || has_default(c, 6);
}

static bool same_address(const struct config_prefix *a, const struct config_prefix *b)
{
	return a->bits == b->bits && !memcmp(&a->addr, &b->addr, sizeof(a->addr));
}

bool plan_has_address(const struct plan *p, const struct config_prefix *a)
{
	for (size_t i = 0; i < p->address_count; i++) {
		if (same_address(&p->addresses[i], a))
			return true;
	}
	return false;
}

static int compare(const void *va, const void *vb)
{
	const struct plan_route *a = va, *b = vb;
	int order = (int)a->net.family - (int)b->net.family;

	if (!order)
		order = memcmp(a->net.ip, b->net.ip, sizeof(a->net.ip));
	if (!order)
		order = (int)a->bits - (int)b->bits;
	if (!order)
		order = (a->table > b->table) - (a->table < b->table);
	return order;
}

/* Does an address of the interface lead there? */
static bool covered(const struct plan *p, const struct tnl_addr *net, unsigned bits)
{
	struct key key = to_key(net->ip, net->family);

	for (size_t i = 0; i < p->address_count; i++) {
		const struct config_prefix *a = &p->addresses[i];

		if (a->addr.family == net->family && a->bits <= bits &&
		    common_bits(to_key(a->addr.ip, net->family), key) >= a->bits)
			return true;
	}
	return false;
}

static void take_routes(const struct config *c, struct plan *p)
{
	bool automatic = c->table == CONF_TABLE_AUTO;
	struct plan_route *shrunk;
	size_t kept = 0;

	for (size_t i = 0; i < c->op_count; i++) {
		const struct uapi_op *op = &c->ops[i];

		if (op->what != UAPI_ALLOWED_IP || (automatic && op->bits && covered(p, &op->addr, op->bits)))
			continue;
		p->routes[p->route_count++] = (struct plan_route){
			.net = op->addr,
			.bits = op->bits,
			.table = !automatic ? (uint32_t)c->table : op->bits ? 0 : c->fwmark,
		};
	}
	qsort(p->routes, p->route_count, sizeof(*p->routes), compare);
	for (size_t i = 0; i < p->route_count; i++) {
		if (!kept || compare(&p->routes[kept - 1], &p->routes[i]))
			p->routes[kept++] = p->routes[i];
	}
	p->route_count = kept;
	shrunk = realloc(p->routes, (kept + 1) * sizeof(*p->routes));
	p->routes = shrunk ? shrunk : p->routes;
}

int plan_make(const struct config *c, struct plan *ret)
{
	struct plan p = {
		.mtu = c->mtu,
		.mark = c->fwmark,
		.rules = {has_default(c, 4), has_default(c, 6)},
		.nat = c->nat,
		.kill_switch = c->kill_switch,
	};
	size_t routes = 0;

	for (size_t i = 0; c->table != CONF_TABLE_OFF && i < c->op_count; i++)
		routes += c->ops[i].what == UAPI_ALLOWED_IP;
	p.addresses = calloc(c->address_count + 1, sizeof(*p.addresses));
	p.routes = calloc(routes + 1, sizeof(*p.routes));
	if (!p.addresses || !p.routes) {
		plan_free(&p);
		return -ENOMEM;
	}
	if (c->nat == CONF_NAT_VIA)
		memcpy(p.nat_via, c->nat_via, sizeof(p.nat_via));
	for (size_t i = 0; i < c->address_count; i++) {
		if (!plan_has_address(&p, &c->addresses[i]))
			p.addresses[p.address_count++] = c->addresses[i];
	}
	if (c->table != CONF_TABLE_OFF)
		take_routes(c, &p);
	*ret = p;
	return 0;
}

int plan_copy(const struct plan *p, struct plan *ret)
{
	struct plan copy = *p;

	copy.addresses = calloc(p->address_count + 1, sizeof(*copy.addresses));
	copy.routes = calloc(p->route_count + 1, sizeof(*copy.routes));
	if (!copy.addresses || !copy.routes) {
		plan_free(&copy);
		return -ENOMEM;
	}
	if (p->address_count)
		memcpy(copy.addresses, p->addresses, p->address_count * sizeof(*copy.addresses));
	if (p->route_count)
		memcpy(copy.routes, p->routes, p->route_count * sizeof(*copy.routes));
	*ret = copy;
	return 0;
}

void plan_free(struct plan *p)
{
	free(p->addresses);
	free(p->routes);
	*p = (struct plan){0};
}

int plan_reroute(const struct plan *p, const struct plan *file, struct plan *ret)
{
	struct plan_route *routes = calloc(p->route_count + file->route_count + 1, sizeof(*routes));
	size_t count = 0;

	if (!routes || plan_copy(p, ret) < 0) {
		free(routes);
		return -ENOMEM;
	}
	for (size_t i = 0; i < p->route_count; i++) {
		if (!p->routes[i].bits)
			routes[count++] = p->routes[i];
	}
	for (size_t i = 0; i < file->route_count; i++) {
		if (file->routes[i].bits)
			routes[count++] = file->routes[i];
	}
	free(ret->routes);
	ret->routes = routes;
	ret->route_count = count;
	plan_sort(ret);
	return 0;
}

const struct plan_route *plan_next_route(const struct plan *p, const struct plan *other, struct plan_walk *at)
{
	while (at->own < p->route_count) {
		const struct plan_route *r = &p->routes[at->own++];
		int order = 1;

		while (at->other < other->route_count && (order = compare(&other->routes[at->other], r)) < 0)
			at->other++;
		if (order)
			return r;
	}
	return NULL;
}

void plan_sort(struct plan *p)
{
	if (p->route_count)
		qsort(p->routes, p->route_count, sizeof(*p->routes), compare);
}

void plan_keep(struct plan *p, const struct plan *seen)
{
	size_t kept = 0;

	for (size_t i = 0; i < p->address_count; i++) {
		if (plan_has_address(seen, &p->addresses[i]))
			p->addresses[kept++] = p->addresses[i];
	}
	p->address_count = kept;
	kept = 0;
	for (size_t i = 0; i < p->route_count; i++) {
		struct plan_route like = p->routes[i];

		like.table = like.table ? like.table : RT_TABLE_MAIN;
		if (seen->route_count && bsearch(&like, seen->routes, seen->route_count, sizeof(like), compare))
			p->routes[kept++] = p->routes[i];
	}
	p->route_count = kept;
}

bool plan_needs_filter(const struct plan *p)
{
	return p->nat != CONF_NAT_NO || p->kill_switch != CONF_KILL_NO || p->rules[0] || p->rules[1];
}

bool plan_same_filter(const struct plan *a, const struct plan *b)
{
	if (!plan_needs_filter(a) && !plan_needs_filter(b))
		return true;
	if (a->nat != b->nat || a->kill_switch != b->kill_switch || a->mark != b->mark ||
	    memcmp(a->rules, b->rules, sizeof(a->rules)) || strcmp(a->nat_via, b->nat_via) ||
	    a->address_count != b->address_count)
		return false;
	for (size_t i = 0; i < a->address_count; i++) {
		if (!plan_has_address(b, &a->addresses[i]))
			return false;
	}
	return true;
}

bool plan_translates(const struct tnl_addr *a)
{
	bool link_local = a->family == 6 && a->ip[0] == 0xfe && (a->ip[1] & 0xc0) == 0x80;

	return !link_local;
}

bool plan_forwards(const struct plan *p, uint8_t family)
{
	for (size_t i = 0; p->nat != CONF_NAT_NO && i < p->address_count; i++) {
		if (p->addresses[i].addr.family == family && plan_translates(&p->addresses[i].addr))
			return true;
	}
	return false;
}
