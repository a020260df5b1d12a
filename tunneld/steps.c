/* SPDX-License-Identifier: MIT */
/*
 * What is there already need not be added and what is not there need not be removed, so either half can be done again
 * and is how the other one is undone. Rules are the last to come and the first to go: until all the rest is there
 * nothing is sent into the tunnel.
 */
#include "steps.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "log.h"
#include "lost.h"
#include "text.h"

enum { STALE_RULES = 16 };	/* left by predecessors, at most so many are looked for */

int fail(struct trouble *t, int err, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(t->what, sizeof(t->what), fmt, args);
	va_end(args);
	return err;
}

static int set_mtu(struct steps *s, uint32_t mtu, struct trouble *t)
{
	int err = netlink_link_set(s->netlink, s->ifindex, mtu, 0, true);

	if (err < 0)
		return fail(t, err, "cannot bring the interface up with MTU %u: %s", mtu, strerror(-err));
	s->mtu = mtu;
	return 0;
}

/* ---- The first half: what is new --------------------------------------------------------------------------------- */

/* IPv6 knows an address once, whatever its bits. */
static void make_room(struct steps *s, const struct plan *have, const struct config_prefix *a)
{
	for (size_t i = 0; a->addr.family == 6 && i < have->address_count; i++) {
		if (!memcmp(&have->addresses[i].addr, &a->addr, sizeof(a->addr)))
			netlink_address(s->netlink, s->ifindex, &a->addr, have->addresses[i].bits, false);
	}
}

static int add_addresses(struct steps *s, const struct plan *have, const struct plan *want, uint32_t mtu,
			 struct trouble *t)
{
	char text[TEXT_ADDR];

	for (size_t i = 0; i < want->address_count; i++) {
		const struct config_prefix *a = &want->addresses[i];
		int err;

		if (plan_has_address(have, a) || (a->addr.family == 6 && mtu < LOST_MTU6))
			continue;
		make_room(s, have, a);
		err = netlink_address(s->netlink, s->ifindex, &a->addr, a->bits, true);
		if (err < 0) {
			text_from_prefix(text, &a->addr, a->bits);
			return fail(t, err, "cannot add the address %s: %s", text, strerror(-err));
		}
	}
	return 0;
}

static int add_route(struct steps *s, const struct plan_route *r, struct trouble *t)
{
	char text[TEXT_ADDR];
	int err = netlink_route(s->netlink, s->ifindex, &r->net, r->bits, r->table, true);

	if (!err || (err == -EEXIST && netlink_route_leads(s->netlink, s->ifindex, &r->net, r->bits, r->table)))
		return 0;
	text_from_prefix(text, &r->net, r->bits);
	return fail(t, err, "cannot add the route to %s: %s", text,
		    err == -EEXIST ? "there is one by another way (ip route show)" :
		    r->net.family == 6 && s->mtu < LOST_MTU6 ? "IPv6 needs an MTU of 1280" : strerror(-err));
}

static int add_routes(struct steps *s, const struct plan *have, const struct plan *want, struct trouble *t)
{
	struct plan_walk walk = {0};
	const struct plan_route *r;

	while ((r = plan_next_route(want, have, &walk))) {
		int err = add_route(s, r, t);

		if (err < 0)
			return err;
	}
	return 0;
}

/* Has this plan the rules of family f (0: IPv4) that `like` has? */
static bool has_rules(const struct plan *p, const struct plan *like, unsigned f)
{
	return p->rules[f] && p->mark == like->mark;
}

/* The second rule is the same for every tunnel of a machine, so it goes only where our first one was. */
static bool remove_pair(struct steps *s, unsigned f, uint32_t mark)
{
	if (netlink_rule(s->netlink, NETLINK_RULE_UNMARKED, f ? 6 : 4, mark, false) < 0)
		return false;
	netlink_rule(s->netlink, NETLINK_RULE_MAIN, f ? 6 : 4, mark, false);
	return true;
}

static int add_pair(struct steps *s, unsigned f, uint32_t mark)
{
	int err = netlink_rule(s->netlink, NETLINK_RULE_UNMARKED, f ? 6 : 4, mark, true);

	if (err < 0)
		return err;
	err = netlink_rule(s->netlink, NETLINK_RULE_MAIN, f ? 6 : 4, mark, true);
	if (err < 0)
		netlink_rule(s->netlink, NETLINK_RULE_UNMARKED, f ? 6 : 4, mark, false);
	return err;
}

/* Undoes itself. */
static int add_rules(struct steps *s, const struct plan *have, const struct plan *want, struct trouble *t)
{
	bool added[2] = {false, false};

	for (unsigned f = 0; f < 2; f++) {
		int err = want->rules[f] && !has_rules(have, want, f) ? add_pair(s, f, want->mark) : 1;

		added[f] = !err;
		if (err < 0) {
			if (added[0])
				remove_pair(s, 0, want->mark);
			return fail(t, err, "cannot add a routing rule: %s", strerror(-err));
		}
	}
	return 0;
}

int steps_add(struct steps *s, const struct plan *have, const struct plan *want, uint32_t mtu, struct trouble *t)
{
	/* IPv6 comes back with an MTU that has room for it. */
	int err = s->mtu && mtu > s->mtu ? set_mtu(s, mtu, t) : 0;

	if (!err)
		err = add_addresses(s, have, want, mtu, t);
	if (!err && mtu != s->mtu)
		err = set_mtu(s, mtu, t);
	if (!err)
		err = add_routes(s, have, want, t);
	if (!err)
		err = add_rules(s, have, want, t);
	return err;
}

/* ---- The second half: what is old -------------------------------------------------------------------------------- */

void steps_remove_rules(struct steps *s, const struct plan *have, const struct plan *want)
{
	for (unsigned f = 0; f < 2; f++) {
		if (have->rules[f] && !has_rules(want, have, f))
			remove_pair(s, f, have->mark);
	}
}

/* With an address the kernel takes away the route to its network, and if it was the first of its network in IPv4 its
 * other addresses there: so what is to stay is asserted once more. */
static void assert_again(struct steps *s, const struct plan *want)
{
	struct trouble t;

	if (add_addresses(s, &(struct plan){0}, want, s->mtu, &t) < 0 || add_routes(s, &(struct plan){0}, want, &t) < 0)
		log_warn("%s", t.what);
}

void steps_remove(struct steps *s, const struct plan *have, const struct plan *want)
{
	struct plan_walk walk = {0};
	const struct plan_route *r;
	bool gone = false;

	while ((r = plan_next_route(have, want, &walk)))
		netlink_route(s->netlink, s->ifindex, &r->net, r->bits, r->table, false);
	for (size_t i = 0; i < have->address_count; i++) {
		const struct config_prefix *a = &have->addresses[i];

		if (!plan_has_address(want, a)) {
			netlink_address(s->netlink, s->ifindex, &a->addr, a->bits, false);
			gone = true;
		}
	}
	if (gone)
		assert_again(s, want);
}

void steps_remove_stale_rules(struct steps *s, const struct plan *p)
{
	for (unsigned f = 0; f < 2; f++) {
		if (!p->rules[f] || !netlink_table_empty(s->netlink, p->mark))
			continue;
		for (unsigned i = 0; i < STALE_RULES; i++) {
			if (!remove_pair(s, f, p->mark))
				break;
		}
	}
}
