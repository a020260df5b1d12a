/* SPDX-License-Identifier: MIT */
#ifndef RESTORE_H
#define RESTORE_H

#include "iface.h"

/* Was one killed in the middle? */
bool restore_is(const struct ctx *c, const struct iface *f);

/* Finishes a restore that was killed in the middle, under the interface's lock. 0, also when there is none, or an exit
 * code after one line on stderr. */
int restore_finish(const struct ctx *c, struct iface *f);

#endif
