/* SPDX-License-Identifier: MIT */
/*
 * Changes of the lines that a saved peer has in its file, its own or the main one, every byte around them untouched.
 * They are collected in memory and written at once; the file as it was is kept, to be put back.
 */
#ifndef EDIT_H
#define EDIT_H

#include "change.h"
#include "conf.h"

struct edit {
	char path[PATH_MAX];
	uint8_t key[TNL_KEY_LEN];	/* the peer's */
	char *old, *text;		/* as it was, as it is to be */
	size_t old_len, len;
};

/* All return 0 or an exit code after one line on stderr; edit_end() in either case. */

/* Reads the file where p stands. CMD_PERM: it is another program's. */
int edit_begin(const struct ctx *c, const struct change *ch, const struct peer *p, struct edit *ret);
/* One key of the peer; value NULL takes it away. */
int edit_set(const struct ctx *c, struct edit *e, enum conf_key key, const char *value);
bool edit_changed(const struct edit *e);
int edit_save(const struct ctx *c, const struct edit *e);
/* The daemon answered `err` to what was saved. A refusal puts the file back as it was: CMD_FAILED, nothing is changed.
 * Else the file stands: CMD_NOTLIVE. */
int edit_not_live(const struct ctx *c, const struct edit *e, const char *name, int err);
/* The same when a route could not be set, as `why` says, and what is live has been put back. */
int edit_not_routed(const struct ctx *c, const struct edit *e, const char *name, const char *why);
void edit_end(struct edit *e);

#endif
