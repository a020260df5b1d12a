/* SPDX-License-Identifier: MIT */
/*
 * Two processes of this program that a service manager runs in units of their own meet at a socket of that manager:
 * it listens, starts who is to sit there when somebody connects, and hands the listening socket over.
 */
#ifndef SEAT_H
#define SEAT_H

#include <stdbool.h>

enum { SEAT_GIVEN = 3 };	/* the descriptor of that socket, see sd_listen_fds(3) */

/* Did a service manager hand a socket over to this very process? */
bool seat_given(void);
/* The first connection to it; the socket itself is let go. Close-on-exec. Or a negative errno. */
int seat_accept(void);
/* The other side: a connection to the socket at path, SOCK_STREAM or SOCK_SEQPACKET; close-on-exec. Or a negative
 * errno. */
int seat_connect(const char *path, int type);

#endif
