/* SPDX-License-Identifier: MIT */
/*
 * The staged loss of privilege. Each stage says what may be done before and what must not be possible after it. Stages
 * that the surroundings do not permit (a user namespace with one user, a container without mounts) are passed over, the
 * others still hold; only a stage that is always possible is fatal.
 *
 * Builds with a sanitizer keep their file system, stay dumpable and have no system call table, since the sanitizer's
 * own run time needs all three.
 */
#ifndef SANDBOX_H
#define SANDBOX_H

#include <stddef.h>
#include <sys/types.h>

/* First thing in both processes. After it: no core dump, no ptrace by the user's other processes, files are created for
 * their owner alone. */
void sandbox_early(void);

/* Parent, when all is opened that needs root. After it: no capability but CAP_NET_ADMIN, CAP_NET_BROADCAST (to hear of
 * the interface in another namespace), CAP_NET_BIND_SERVICE and CAP_KILL (to end the engine, which has another user);
 * no way to gain one; only the system calls of the parent's loop, and no signal but SIGKILL to these children (0: no
 * child). */
void sandbox_parent(const pid_t *child, size_t count);

/* The configuration's reader. After it: no capability but CAP_DAC_READ_SEARCH, no way to gain one. Files and name
 * servers stay in reach: they are its work. */
void sandbox_reader(void);

/* What has root beside a parent that has not (root.h), once its children run. After it: no capability, no way to gain
 * one. */
void sandbox_root(void);

/* Engine, before it sees the first byte from a client or the network and before it has threads. After it: an empty,
 * read-only file system, a user of its own (`tunneld`, else `nobody`), no capability, no way to gain one. */
void sandbox_engine(void);

/* Engine, once its threads run; holds for all of them. After it: only the system calls of owner and workers; no new
 * process, thread, socket or file. */
void sandbox_engine_calls(void);

#endif
