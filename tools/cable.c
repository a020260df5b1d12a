/* SPDX-License-Identifier: MIT */
#include "cable.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netlink/errno.h>
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/route/link/veth.h>
#include <sched.h>
#include <stdbool.h>
#include <unistd.h>

#define END "eth"

static int errno_of(int nle)
{
	switch (nle) {
	case 0:
		return 0;
	case -NLE_PERM:
	case -NLE_NOACCESS:
		return -EPERM;
	case -NLE_OPNOTSUPP:
		return -EOPNOTSUPP;
	case -NLE_NOMEM:
		return -ENOMEM;
	case -NLE_EXIST:
		return -EEXIST;
	default:
		return -EIO;
	}
}

static int present(int *ret)
{
	*ret = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	return *ret < 0 ? -errno : 0;
}

int cable_enter(const struct host *h)
{
	return setns(h->netns, CLONE_NEWNET) ? -errno : 0;
}

/* A pair of interfaces, one here and one in the other namespace. */
static int add_pair(struct nl_sock *nl, int there)
{
	struct rtnl_link *end = rtnl_link_veth_alloc(), *other = end ? rtnl_link_veth_get_peer(end) : NULL;
	int err = other ? 0 : -NLE_NOMEM;

	if (!err) {
		rtnl_link_set_name(end, END);
		rtnl_link_set_name(other, END);
		rtnl_link_set_ns_fd(other, there);
		err = rtnl_link_add(nl, end, NLM_F_CREATE | NLM_F_EXCL);
	}
	rtnl_link_put(other);
	rtnl_link_put(end);
	return err;
}

static int set_up(struct nl_sock *nl, const char *ifname)
{
	struct rtnl_link *was = NULL, *up = rtnl_link_alloc();
	int err = up ? rtnl_link_get_kernel(nl, 0, ifname, &was) : -NLE_NOMEM;

	if (!err) {
		rtnl_link_set_flags(up, IFF_UP);
		err = rtnl_link_change(nl, was, up, 0);
	}
	rtnl_link_put(was);
	rtnl_link_put(up);
	return err;
}

static int add_address(struct nl_sock *nl, const char *ifname, const char *text)
{
	struct rtnl_addr *a = rtnl_addr_alloc();
	struct nl_addr *local = NULL;
	int err = a ? nl_addr_parse(text, AF_INET, &local) : -NLE_NOMEM;

	if (!err)
		err = rtnl_addr_set_local(a, local);
	if (!err) {
		rtnl_addr_set_ifindex(a, (int)if_nametoindex(ifname));
		err = rtnl_addr_add(nl, a, 0);
	}
	nl_addr_put(local);
	rtnl_addr_put(a);
	return err;
}

/* there -1: the cable is laid already, only this end remains. */
static int connect_end(const struct host *h, int there)
{
	struct nl_sock *nl;
	int err = cable_enter(h);

	if (err)
		return err;
	nl = nl_socket_alloc();
	err = nl ? nl_connect(nl, NETLINK_ROUTE) : -NLE_NOMEM;
	if (!err && there >= 0)
		err = add_pair(nl, there);
	if (!err)
		err = set_up(nl, "lo");
	if (!err)
		err = add_address(nl, END, h->addr);
	if (!err)
		err = set_up(nl, END);
	nl_socket_free(nl);
	return errno_of(err);
}

int cable_lay(struct host *here, struct host *there)
{
	int err = present(&here->netns);

	if (!err && unshare(CLONE_NEWNET))
		err = -errno;
	if (!err)
		err = present(&there->netns);
	if (!err)
		err = connect_end(here, there->netns);
	if (!err)
		err = connect_end(there, -1);
	return err ? err : cable_enter(here);
}
