/* SPDX-License-Identifier: MIT */
/* The options of peer add, checked: what the new peer is to be. */
#ifndef REQUEST_H
#define REQUEST_H

#include "roster.h"

struct request {
	const char *name;
	bool has_key;
	uint8_t key[TNL_KEY_LEN];		/* public; only when has_key */
	enum { PSK_LEFT_OUT, PSK_AUTO, PSK_GIVEN } psk_how;
	uint8_t psk[TNL_KEY_LEN];
	struct net net[CMD_IPS_MAX];		/* masked */
	unsigned net_count;
	bool auto_net;				/* --ip auto, or none */
	const char *host;			/* --endpoint as given; NULL: none */
	char endpoint[ROSTER_ENDPOINT_MAX];	/* the same, resolved */
	int keepalive_s;			/* -1: left out */
	const char *note;
};

/* 0, or an exit code after one line on stderr. Reads the preshared key and resolves the endpoint. */
int request_parse(const struct ctx *c, struct request *ret);
/* NULL when p is as the request says, else the name of what is different. What was left out is never different. */
const char *request_differs(const struct request *q, const struct peer *p);

#endif
