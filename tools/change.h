/* SPDX-License-Identifier: MIT */
/* What peer add and peer remove share: the way to a locked interface whose state is known. */
#ifndef CHANGE_H
#define CHANGE_H

#include "roster.h"

struct change {
	struct iface iface;
	struct roster roster;
	bool save, live;	/* what the command is to touch */
};

/* Finds the interface, checks that what is to be changed can be, takes the lock (not with -n) and loads. Returns 0 or
 * an exit code after one line on stderr. change_end() in either case. */
int change_begin(const struct ctx *c, struct change *ret);
void change_end(struct change *ch);

/* The file of a peer that has its own. False: too long. */
bool change_peer_path(const struct change *ch, const char *name, char ret[PATH_MAX]);

#endif
