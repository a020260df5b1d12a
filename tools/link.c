/* SPDX-License-Identifier: MIT */
#include "link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netlink/errno.h>
#include <netlink/netlink.h>
#include <netlink/route/link.h>
#include <netlink/route/route.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

struct link_state link_state(const char *ifname)
{
	struct link_state s = { .exists = if_nametoindex(ifname) != 0 };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq req = { 0 };

	strncpy(req.ifr_name, ifname, sizeof(req.ifr_name) - 1);
	if (fd >= 0 && !ioctl(fd, SIOCGIFFLAGS, &req))
		s.up = req.ifr_flags & IFF_UP;
	if (fd >= 0)
		close(fd);
	return s;
}

static bool take_sockaddr(const struct sockaddr *sa, struct tnl_addr *ret)
{
	*ret = (struct tnl_addr){ 0 };
	if (sa && sa->sa_family == AF_INET) {
		ret->family = 4;
		memcpy(ret->ip, &((const struct sockaddr_in *)sa)->sin_addr, 4);
	} else if (sa && sa->sa_family == AF_INET6) {
		ret->family = 6;
		memcpy(ret->ip, &((const struct sockaddr_in6 *)sa)->sin6_addr, 16);
	}
	return ret->family;
}

static unsigned mask_bits(const struct tnl_addr *mask)
{
	unsigned bits = 0;

	for (size_t i = 0; i < sizeof(mask->ip); i++)
		bits += (unsigned)__builtin_popcount(mask->ip[i]);
	return bits;
}

size_t link_addresses(const char *ifname, struct net *ret, size_t max)
{
	struct ifaddrs *all;
	size_t count = 0;

	if (getifaddrs(&all))
		return 0;
	for (const struct ifaddrs *a = all; a && count < max; a = a->ifa_next) {
		struct tnl_addr mask;
		struct net n;

		if (strcmp(a->ifa_name, ifname) || !take_sockaddr(a->ifa_addr, &n.addr) ||
		    !take_sockaddr(a->ifa_netmask, &mask))
			continue;
		if (n.addr.family == 6 && n.addr.ip[0] == 0xfe && (n.addr.ip[1] & 0xc0) == 0x80)
			continue;	/* link-local: nobody is given one of these */
		n.bits = mask_bits(&mask);
		ret[count++] = n;
	}
	freeifaddrs(all);
	return count;
}

/* An address of libnl as a network; false: it is of no family of ours. */
static bool take_nl_addr(struct nl_addr *from, struct net *ret)
{
	int family = from ? nl_addr_get_family(from) : AF_UNSPEC;

	if ((family != AF_INET && family != AF_INET6) || nl_addr_get_len(from) > sizeof(ret->addr.ip))
		return false;
	*ret = (struct net){ .addr.family = family == AF_INET ? 4 : 6, .bits = nl_addr_get_prefixlen(from) };
	memcpy(ret->addr.ip, nl_addr_get_binary_addr(from), nl_addr_get_len(from));
	return true;
}

static size_t take_route(struct rtnl_route *route, struct net *ret, size_t max)
{
	size_t count = max && take_nl_addr(rtnl_route_get_dst(route), ret);

	for (int i = 0; i < rtnl_route_get_nnexthops(route) && count < max; i++)
		count += take_nl_addr(rtnl_route_nh_get_gateway(rtnl_route_nexthop_n(route, i)), &ret[count]);
	return count;
}

static size_t take_routes(struct net *ret, size_t max)
{
	struct nl_sock *nl = nl_socket_alloc();
	struct nl_cache *routes = NULL;
	size_t count = 0;

	if (nl && !nl_connect(nl, NETLINK_ROUTE) && !rtnl_route_alloc_cache(nl, AF_UNSPEC, 0, &routes))
		for (struct nl_object *o = nl_cache_get_first(routes); o; o = nl_cache_get_next(o))
			count += take_route((struct rtnl_route *)o, ret + count, max - count);
	nl_cache_free(routes);
	nl_socket_free(nl);
	return count;
}

size_t link_networks(struct net *ret, size_t max)
{
	size_t count = take_routes(ret, max);
	struct ifaddrs *all;

	if (getifaddrs(&all))
		return count;
	for (const struct ifaddrs *a = all; a && count < max; a = a->ifa_next) {
		struct tnl_addr mask;

		if (!take_sockaddr(a->ifa_addr, &ret[count].addr) || !take_sockaddr(a->ifa_netmask, &mask))
			continue;
		ret[count++].bits = mask_bits(&mask);
	}
	freeifaddrs(all);
	return count;
}

int link_delete_tun(const char *ifname)
{
	struct nl_sock *nl = nl_socket_alloc();
	struct rtnl_link *link = NULL;
	const char *kind;
	int err;

	if (!nl)
		return -ENOMEM;
	err = nl_connect(nl, NETLINK_ROUTE);
	if (!err)
		err = rtnl_link_get_kernel(nl, 0, ifname, &link);
	if (!err) {
		kind = rtnl_link_get_type(link);
		err = kind && !strcmp(kind, "tun") ? rtnl_link_delete(nl, link) : -NLE_OPNOTSUPP;
	}
	rtnl_link_put(link);
	nl_socket_free(nl);
	switch (err) {
	case 0:
		return 0;
	case -NLE_NODEV:
	case -NLE_OBJ_NOTFOUND:
		return -ENODEV;
	case -NLE_OPNOTSUPP:
		return -EMEDIUMTYPE;
	case -NLE_PERM:
	case -NLE_NOACCESS:
		return -EPERM;
	default:
		return -EIO;
	}
}

bool link_own_address(int family, struct tnl_addr *ret)
{
	/* Of the networks for documentation: no such host, but the default route leads there. */
	struct sockaddr_in6 there6 = { .sin6_family = AF_INET6, .sin6_port = htons(9),
				       .sin6_addr = { { { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 } } } };
	struct sockaddr_in there4 = { .sin_family = AF_INET, .sin_port = htons(9),
				      .sin_addr.s_addr = htonl(0xc6336401) };	/* 198.51.100.1 */
	const struct sockaddr *there = family == 4 ? (struct sockaddr *)&there4 : (struct sockaddr *)&there6;
	socklen_t len = family == 4 ? sizeof(there4) : sizeof(there6);
	struct sockaddr_storage here;
	socklen_t here_len = sizeof(here);
	int fd = socket(there->sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool ok = fd >= 0 && !connect(fd, there, len) && !getsockname(fd, (struct sockaddr *)&here, &here_len) &&
		  take_sockaddr((struct sockaddr *)&here, ret);

	if (fd >= 0)
		close(fd);
	return ok;
}
