/* SPDX-License-Identifier: MIT */
/*
 * What the parent asks of, and hears from, the kernel about links, addresses, routes and rules. Nobody else uses it.
 *
 * The interface may be moved to another network namespace, where it is still ours. We neither enter that namespace nor
 * keep it alive: the kernel gives it an id in ours, link events of all namespaces with an id come to one socket, and
 * its state is asked for by that id. Hence no CAP_SYS_ADMIN; CAP_NET_ADMIN and CAP_NET_BROADCAST will do.
 *
 * All functions return 0 or a negative errno.
 */
#ifndef NETLINK_H
#define NETLINK_H

#include <stdbool.h>
#include <stdint.h>

#include "tunnel.h"

struct netlink;

struct netlink_state {
	bool up;
	uint32_t mtu;
};

/* Opens the three sockets in the present namespace; NULL with errno set. */
struct netlink *netlink_open(void);
void netlink_close(struct netlink *n);

/* Descriptors to poll: readable when a link, or when an address or a route, changed. */
int netlink_link_fd(const struct netlink *n);
int netlink_route_fd(const struct netlink *n);
/* Takes what is there; true: there was something (or so much that some was lost). */
bool netlink_drain(int fd);
/* The same of addresses and routes; true: peers may be reached in another way than before. What is the interface
 * ifindex's is none. */
bool netlink_drain_routes(struct netlink *n, unsigned ifindex);

/* The state of the interface of this TUN queue, in whatever namespace it is. -ENODEV: it has been removed. */
int netlink_state(struct netlink *n, int tun, struct netlink_state *ret);

/* ---- The rest is about the present namespace --------------------------------------------------------------------- */

/* The same of the interface ifindex. -ENODEV: none of this name and number is here, so it may have been moved. */
int netlink_link_state(struct netlink *n, unsigned ifindex, const char *ifname, struct netlink_state *ret);

/* How many queues a TUN device of several has, whoever holds them; 0: the kernel does not say. */
uint32_t netlink_queues(struct netlink *n, unsigned ifindex);

/* mtu 0: leave it. gso_segs: the most segments of a super-packet, 0: leave it. up false: leave it as it is. */
int netlink_link_set(struct netlink *n, unsigned ifindex, uint32_t mtu, unsigned gso_segs, bool up);
int netlink_address(struct netlink *n, unsigned ifindex, const struct tnl_addr *a, unsigned bits, bool add);
/* Calls `see` for each address of the interface. */
typedef void (*netlink_see_address)(void *ctx, const struct tnl_addr *a, unsigned bits);
int netlink_each_address(struct netlink *n, unsigned ifindex, netlink_see_address see, void *ctx);
/* table 0: the main one. Adding: -EEXIST: there is such a route, by whatever way. Deleting: only one that was added by
 * this function; -ESRCH: there is none. */
int netlink_route(struct netlink *n, unsigned ifindex, const struct tnl_addr *net, unsigned bits, uint32_t table,
		  bool add);
/* Does a route to exactly this network lead to this interface? */
bool netlink_route_leads(struct netlink *n, unsigned ifindex, const struct tnl_addr *net, unsigned bits,
			 uint32_t table);
/* Calls `see` for each route to a network by this interface. table: never 0. */
typedef void (*netlink_see_route)(void *ctx, const struct tnl_addr *net, unsigned bits, uint32_t table);
int netlink_each_route(struct netlink *n, unsigned ifindex, netlink_see_route see, void *ctx);
/* True when no route of either family is in the table. */
bool netlink_table_empty(struct netlink *n, uint32_t table);

/* The largest packet that the first hop to this address takes when it carries the mark, as far as this machine knows;
 * 0: no way, or one that does not leave the machine, or one through the interface ifindex. */
uint32_t netlink_path_mtu(struct netlink *n, const struct tnl_addr *to, uint32_t mark, unsigned ifindex);

/* Interfaces by which the kernel learnt an IPv6 default route from a router's advertisement: at most max of them, each
 * once. */
size_t netlink_advertised(struct netlink *n, unsigned *ret, size_t max);

/* The two rules that send everything but the tunnel's own datagrams into the tunnel's table and yet prefer every route
 * of the main table that is more specific than a default route. family: 4 or 6. The kernel takes the same rule twice;
 * deleting takes one away, -ENOENT: there is none. */
enum netlink_rule { NETLINK_RULE_UNMARKED, NETLINK_RULE_MAIN };
int netlink_rule(struct netlink *n, enum netlink_rule which, int family, uint32_t table, bool add);
/* Is the first of them there? Also true when the kernel does not say. */
bool netlink_rule_there(struct netlink *n, int family, uint32_t table);

#endif
