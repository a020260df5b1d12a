/* SPDX-License-Identifier: MIT */
/*
 * What has been set up and is not there any more, because somebody else took it away: an address or a route deleted by
 * hand, rules flushed by another manager, an interface taken down, which costs its routes and IPv6 addresses. Private
 * to network.c. PARENT only.
 */
#ifndef LOST_H
#define LOST_H

#include "steps.h"

enum { LOST_MTU6 = 1280 };	/* bytes: with a smaller MTU the kernel has no IPv6 on an interface */

/* Takes that out of p, and sets s->mtu to what it is now, 0 if the interface is down: so that a change from p brings it
 * back. mtu: what it is going to be. Looks only in the present namespace: an interface that was moved is left alone, as
 * is p when the kernel does not answer. */
void lost_forget(struct steps *s, const char *ifname, uint32_t mtu, struct plan *p);

#endif
