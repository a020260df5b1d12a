/* SPDX-License-Identifier: MIT */
/*
 * Files that are either old or new. A change is written to a temporary file in the same directory, flushed, renamed
 * over the name, and the directory flushed: a power cut at any instant leaves the old file or the new one, never a
 * mixture and never a half. What a cut may leave behind is a temporary file; its name starts with a dot, so nobody
 * takes it for a peer, and the next change of the same file removes it.
 *
 * All functions return 0 or a negative errno.
 */
#ifndef STORE_H
#define STORE_H

#include <stddef.h>
#include <stdbool.h>

enum { STORE_FILE_MAX = 64 << 20 };	/* bytes: a million peers fit */

/* The lock of one interface, held until the descriptor is closed or the process ends. Waits at most wait_ms
 * milliseconds; -EBUSY then. Makes `dir` (mode 0755) when it is missing; root moves one that is somebody else's out of
 * the way first. *ret: the descriptor. */
int store_lock(const char *dir, const char *ifname, unsigned wait_ms, int *ret);

/* mode 0600. Makes the directory of `path` (0700) when it is missing, but not its parents. */
int store_write(const char *path, const void *data, size_t len);
/* -ENOENT: there was none. */
int store_remove(const char *path);

/* Within one directory. -EEXIST: `to` is there, and stays as it is. */
int store_rename(const char *from, const char *to);

/* *ret: terminated by a zero byte that *len does not count; store_free() it. -EISDIR, -ENOTSUP: it is no
 * regular file; -EFBIG beyond STORE_FILE_MAX. */
int store_read(const char *path, char **ret, size_t *len);
/* The same of what an operator names: "-" is standard input, and it may be a pipe. */
int store_read_any(const char *path, char **ret, size_t *len);
/* Wipes, since files hold keys. NULL is fine. */
void store_free(char *data, size_t len);

#endif
