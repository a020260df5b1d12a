/* SPDX-License-Identifier: MIT */
/* How every unit program ends. */
#ifndef SUITE_H
#define SUITE_H

#include <check.h>

/* Runs and frees the suite; the status that main() returns. */
int suite_run(Suite *s);

#endif
