/* SPDX-License-Identifier: MIT */
/*
 * Switches of the kernel, files of one digit under /proc/sys: opened while there are files to open, set later, and put
 * back only by whom they were changed and only if nobody has changed them since. PARENT only.
 */
#ifndef SYSCTL_H
#define SYSCTL_H

#include <stdbool.h>

struct sysctl {
	int fd;		/* -1: there is none, or it is not ours to write */
	char was, set;	/* 0, or the value that we replaced and the one that we wrote */
};

void sysctl_open(struct sysctl *s, const char *path);
/* 0, also when it had that value already; or a negative errno. */
int sysctl_set(struct sysctl *s, char value);
/* The present value; 0: it cannot be read. */
char sysctl_get(const struct sysctl *s);
void sysctl_put_back(struct sysctl *s);
void sysctl_close(struct sysctl *s);

#endif
