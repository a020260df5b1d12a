/* SPDX-License-Identifier: MIT */
/* How every unit program begins and ends. */
#ifndef SUITE_H
#define SUITE_H

#include <check.h>

/*
 * Check writes the place of every assertion that holds into a pipe, to tell where a crash came after. A million
 * assertions are then a million system calls, and a debugger or a sanitizer tells the place better.
 */
#define _mark_point(file, line) ((void)0)

/* Runs and frees the suite; the status that main() returns. */
int suite_run(Suite *s);

#endif
