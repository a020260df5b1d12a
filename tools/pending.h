/* SPDX-License-Identifier: MIT */
/*
 * A configuration on trial: IF.conf is the new one, IF.conf.before the one that comes back unless the new one is
 * confirmed. The file IF.conf.before is the whole state: while it is there a trial is on, and either end of it is one
 * rename, so that whoever comes first decides and nobody sees a half. It outlives processes and the machine.
 *
 *	confirmed	IF.conf.before becomes IF.conf.old
 *	rolled back	IF.conf.before becomes IF.conf, and what was on trial is kept as IF.conf.rejected
 */
#ifndef PENDING_H
#define PENDING_H

#include "iface.h"

enum pending_file { PENDING_BEFORE, PENDING_OLD, PENDING_REJECTED };

/* False: too long. */
bool pending_path(const struct iface *f, enum pending_file which, char ret[PATH_MAX]);
bool pending_is(const struct iface *f);
/* Does a guard (guard.h) live that will end the trial? */
bool pending_guarded(const struct ctx *c, const struct iface *f);

/* All return 0 or a negative errno; -ENOENT: there is no trial. */

/* Keeps a copy of IF.conf, flushed to disk, for the way back. -EEXIST: a trial is on already. */
int pending_begin(const struct iface *f);
int pending_confirm(const struct iface *f);
int pending_roll_back(const struct iface *f);
/* Rolls back a trial that nobody guards any more: its guard was killed, or the machine was started anew. Says so on
 * stderr. *rolled: it was one. */
int pending_end_stale(const struct ctx *c, const struct iface *f, bool *rolled);

/* Asks the daemon to read its file again. 0, or an exit code; `why` then says what the daemon said. */
enum { PENDING_WHY_MAX = 256 };
int pending_reload(const struct iface *f, char why[PENDING_WHY_MAX]);

#endif
