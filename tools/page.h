/* SPDX-License-Identifier: MIT */
/* Texts that tunctl writes: a peer's file, and the configuration for the peer's own machine in each format that
 * programs there read. */
#ifndef PAGE_H
#define PAGE_H

#include "roster.h"

enum { PAGE_MAX = 8192, PAGE_NOTE_MAX = 200 };

/* Text that may hold keys: of fixed size, so that no copy is left behind when it grows, and wiped after use. */
struct page {
	size_t len;		/* more than PAGE_MAX - 1: it did not fit */
	char text[PAGE_MAX];	/* terminated */
};

/* For those who make pages: append to *p; what does not fit is seen at the end by page_fits(), which wipes it. */
void page_put(struct page *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void page_put_key(struct page *p, const char *name, const uint8_t key[TNL_KEY_LEN]);
bool page_fits(struct page *p);

/* False, here and below: it does not fit. */
bool page_peer_file(struct page *ret, const struct peer *p);

struct page_client {
	const struct peer *peer;
	const uint8_t *private;		/* NULL: its owner has it */
	const struct roster *server;	/* its key, networks, port and what it says about clients */
	const char *address;		/* HOST[:PORT] of the server; NULL: as its file says, else by the routes */
	const char *ifname;		/* what the interface is called on the peer's machine; not for wg-quick */
};
/* For wg-quick, for apps and for tunneld. */
bool page_client_config(struct page *ret, const struct page_client *from);
/* The same without blanks and comments, to make a small code of. */
bool page_client_compact(struct page *ret, const struct page_client *from);
/* A keyfile of NetworkManager. */
bool page_client_nm(struct page *ret, const struct page_client *from);
/* The two files of systemd-networkd. */
bool page_client_netdev(struct page *ret, const struct page_client *from);
bool page_client_network(struct page *ret, const struct page_client *from);

#endif
