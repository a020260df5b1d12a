/* SPDX-License-Identifier: MIT */
/* systemd, where it runs: tunneld@IF as a service that is there again after the next boot. */
#ifndef SERVICE_H
#define SERVICE_H

#include "cmd.h"

/* systemd runs here, knows the unit, and the files that this command works on are those that the unit reads. */
bool service_here(const struct ctx *c);
/* Enables and starts; 0, or an exit code after a line on stderr, then neither. */
int service_enable(const struct ctx *c, const char *ifname);

#endif
