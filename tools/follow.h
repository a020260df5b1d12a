/* SPDX-License-Identifier: MIT */
/*
 * Routes follow peers. What lies within the interface's own networks is reached without; every other network of a peer
 * takes a route, and those are the daemon's: it reads the files again, sets what is missing and takes away what is too
 * much.
 */
#ifndef FOLLOW_H
#define FOLLOW_H

#include "change.h"

enum follow {
	FOLLOW_NOTHING,
	FOLLOW_ROUTES,
	FOLLOW_DEFAULT,		/* one is a default route, which may cut off whoever asks: left to reload */
};

/* What p's networks take. FOLLOW_NOTHING, too, when the files stay as they are or are not what the daemon reads. */
enum follow follow_look(const struct change *ch, const struct peer *p);

enum { FOLLOW_WHY = 256 };
/* When files and interface are as they are to be. False: nothing has changed in the daemon; why is one line. Of a
 * default route, and when the daemon sets no routes, it is said that nothing is done. */
bool follow(const struct ctx *c, const struct change *ch, enum follow what, char why[FOLLOW_WHY]);

#endif
