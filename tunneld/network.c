/* SPDX-License-Identifier: MIT */
/*
 * A change has two halves: what the new plan has and the old one has not is added, then what only the old one has is
 * removed. Coming up is a change from nothing. A failure in the first half is undone by the second half with the plans
 * exchanged; the second half cannot fail in a way that matters, since what is not there need not be removed.
 *
 * Only rules outlive the interface. The kernel takes the same rule twice, so those that a killed predecessor left are
 * looked for before ours are added: rules that name a table without any route were of no use to anybody.
 */
#include "network.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf.h"
#include "log.h"
#include "plan.h"
#include "tun.h"

enum {
	TABLE_FIRST = 51820,
	TABLE_TRIES = 64,
	STALE_RULES = 16,	/* left by predecessors, at most so many are looked for */
	LINES_EACH = 32,	/* routes are named one by one up to this many, then counted */
	ENDPOINTS_ASKED = 64,	/* peers whose paths decide the MTU */
	OUTER_BYTES = 80,	/* IPv6 40, UDP 8, WireGuard 32 */
	MTU_LEAST = 1280,	/* IPv6 needs this */
};

struct network {
	struct netlink *netlink;
	char ifname[IFNAMSIZ];
	unsigned ifindex;
	uint32_t mark;		/* chosen by us; 0: not yet */
	uint32_t mtu;		/* that the interface has been given */
	struct plan plan;	/* what has been set up */
	int mark_filter;	/* net.ipv4.conf.all.src_valid_mark */
};

/* Where a change has failed, and how. */
struct trouble {
	int err;
	char what[128];
};

static int fail(struct trouble *t, int err, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static int fail(struct trouble *t, int err, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(t->what, sizeof(t->what), fmt, args);
	va_end(args);
	t->err = err;
	return err;
}

struct network *network_open(struct netlink *netlink, const char *ifname)
{
	struct network *w = calloc(1, sizeof(*w));

	if (!w) {
		log_error("out of memory");
		return NULL;
	}
	w->netlink = netlink;
	snprintf(w->ifname, sizeof(w->ifname), "%s", ifname);
	w->mark_filter = open("/proc/sys/net/ipv4/conf/all/src_valid_mark", O_RDWR | O_CLOEXEC);
	return w;
}

void network_close(struct network *w)
{
	if (!w)
		return;
	if (w->mark_filter >= 0)
		close(w->mark_filter);
	plan_free(&w->plan);
	free(w);
}

void network_prepare(struct network *w, struct config *c)
{
	if (c->fwmark || !plan_needs_mark(c))
		return;
	for (uint32_t i = 0; i < TABLE_TRIES && !w->mark; i++) {
		if (netlink_table_empty(w->netlink, TABLE_FIRST + i))
			w->mark = TABLE_FIRST + i;
	}
	c->fwmark = w->mark;
}

/* ---- MTU --------------------------------------------------------------------------------------------------------- */

/* The smallest path counts: with a larger one every full packet to the peer behind it would travel in two. */
static uint32_t derive_mtu(struct network *w, const struct config *c)
{
	/* Addresses for documentation: nothing but a default route leads there. */
	static const struct tnl_addr anywhere[] = {{.family = 4, .ip = {192, 0, 2, 1}},
						   {.family = 6, .ip = {0x20, 0x01, 0x0d, 0xb8, [15] = 1}}};
	uint32_t least = UINT32_MAX;
	unsigned asked = 0;

	for (size_t i = 0; i < c->op_count && asked < ENDPOINTS_ASKED; i++) {
		if (c->ops[i].what == UAPI_ENDPOINT) {
			uint32_t mtu = netlink_path_mtu(w->netlink, &c->ops[i].addr, c->fwmark, w->ifindex);

			least = mtu && mtu < least ? mtu : least;
			asked++;
		}
	}
	for (unsigned i = 0; i < 2 && least == UINT32_MAX; i++) {
		uint32_t mtu = netlink_path_mtu(w->netlink, &anywhere[i], c->fwmark, w->ifindex);

		least = mtu ? mtu : least;
	}
	if (least == UINT32_MAX)
		return TUN_MTU_DEFAULT;
	least = least > UINT16_MAX ? UINT16_MAX : least;
	return least < MTU_LEAST + OUTER_BYTES ? MTU_LEAST : least - OUTER_BYTES;
}

static int set_mtu(struct network *w, uint32_t mtu, struct trouble *t)
{
	int err = netlink_link_set(w->netlink, w->ifindex, mtu, 0, true);

	if (err < 0)
		return fail(t, err, "cannot bring the interface up with MTU %u: %s", mtu, strerror(-err));
	w->mtu = mtu;
	return 0;
}

/* ---- The first half: what is new --------------------------------------------------------------------------------- */

/* IPv6 knows an address once, whatever its bits. */
static void make_room(struct network *w, const struct plan *have, const struct config_prefix *a)
{
	for (size_t i = 0; a->addr.family == 6 && i < have->address_count; i++) {
		if (!memcmp(&have->addresses[i].addr, &a->addr, sizeof(a->addr)))
			netlink_address(w->netlink, w->ifindex, &a->addr, have->addresses[i].bits, false);
	}
}

static int add_addresses(struct network *w, const struct plan *have, const struct plan *want, struct trouble *t)
{
	char text[TEXT_ADDR];

	for (size_t i = 0; i < want->address_count; i++) {
		const struct config_prefix *a = &want->addresses[i];
		int err;

		if (plan_has_address(have, a))
			continue;
		make_room(w, have, a);
		err = netlink_address(w->netlink, w->ifindex, &a->addr, a->bits, true);
		if (err < 0) {
			text_from_prefix(text, &a->addr, a->bits);
			return fail(t, err, "cannot add the address %s: %s", text, strerror(-err));
		}
	}
	return 0;
}

static int add_route(struct network *w, const struct plan_route *r, struct trouble *t)
{
	char text[TEXT_ADDR];
	int err = netlink_route(w->netlink, w->ifindex, &r->net, r->bits, r->table, true);

	if (!err || (err == -EEXIST && netlink_route_leads(w->netlink, w->ifindex, &r->net, r->bits, r->table)))
		return 0;
	text_from_prefix(text, &r->net, r->bits);
	return fail(t, err, "cannot add the route to %s: %s", text,
		    err == -EEXIST ? "there is one by another way (ip route show)" : strerror(-err));
}

static int add_routes(struct network *w, const struct plan *have, const struct plan *want, struct trouble *t)
{
	struct plan_walk walk = {0};
	const struct plan_route *r;

	while ((r = plan_next_route(want, have, &walk))) {
		int err = add_route(w, r, t);

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
static void remove_pair(struct network *w, unsigned f, uint32_t mark)
{
	if (netlink_rule(w->netlink, NETLINK_RULE_UNMARKED, f ? 6 : 4, mark, false) == 0)
		netlink_rule(w->netlink, NETLINK_RULE_MAIN, f ? 6 : 4, mark, false);
}

static int add_pair(struct network *w, unsigned f, uint32_t mark)
{
	int err = netlink_rule(w->netlink, NETLINK_RULE_UNMARKED, f ? 6 : 4, mark, true);

	if (err < 0)
		return err;
	err = netlink_rule(w->netlink, NETLINK_RULE_MAIN, f ? 6 : 4, mark, true);
	if (err < 0)
		netlink_rule(w->netlink, NETLINK_RULE_UNMARKED, f ? 6 : 4, mark, false);
	return err;
}

/* Undoes itself. */
static int add_rules(struct network *w, const struct plan *have, const struct plan *want, struct trouble *t)
{
	bool added[2] = {false, false};

	for (unsigned f = 0; f < 2; f++) {
		int err = want->rules[f] && !has_rules(have, want, f) ? add_pair(w, f, want->mark) : 1;

		added[f] = !err;
		if (err < 0) {
			if (added[0])
				remove_pair(w, 0, want->mark);
			return fail(t, err, "cannot add a routing rule: %s", strerror(-err));
		}
	}
	return 0;
}

static int add_missing(struct network *w, const struct plan *have, const struct plan *want, uint32_t mtu,
		       struct trouble *t)
{
	int err = add_addresses(w, have, want, t);

	if (!err && mtu != w->mtu)
		err = set_mtu(w, mtu, t);
	if (!err)
		err = add_routes(w, have, want, t);
	if (!err)
		err = add_rules(w, have, want, t);
	return err;
}

/* ---- The second half: what is old -------------------------------------------------------------------------------- */

static void remove_rules(struct network *w, const struct plan *have, const struct plan *want)
{
	for (unsigned f = 0; f < 2; f++) {
		if (have->rules[f] && !has_rules(want, have, f))
			remove_pair(w, f, have->mark);
	}
}

/* With an address the kernel takes away the route to its network, and if it was the first of its network in IPv4 its
 * other addresses there: so what is to stay is asserted once more. */
static void assert_again(struct network *w, const struct plan *want)
{
	struct trouble t;

	if (add_addresses(w, &(struct plan){0}, want, &t) < 0 || add_routes(w, &(struct plan){0}, want, &t) < 0)
		log_warn("%s", t.what);
}

/* All but rules, which are the last to come and the first to go. */
static void remove_surplus(struct network *w, const struct plan *have, const struct plan *want)
{
	struct plan_walk walk = {0};
	const struct plan_route *r;
	bool gone = false;

	while ((r = plan_next_route(have, want, &walk)))
		netlink_route(w->netlink, w->ifindex, &r->net, r->bits, r->table, false);
	for (size_t i = 0; i < have->address_count; i++) {
		const struct config_prefix *a = &have->addresses[i];

		if (!plan_has_address(want, a)) {
			netlink_address(w->netlink, w->ifindex, &a->addr, a->bits, false);
			gone = true;
		}
	}
	if (gone)
		assert_again(w, want);
}

/* ---- The door ---------------------------------------------------------------------------------------------------- */

/* Answers to marked packets would fail a strict reverse path filter without this. */
static void respect_mark_in_path_filter(struct network *w)
{
	if (w->mark_filter < 0 || write(w->mark_filter, "1\n", 2) != 2)
		log_warn("cannot set net.ipv4.conf.all.src_valid_mark: %m");
}

static void remove_stale_rules(struct network *w, const struct plan *p)
{
	for (unsigned f = 0; f < 2; f++) {
		if (!p->rules[f] || !netlink_table_empty(w->netlink, p->mark))
			continue;
		for (unsigned i = 0; i < STALE_RULES; i++) {
			if (netlink_rule(w->netlink, NETLINK_RULE_UNMARKED, f ? 6 : 4, p->mark, false) < 0)
				break;
			netlink_rule(w->netlink, NETLINK_RULE_MAIN, f ? 6 : 4, p->mark, false);
		}
	}
}

bool network_up(struct network *w, const struct config *c, unsigned ifindex)
{
	struct trouble t;
	struct plan plan;
	int err;

	w->ifindex = ifindex;
	if (plan_make(c, &plan) < 0) {
		log_error("out of memory");
		return false;
	}
	if (plan.rules[0])
		respect_mark_in_path_filter(w);
	remove_stale_rules(w, &plan);
	err = add_missing(w, &w->plan, &plan, plan.mtu ? plan.mtu : derive_mtu(w, c), &t);
	if (err < 0) {
		log_error("%s", t.what);
		remove_surplus(w, &plan, &w->plan);
		plan_free(&plan);
		return false;
	}
	w->plan = plan;
	return true;
}

void network_down(struct network *w, bool failed)
{
	(void)failed;
	remove_rules(w, &w->plan, &(struct plan){0});
	plan_free(&w->plan);
}
