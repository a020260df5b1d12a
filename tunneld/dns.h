/* SPDX-License-Identifier: MIT */
/*
 * Name servers and search domains of a configuration file: by resolvectl(1) where systemd-resolved runs, else by
 * resolvconf(8). Called by the hook runner, which has the rights for it; blocks while the program runs.
 */
#ifndef DNS_H
#define DNS_H

#include <stdbool.h>

#include "config.h"

/* False: the program that there is failed, logged. That there is none is only warned of: the tunnel works without. */
bool dns_set(const struct config *c, const char *ifname);
void dns_unset(const struct config *c, const char *ifname);

#endif
