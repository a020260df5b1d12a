/* SPDX-License-Identifier: MIT */
/*
 * What takes root, apart from the daemon, where a service manager runs each in a unit of its own: a process that has
 * the configuration file, the reader (reader.h) and the hook runner (hooks.h). It takes nothing from the daemon at all
 * but the end of the connection; what its two children take is one byte each.
 */
#ifndef ROOT_H
#define ROOT_H

#include "config.h"
#include "hooks.h"
#include "reader.h"

/* That process: serves one daemon, the first to connect to the socket that the service manager handed over, and ends
 * after it. The exit status. */
int root_main(const char *file, const char *ifname);

struct root {
	int connection;		/* until the daemon ends, which is when this is closed */
	char *file;		/* of the configuration, an absolute path; heap memory, or NULL */
	struct config *config;
	struct reader *reader;
	struct hooks *hooks;	/* NULL: the file has no commands */
};

/* The daemon's side. 0, and *ret belongs to the caller; else the exit status, and why was said: 2 for an error in the
 * file. */
int root_ask(const char *path, struct root *ret);

#endif
