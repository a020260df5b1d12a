/* SPDX-License-Identifier: MIT */
/*
 * All that is known of an interface and its peers, from its files and from the running daemon, joined by public key.
 * Files give a peer its name and note; the daemon gives it its traffic. What both say is taken from the daemon, since
 * that is what happens.
 */
#ifndef ROSTER_H
#define ROSTER_H

#include "iface.h"
#include "keyfile.h"
#include "keytext.h"
#include "pick.h"

enum { ROSTER_OWN_MAX = 16, ROSTER_ONLINE_S = 180, ROSTER_PREFIX_MIN = 6, ROSTER_ENDPOINT_MAX = 80,
       ROSTER_HOST_MAX = 264, ROSTER_DNS_MAX = 8, ROSTER_DNS_TEXT = 254 };

struct peer {
	char name[IFACE_PEER_NAME_MAX + 1];	/* "": none */
	uint8_t key[TNL_KEY_LEN];
	struct net *net;
	size_t net_count, net_room;
	bool saved, live;
	bool own_file;		/* saved in IF.d, else in the main file */
	char *file;		/* its name there when it gives the peer none; NULL: NAME.peer */
	bool disabled;		/* "Enabled = false" in its file: not to be live */
	bool has_psk;
	uint8_t psk[TNL_KEY_LEN];
	uint16_t keepalive_s;
	char *note, *tags;	/* as in the file; NULL: none */
	char endpoint[ROSTER_ENDPOINT_MAX];	/* where the peer speaks from now; "": not known */
	char *host;		/* HOST:PORT as the file says; NULL: it does not */
	uint64_t handshake_s, rx_bytes, tx_bytes;
	uint64_t rx_before, tx_before;	/* what they were at the sample before; see `sampled` */
	bool sampled;			/* there was one */
};

/* What clients are told to ask for names. */
struct roster_dns {
	struct tnl_addr addr;		/* family 0: a search domain */
	char text[ROSTER_DNS_TEXT];
};

struct roster {
	struct peer *peer;
	size_t count, room;
	struct net own[ROSTER_OWN_MAX];		/* our addresses, host bits kept */
	size_t own_count;
	bool has_key;
	uint8_t public[TNL_KEY_LEN];
	struct keyfile key_file;	/* that the main file names */
	uint16_t port;		/* 0: not known */
	uint32_t fwmark;	/* of what the daemon sends; 0: none, or not known */
	bool nat;		/* clients reach the world through us */
	char client_host[ROSTER_HOST_MAX];	/* HOST[:PORT] by which clients reach us; "": the file does not say */
	struct roster_dns dns[ROSTER_DNS_MAX];	/* for clients */
	size_t dns_count;
};

/* Reads the files, then the daemon when it runs. Every error of a file is said on stderr; with `strict` it ends in
 * CMD_USAGE, else what is good of the file is taken. Returns 0 or an exit code after a line on stderr. To be freed in
 * either case. */
int roster_load(const struct ctx *c, const struct iface *f, bool strict, struct roster *r);
/* The same in two steps, for a command that need not know every peer that runs: the files; */
int roster_load_files(const struct ctx *c, const struct iface *f, bool strict, struct roster *r);
/* and of the daemon, when it runs, the interface and who has this key (NULL: none is asked for) or one of these
 * networks; all peers when it cannot be asked so. */
int roster_join(const struct ctx *c, const struct iface *f, const uint8_t *key, const struct net *net, size_t count,
		struct roster *r);
/* All peers that run. */
int roster_join_all(const struct ctx *c, const struct iface *f, struct roster *r);
void roster_free(struct roster *r);
/* Ends the program when memory ends. */
void roster_copy(const struct roster *from, struct roster *ret);

/* The peers of one text, read as the file `path`; name: that a peer's own file gives it, "": none, since it cannot be a
 * name; NULL: the main file. 0, or CMD_USAGE after a line on stderr for each error. Opens no other file: of key_file it
 * is known where it is. To be sorted. */
int roster_read(const struct ctx *c, const char *path, const char *name, const char *text, size_t len,
		struct roster *r);

/* The parts of roster_load(), for tests. All end the program when memory ends. */
struct peer *roster_add(struct roster *r, const uint8_t key[TNL_KEY_LEN]);
void peer_add_net(struct peer *p, const struct net *n);	/* masked */
/* Room for so many more. */
void roster_reserve(struct roster *r, size_t count);
/* From here on roster_by_key() finds what is there now. */
void roster_sort(struct roster *r);
/* Any other order, for a list. */
void roster_order(struct roster *r, int (*cmp)(const struct peer *a, const struct peer *b));
struct peer *roster_by_key(const struct roster *r, const uint8_t key[TNL_KEY_LEN]);
/* How a key begins, as a number: numbers in order are keys in order. */
uint64_t key_head(const uint8_t key[TNL_KEY_LEN]);

struct peer *roster_by_name(const struct roster *r, const char *name);
/* By name, key, start of a key, or address. 0; -ENOENT; -ENOTUNIQ: several keys begin like this. */
int roster_find(const struct roster *r, const char *text, struct peer **ret);
/* The peer that has exactly this network, other than `but`; NULL: none. */
const struct peer *roster_owner(const struct roster *r, const struct net *n, const struct peer *but);
/* What to call a peer: its name, or the start of its key. */
const char *peer_label(const struct peer *p, char ret[IFACE_PEER_NAME_MAX + 1]);
bool peer_online(const struct peer *p, uint64_t now_s);

#endif
