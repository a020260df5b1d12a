/* SPDX-License-Identifier: MIT */
/*
 * The daemon's own control socket from the client's side: one JSON object a line, a request one way, an answer and
 * perhaps events the other (tunneld(8) says what there is). Every wait has an end.
 *
 * All return 0 or a negative errno: -ENOENT or -ECONNREFUSED: nobody is there; -EACCES: not for this user; -ETIMEDOUT;
 * -ECONNRESET: the daemon has ended; -EPROTO: what came is no such line.
 */
#ifndef DAEMON_H
#define DAEMON_H

#include <jansson.h>

enum {
	DAEMON_LINE_MAX = 8 << 20,	/* bytes of a line that is believed to be one */
	DAEMON_WAIT_MS = 10000,		/* for an answer that needs no thought */
	DAEMON_RELOAD_MS = 150000,	/* it gives up before: names may take long to resolve */
};

struct daemon;

int daemon_open(const char *path, struct daemon **ret);
void daemon_close(struct daemon *d);	/* NULL is fine */

/* Asks for "state", "reload", "routes" or "watch". */
int daemon_send(struct daemon *d, const char *what);
/* The next line; the caller's, json_decref(). Whatever the daemon says, each text in it can be printed on a terminal:
 * view_clean(). wait_ms -1: wait for ever. The pieces of a line that is not whole when
 * the time is over are kept for the next call. */
int daemon_line(struct daemon *d, int wait_ms, json_t **ret);
/* To poll() beside other things; daemon_line() with wait_ms 0 then takes what is there. */
int daemon_fd(const struct daemon *d);

/* One question, one answer. */
int daemon_ask(const char *path, const char *what, int wait_ms, json_t **ret);

#endif
