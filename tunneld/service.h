/* SPDX-License-Identifier: MIT */
/*
 * What the running daemon owes its operator beside UAPI: an own control socket (ctl.h) that tells the state and
 * events and takes the order to reload, which SIGHUP gives as well; and word to the service manager (notify.h), the
 * watchdog's fed by the data path. PARENT only.
 */
#ifndef SERVICE_H
#define SERVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "config.h"
#include "msg.h"
#include "netlink.h"
#include "network.h"
#include "reader.h"

/* What is borrowed for the life of the service. */
struct service_env {
	const char *name, *version;
	const char *file;			/* of the configuration, an absolute path; NULL: there is none */
	const struct tun_info *tun;
	const struct udp_info *udp;
	const struct netlink_state *link;	/* as it was last seen */
	struct config *config;			/* that file's; NULL: none */
	struct reader *reader;			/* the file's, ours from now on; NULL: none has been started */
	const char *uapi;			/* path of the engine's socket */
	bool silent;				/* we run detached from our caller */
	void (*tell)(void *ctx, const struct msg *m);	/* says something to the engine */
	void *ctx;
};

struct service;

/* Both before privileges are given up; _start before there are descriptors that must end with us. NULL or false:
 * logged. */
struct service *service_start(const struct service_env *env);
bool service_open(struct service *s, struct network *network);
void service_close(struct service *s);	/* NULL is fine */

/* The reader's process; 0: it is not our child, or there is none. */
pid_t service_child(const struct service *s);

/* Readable when service_serve() has something to do. */
int service_fd(const struct service *s);
void service_serve(struct service *s);

/* The interface is what the file says: from now on it may be reloaded. */
void service_ready(struct service *s);
/* SIGHUP. */
void service_reload(struct service *s);
/* The end has begun. */
void service_stopping(struct service *s);

/* News that the parent has first: the interface went up or down; opening sockets ended so (0 or a negative errno). */
void service_link(struct service *s, bool up);
void service_sockets(struct service *s, int err, uint16_t port);

/* The engine's process, and what it says of itself: MSG_STATE, MSG_ALIVE, MSG_EVENT. */
void service_engine(struct service *s, pid_t pid);
void service_heard(struct service *s, const struct msg *m);

#endif
