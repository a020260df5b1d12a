/* SPDX-License-Identifier: MIT */
/*
 * A place apart from the machine: a network, mounts and processes of its own, with the rights of root over them, for
 * any user. What runs there changes nothing outside, and nothing of it stays, whatever ends it.
 */
#ifndef APART_H
#define APART_H

#include "cmd.h"

/* Runs inside() as the first process of such a place, in which /run is empty, the network has nothing and "/" is the
 * directory that it is in; its exit code, or one after a line on stderr. The caller must be of one thread. What
 * interrupts it ends both. */
int apart_run(const struct ctx *c, int (*inside)(void *ctx), void *ctx);

/* What would help when the kernel refuses one with this errno. proc: "/proc". */
const char *apart_cure(const char *proc, int err);

#endif
