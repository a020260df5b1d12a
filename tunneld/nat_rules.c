/* SPDX-License-Identifier: MIT */
/*
 * The table, in the language of nft(8), for an interface wg0 with the address 10.8.0.1/24 and the mark 0xca6c:
 *
 *   NAT = yes (or eth0: with oifname eth0)
 *     postrouting, srcnat:   ip saddr 10.8.0.0/24 oifname != { wg0, lo } masquerade
 *   any of them
 *     forward, mangle:       iifname or oifname wg0, tcp syn: maxseg to the smaller path MTU of both directions
 *   a default route by rules
 *     prerouting, raw:       iifname != wg0 ip daddr 10.8.0.1 fib saddr type != local drop
 *     prerouting, mangle:    udp ct mark 0xca6c meta mark set 0xca6c
 *     postrouting, mangle:   udp meta mark 0xca6c ct mark set 0xca6c
 *   KillSwitch = yes
 *     output, filter, drop:  oifname { lo, wg0 }, udp with the mark, DHCP, neighbour discovery accept; reject
 *     forward, filter, drop: iifname or oifname wg0 accept; reject
 *
 * The three rules about a default route: nobody on the local network may reach the tunnel's address past the tunnel,
 * and an answer to one of our datagrams gets the mark that it was sent with, so that the reverse path filter looks for
 * the way on which it came and not for the way into the tunnel. Connection marks of others are left alone.
 *
 * Interfaces are compared by name: the table may outlive the interface and then bars its way all the same.
 */
#include "nat_rules.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <linux/netfilter.h>
#include <linux/netfilter_ipv4.h>
#include <linux/rtnetlink.h>

#include "conf.h"
#include "nat_expr.h"

enum {
	MESSAGES = 64,		/* those that do not depend on the number of addresses; see nat_rules_build() */
	TCPOPT_MAXSEG_KIND = 2,
};

/* ---- Chains ------------------------------------------------------------------------------------------------------ */

static void put_masquerade(struct nat_table *t)
{
	const struct plan *p = t->plan;

	nat_put_chain(t, "nat", "nat", NF_INET_POST_ROUTING, NF_IP_PRI_NAT_SRC, NF_ACCEPT);
	for (size_t i = 0; i < p->address_count; i++) {
		const struct config_prefix *a = &p->addresses[i];
		struct nftnl_rule *r;

		if (!plan_translates(&a->addr))
			continue;
		r = nat_rule(t, "nat");
		nat_match_network(t, r, true, &a->addr, a->bits);
		if (p->nat == CONF_NAT_VIA)
			nat_match_interface(t, r, NFT_META_OIFNAME, NFT_CMP_EQ, p->nat_via);
		nat_match_interface(t, r, NFT_META_OIFNAME, NFT_CMP_NEQ, t->ifname);
		nat_match_interface(t, r, NFT_META_OIFNAME, NFT_CMP_NEQ, "lo");
		nat_expression(t, r, "masq");
		nat_put(t, r);
	}
}

/* The kernel never makes the option larger, and asks for both directions' path. */
static void put_clamp(struct nat_table *t)
{
	static const uint32_t keys[] = {NFT_META_IIFNAME, NFT_META_OIFNAME};
	const uint8_t syn = TH_SYN, none = 0;

	nat_put_chain(t, "clamp", "filter", NF_INET_FORWARD, NF_IP_PRI_MANGLE, NF_ACCEPT);
	for (unsigned i = 0; i < 2; i++) {
		struct nftnl_rule *r = nat_rule(t, "clamp");
		struct nftnl_expr *e;

		nat_match_interface(t, r, keys[i], NFT_CMP_EQ, t->ifname);
		nat_match_l4(t, r, IPPROTO_TCP);
		nat_load_payload(t, r, NFT_PAYLOAD_TRANSPORT_HEADER, 13, 1);
		nat_mask(t, r, &syn, 1);
		nat_compare(t, r, NFT_CMP_NEQ, &none, 1);
		WITH(nat_expression(t, r, "rt"), {NFTNL_EXPR_RT_KEY, NFT_RT_TCPMSS}, {NFTNL_EXPR_RT_DREG, NFT_REG_1});
		WITH(nat_expression(t, r, "byteorder"), {NFTNL_EXPR_BYTEORDER_SREG, NFT_REG_1},
		     {NFTNL_EXPR_BYTEORDER_DREG, NFT_REG_1}, {NFTNL_EXPR_BYTEORDER_OP, NFT_BYTEORDER_HTON},
		     {NFTNL_EXPR_BYTEORDER_LEN, 2}, {NFTNL_EXPR_BYTEORDER_SIZE, 2});
		e = WITH(nat_expression(t, r, "exthdr"), {NFTNL_EXPR_EXTHDR_SREG, NFT_REG_1},
			 {NFTNL_EXPR_EXTHDR_OFFSET, 2}, {NFTNL_EXPR_EXTHDR_LEN, 2},
			 {NFTNL_EXPR_EXTHDR_OP, NFT_EXTHDR_OP_TCPOPT});
		if (e)
			nftnl_expr_set_u8(e, NFTNL_EXPR_EXTHDR_TYPE, TCPOPT_MAXSEG_KIND);
		nat_put(t, r);
	}
}

static void put_guard(struct nat_table *t)
{
	const struct plan *p = t->plan;

	nat_put_chain(t, "guard", "filter", NF_INET_PRE_ROUTING, NF_IP_PRI_RAW, NF_ACCEPT);
	for (size_t i = 0; i < p->address_count; i++) {
		const struct config_prefix *a = &p->addresses[i];
		const uint32_t local = RTN_LOCAL;
		struct nftnl_rule *r;

		if (!p->rules[a->addr.family == 6])
			continue;
		r = nat_rule(t, "guard");
		nat_match_interface(t, r, NFT_META_IIFNAME, NFT_CMP_NEQ, t->ifname);
		nat_match_network(t, r, false, &a->addr, a->addr.family == 4 ? 32 : 128);
		WITH(nat_expression(t, r, "fib"), {NFTNL_EXPR_FIB_FLAGS, NFTA_FIB_F_SADDR},
		     {NFTNL_EXPR_FIB_RESULT, NFT_FIB_RESULT_ADDRTYPE}, {NFTNL_EXPR_FIB_DREG, NFT_REG_1});
		nat_compare(t, r, NFT_CMP_NEQ, &local, sizeof(local));
		nat_verdict(t, r, NF_DROP);
		nat_put(t, r);
	}
}

static void load_mark(struct nat_table *t, struct nftnl_rule *r)
{
	struct nftnl_expr *e = WITH(nat_expression(t, r, "immediate"), {NFTNL_EXPR_IMM_DREG, NFT_REG_1});

	if (e)
		nftnl_expr_set(e, NFTNL_EXPR_IMM_DATA, &t->plan->mark, sizeof(t->plan->mark));
}

static void put_marks(struct nat_table *t)
{
	struct nftnl_rule *r;

	nat_put_chain(t, "mark-in", "filter", NF_INET_PRE_ROUTING, NF_IP_PRI_MANGLE, NF_ACCEPT);
	r = nat_rule(t, "mark-in");
	nat_match_l4(t, r, IPPROTO_UDP);
	WITH(nat_expression(t, r, "ct"), {NFTNL_EXPR_CT_KEY, NFT_CT_MARK}, {NFTNL_EXPR_CT_DREG, NFT_REG_1});
	nat_compare(t, r, NFT_CMP_EQ, &t->plan->mark, sizeof(t->plan->mark));
	load_mark(t, r);
	WITH(nat_expression(t, r, "meta"), {NFTNL_EXPR_META_KEY, NFT_META_MARK}, {NFTNL_EXPR_META_SREG, NFT_REG_1});
	nat_put(t, r);

	nat_put_chain(t, "mark-out", "filter", NF_INET_POST_ROUTING, NF_IP_PRI_MANGLE, NF_ACCEPT);
	r = nat_rule(t, "mark-out");
	nat_match_l4(t, r, IPPROTO_UDP);
	nat_match_mark(t, r, t->plan->mark);
	load_mark(t, r);
	WITH(nat_expression(t, r, "ct"), {NFTNL_EXPR_CT_KEY, NFT_CT_MARK}, {NFTNL_EXPR_CT_SREG, NFT_REG_1});
	nat_put(t, r);
}

/* ---- Kill switch ------------------------------------------------------------------------------------------------- */

static void accept_interface(struct nat_table *t, const char *chain, uint32_t key, const char *name)
{
	struct nftnl_rule *r = nat_rule(t, chain);

	nat_match_interface(t, r, key, NFT_CMP_EQ, name);
	nat_verdict(t, r, NF_ACCEPT);
	nat_put(t, r);
}

/* Private and link-local networks, and what goes to all or many on the link. */
static void accept_lan(struct nat_table *t, const char *chain)
{
	static const struct config_prefix lan[] = {
		{{.family = 4, .ip = {10}}, 8}, {{.family = 4, .ip = {172, 16}}, 12},
		{{.family = 4, .ip = {192, 168}}, 16}, {{.family = 4, .ip = {169, 254}}, 16},
		{{.family = 4, .ip = {224, 0, 0}}, 24}, {{.family = 4, .ip = {239, 255}}, 16},
		{{.family = 4, .ip = {255, 255, 255, 255}}, 32},
		{{.family = 6, .ip = {0xfc}}, 7}, {{.family = 6, .ip = {0xfe, 0x80}}, 10},
		{{.family = 6, .ip = {0xff, 0x02}}, 16}, {{.family = 6, .ip = {0xff, 0x05}}, 16},
	};

	for (size_t i = 0; i < sizeof(lan) / sizeof(lan[0]); i++) {
		struct nftnl_rule *r = nat_rule(t, chain);

		nat_match_network(t, r, false, &lan[i].addr, lan[i].bits);
		nat_verdict(t, r, NF_ACCEPT);
		nat_put(t, r);
	}
}

/* Router and neighbour discovery (hop limit 255) and multicast listeners' reports (1): without them the machine loses
 * its way to the peer. */
static void accept_icmp6(struct nat_table *t, uint8_t first, uint8_t last, uint8_t hops)
{
	struct nftnl_rule *r = nat_rule(t, NAT_KILL_CHAIN);

	nat_match_family(t, r, 6);
	nat_match_l4(t, r, IPPROTO_ICMPV6);
	nat_load_payload(t, r, NFT_PAYLOAD_NETWORK_HEADER, 7, 1);
	nat_compare(t, r, NFT_CMP_EQ, &hops, 1);
	nat_load_payload(t, r, NFT_PAYLOAD_TRANSPORT_HEADER, 0, 1);
	nat_compare(t, r, NFT_CMP_GTE, &first, 1);
	nat_compare(t, r, NFT_CMP_LTE, &last, 1);
	nat_verdict(t, r, NF_ACCEPT);
	nat_put(t, r);
}

static void accept_dhcp(struct nat_table *t, uint8_t family, uint16_t from, uint16_t to)
{
	struct nftnl_rule *r = nat_rule(t, NAT_KILL_CHAIN);

	nat_match_family(t, r, family);
	nat_match_ports(t, r, from, to);
	nat_verdict(t, r, NF_ACCEPT);
	nat_put(t, r);
}

/* At once, so that no program waits for a timeout. */
static void reject_rest(struct nat_table *t, const char *chain)
{
	struct nftnl_rule *r = nat_rule(t, chain);
	struct nftnl_expr *e = WITH(nat_expression(t, r, "reject"), {NFTNL_EXPR_REJECT_TYPE, NFT_REJECT_ICMPX_UNREACH});

	if (e)
		nftnl_expr_set_u8(e, NFTNL_EXPR_REJECT_CODE, NFT_REJECT_ICMPX_ADMIN_PROHIBITED);
	nat_put(t, r);
}

static void put_kill_switch(struct nat_table *t)
{
	const struct plan *p = t->plan;
	struct nftnl_rule *r;

	nat_put_chain(t, NAT_KILL_CHAIN, "filter", NF_INET_LOCAL_OUT, NF_IP_PRI_FILTER, NF_DROP);
	accept_interface(t, NAT_KILL_CHAIN, NFT_META_OIFNAME, "lo");
	accept_interface(t, NAT_KILL_CHAIN, NFT_META_OIFNAME, t->ifname);
	r = nat_rule(t, NAT_KILL_CHAIN);
	nat_match_l4(t, r, IPPROTO_UDP);
	nat_match_mark(t, r, p->mark);
	nat_verdict(t, r, NF_ACCEPT);
	nat_put(t, r);
	accept_dhcp(t, 4, 68, 67);
	accept_dhcp(t, 6, 546, 547);
	accept_icmp6(t, ND_ROUTER_SOLICIT, ND_REDIRECT, 255);
	accept_icmp6(t, MLD_LISTENER_QUERY, MLD_LISTENER_REDUCTION, 1);
	accept_icmp6(t, 143, 143, 1);	/* MLDv2 report, RFC 3810 */
	if (p->kill_switch == CONF_KILL_LAN)
		accept_lan(t, NAT_KILL_CHAIN);
	reject_rest(t, NAT_KILL_CHAIN);

	nat_put_chain(t, "kill-forward", "filter", NF_INET_FORWARD, NF_IP_PRI_FILTER, NF_DROP);
	accept_interface(t, "kill-forward", NFT_META_OIFNAME, t->ifname);
	accept_interface(t, "kill-forward", NFT_META_IIFNAME, t->ifname);
	if (p->kill_switch == CONF_KILL_LAN)
		accept_lan(t, "kill-forward");
	reject_rest(t, "kill-forward");
}

/* ---- The whole --------------------------------------------------------------------------------------------------- */

void nat_table_name(char dst[NAT_TABLE_MAX], const char *ifname)
{
	snprintf(dst, NAT_TABLE_MAX, "tunneld-%.*s", IFNAMSIZ - 1, ifname);
}

static void put_contents(struct nat_table *t)
{
	const struct plan *p = t->plan;

	nat_put_table(t, NFT_MSG_NEWTABLE);
	if (p->nat != CONF_NAT_NO)
		put_masquerade(t);
	put_clamp(t);
	if (p->rules[0] || p->rules[1]) {
		put_guard(t);
		put_marks(t);
	}
	if (p->kill_switch != CONF_KILL_NO)
		put_kill_switch(t);
}

/* To add the table before it is deleted makes it no matter whether it is there. */
int nat_rules_build(struct nat_batch *ret, const char *ifname, const struct plan *p)
{
	struct nat_batch b = {.seq = 1};
	struct nat_table t = {.batch = &b, .ifname = ifname, .plan = p};

	nat_table_name(t.name, ifname);
	b.room = (MESSAGES + (p ? 2 * p->address_count : 0)) * NAT_MESSAGE_MAX;
	b.bytes = calloc(1, b.room);
	b.failed = !b.bytes;
	nat_put_edge(&b, true);
	nat_put_table(&t, NFT_MSG_NEWTABLE);
	nat_put_table(&t, NFT_MSG_DELTABLE);
	if (p && plan_needs_filter(p))
		put_contents(&t);
	nat_put_edge(&b, false);
	if (b.failed) {
		nat_batch_free(&b);
		return -ENOMEM;
	}
	*ret = b;
	return 0;
}

void nat_batch_free(struct nat_batch *b)
{
	free(b->bytes);
	*b = (struct nat_batch){0};
}
