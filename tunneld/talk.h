/* SPDX-License-Identifier: MIT */
/* One request at the UAPI socket and its answer, without ever waiting: the parent as a client of its own engine. */
#ifndef TALK_H
#define TALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "uapi.h"

struct talk {
	int fd;				/* -1: none */
	char *out;			/* private from here */
	size_t out_len, out_off, out_max;
	struct uapi_parser parser;
};

/* Connects and keeps the request: "get=1" if ops is NULL, else a set of these lines, which are copied. 0 or a negative
 * errno. */
int talk_begin(struct talk *t, const char *path, const struct uapi_op *ops, size_t count);
/* What to wait for, in epoll's terms. */
uint32_t talk_events(const struct talk *t);
/* Sends and receives what can be. take hears of each line of the answer; false from it ends the talk with -ENOMEM. 1:
 * the answer is whole and says success; 0: not yet; or a negative errno, the engine's own or ours. */
typedef bool talk_take(void *ctx, const struct uapi_op *op);
int talk_serve(struct talk *t, talk_take *take, void *ctx);
/* Closes and wipes. Harmless on one that has ended. */
void talk_end(struct talk *t);

#endif
