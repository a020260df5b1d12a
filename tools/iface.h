/* SPDX-License-Identifier: MIT */
/*
 * Which interface is meant, and where its files and sockets are:
 *
 *	ETC/tunneld/IF.conf		configuration
 *	ETC/wireguard/IF.conf		found when the first does not exist; never written
 *	ETC/tunneld/IF.d/NAME.peer	one peer a file
 *	RUN/wireguard/IF.sock		the daemon's UAPI socket
 *	RUN/tunneld/IF.sock		its own control socket, see daemon.h
 *	RUN/lock/tunneld/IF.lock	held while any of it changes
 */
#ifndef IFACE_H
#define IFACE_H

#include "cmd.h"

#include <limits.h>
#include <net/if.h>

enum { IFACE_PEER_NAME_MAX = 63 };

struct iface {
	char name[IFNAMSIZ];
	char conf[PATH_MAX];	/* "": there is none */
	bool foreign;		/* conf is that of another program: read only */
	char dir[PATH_MAX];	/* may not exist */
	char sock[PATH_MAX], ctl[PATH_MAX];
	bool running;		/* somebody answers at sock */
	int lock;		/* -1: not held */
};

/* What to look at when the interface is left out: what runs, then what is configured; or the other way round. */
enum iface_first { IFACE_RUNNING_FIRST, IFACE_CONFIGURED_FIRST };

/* `name` may be NULL: the one that there is. Returns 0, or an exit code after one line on stderr: CMD_USAGE (no name of
 * an interface, several to choose from), CMD_NOENT, CMD_PERM. */
int iface_find(const struct ctx *c, const char *name, enum iface_first first, struct iface *ret);
/* 0, or CMD_NOENT or CMD_NODAEMON after a line that says what to do. */
int iface_need_running(const struct ctx *c, const struct iface *f);
/* Every interface that is configured or runs, each once; at most max. Returns how many. */
size_t iface_names(const struct ctx *c, char (*ret)[IFNAMSIZ], size_t max);
/* Where the files of one would be, without a look at what runs. 0, or CMD_USAGE after one line on stderr. */
int iface_paths(const struct ctx *c, const char *name, struct iface *ret);
/* 0, or an exit code after one line on stderr: CMD_BUSY, CMD_PERM, CMD_FAILED. The lock ends with the process, or
 * before by iface_unlock(), which does nothing where it is not held. */
int iface_lock(const struct ctx *c, struct iface *f);
/* The same for who looks at no file. */
int iface_lock_only(const struct ctx *c, struct iface *f);
void iface_unlock(struct iface *f);

/* What --etc and --run say, or "/etc" and "/var/run". */
const char *iface_etc_dir(const struct ctx *c);
const char *iface_run_dir(const struct ctx *c);

/* [A-Za-z0-9._=+-], 1 to 15 characters, neither dot nor dash in front. */
bool iface_name_ok(const char *name);
/* [A-Za-z0-9._-], 1 to 63 characters, no dot in front: safe as the name of a file. */
bool iface_peer_name_ok(const char *name);
/* Whether a peer may get that name. One that is an address would mean another peer. 0, or CMD_USAGE after one line on
 * stderr. */
int iface_new_peer_name(const struct ctx *c, const char *name);
/* CMD_PERM, CMD_BUSY or CMD_FAILED for a negative errno. */
int iface_code(int err);

#endif
