/* SPDX-License-Identifier: MIT */
/*
 * What the running daemon owes its operator beside UAPI: an own control socket (ctl.h) that tells the state. PARENT
 * only.
 */
#ifndef SERVICE_H
#define SERVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "config.h"
#include "msg.h"
#include "netlink.h"

/* What is borrowed for the life of the service. */
struct service_env {
	const char *name, *version;
	const char *file;			/* of the configuration, an absolute path; NULL: there is none */
	const struct tun_info *tun;
	const struct udp_info *udp;
	const struct netlink_state *link;	/* as it was last seen */
	void (*tell)(void *ctx, const struct msg *m);	/* says something to the engine */
	void *ctx;
};

struct service;

/* Before privileges are given up. NULL: logged. */
struct service *service_open(const struct service_env *env);
void service_close(struct service *s);	/* NULL is fine */

/* Readable when service_serve() has something to do. */
int service_fd(const struct service *s);
void service_serve(struct service *s);

/* The engine's process, and what it says of itself: MSG_STATE. */
void service_engine(struct service *s, pid_t pid);
void service_heard(struct service *s, const struct msg *m);

#endif
