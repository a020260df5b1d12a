/* SPDX-License-Identifier: MIT */
/* The daemon as a program that we run ourselves, where no service manager does. */
#ifndef LAUNCH_H
#define LAUNCH_H

#include "iface.h"

/* Beside our own program, beside it in sbin, in PATH, where administrators' programs are. False: it is nowhere. */
bool launch_find(char ret[PATH_MAX]);
/* The same; 0, or CMD_FAILED after a line on stderr. */
int launch_need(const struct ctx *c, char ret[PATH_MAX]);
/* Would it take the interface's file? It is asked itself, and its errors are passed on to stderr. service: whether the
 * unit's would, which says the rest in the journal, so warnings are passed on as well. 0, or an exit code after a line
 * more: CMD_USAGE, CMD_TIMEOUT, CMD_FAILED. */
int launch_judge(const struct ctx *c, const struct iface *f, bool service);
/* Starts it for an interface that is configured, locked and not running, and waits until that is ready. 0, or an exit
 * code after a line on stderr; then it does not run. */
int launch(const struct ctx *c, struct iface *f);

#endif
