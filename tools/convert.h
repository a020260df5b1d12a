/* SPDX-License-Identifier: MIT */
/*
 * Configurations of other programs as ours. The text of wg-quick is ours already and is kept to the byte; what is added
 * are lines of our own behind a peer's header: its name, where a comment above it says one, and that it is disabled.
 *
 *	PiVPN			### begin NAME ###	and "#[disabled] " before each line of a client that is off
 *	wg-easy			# Client: NAME (ID)	and clients that are off in the .json file alone
 *	wireguard-install	### Client NAME
 *
 * SaveConfig, which only wg-quick acts upon, becomes a comment.
 */
#ifndef CONVERT_H
#define CONVERT_H

#include <jansson.h>
#include <stddef.h>

struct convert {
	char *text;		/* terminated; store_free() it, it holds keys */
	size_t len, room;
	size_t peers, named, disabled;
	void *names, *keys;	/* those given so far: trees */
};

/* A text of wg-quick's kind. */
void convert_text(struct convert *r, const char *text, size_t len);
/* Clients of wg-easy's .json file: all of them behind an [Interface] of their own when r is empty, else those that are
 * not in r yet. NULL, or what is wrong with it. */
const char *convert_easy(struct convert *r, const json_t *file);
void convert_free(struct convert *r);

#endif
