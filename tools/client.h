/* SPDX-License-Identifier: MIT */
/*
 * The daemon's UAPI socket from the client's side. One connection a request. Every wait has an end, so a daemon that
 * hangs does not hang its operator. All return 0 or a negative errno: -ECONNREFUSED or -ENOENT: nobody is there;
 * -EPROTO: the answer is no UAPI; what the daemon answers is passed on.
 */
#ifndef CLIENT_H
#define CLIENT_H

#include "roster.h"

/* Is somebody there? */
int client_probe(const char *path);
/* Key, port and peers of the running interface into r, which holds what the files say and is sorted. */
int client_load(const char *path, struct roster *r);
/* The same in two steps, so that the daemon makes its answer while the files are read. begin: a descriptor or a
 * negative errno; load: closes it, and passes a negative one on. */
int client_begin(const char *path);
int client_finish(int fd, struct roster *r);
/* The same of the interface and those peers only that have this key (NULL: any will not do) or exactly one of these
 * networks. No daemon but ours knows this question; what went wrong with it is not to be told from that. */
int client_ask(const char *path, const uint8_t *key, const struct net *net, size_t count, struct roster *r);
/* Makes the peer as p says: preshared key, addresses, keepalive; endpoint when there is one. */
int client_peer_set(const char *path, const struct peer *p);
int client_peer_remove(const char *path, const uint8_t key[TNL_KEY_LEN]);
/* Only what `which` names, of a peer that is there; one that is not stays away. */
enum { CLIENT_PSK = 1, CLIENT_NETS = 2, CLIENT_KEEPALIVE = 4, CLIENT_ENDPOINT = 8 };
int client_peer_update(const char *path, const struct peer *p, unsigned which);
/* Ends its sessions: removes the peer and makes it again as p says, in one transaction. */
int client_peer_kick(const char *path, const struct peer *p);
/* The interface's own key. Sessions are made anew with it at once. */
int client_set_private(const char *path, const uint8_t key[TNL_KEY_LEN]);

/* The daemon is well and will not do it: saying the same again would not help. */
bool client_refused(int err);

#endif
