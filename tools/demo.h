/* SPDX-License-Identifier: MIT */
/*
 * What `tunctl demo` has made: two hosts, a daemon on each, and what was measured of them.
 *
 *	host alice                                          host bob
 *	tuna 10.77.0.1, fd77::1                             tunb 10.77.0.2, fd77::2
 *	eth  192.0.2.1  ------------ a cable ------------   eth  192.0.2.2
 *
 * All of it is in namespaces of its own (apart.h), so nothing here takes anything back. Functions return 0 or an exit
 * code after a line on stderr.
 */
#ifndef DEMO_H
#define DEMO_H

#include "cable.h"
#include "cmd.h"
#include "ping.h"
#include "stream.h"
#include "tunnel.h"

#include <limits.h>
#include <sys/types.h>

struct demo_side {
	struct host host;
	const char *endpoint;		/* on the cable */
	const char *ifname, *addr4, *addr6;	/* in the tunnel */
	uint8_t private[TNL_KEY_LEN], public[TNL_KEY_LEN];
	pid_t pid;
};

struct demo {
	const struct ctx *c;
	char program[PATH_MAX];		/* tunneld */
	bool has6;			/* IPv6 is not switched off */
	struct demo_side alice, bob;
	struct ping first;		/* one, which had to wait for the handshake */
	struct ping ping4, ping6;
	struct stream tcp;
	uint64_t tcp_cpu_ns;		/* that both daemons spent meanwhile */
	struct ping change;		/* those while keys were changed */
	uint32_t change_us;		/* until the new ones had made a session */
};

/* demo_tunnel.c: a key pair, a configuration file, a daemon that is ready. */
void demo_make_keys(struct demo_side *s);
int demo_write_config(const struct demo *d, const struct demo_side *s, const struct demo_side *peer, bool knows_peer);
int demo_start(const struct demo *d, struct demo_side *s);
/* The processor time of both daemons until now. */
uint64_t demo_cpu_ns(const struct demo *d);
void demo_socket(const struct demo_side *s, char ret[PATH_MAX]);
/* A line that ends in the last one of that side's daemon; code. */
int demo_fail(const struct demo *d, const struct demo_side *s, int code, const char *what);

/* demo_keys.c: alice gets a new key pair, and both a new preshared key, while pings go on. */
int demo_change_keys(struct demo *d);

/* demo_show.c. A step with a line of its own, unless JSON or silence was asked for. */
void demo_say(const struct demo *d, const char *step, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
const char *demo_rate(const struct stream *s, char ret[32]);
void demo_say_rate(void *demo, const struct stream *s);	/* for stream_run() */
void demo_sum_up(const struct demo *d, uint32_t took_ms);

#endif
