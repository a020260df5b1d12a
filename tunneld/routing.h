/* SPDX-License-Identifier: MIT */
/*
 * Addresses, MTU, link state, routes and rules that a configuration file asks for, as wg-quick would set them. A
 * default route goes to a table of its own, which everything is sent to that does not carry the tunnel's mark, unless
 * the main table knows something more specific. PARENT only.
 */
#ifndef ROUTING_H
#define ROUTING_H

#include "config.h"
#include "netlink.h"

/* Chooses the table, and by that the mark, if there will be a default route; before config_feed(). Needs files. */
void routing_prepare(struct config *c, struct netlink *n);
/* False: logged, and routing_down() is still to be called. */
bool routing_up(struct config *c, struct netlink *n, unsigned ifindex);
/* Takes back what does not vanish with the interface. */
void routing_down(struct config *c, struct netlink *n);

#endif
