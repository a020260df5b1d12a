/* SPDX-License-Identifier: MIT */
/* What the kernel says of itself, of processes and of sockets, for those who only look. */
#ifndef PROBE_H
#define PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

/* The one number that a file of /proc holds. False: no such file, or no number. */
bool probe_number(uint64_t *ret, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* What a program prints, terminated, to be freed; NULL: it is not there, it failed, or it took too long. argv[0] is
 * looked for where administrators' programs are, not in PATH. */
char *probe_run(const char *const argv[]);
/* Is such a program there? */
bool probe_program(const char *name);

/* The process that listens at a socket; 0: nobody, or it may not be known. */
pid_t probe_listener(const char *path);
/* Calls `each` for the daemon's process, its children, and its engine where that is no child of it (0: not known),
 * until it returns true; that. */
bool probe_family(pid_t pid, pid_t engine, bool (*each)(pid_t pid, void *ctx), void *ctx);
/* Does one of the family hold the socket with this inode? */
bool probe_holds(pid_t pid, pid_t engine, uint64_t inode);

struct probe_udp {
	int family;		/* 4 or 6 */
	uint64_t inode;
	uint64_t drops;		/* datagrams, because the buffer was full */
};
/* The sockets of that port that are bound to no address, in the network namespace of that process: at most max.
 * Returns how many. */
size_t probe_udp(pid_t pid, uint16_t port, struct probe_udp *ret, size_t max);
/* The receive buffer, in bytes as the kernel counts, of a socket in our namespace; 0: not known. */
uint32_t probe_udp_buffer(const struct probe_udp *u);

#endif
