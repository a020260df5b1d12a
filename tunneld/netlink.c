/* SPDX-License-Identifier: MIT */
/*
 * Sockets, requests and their answers, events, and links; addresses and routes are in netlink_route.c. Requests are
 * built by libnl-route where it knows the attribute and by hand where it does not (inverted rules,
 * suppress_prefixlength, a link in another namespace). Either way netlink_transact() sends them and hands back the
 * errno that the kernel gave, which libnl's own codes blur.
 */
#include "netlink.h"

#include <errno.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <linux/net_namespace.h>
#include <linux/sockios.h>

#include "netlink_own.h"

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

int netlink_transact(struct netlink *n, struct nl_msg *m, nl_recvmsg_msg_cb_t parse, void *answer)
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

bool netlink_u32(const struct nlattr *a, void *ret)
{
	if (!a || nla_len(a) < (int)sizeof(uint32_t))
		return false;
	memcpy(ret, nla_data(a), sizeof(uint32_t));
	return true;
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

	netlink_u32(a, n->answer);
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
	err = netlink_transact(n, nsid_request(RTM_NEWNSID, netns), NULL, NULL);
	if (err == 0 || err == -EEXIST)
		err = netlink_transact(n, nsid_request(RTM_GETNSID, netns), parse_nsid, ret);
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
	netlink_u32(mtu, &state->mtu);
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
	err = netlink_transact(n, m, parse_link, &state);
	if (!err)
		*ret = state;
	return err;
}

struct link_seen {
	struct netlink_state state;
	unsigned ifindex;
};

static int parse_link_here(struct nl_msg *m, void *arg)
{
	struct netlink *n = arg;
	struct link_seen *seen = n->answer;
	struct ifinfomsg *info = nlmsg_data(nlmsg_hdr(m));

	seen->ifindex = (unsigned)info->ifi_index;
	n->answer = &seen->state;
	return parse_link(m, arg);
}

int netlink_link_state(struct netlink *n, unsigned ifindex, const char *ifname, struct netlink_state *ret)
{
	struct ifinfomsg head = {.ifi_family = AF_UNSPEC};
	struct nl_msg *m = nlmsg_alloc_simple(RTM_GETLINK, 0);
	struct link_seen seen = {0};
	int err;

	if (!m)
		return -ENOMEM;
	nlmsg_append(m, &head, sizeof(head), NLMSG_ALIGNTO);
	nla_put_string(m, IFLA_IFNAME, ifname);
	err = netlink_transact(n, m, parse_link_here, &seen);
	if (!err && seen.ifindex != ifindex)
		return -ENODEV;
	if (!err)
		*ret = seen.state;
	return err;
}

static int parse_queues(struct nl_msg *m, void *arg)
{
	struct netlink *n = arg;
	struct nlattr *info = nlmsg_find_attr(nlmsg_hdr(m), sizeof(struct ifinfomsg), IFLA_LINKINFO);
	struct nlattr *data = info ? nla_find(nla_data(info), nla_len(info), IFLA_INFO_DATA) : NULL;
	static const int kinds[] = {IFLA_TUN_NUM_QUEUES, IFLA_TUN_NUM_DISABLED_QUEUES};

	for (unsigned i = 0; data && i < 2; i++) {
		uint32_t count = 0;

		netlink_u32(nla_find(nla_data(data), nla_len(data), kinds[i]), &count);
		*(uint32_t *)n->answer += count;
	}
	return NL_OK;
}

uint32_t netlink_queues(struct netlink *n, unsigned ifindex)
{
	struct ifinfomsg head = {.ifi_family = AF_UNSPEC, .ifi_index = (int)ifindex};
	struct nl_msg *m = nlmsg_alloc_simple(RTM_GETLINK, 0);
	uint32_t ret = 0;

	if (!m)
		return 0;
	nlmsg_append(m, &head, sizeof(head), NLMSG_ALIGNTO);
	return netlink_transact(n, m, parse_queues, &ret) < 0 ? 0 : ret;
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
	return netlink_transact(n, m, NULL, NULL);
}
