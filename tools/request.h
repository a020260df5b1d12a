/* SPDX-License-Identifier: MIT */
/* The options of peer add, checked: what the new peer is to be. */
#ifndef REQUEST_H
#define REQUEST_H

#include "roster.h"

enum { REQUEST_TAG_MAX = 32 };

struct request {
	const char *name;
	bool has_key;
	uint8_t key[TNL_KEY_LEN];		/* public; only when has_key */
	enum { PSK_LEFT_OUT, PSK_AUTO, PSK_GIVEN, PSK_NONE } psk_how;
	uint8_t psk[TNL_KEY_LEN];
	struct net net[CMD_IPS_MAX];		/* masked */
	unsigned net_count;
	bool auto_net;				/* --ip auto, or none */
	const char *host;			/* --endpoint as given; NULL: left out; "": is to have none */
	char endpoint[ROSTER_ENDPOINT_MAX];	/* the same, resolved */
	int keepalive_s;			/* -1: left out */
	const char *note;			/* NULL: left out; "": is to have none */
	bool has_tags;
	char tags[CMD_TAGS_MAX * (REQUEST_TAG_MAX + 2)];	/* "a, b"; "": is to have none */
};

/* 0, or an exit code after one line on stderr. Reads the preshared key and resolves the endpoint. set: what is asked
 * for changes a peer, so that values can be taken away ("--note ''"), but none is to be made ("auto"). */
int request_parse(const struct ctx *c, bool set, struct request *ret);
/* "host:port" or "[fd00::1]:port" -> its first address as UAPI wants it. NULL, or why not. */
const char *request_resolve(const char *host_port, char ret[ROSTER_ENDPOINT_MAX]);
/* NULL when p is as the request says, else the name of what is different. What was left out is never different. */
const char *request_differs(const struct request *q, const struct peer *p);

#endif
