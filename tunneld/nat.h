/* SPDX-License-Identifier: MIT */
/*
 * Our own packet filter table, inet tunneld-IF: masquerading, the clamp on TCP's segment size, what keeps packets for
 * and from a tunnel with a default route on their way, and the kill switch; nat_rules.c says what is in it. It is put
 * in place, replaced or removed as a whole, in one transaction of the kernel, and no other table is ever touched.
 * Whether forwarded packets are accepted is decided by the machine's own filter, not by us.
 *
 * The table is the kernel's: it stays when this process is killed, and the next one replaces it. PARENT only. Functions
 * return 0 or a negative errno. Times are milliseconds of CLOCK_MONOTONIC.
 */
#ifndef NAT_H
#define NAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plan.h"

struct nat;

/* Opens both sockets. NULL with errno set: no packet filter in this kernel, or not for us. */
struct nat *nat_open(const char *ifname);
/* Leaves the table as it is. NULL is fine. */
void nat_close(struct nat *n);

/* The table that p needs, in place of the one that may be there; none if it needs none. On error the old one stands. */
int nat_install(struct nat *n, const struct plan *p);
/* Also that of a predecessor. */
int nat_remove(struct nat *n);
/* Is there a table of ours with a kill switch in it, by whomever? */
bool nat_kills(struct nat *n);

/* Does another table translate addresses of packets that leave? */
bool nat_foreign_masquerade(struct nat *n);
/* The first foreign chain that drops forwarded packets unless told otherwise: "inet filter forward". False: none. */
bool nat_foreign_drop(struct nat *n, char *ret, size_t len);

/* Keeping it in place: poll the descriptor (-1: not now) for at most so many ms (-1: any), then call nat_serve(). */
int nat_fd(const struct nat *n);
int nat_wait_ms(const struct nat *n);
void nat_serve(struct nat *n);
/* How often it had to be put back. */
uint64_t nat_put_back(const struct nat *n);

#endif
