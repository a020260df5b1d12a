/* SPDX-License-Identifier: MIT */
/* What a reload would change, as far as diff sees it. */
#ifndef DIFF_H
#define DIFF_H

#include "iface.h"

/* Prints it, a line for each difference. 0, or an exit code after one line on stderr. */
int diff_plan(const struct ctx *c, const struct iface *f);

#endif
