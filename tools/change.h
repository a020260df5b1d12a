/* SPDX-License-Identifier: MIT */
/* What the commands that change peers share: the way to a locked interface whose state is known. */
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
/* The same, but loads only the files. */
int change_begin_files(const struct ctx *c, struct change *ret);
void change_end(struct change *ch);

/* The peer that `text` names. 0, or CMD_NOENT after one line on stderr. */
int change_find(const struct ctx *c, const struct change *ch, const char *text, struct peer **ret);
/* CMD_CONFLICT after one line on stderr if a peer other than `but`, or the interface, has one of the networks;
 * CMD_USAGE if nobody can. */
int change_check_nets(const struct ctx *c, const struct change *ch, const struct net *net, size_t count,
		      const struct peer *but, const char *advice);
/* Makes p live as it stands in r, its endpoint looked up when that is a name. 0 or a negative errno; a name that cannot
 * be looked up is only said. */
int change_go_live(const struct ctx *c, const struct change *ch, struct peer *p);

/* The file of its own that a peer of that name has. False: too long. */
bool change_peer_path(const struct change *ch, const char *name, char ret[PATH_MAX]);
/* The file where p is saved, its own or the main one. */
bool change_saved_path(const struct change *ch, const struct peer *p, char ret[PATH_MAX]);

#endif
