/* SPDX-License-Identifier: MIT */
/*
 * A reload: the file is read again and judged as a whole; what differs from the live state is set in one transaction,
 * then the network follows. No session ends but those of peers that are gone. A file with errors changes nothing; what
 * fails on the way is taken back. Nothing here waits: it goes on whenever its descriptor says so. PARENT only.
 */
#ifndef RELOAD_H
#define RELOAD_H

#include <jansson.h>
#include <stdint.h>

#include "config.h"
#include "network.h"
#include "reader.h"

struct reload_env {
	const char *uapi;		/* path of the engine's socket */
	struct reader *reader;
	struct network *network;
	const struct config *config;	/* that the interface was brought up with */
	int epoll;			/* where its descriptors are watched, with this id */
	uint64_t id;
};

struct reload;

struct reload *reload_new(const struct reload_env *env);	/* what env points to is borrowed. NULL: no memory */
void reload_free(struct reload *r);				/* NULL is fine */

bool reload_running(const struct reload *r);

/* Both return NULL: it goes on; or the answer, the caller's: {"v":1,"code":0,"changed":[...],"warnings":[...]}, or code
 * 2 with "errors" (the file), or 1 with "error" (what failed; nothing has changed). Not while one is running. whole
 * false: only routes, but for default ones, become those of the file; all else in it waits for a whole one. */
json_t *reload_start(struct reload *r, bool whole);
/* Something happened at the descriptor. */
json_t *reload_serve(struct reload *r);
/* It takes too long: give up. What the engine was told stays told. */
json_t *reload_abort(struct reload *r);

#endif
