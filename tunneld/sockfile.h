/* SPDX-License-Identifier: MIT */
/*
 * The sockets' files, /var/run/wireguard/IF.sock for UAPI and /run/tunneld/IF.sock of our own: born with a listener
 * behind it, since wg(8) unlinks a socket that refuses connections, and removed only while it is still the file that we
 * made. They are for their owner alone; those of a daemon that is not root are for its group, too, in which is who has
 * root beside it (root.h). Whoever removes the first ends the daemon. PARENT only.
 */
#ifndef SOCKFILE_H
#define SOCKFILE_H

#include <stdbool.h>
#include <sys/types.h>

#define SOCKFILE_DIR "/var/run/wireguard"
#define SOCKFILE_CTL_DIR "/run/tunneld"

struct sockfile {
	char path[64];
	dev_t dev;
	ino_t ino;
	int listener;	/* non-blocking; kept open until sockfile_remove(), so that a successor sees us alive */
	int watch;	/* inotify: readable when something happened in the directory; -1: not wanted */
};

/* Makes directory and socket, and if `watch` that. A file that nobody listens behind is replaced. A live one may belong
 * to a daemon that is about to end, so it is given two seconds. 0 or a negative errno; -EADDRINUSE: still alive. */
int sockfile_create(struct sockfile *s, const char *dir, const char *ifname, bool watch);

/* Removes a file that nobody listens behind. A daemon that is not root could not tell with a file of root's. */
void sockfile_clear(const char *dir, const char *ifname);

/* Empties the watch; false when the file is no longer ours. */
bool sockfile_check(struct sockfile *s);

/* Unlinks the file if it is ours, then closes both descriptors. Harmless on one that was not created. */
void sockfile_remove(struct sockfile *s);

#endif
