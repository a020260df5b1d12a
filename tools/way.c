/* SPDX-License-Identifier: MIT */
#include "way.h"

#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/route/route.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

struct nl_sock *way_open(void)
{
	struct nl_sock *nl = nl_socket_alloc();

	if (nl && nl_connect(nl, NETLINK_ROUTE)) {
		nl_socket_free(nl);
		nl = NULL;
	}
	return nl;
}

void way_close(struct nl_sock *nl)
{
	if (nl)
		nl_socket_free(nl);
}

static int take_way(struct nl_msg *msg, void *ctx)
{
	struct rtnl_route *route = NULL;
	struct way *way = ctx;

	if (rtnl_route_parse(nlmsg_hdr(msg), &route) < 0)
		return NL_OK;
	if (rtnl_route_get_nnexthops(route) > 0) {
		int type = rtnl_route_get_type(route);

		way->local = type == RTN_LOCAL;
		way->found = way->local || type == RTN_UNICAST;
		way->ifindex = (unsigned)rtnl_route_nh_get_ifindex(rtnl_route_nexthop_n(route, 0));
		rtnl_route_get_metric(route, RTAX_MTU, &way->mtu);
	}
	rtnl_route_put(route);
	return NL_OK;
}

struct way way_to(struct nl_sock *nl, const struct tnl_addr *to, uint32_t mark)
{
	int len = to->family == 4 ? 4 : 16;
	struct rtmsg ask = { .rtm_family = to->family == 4 ? AF_INET : AF_INET6, .rtm_dst_len = (uint8_t)(8 * len) };
	struct nl_msg *msg = nlmsg_alloc_simple(RTM_GETROUTE, NLM_F_REQUEST);
	struct way way = { 0 };

	if (msg && !nlmsg_append(msg, &ask, sizeof(ask), NLMSG_ALIGNTO) && !nla_put(msg, RTA_DST, len, to->ip) &&
	    (!mark || !nla_put_u32(msg, RTA_MARK, mark)) && (!to->scope || !nla_put_u32(msg, RTA_OIF, to->scope))) {
		nl_socket_modify_cb(nl, NL_CB_VALID, NL_CB_CUSTOM, take_way, &way);
		nl_socket_disable_auto_ack(nl);
		if (nl_send_auto(nl, msg) < 0 || nl_recvmsgs_default(nl) < 0)
			way = (struct way){ 0 };	/* unreachable */
	}
	nlmsg_free(msg);
	return way;
}

/* False: this route does not reach its network directly, or not one that counts. */
static bool take_neighbour(struct rtnl_route *route, unsigned but, struct way_net *ret)
{
	struct nl_addr *dst = rtnl_route_get_dst(route);
	struct rtnl_nexthop *hop = rtnl_route_get_nnexthops(route) == 1 ? rtnl_route_nexthop_n(route, 0) : NULL;

	*ret = (struct way_net){ 0 };
	if (!hop || !dst || rtnl_route_get_table(route) != RT_TABLE_MAIN || rtnl_route_nh_get_gateway(hop) ||
	    rtnl_route_get_type(route) != RTN_UNICAST || !nl_addr_get_prefixlen(dst))
		return false;
	ret->ifindex = (unsigned)rtnl_route_nh_get_ifindex(hop);
	ret->net.bits = nl_addr_get_prefixlen(dst);
	ret->net.addr.family = nl_addr_get_family(dst) == AF_INET ? 4 : 6;
	if (nl_addr_get_len(dst) > sizeof(ret->net.addr.ip))
		return false;
	memcpy(ret->net.addr.ip, nl_addr_get_binary_addr(dst), nl_addr_get_len(dst));
	if (ret->net.addr.family == 6 && ret->net.addr.ip[0] >= 0xfe)
		return false;
	return ret->ifindex != but && ret->ifindex != if_nametoindex("lo");
}

size_t way_neighbours(struct nl_sock *nl, unsigned but, struct way_net *ret, size_t max)
{
	struct nl_cache *all;
	size_t count = 0;

	if (rtnl_route_alloc_cache(nl, AF_UNSPEC, 0, &all))
		return 0;
	for (struct nl_object *o = nl_cache_get_first(all); o && count < max; o = nl_cache_get_next(o))
		count += take_neighbour((struct rtnl_route *)o, but, &ret[count]);
	nl_cache_free(all);
	return count;
}

uint32_t way_mtu(unsigned ifindex)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq req = { 0 };
	uint32_t mtu = 0;

	if (fd < 0)
		return 0;
	if (if_indextoname(ifindex, req.ifr_name) && !ioctl(fd, SIOCGIFMTU, &req))
		mtu = (uint32_t)req.ifr_mtu;
	close(fd);
	return mtu;
}
