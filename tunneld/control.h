/* SPDX-License-Identifier: MIT */
/*
 * The UAPI socket's clients: wg(8) and its kin. Any number of requests a connection, in any fragmentation, answered in
 * order; no client, however slow, silent or hostile, holds up another one, the packets or the end. OWNER only.
 */
#ifndef CONTROL_H
#define CONTROL_H

#include <stdint.h>

#include "device.h"

enum { CONTROL_ID = 16 };	/* epoll data of our descriptors is this and up */

struct control;

/* Watches the listening socket in that epoll. names: any socket of the network in which names of interfaces are looked
 * up. Both stay the caller's. NULL with errno set. */
struct control *control_new(struct device *d, int epoll, int listener, int names);
/* Closes every client and wipes what was theirs. NULL is fine. */
void control_free(struct control *c);

/* An event of epoll whose data is CONTROL_ID or more. */
void control_event(struct control *c, uint64_t id, uint32_t events);

#endif
