/* SPDX-License-Identifier: MIT */
/* Running a program to its end, from the hook runner: it blocks. */
#ifndef RUN_H
#define RUN_H

/* argv[0] is looked for in PATH, and sh if it is bash and there is none. input: what it reads on its standard input;
 * NULL: what we read there. Returns its exit status, 128 and the signal's number if that ended it, 127 if it cannot be
 * run, -1 if there is no process to be had. */
int run(const char *const argv[], const char *input);

#endif
