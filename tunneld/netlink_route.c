/* SPDX-License-Identifier: MIT */
/*
 * Addresses, routes and rules of the present namespace. Routes of ours say RTPROT_BOOT, as those of ip(8) do, so that a
 * request to delete one cannot hit the one that the kernel made for an address.
 */
#include "netlink.h"

#include <errno.h>
#include <netlink/route/addr.h>
#include <netlink/route/route.h>
#include <stdalign.h>
#include <string.h>
#include <sys/socket.h>
#include <linux/fib_rules.h>

#include "netlink_own.h"

static struct nl_addr *address(const struct tnl_addr *a, unsigned bits)
{
	struct nl_addr *ret = nl_addr_build(a->family == 4 ? AF_INET : AF_INET6, a->ip, a->family == 4 ? 4 : 16);

	if (ret)
		nl_addr_set_prefixlen(ret, (int)bits);
	return ret;
}

int netlink_address(struct netlink *n, unsigned ifindex, const struct tnl_addr *a, unsigned bits, bool add)
{
	struct rtnl_addr *entry = rtnl_addr_alloc();
	struct nl_addr *local = address(a, bits);
	struct nl_msg *m = NULL;
	int err = -ENOMEM;

	if (entry && local) {
		rtnl_addr_set_ifindex(entry, (int)ifindex);
		rtnl_addr_set_local(entry, local);
		if ((add ? rtnl_addr_build_add_request(entry, NLM_F_CREATE | NLM_F_REPLACE, &m)
			 : rtnl_addr_build_delete_request(entry, 0, &m)) == 0)
			err = netlink_transact(n, m, NULL, NULL);
	}
	nl_addr_put(local);
	rtnl_addr_put(entry);
	return err;
}

int netlink_route(struct netlink *n, unsigned ifindex, const struct tnl_addr *net, unsigned bits, uint32_t table,
		  bool add)
{
	struct rtnl_route *route = rtnl_route_alloc();
	struct rtnl_nexthop *hop = rtnl_route_nh_alloc();
	struct nl_addr *dst = address(net, bits);
	struct nl_msg *m = NULL;
	int err = -ENOMEM;

	if (route && hop && dst) {
		rtnl_route_set_family(route, (uint8_t)nl_addr_get_family(dst));
		rtnl_route_set_dst(route, dst);
		rtnl_route_set_table(route, table ? table : RT_TABLE_MAIN);
		rtnl_route_set_scope(route, net->family == 4 ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE);
		rtnl_route_set_protocol(route, RTPROT_BOOT);
		rtnl_route_set_type(route, RTN_UNICAST);
		rtnl_route_nh_set_ifindex(hop, (int)ifindex);
		rtnl_route_add_nexthop(route, hop);
		hop = NULL;	/* the route's now */
		if ((add ? rtnl_route_build_add_request(route, NLM_F_CREATE | NLM_F_EXCL, &m)
			 : rtnl_route_build_del_request(route, 0, &m)) == 0)
			err = netlink_transact(n, m, NULL, NULL);
	}
	nl_addr_put(dst);
	if (hop)
		rtnl_route_nh_free(hop);
	rtnl_route_put(route);
	return err;
}

struct addresses {
	unsigned ifindex;
	netlink_see_address see;
	void *ctx;
};

static int look_at_address(struct nl_msg *m, void *arg)
{
	struct netlink *n = arg;
	const struct addresses *s = n->answer;
	struct nlmsghdr *h = nlmsg_hdr(m);
	struct ifaddrmsg *head = nlmsg_data(h);
	struct tnl_addr a = {0};
	struct nlattr *bytes;

	if (h->nlmsg_type != RTM_NEWADDR || !nlmsg_valid_hdr(h, sizeof(*head)) || head->ifa_index != s->ifindex)
		return NL_OK;
	a.family = head->ifa_family == AF_INET ? 4 : 6;
	bytes = nlmsg_find_attr(h, sizeof(*head), a.family == 4 ? IFA_LOCAL : IFA_ADDRESS);
	if (!bytes || nla_len(bytes) != (a.family == 4 ? 4 : 16))
		return NL_OK;
	memcpy(a.ip, nla_data(bytes), (size_t)nla_len(bytes));
	s->see(s->ctx, &a, head->ifa_prefixlen);
	return NL_OK;
}

int netlink_each_address(struct netlink *n, unsigned ifindex, netlink_see_address see, void *ctx)
{
	struct addresses s = {ifindex, see, ctx};
	struct ifaddrmsg head = {.ifa_family = AF_UNSPEC};
	struct nl_msg *m = nlmsg_alloc_simple(RTM_GETADDR, NLM_F_DUMP);

	if (!m)
		return -ENOMEM;
	nlmsg_append(m, &head, sizeof(head), NLMSG_ALIGNTO);
	return netlink_transact(n, m, look_at_address, &s);
}

/* ---- What is there ----------------------------------------------------------------------------------------------- */

bool netlink_read_route(struct nlmsghdr *h, struct netlink_route_seen *ret)
{
	struct netlink_route_seen seen = {0};
	struct rtmsg *head = nlmsg_data(h);
	struct nlattr *dst, *metrics;
	uint32_t mtu;

	if (!nlmsg_valid_hdr(h, sizeof(*head)) || h->nlmsg_type != RTM_NEWROUTE)
		return false;
	seen.family = head->rtm_family == AF_INET ? 4 : head->rtm_family == AF_INET6 ? 6 : 0;
	seen.bits = head->rtm_dst_len;
	seen.type = head->rtm_type;
	seen.protocol = head->rtm_protocol;
	seen.table = head->rtm_table;
	netlink_u32(nlmsg_find_attr(h, sizeof(*head), RTA_TABLE), &seen.table);
	netlink_u32(nlmsg_find_attr(h, sizeof(*head), RTA_OIF), &seen.oif);
	metrics = nlmsg_find_attr(h, sizeof(*head), RTA_METRICS);
	if (metrics && netlink_u32(nla_find(nla_data(metrics), nla_len(metrics), RTAX_MTU), &mtu))
		seen.mtu = mtu;
	dst = nlmsg_find_attr(h, sizeof(*head), RTA_DST);
	seen.net.family = seen.family;
	if (dst && nla_len(dst) == (seen.family == 4 ? 4 : 16))
		memcpy(seen.net.ip, nla_data(dst), (size_t)nla_len(dst));
	*ret = seen;
	return true;
}

/* A route to where packets leave, not one to an address of this machine, which comes and goes with that. */
static bool leads_out(const struct rtmsg *head)
{
	return head->rtm_type != RTN_LOCAL && head->rtm_type != RTN_BROADCAST && head->rtm_type != RTN_ANYCAST &&
	       head->rtm_type != RTN_MULTICAST;
}

/* Peers may be reached in another way, or from another address, than before. Not when an address has come: what there
 * was before is as good as it was. */
static bool concerns_peers(struct nlmsghdr *h, unsigned ifindex)
{
	struct ifaddrmsg *address = nlmsg_data(h);
	struct rtmsg *route = nlmsg_data(h);
	uint32_t oif = 0;

	if (h->nlmsg_type == RTM_NEWADDR)
		return false;
	if (h->nlmsg_type == RTM_DELADDR)
		return !nlmsg_valid_hdr(h, sizeof(*address)) || address->ifa_index != ifindex;
	if (!nlmsg_valid_hdr(h, sizeof(*route)))
		return true;
	netlink_u32(nlmsg_find_attr(h, sizeof(*route), RTA_OIF), &oif);
	return leads_out(route) && oif != ifindex;
}

bool netlink_drain_routes(struct netlink *n, unsigned ifindex)
{
	alignas(struct nlmsghdr) char buf[8192];
	bool concerns = false;
	ssize_t len;

	while ((len = recv(netlink_route_fd(n), buf, sizeof(buf), MSG_DONTWAIT)) >= 0 || errno == ENOBUFS) {
		struct nlmsghdr *h = (struct nlmsghdr *)buf;
		int left = (int)len;

		concerns |= left < 0;
		for (; nlmsg_ok(h, left); h = nlmsg_next(h, &left))
			concerns |= concerns_peers(h, ifindex);
	}
	return concerns;
}

/* One walk over all routes of a family, and what is looked for in them. */
struct search {
	bool (*match)(struct search *s, const struct netlink_route_seen *r);	/* true: found it */
	struct netlink_route_seen like;
	unsigned *links;
	size_t count, max;
	bool found;
};

static int look_at_route(struct nl_msg *m, void *arg)
{
	struct netlink *n = arg;
	struct search *s = n->answer;
	struct netlink_route_seen r;

	if (netlink_read_route(nlmsg_hdr(m), &r) && s->match(s, &r))
		s->found = true;
	return NL_OK;
}

static int walk_routes(struct netlink *n, uint8_t family, struct search *s)
{
	struct rtmsg head = {.rtm_family = family == 4 ? AF_INET : AF_INET6};
	struct nl_msg *m = nlmsg_alloc_simple(RTM_GETROUTE, NLM_F_DUMP);

	if (!m)
		return -ENOMEM;
	nlmsg_append(m, &head, sizeof(head), NLMSG_ALIGNTO);
	return netlink_transact(n, m, look_at_route, s);
}

static bool in_table(struct search *s, const struct netlink_route_seen *r)
{
	return r->table == s->like.table;
}

bool netlink_table_empty(struct netlink *n, uint32_t table)
{
	struct search s = {.match = in_table, .like.table = table};

	return walk_routes(n, 4, &s) == 0 && walk_routes(n, 6, &s) == 0 && !s.found;
}

static bool leads_there(struct search *s, const struct netlink_route_seen *r)
{
	return r->table == s->like.table && r->oif == s->like.oif && r->bits == s->like.bits &&
	       !memcmp(&r->net, &s->like.net, sizeof(r->net));
}

bool netlink_route_leads(struct netlink *n, unsigned ifindex, const struct tnl_addr *net, unsigned bits,
			 uint32_t table)
{
	struct search s = {
		.match = leads_there,
		.like = {.table = table ? table : RT_TABLE_MAIN, .oif = ifindex, .bits = (uint8_t)bits, .net = *net},
	};

	return walk_routes(n, net->family, &s) == 0 && s.found;
}

struct routes {
	struct search search;
	netlink_see_route see;
	void *ctx;
};

static bool is_there(struct search *s, const struct netlink_route_seen *r)
{
	const struct routes *each = (const struct routes *)s;	/* its first member */

	if (r->oif == s->like.oif && r->type == RTN_UNICAST)
		each->see(each->ctx, &r->net, r->bits, r->table);
	return false;
}

int netlink_each_route(struct netlink *n, unsigned ifindex, netlink_see_route see, void *ctx)
{
	struct routes each = {.search = {.match = is_there, .like.oif = ifindex}, .see = see, .ctx = ctx};
	int err = walk_routes(n, 4, &each.search);

	return err ? err : walk_routes(n, 6, &each.search);
}

static bool is_advertised(struct search *s, const struct netlink_route_seen *r)
{
	if (r->protocol != RTPROT_RA || r->bits || !r->oif)
		return false;
	for (size_t i = 0; i < s->count; i++) {
		if (s->links[i] == r->oif)
			return false;
	}
	if (s->count < s->max)
		s->links[s->count++] = r->oif;
	return true;
}

size_t netlink_advertised(struct netlink *n, unsigned *ret, size_t max)
{
	struct search s = {.match = is_advertised, .links = ret, .max = max};

	walk_routes(n, 6, &s);
	return s.count;
}

static int keep_route(struct nl_msg *m, void *arg)
{
	struct netlink *n = arg;

	netlink_read_route(nlmsg_hdr(m), n->answer);
	return NL_OK;
}

static int keep_mtu(struct nl_msg *m, void *arg)
{
	struct netlink *n = arg;

	netlink_u32(nlmsg_find_attr(nlmsg_hdr(m), sizeof(struct ifinfomsg), IFLA_MTU), n->answer);
	return NL_OK;
}

uint32_t netlink_path_mtu(struct netlink *n, const struct tnl_addr *to, uint32_t mark, unsigned ifindex)
{
	struct rtmsg route = {.rtm_family = to->family == 4 ? AF_INET : AF_INET6};
	struct ifinfomsg link = {.ifi_family = AF_UNSPEC};
	struct netlink_route_seen seen = {0};
	struct nl_msg *m = nlmsg_alloc_simple(RTM_GETROUTE, 0);
	uint32_t mtu = 0;

	if (!m)
		return 0;
	route.rtm_dst_len = to->family == 4 ? 32 : 128;
	nlmsg_append(m, &route, sizeof(route), NLMSG_ALIGNTO);
	nla_put(m, RTA_DST, to->family == 4 ? 4 : 16, to->ip);
	if (mark)
		nla_put_u32(m, RTA_MARK, mark);
	if (to->family == 6 && to->scope)
		nla_put_u32(m, RTA_OIF, to->scope);
	if (netlink_transact(n, m, keep_route, &seen) < 0 || seen.type != RTN_UNICAST || !seen.oif ||
	    seen.oif == ifindex)
		return 0;
	link.ifi_index = (int)seen.oif;
	m = nlmsg_alloc_simple(RTM_GETLINK, 0);
	if (!m)
		return 0;
	nlmsg_append(m, &link, sizeof(link), NLMSG_ALIGNTO);
	if (netlink_transact(n, m, keep_mtu, &mtu) < 0)
		return seen.mtu;
	return seen.mtu && seen.mtu < mtu ? seen.mtu : mtu;
}

/* ---- Rules ------------------------------------------------------------------------------------------------------- */

int netlink_rule(struct netlink *n, enum netlink_rule which, int family, uint32_t table, bool add)
{
	struct fib_rule_hdr head = {
		.family = family == 4 ? AF_INET : AF_INET6,
		.action = FR_ACT_TO_TBL,
		.flags = which == NETLINK_RULE_UNMARKED ? FIB_RULE_INVERT : 0,
		.table = which == NETLINK_RULE_UNMARKED ? RT_TABLE_UNSPEC : RT_TABLE_MAIN,
	};
	struct nl_msg *m = nlmsg_alloc_simple(add ? RTM_NEWRULE : RTM_DELRULE, add ? NLM_F_CREATE | NLM_F_EXCL : 0);

	if (!m)
		return -ENOMEM;
	nlmsg_append(m, &head, sizeof(head), NLMSG_ALIGNTO);
	if (which == NETLINK_RULE_UNMARKED) {
		nla_put_u32(m, FRA_FWMARK, table);
		nla_put_u32(m, FRA_FWMASK, UINT32_MAX);
		nla_put_u32(m, FRA_TABLE, table);
	} else {
		nla_put_u32(m, FRA_TABLE, RT_TABLE_MAIN);
		nla_put_u32(m, FRA_SUPPRESS_PREFIXLEN, 0);
	}
	return netlink_transact(n, m, NULL, NULL);
}

struct rule_search {
	uint32_t table;
	bool found;
};

static int look_at_rule(struct nl_msg *m, void *arg)
{
	struct netlink *n = arg;
	struct rule_search *s = n->answer;
	struct nlmsghdr *h = nlmsg_hdr(m);
	struct fib_rule_hdr *head = nlmsg_data(h);
	uint32_t mark = 0, table = 0;

	if (h->nlmsg_type != RTM_NEWRULE || !nlmsg_valid_hdr(h, sizeof(*head)))
		return NL_OK;
	netlink_u32(nlmsg_find_attr(h, sizeof(*head), FRA_FWMARK), &mark);
	netlink_u32(nlmsg_find_attr(h, sizeof(*head), FRA_TABLE), &table);
	s->found |= (head->flags & FIB_RULE_INVERT) && mark == s->table && table == s->table;
	return NL_OK;
}

bool netlink_rule_there(struct netlink *n, int family, uint32_t table)
{
	struct fib_rule_hdr head = {.family = family == 4 ? AF_INET : AF_INET6};
	struct nl_msg *m = nlmsg_alloc_simple(RTM_GETRULE, NLM_F_DUMP);
	struct rule_search s = {.table = table};

	if (!m)
		return true;
	nlmsg_append(m, &head, sizeof(head), NLMSG_ALIGNTO);
	return netlink_transact(n, m, look_at_rule, &s) < 0 || s.found;
}
