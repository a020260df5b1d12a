/* SPDX-License-Identifier: MIT */
/* Private to netlink*.c, and to those who test how answers are read. */
#ifndef NETLINK_OWN_H
#define NETLINK_OWN_H

#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "netlink.h"

struct netlink {
	struct nl_sock *ask;
	int link_fd, route_fd;	/* events; raw, since only the fact matters */
	dev_t home_dev;		/* which namespace is the present one */
	ino_t home_ino;
	int error;		/* of the request under way */
	bool done;		/* it has been answered */
	void *answer;		/* where its parser puts what it finds */
};

/* Sends the request, consumes it and waits for its end; parse, if any, sees each message of the answer, with n as its
 * argument and `answer` in n. */
int netlink_transact(struct netlink *n, struct nl_msg *m, nl_recvmsg_msg_cb_t parse, void *answer);

/* The attribute's 32 bits, to an integer of 32 bits; false: there is no attribute, or it is too short. */
bool netlink_u32(const struct nlattr *a, void *ret);

/* What a route of an answer says. oif, mtu 0: not said. */
struct netlink_route_seen {
	uint8_t family, bits, type, protocol;	/* family: 4, 6 or 0, another */
	uint32_t table, oif, mtu;
	struct tnl_addr net;
};
/* A whole message of type RTM_NEWROUTE, its own length checked against the buffer's; false: it is none. */
bool netlink_read_route(struct nlmsghdr *h, struct netlink_route_seen *ret);

#endif
