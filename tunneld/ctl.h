/* SPDX-License-Identifier: MIT */
/*
 * The daemon's own control socket, /run/tunneld/IF.sock: one JSON object a line, requests of operators one way, answers
 * and events the other. Here are connections, lines and what a request is; who answers is the caller's matter.
 *
 *     request = {"v":1,"do":"state"}    or "reload", "routes", "watch"
 *     answer  = {"v":1,"code":N,...}    code: as tunctl's exit codes; not 0: "error" or "errors" say why
 *     event   = {"v":1,"event":"...","time":"...",...}    behind the answer to "watch", until the client goes
 *
 * Only root may connect. Nobody can make us wait or hold more than the bounds below: a client whose answer is not due
 * or not taken is not read from, one that sends nothing for CTL_SILENCE_MS is let go, and when there is no place for
 * one more, the one of least use gives way. PARENT only.
 */
#ifndef CTL_H
#define CTL_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

enum {
	CTL_LINE_MAX = 4096,		/* bytes of a request with its LF; a longer one ends the connection */
	CTL_CLIENTS_MAX = 64,
	CTL_ANSWER_MAX = 4 << 20,	/* bytes of an answer */
	CTL_EVENTS_MAX = 256 << 10,	/* bytes of events that wait for one client; those beyond are counted as lost */
	CTL_SILENCE_MS = 60000,
};

enum ctl_request { CTL_STATE, CTL_RELOAD, CTL_ROUTES, CTL_WATCH, CTL_REQUESTS };

/* A connection; one that is gone is never meant again. 0: none. */
typedef uint64_t ctl_client;

struct ctl;

/* A request has come: it is owed one ctl_answer(), now or later. */
typedef void ctl_handler(void *ctx, ctl_client who, enum ctl_request what);

/* listener: non-blocking, stays the caller's. NULL with errno set. */
struct ctl *ctl_new(int listener, ctl_handler *handler, void *ctx);
void ctl_free(struct ctl *c);	/* NULL is fine */

/* Readable when ctl_serve() has something to do. */
int ctl_fd(const struct ctl *c);
void ctl_serve(struct ctl *c);

/* Both take the reference to `answer`; NULL stands for "out of memory". A client that is gone is no error. The answer
 * to CTL_WATCH with code 0 makes the client one of those that ctl_event() speaks to. */
void ctl_answer(struct ctl *c, ctl_client who, json_t *answer);
void ctl_event(struct ctl *c, json_t *event);
/* How many listen to events. */
unsigned ctl_watchers(const struct ctl *c);

/* What a line without its LF asks for: NULL and *ret, or what is wrong with it. Pure. */
const char *ctl_parse(const char *line, size_t len, enum ctl_request *ret);

#endif
