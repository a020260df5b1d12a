/* SPDX-License-Identifier: MIT */
/*
 * The parent: the small process that keeps rights, and never reads a byte from the network or a UAPI client. It opens
 * what needs privilege, runs the engine, answers the engine's requests, watches over interface and socket file, and
 * leaves nothing behind.
 */
#ifndef PARENT_H
#define PARENT_H

#include "config.h"
#include "hooks.h"
#include "judge.h"
#include "reader.h"

struct parent_args {
	const char *name;	/* of the interface, valid */
	const char *version;
	const char *file;	/* that the configuration came from, an absolute path; NULL: none */
	struct config *config;	/* NULL: an empty interface that wg(8) fills; else the parent frees it */
	enum judge_rule share;	/* whether workers share large batches */
	unsigned workers;	/* how many; 0: as the file says, else one for each processor */
	unsigned no_offload;	/* CONF_OFFLOAD_ bits, beside those of the file */
	/* Where each part is a service of its own these are there already, and the parent is never root: from its start
	 * it has what is left to it elsewhere after sandbox_parent(). */
	struct reader *reader;
	struct hooks *hooks;
	const char *engine;	/* the path at which the engine is called; NULL: all three are ours to start */
	int ready_fd;		/* written to when interface and socket are there; then we detach. -1: foreground */
};

/* Runs until told to end. Exit status: 0 after SIGTERM, SIGINT, removal of the interface or of the socket file. */
int parent_main(const struct parent_args *args);

#endif
