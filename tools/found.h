/* SPDX-License-Identifier: MIT */
/* What init finds to be there already. */
#ifndef FOUND_H
#define FOUND_H

#include "out.h"
#include "roster.h"

/* The interface that init is about: the named one; without a name, the only one that is configured here, else wg0. 0 or
 * an exit code after a line on stderr. */
int found_look(const struct ctx *c, struct iface *ret);
/* It has a file of ours. */
bool found_ours(const struct iface *f);
/* Says what there is, and whether it is what was asked for: 0, CMD_CONFLICT after a line, or another exit code. */
int found_report(const struct ctx *c, struct iface *f);

/* Our addresses: "10.8.0.1/24, fd08::1/64". */
const char *found_nets(const struct roster *r, char *ret, size_t max);
/* { v, interface, changed, running, port, addresses, endpoint } */
json_t *found_json(const struct iface *f, const struct roster *r, bool changed, bool running);

#endif
