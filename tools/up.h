/* SPDX-License-Identifier: MIT */
#ifndef UP_H
#define UP_H

#include "iface.h"

/* The daemon's program: beside our own, beside it in sbin, in PATH, where administrators' programs are. False: there is
 * none. */
bool up_find_daemon(char ret[PATH_MAX]);
/* Starts the daemon of an interface that is configured, locked and not running, and waits until it is ready. 0, or an
 * exit code after a line on stderr; then it does not run. */
int up_start(const struct ctx *c, struct iface *f);

#endif
