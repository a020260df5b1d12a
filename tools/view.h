/* SPDX-License-Identifier: MIT */
/* A peer as a row, a paragraph and a JSON object: the same words in status, peer list and peer show. */
#ifndef VIEW_H
#define VIEW_H

#include "out.h"
#include "roster.h"

/* Text of a file or a daemon for a terminal: what is not printable, or no UTF-8, becomes '?'. At most max - 1
 * bytes, cut between characters. */
const char *view_clean(const char *text, char *ret, size_t max);
/* "10.8.0.2, fd00::2": without the length where it is a single address. */
const char *view_nets(const struct peer *p, char *ret, size_t max);
/* "online", "idle" (live, no handshake lately), "saved" (only in a file), "disabled"; live without a file has
 * " (not saved)", live though its file disables it " (disabled)". */
const char *view_state(const struct peer *p, uint64_t now_s);
json_t *view_peer_json(const struct peer *p, uint64_t now_s, bool endpoints);
/* The peers of r as a JSON array, in their order. */
json_t *view_peers_json(const struct roster *r, uint64_t now_s, bool endpoints);

int view_by_handshake(const struct peer *x, const struct peer *y);	/* for roster_order() */
void view_sort_by_name(struct roster *r);	/* nameless ones last, by key */
void view_sort_by_handshake(struct roster *r);	/* latest first, then as by name */

#endif
