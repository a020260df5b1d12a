/* SPDX-License-Identifier: MIT */
/* The two texts that peer add writes: the peer's file here, and the configuration for the peer's own machine. */
#ifndef PAGE_H
#define PAGE_H

#include "roster.h"

enum { PAGE_MAX = 8192, PAGE_NOTE_MAX = 200 };

/* Text that may hold keys: of fixed size, so that no copy is left behind when it grows, and wiped after use. */
struct page {
	size_t len;
	char text[PAGE_MAX];	/* terminated */
};

/* False: it does not fit. */
bool page_peer_file(struct page *ret, const struct peer *p);

struct page_client {
	const struct peer *peer;
	const uint8_t *private;		/* NULL: its owner has it */
	const struct roster *server;	/* its key, networks and port */
	const char *address;		/* HOST[:PORT] of the server; NULL: asked of the routing table */
};
bool page_client_config(struct page *ret, const struct page_client *from);

#endif
