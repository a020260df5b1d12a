/* SPDX-License-Identifier: MIT */
/*
 * Which system calls each process needs once it runs, one line and a reason each. Anything else kills the process. What
 * libc may try by itself and can do without (opening a file of time zones, a new connection to the system log) is
 * answered with an error instead.
 */
#ifndef SYSCALLS_H
#define SYSCALLS_H

#include <stddef.h>
#include <sys/types.h>

/* Both hold for every thread of the process and need no_new_privs. 0 or a negative errno. -EINVAL, -ENOSYS: a kernel
 * without filters. */
int syscalls_restrict_engine(void);
/* child: those that it may kill; 0 is none. */
int syscalls_restrict_parent(const pid_t *child, size_t count);

#endif
