/* SPDX-License-Identifier: MIT */
/*
 * The process that ends a trial (pending.h). It is started before anything changes and belongs to no terminal: the
 * session that a new configuration cuts off may die, and the way back is walked all the same.
 */
#ifndef GUARD_H
#define GUARD_H

#include "iface.h"

/* The descriptor of a lock that a living guard holds; -EBUSY: one lives, even after wait_ms milliseconds; another
 * negative errno. */
int guard_lock(const struct ctx *c, const struct iface *f, unsigned wait_ms);

/* Starts one. From here on it rolls back as soon as the caller ends without guard_arm(). *ret: to arm it by. The guard,
 * which lives long, wipes its copy of secret[0..len). 0, or an exit code after one line on stderr. */
int guard_start(const struct ctx *c, const struct iface *f, char *secret, size_t len, int *ret);
/* The change is made: roll back in so many seconds. */
int guard_arm(int guard, unsigned seconds);

#endif
