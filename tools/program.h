/* SPDX-License-Identifier: MIT */
/* Programs that do a part of a command. Every wait has an end. */
#ifndef PROGRAM_H
#define PROGRAM_H

#include <sys/types.h>

/* Waits for a child. Its exit status (128 and more: a signal), or -ETIMEDOUT: it goes on. */
int program_wait(pid_t pid, unsigned wait_ms);
/* Runs argv[0], looked for in PATH if it names no directory, without input. Its exit status as above; -ETIMEDOUT: it
 * took too long and was ended; or another negative errno: it could not be run. *said is all that it wrote to both its
 * outputs, to be freed; NULL: that is lost. */
int program_run(const char *const argv[], unsigned wait_ms, char **said);

#endif
