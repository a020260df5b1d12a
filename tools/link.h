/* SPDX-License-Identifier: MIT */
/* The kernel's side of an interface: is it there, is it up, which addresses has it, away with it. */
#ifndef LINK_H
#define LINK_H

#include "pick.h"

struct link_state {
	bool exists, up;
};

struct link_state link_state(const char *ifname);
/* Addresses with their prefix lengths; at most max. Returns how many. */
size_t link_addresses(const char *ifname, struct net *ret, size_t max);
/* Every network that this machine has an address in, a route to or a gateway in, of all tables; at most max. */
size_t link_networks(struct net *ret, size_t max);
/* Deletes a TUN device. 0; -ENODEV: not in this namespace; -EMEDIUMTYPE: of another kind, and left alone; -EPERM. */
int link_delete_tun(const char *ifname);
/* The address from which this machine would speak to the world, asked of the routing table alone: nothing is sent.
 * False: none of this family. */
bool link_own_address(int family, struct tnl_addr *ret);

#endif
