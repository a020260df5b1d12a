/* SPDX-License-Identifier: MIT */
/*
 * Requests are built by libnl-route where it knows the attribute and by hand where it does not (inverted rules,
 * suppress_prefixlength, a link in another namespace). Either way transact() sends them and hands back the errno that
 * the kernel gave, which libnl's own codes blur.
 */
#include "netlink.h"

#include <errno.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/route/route.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <linux/fib_rules.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <linux/net_namespace.h>
#include <linux/sockios.h>

struct netlink {
	struct nl_sock *ask;
	int link_fd, route_fd;	/* events; raw, since only the fact matters */
	dev_t home_dev;		/* which namespace is the present one */
	ino_t home_ino;
	int error;		/* of the request under way */
	bool done;		/* it has been answered */
	void *answer;		/* where its parser puts what it finds */
};

static int on_error(struct sockaddr_nl *who, struct nlmsgerr *e, void *arg)
{
	struct netlink *n = arg;

	(void)who;
	n->error = e->error;
	n->done = true;
	return NL_STOP;
}

static int on_end(struct nl_msg *m, void *arg)
{
	struct netlink *n = arg;

	(void)m;
	n->done = true;
	return NL_STOP;
}

/* Sends the request, consumes it and waits for its end; parse, if any, sees each message of the answer. */
static int transact(struct netlink *n, struct nl_msg *m, nl_recvmsg_msg_cb_t parse, void *answer)
{
	struct nl_cb *cb = nl_cb_alloc(NL_CB_DEFAULT);
	int err = -NLE_NOMEM;

	n->error = 0;
	n->done = false;
	n->answer = answer;
	if (cb && m) {
		nl_cb_err(cb, NL_CB_CUSTOM, on_error, n);
		nl_cb_set(cb, NL_CB_ACK, NL_CB_CUSTOM, on_end, n);
		nl_cb_set(cb, NL_CB_FINISH, NL_CB_CUSTOM, on_end, n);
		if (parse)
			nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, parse, n);
		err = nl_send_auto(n->ask, m);
		while (err >= 0 && !n->done)
			err = nl_recvmsgs(n->ask, cb);
	}
	nl_cb_put(cb);
	nlmsg_free(m);
	if (n->error)
		return n->error;
	return n->done ? 0 : -EIO;
}

static int events_open(const unsigned *groups, size_t count)
{
	struct sockaddr_nl local = {.nl_family = AF_NETLINK};
	const int big = 1 << 20, on = 1;
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

	if (fd < 0 || bind(fd, (struct sockaddr *)&local, sizeof(local)) < 0)
		goto fail;
	for (size_t i = 0; i < count; i++) {
		if (setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &groups[i], sizeof(groups[i])) < 0)
			goto fail;
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &big, sizeof(big));
	/* Refused without CAP_NET_BROADCAST: then only news of the present namespace come. */
	if (count == 1)
		setsockopt(fd, SOL_NETLINK, NETLINK_LISTEN_ALL_NSID, &on, sizeof(on));
	return fd;
fail:
	if (fd >= 0)
		close(fd);
	return -1;
}

struct netlink *netlink_open(void)
{
	static const unsigned link_groups[] = {RTNLGRP_LINK};
	static const unsigned route_groups[] = {RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV4_IFADDR,
						RTNLGRP_IPV6_IFADDR};
	struct netlink *n = calloc(1, sizeof(*n));
	struct stat st;
	int home;

	if (!n)
		return NULL;
	n->link_fd = events_open(link_groups, 1);
	n->route_fd = events_open(route_groups, 4);
	n->ask = nl_socket_alloc();
	if (n->link_fd < 0 || n->route_fd < 0 || !n->ask || nl_connect(n->ask, NETLINK_ROUTE) < 0)
		goto fail;
	home = ioctl(n->link_fd, SIOCGSKNS);
	if (home < 0)
		goto fail;
	if (fstat(home, &st) == 0) {
		n->home_dev = st.st_dev;
		n->home_ino = st.st_ino;
	}
	close(home);
	return n;
fail:
	netlink_close(n);
	return NULL;
}

void netlink_close(struct netlink *n)
{
	int saved = errno;

	if (!n)
		return;
	if (n->link_fd >= 0)
		close(n->link_fd);
	if (n->route_fd >= 0)
		close(n->route_fd);
	nl_socket_free(n->ask);
	free(n);
	errno = saved;
}

int netlink_link_fd(const struct netlink *n)
{
	return n->link_fd;
}

int netlink_route_fd(const struct netlink *n)
{
	return n->route_fd;
}

bool netlink_drain(int fd)
{
	char buf[8192];
	bool any = false;

	while (recv(fd, buf, sizeof(buf), MSG_DONTWAIT) >= 0 || errno == ENOBUFS)
		any = true;
	return any;
}

static int parse_nsid(struct nl_msg *m, void *arg)
{
	struct netlink *n = arg;
	struct nlattr *a = nlmsg_find_attr(nlmsg_hdr(m), sizeof(struct rtgenmsg), NETNSA_NSID);

	if (a)
		*(int32_t *)n->answer = (int32_t)nla_get_u32(a);
	return NL_OK;
}

static struct nl_msg *nsid_request(int type, int netns)
{
	struct rtgenmsg head = {.rtgen_family = AF_UNSPEC};
	struct nl_msg *m = nlmsg_alloc_simple(type, 0);

	if (m) {
		nlmsg_append(m, &head, sizeof(head), NLMSG_ALIGNTO);
		nla_put_u32(m, NETNSA_FD, (uint32_t)netns);
		if (type == RTM_NEWNSID)
			nla_put_u32(m, NETNSA_NSID, (uint32_t)NETNSA_NSID_NOT_ASSIGNED);
	}
	return m;
}

/* The id of the interface's namespace, which is given one if it has none; NETNSA_NSID_NOT_ASSIGNED: the present one. */
static int find_namespace(struct netlink *n, int tun, int32_t *ret)
{
	int netns = ioctl(tun, TUNGETDEVNETNS), err = 0;
	struct stat st;

	*ret = NETNSA_NSID_NOT_ASSIGNED;
	if (netns < 0)
		return errno == EBADFD ? -ENODEV : 0;	/* a kernel before 5.2: look here */
	if (fstat(netns, &st) < 0 || (st.st_dev == n->home_dev && st.st_ino == n->home_ino))
		goto out;
	err = transact(n, nsid_request(RTM_NEWNSID, netns), NULL, NULL);
	if (err == 0 || err == -EEXIST)
		err = transact(n, nsid_request(RTM_GETNSID, netns), parse_nsid, ret);
out:
	close(netns);
	return err;
}

static int parse_link(struct nl_msg *m, void *arg)
{
	struct netlink *n = arg;
	struct netlink_state *state = n->answer;
	struct ifinfomsg *info = nlmsg_data(nlmsg_hdr(m));
	struct nlattr *mtu = nlmsg_find_attr(nlmsg_hdr(m), sizeof(*info), IFLA_MTU);

	state->up = (info->ifi_flags & IFF_UP) != 0;
	if (mtu)
		state->mtu = nla_get_u32(mtu);
	return NL_OK;
}

int netlink_state(struct netlink *n, int tun, struct netlink_state *ret)
{
	struct ifinfomsg head = {.ifi_family = AF_UNSPEC};
	struct netlink_state state = {0};
	struct ifreq ifr = {0};
	struct nl_msg *m;
	int32_t nsid;
	int err = find_namespace(n, tun, &nsid);

	if (err < 0)
		return err;
	/* By name, as the index may have changed on the move, and so may the name: ask. */
	if (ioctl(tun, TUNGETIFF, &ifr) < 0)
		return errno == EBADFD ? -ENODEV : -errno;
	m = nlmsg_alloc_simple(RTM_GETLINK, 0);
	if (!m)
		return -ENOMEM;
	nlmsg_append(m, &head, sizeof(head), NLMSG_ALIGNTO);
	nla_put_string(m, IFLA_IFNAME, ifr.ifr_name);
	if (nsid != NETNSA_NSID_NOT_ASSIGNED)
		nla_put_u32(m, IFLA_TARGET_NETNSID, (uint32_t)nsid);
	err = transact(n, m, parse_link, &state);
	if (!err)
		*ret = state;
	return err;
}

int netlink_link_set(struct netlink *n, unsigned ifindex, uint32_t mtu, unsigned gso_segs, bool up)
{
	struct ifinfomsg head = {
		.ifi_family = AF_UNSPEC,
		.ifi_index = (int)ifindex,
		.ifi_flags = up ? IFF_UP : 0,
		.ifi_change = up ? IFF_UP : 0,
	};
	struct nl_msg *m = nlmsg_alloc_simple(RTM_NEWLINK, 0);

	if (!m)
		return -ENOMEM;
	nlmsg_append(m, &head, sizeof(head), NLMSG_ALIGNTO);
	if (mtu)
		nla_put_u32(m, IFLA_MTU, mtu);
	if (gso_segs)
		nla_put_u32(m, IFLA_GSO_MAX_SEGS, gso_segs);
	return transact(n, m, NULL, NULL);
}

static struct nl_addr *address(const struct tnl_addr *a, unsigned bits)
{
	struct nl_addr *ret = nl_addr_build(a->family == 4 ? AF_INET : AF_INET6, a->ip, a->family == 4 ? 4 : 16);

	if (ret)
		nl_addr_set_prefixlen(ret, (int)bits);
	return ret;
}

int netlink_address_add(struct netlink *n, unsigned ifindex, const struct tnl_addr *a, unsigned bits)
{
	struct rtnl_addr *entry = rtnl_addr_alloc();
	struct nl_addr *local = address(a, bits);
	struct nl_msg *m = NULL;
	int err = -ENOMEM;

	if (entry && local) {
		rtnl_addr_set_ifindex(entry, (int)ifindex);
		rtnl_addr_set_local(entry, local);
		if (rtnl_addr_build_add_request(entry, NLM_F_CREATE | NLM_F_REPLACE, &m) == 0)
			err = transact(n, m, NULL, NULL);
	}
	nl_addr_put(local);
	rtnl_addr_put(entry);
	return err;
}

int netlink_route_add(struct netlink *n, unsigned ifindex, const struct tnl_addr *net, unsigned bits, uint32_t table)
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
		if (rtnl_route_build_add_request(route, NLM_F_CREATE | NLM_F_EXCL, &m) == 0)
			err = transact(n, m, NULL, NULL);
	}
	nl_addr_put(dst);
	if (hop)
		rtnl_route_nh_free(hop);
	rtnl_route_put(route);
	return err;
}

struct table_search {
	uint32_t table;
	bool found;
};

static int parse_route(struct nl_msg *m, void *arg)
{
	struct netlink *n = arg;
	struct table_search *search = n->answer;
	struct rtmsg *head = nlmsg_data(nlmsg_hdr(m));
	struct nlattr *a = nlmsg_find_attr(nlmsg_hdr(m), sizeof(*head), RTA_TABLE);

	if ((a ? nla_get_u32(a) : head->rtm_table) == search->table)
		search->found = true;
	return NL_OK;
}

bool netlink_table_empty(struct netlink *n, uint32_t table)
{
	struct table_search search = {.table = table};

	for (unsigned i = 0; i < 2; i++) {
		struct rtmsg head = {.rtm_family = i ? AF_INET6 : AF_INET};
		struct nl_msg *m = nlmsg_alloc_simple(RTM_GETROUTE, NLM_F_DUMP);

		if (!m)
			return false;
		nlmsg_append(m, &head, sizeof(head), NLMSG_ALIGNTO);
		if (transact(n, m, parse_route, &search) < 0 || search.found)
			return false;
	}
	return true;
}

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
	return transact(n, m, NULL, NULL);
}
