/* SPDX-License-Identifier: MIT */
/*
 * The engine as a child: this executable run again, so that not even the layout of the parent's memory is known to it.
 * Or the engine in a unit of its own, under a service manager.
 */
#ifndef SPAWN_H
#define SPAWN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct spawn {
	bool there;
	pid_t pid;	/* 0: somebody else's child, or none */
	int channel;
};

/* The child has standard streams, the channel as ENGINE_CHANNEL, an environment without the caller's, nothing else.
 * 0 or a negative errno. */
int spawn_engine(struct spawn *s);
/* The engine that a service manager starts when its socket at `path` is connected to. */
int spawn_elsewhere(struct spawn *s, const char *path);
/* At once; one that is elsewhere and does not even see its channel closed is left to the manager. Its end is still to
 * be collected by spawn_end(). */
void spawn_kill(const struct spawn *s);
/* Closes the channel, which ends an engine that is well, gives it two seconds, kills it, collects it. how: what became
 * of it, in words. */
void spawn_end(struct spawn *s, char *how, size_t len);

#endif
