/* SPDX-License-Identifier: MIT */
/*
 * A change has two halves (steps.h); coming up is a change from nothing. The packet filter is one transaction and goes
 * first, so that there is no moment in which a packet passes that the new table would stop.
 */
#include "network.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "log.h"
#include "lost.h"
#include "nat.h"
#include "nat_rules.h"
#include "plan.h"
#include "steps.h"
#include "sysctl.h"
#include "tun.h"

enum {
	TABLE_FIRST = 51820,
	TABLE_TRIES = 64,
	ENDPOINTS_ASKED = 64,	/* peers whose paths decide the MTU */
	OUTER_BYTES = 80,	/* IPv6 40, UDP 8, WireGuard 32 */
	MTU_LEAST = 1280,	/* IPv6 needs this */
	UPLINKS = 8,		/* interfaces that learnt a default route from a router */
};

/* What is switched on for a default route by rules, and for NAT. */
enum { MARK_FILTER, FORWARD4, FORWARD6, ACCEPT_RA, SWITCHES = ACCEPT_RA + UPLINKS };

struct network {
	struct steps steps;
	char ifname[IFNAMSIZ];
	struct nat *nat;	/* NULL: no packet filter here */
	struct sysctl switches[SWITCHES];
	uint32_t mark;		/* chosen by us; 0: not yet */
	struct plan plan;	/* what has been set up */
	bool inherited;		/* a predecessor's kill switch was there at the start */
	bool filter_set;	/* the table is ours now, or there is none */
	uint8_t kill_switch;	/* in the table, and the mark that it lets pass */
	uint32_t kill_mark;
};

/* A router's advertisements are ignored by an interface that forwards, unless it is told otherwise; the default route
 * that came that way would be gone the moment that IPv6 is forwarded. */
static void open_uplinks(struct network *w)
{
	unsigned links[UPLINKS];
	size_t count = netlink_advertised(w->steps.netlink, links, UPLINKS);
	char name[IFNAMSIZ], path[64];

	for (size_t i = 0; i < count; i++) {
		if (!if_indextoname(links[i], name))
			continue;
		snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/accept_ra", name);
		sysctl_open(&w->switches[ACCEPT_RA + i], path);
	}
}

struct network *network_open(struct netlink *netlink, const char *ifname)
{
	struct network *w = calloc(1, sizeof(*w));

	if (!w) {
		log_error("out of memory");
		return NULL;
	}
	w->steps.netlink = netlink;
	snprintf(w->ifname, sizeof(w->ifname), "%s", ifname);
	w->nat = nat_open(ifname);
	if (!w->nat)
		log_debug("no packet filter: %m");
	w->inherited = w->nat && nat_kills(w->nat);
	for (unsigned i = 0; i < SWITCHES; i++)
		w->switches[i].fd = -1;
	sysctl_open(&w->switches[MARK_FILTER], "/proc/sys/net/ipv4/conf/all/src_valid_mark");
	sysctl_open(&w->switches[FORWARD4], "/proc/sys/net/ipv4/ip_forward");
	sysctl_open(&w->switches[FORWARD6], "/proc/sys/net/ipv6/conf/all/forwarding");
	open_uplinks(w);
	return w;
}

void network_close(struct network *w)
{
	if (!w)
		return;
	for (unsigned i = 0; i < SWITCHES; i++)
		sysctl_close(&w->switches[i]);
	nat_close(w->nat);
	plan_free(&w->plan);
	free(w);
}

void network_prepare(struct network *w, struct config *c)
{
	if (c->fwmark || !plan_needs_mark(c))
		return;
	for (uint32_t i = 0; i < TABLE_TRIES && !w->mark; i++) {
		if (netlink_table_empty(w->steps.netlink, TABLE_FIRST + i))
			w->mark = TABLE_FIRST + i;
	}
	c->fwmark = w->mark;
}

/* The smallest path counts: with a larger one every full packet to the peer behind it would travel in two. */
static uint32_t derive_mtu(struct network *w, const struct config *c)
{
	/* Addresses for documentation: nothing but a default route leads there. */
	static const struct tnl_addr anywhere[] = {{.family = 4, .ip = {192, 0, 2, 1}},
						   {.family = 6, .ip = {0x20, 0x01, 0x0d, 0xb8, [15] = 1}}};
	uint32_t least = UINT32_MAX;
	uint32_t mark = c->fwmark ? c->fwmark : w->plan.mark;
	unsigned asked = 0;

	for (size_t i = 0; i < c->op_count && asked < ENDPOINTS_ASKED; i++) {
		if (c->ops[i].what == UAPI_ENDPOINT) {
			uint32_t mtu = netlink_path_mtu(w->steps.netlink, &c->ops[i].addr, mark, w->steps.ifindex);

			least = mtu && mtu < least ? mtu : least;
			asked++;
		}
	}
	for (unsigned i = 0; i < 2 && least == UINT32_MAX; i++) {
		uint32_t mtu = netlink_path_mtu(w->steps.netlink, &anywhere[i], mark, w->steps.ifindex);

		least = mtu ? mtu : least;
	}
	if (least == UINT32_MAX)
		return TUN_MTU_DEFAULT;
	least = least > UINT16_MAX ? UINT16_MAX : least;
	return least < MTU_LEAST + OUTER_BYTES ? MTU_LEAST : least - OUTER_BYTES;
}

/* ---- Switches ---------------------------------------------------------------------------------------------------- */

static void set_switch(struct network *w, unsigned which, char value, const char *name)
{
	int err = sysctl_set(&w->switches[which], value);

	if (err < 0)
		log_warn("cannot set %s: %s", name, strerror(-err));
}

static void set_switches(struct network *w, const struct plan *p)
{
	/* Answers to marked packets would fail a strict reverse path filter without this. */
	if (p->rules[0])
		set_switch(w, MARK_FILTER, '1', "net.ipv4.conf.all.src_valid_mark");
	if (plan_forwards(p, 4))
		set_switch(w, FORWARD4, '1', "net.ipv4.ip_forward");
	if (!plan_forwards(p, 6))
		return;
	for (unsigned i = ACCEPT_RA; i < SWITCHES; i++) {
		if (sysctl_get(&w->switches[i]) == '1')
			set_switch(w, i, '2', "accept_ra of an interface with an IPv6 default route");
	}
	set_switch(w, FORWARD6, '1', "net.ipv6.conf.all.forwarding");
}

/* What p does not need and we have switched on. Somebody who translates addresses needs forwarding too, and found it on
 * if he came after us. The switch for marks stays, as with wg-quick: it matters to marked packets only, and who else
 * relies on it cannot be seen. */
static void put_switches_back(struct network *w, const struct plan *p)
{
	bool needed = w->nat && nat_foreign_masquerade(w->nat);

	if (!plan_forwards(p, 4) && !needed)
		sysctl_put_back(&w->switches[FORWARD4]);
	for (unsigned i = FORWARD6; !plan_forwards(p, 6) && !needed && i < SWITCHES; i++)
		sysctl_put_back(&w->switches[i]);
}

/* ---- Packet filter ----------------------------------------------------------------------------------------------- */

/* Without a packet filter a default route still works, as far as the path filter lets it. The first time whatever a
 * predecessor left is replaced. */
static int set_filter(struct network *w, const struct plan *have, const struct plan *want, struct trouble *t)
{
	int err = -EOPNOTSUPP;

	if (w->filter_set && plan_same_filter(have, want))
		return 0;
	if (w->nat)
		err = nat_install(w->nat, want);
	if (!err) {
		w->filter_set = true;
		w->kill_switch = want->kill_switch;
		w->kill_mark = want->mark;
	}
	if (err < 0 && (want->nat != CONF_NAT_NO || want->kill_switch != CONF_KILL_NO))
		return fail(t, err, "cannot set up the packet filter (nftables): %s", strerror(-err));
	if (err < 0 && plan_needs_filter(want))
		log_warn("cannot guard the default route by the packet filter (nftables): %s", strerror(-err));
	return 0;
}

static void warn_of_drop(struct network *w, const struct plan *p)
{
	char chain[128];
	bool network = false;

	if (p->nat == CONF_NAT_NO)
		return;
	if (nat_foreign_drop(w->nat, chain, sizeof(chain)))
		log_warn("the chain %s drops what is forwarded unless told otherwise: it must accept %s", chain,
			 w->ifname);
	for (size_t i = 0; i < p->address_count; i++)
		network |= p->addresses[i].bits < (p->addresses[i].addr.family == 4 ? 32 : 128);
	if (!network)
		log_warn("NAT is for the networks of Address, and no Address has more than itself");
}

/* ---- The door ---------------------------------------------------------------------------------------------------- */

/* have: what of w->plan is still there. On success *want becomes ours and is what was ours before. On failure all is as
 * it was; but the table of a first time is left to network_down(), which knows whether a kill switch is to stay. */
static int change(struct network *w, const struct plan *have, struct plan *want, uint32_t mtu, struct trouble *t)
{
	uint32_t mtu_before = w->steps.mtu;
	bool first = !w->filter_set;
	struct trouble ignored;
	struct plan before;
	int err = set_filter(w, &w->plan, want, t);

	if (!err)
		err = steps_add(&w->steps, have, want, mtu, t);
	if (err < 0) {
		steps_remove(&w->steps, want, have);
		if (mtu_before && w->steps.mtu != mtu_before &&
		    netlink_link_set(w->steps.netlink, w->steps.ifindex, mtu_before, 0, false) == 0)
			w->steps.mtu = mtu_before;
		if (!first)
			set_filter(w, want, &w->plan, &ignored);
		return err;
	}
	set_switches(w, want);
	steps_remove_rules(&w->steps, have, want);
	steps_remove(&w->steps, have, want);
	put_switches_back(w, want);
	if (w->plan.nat != want->nat)
		warn_of_drop(w, want);
	before = w->plan;
	w->plan = *want;
	*want = before;
	return 0;
}

bool network_up(struct network *w, const struct config *c, unsigned ifindex)
{
	struct trouble t;
	struct plan plan;
	int err;

	w->steps.ifindex = ifindex;
	if (plan_make(c, &plan) < 0) {
		log_error("out of memory");
		return false;
	}
	steps_remove_stale_rules(&w->steps, &plan);
	err = change(w, &(struct plan){0}, &plan, plan.mtu ? plan.mtu : derive_mtu(w, c), &t);
	if (err < 0)
		log_error("%s", t.what);
	plan_free(&plan);
	return !err;
}

static void tell_change(const struct plan *before, const struct plan *now, uint32_t mtu_before, uint32_t mtu,
			network_tell tell, void *ctx)
{
	char line[64];

	plan_tell(before, now, tell, ctx);
	snprintf(line, sizeof(line), "MTU %u, was %u", mtu, mtu_before);
	if (!mtu_before)
		tell(ctx, "the interface was down and is up again");
	else if (mtu != mtu_before)
		tell(ctx, line);
}

/* want is used up. */
static int follow(struct network *w, struct plan *want, uint32_t mtu, network_tell tell, void *ctx)
{
	struct plan have = {0};
	struct trouble t;
	uint32_t mtu_before;
	int err = plan_copy(&w->plan, &have);

	if (err < 0) {
		tell(ctx, "out of memory");
		plan_free(want);
		return err;
	}
	lost_forget(&w->steps, w->ifname, mtu, &have);
	mtu_before = w->steps.mtu;
	err = change(w, &have, want, mtu, &t);
	if (err < 0)
		tell(ctx, t.what);
	else
		tell_change(&have, &w->plan, mtu_before, mtu, tell, ctx);
	plan_free(want);
	plan_free(&have);
	return err;
}

int network_change(struct network *w, const struct config *c, network_tell tell, void *ctx)
{
	struct plan want;
	int err = plan_make(c, &want);

	if (!err)
		return follow(w, &want, want.mtu ? want.mtu : derive_mtu(w, c), tell, ctx);
	tell(ctx, "out of memory");
	return err;
}

int network_routes(struct network *w, const struct config *c, network_tell tell, void *ctx)
{
	struct plan want, file;
	int err = plan_make(c, &file);

	if (!err) {
		err = plan_reroute(&w->plan, &file, &want);
		plan_free(&file);
	}
	if (!err)
		return follow(w, &want, w->steps.mtu, tell, ctx);
	tell(ctx, "out of memory");
	return err;
}

static void end_filter(struct network *w, enum network_end how)
{
	struct plan rest = {.kill_switch = w->kill_switch, .mark = w->kill_mark};
	bool closed = how == NETWORK_FAILED || (how == NETWORK_NEVER_UP && w->inherited);

	if (!w->nat)
		return;
	if (closed && w->filter_set)
		closed = w->kill_switch != CONF_KILL_NO && nat_install(w->nat, &rest) == 0;
	if (closed && (w->inherited || w->filter_set))
		log_warn("the kill switch stays until the next start or \"tunctl down %s\"", w->ifname);
	else
		nat_remove(w->nat);
}

void network_down(struct network *w, enum network_end how)
{
	steps_remove_rules(&w->steps, &w->plan, &(struct plan){0});
	end_filter(w, how);
	put_switches_back(w, &(struct plan){0});
	plan_free(&w->plan);
}

int network_fd(const struct network *w)
{
	return w && w->nat ? nat_fd(w->nat) : -1;
}

int network_wait_ms(const struct network *w, int timeout_ms)
{
	int ours = w && w->nat ? nat_wait_ms(w->nat) : -1;

	return timeout_ms < 0 || (ours >= 0 && ours < timeout_ms) ? ours : timeout_ms;
}

void network_serve(struct network *w)
{
	if (w && w->nat)
		nat_serve(w->nat);
}

static json_t *networks_json(const struct plan *p)
{
	json_t *ret = json_array();
	char text[TEXT_ADDR];

	for (size_t i = 0; p->nat != CONF_NAT_NO && i < p->address_count; i++) {
		struct tnl_addr net = p->addresses[i].addr;

		if (!plan_translates(&net))
			continue;
		text_clear_host_bits(&net, p->addresses[i].bits);
		text_from_prefix(text, &net, p->addresses[i].bits);
		json_array_append_new(ret, json_string(text));
	}
	return ret;
}

json_t *network_json(const struct network *w)
{
	static const char *const kills[] = {[CONF_KILL_NO] = "no", [CONF_KILL_YES] = "yes", [CONF_KILL_LAN] = "lan"};
	static const struct plan nothing;
	const struct plan *p = w ? &w->plan : &nothing;
	char table[NAT_TABLE_MAX];

	if (w)
		nat_table_name(table, w->ifname);
	return json_pack("{s:{s:b, s:s?, s:o}, s:s, s:{s:s?, s:I}}", "nat", "on", p->nat != CONF_NAT_NO, "via",
			 p->nat == CONF_NAT_VIA ? p->nat_via : NULL, "networks", networks_json(p), "kill_switch",
			 kills[p->kill_switch], "filter", "table", w && plan_needs_filter(p) ? table : NULL, "put_back",
			 w && w->nat ? (json_int_t)nat_put_back(w->nat) : 0);
}
