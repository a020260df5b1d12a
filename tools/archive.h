/* SPDX-License-Identifier: MIT */
/*
 * One interface as one file: JSON that says what it is, with each file's bytes in base64 and a checksum over all of
 * them. Names in it are relative: "conf", "d/NAME.peer", "d/NAME.key", "state/NAME"; anything else is refused, so that
 * an archive can write nowhere but there. "key" is the key that the configuration names by PrivateKeyFile, wherever it
 * stood: it goes back there if that is a place of ours, in ETC/tunneld, else to ETC/tunneld/IF.key.
 */
#ifndef ARCHIVE_H
#define ARCHIVE_H

#include "iface.h"
#include "keyfile.h"

#include <jansson.h>

enum { ARCHIVE_NAME_MAX = 280 };

struct archive_file {
	char name[ARCHIVE_NAME_MAX];
	char *data;		/* terminated; holds keys */
	size_t len;
};

struct archive {
	char interface[IFNAMSIZ];
	struct archive_file *file;	/* in the order of their names */
	size_t count, room;
};

/* The files of an interface as they are: configuration, peers, kept keys, state. 0, or an exit code after one line on
 * stderr; CMD_NOENT: there is no configuration. */
int archive_collect(const struct ctx *c, const struct iface *f, struct archive *ret);
/* The same of what is there of that name, whole or not; perhaps nothing. */
int archive_collect_rest(const struct ctx *c, const struct iface *f, struct archive *ret);
/* Adds the key of PrivateKeyFile, if there is such a line. 0, or an exit code after one line on stderr. */
int archive_collect_key(const struct ctx *c, const struct iface *f, struct archive *a);
/* NULL: out of memory. The caller wipes and frees the text, store_free(). */
char *archive_text(const struct archive *a, size_t *len);
/* NULL, or what is wrong with the text. */
const char *archive_parse(const char *text, size_t len, struct archive *ret);
void archive_free(struct archive *a);

/* Where a file of the archive belongs. False: too long. */
bool archive_path(const struct ctx *c, const struct iface *f, const char *name, char ret[PATH_MAX]);
/* The same of "key", of an archive that has one; *k: what its configuration names, there. */
bool archive_key_path(const struct ctx *c, const struct iface *f, const struct archive *a, struct keyfile *k,
		      char ret[PATH_MAX]);
/* Whether this file holds that key, whatever stands behind it. */
bool archive_key_is(const struct archive *a, const char *path);
const struct archive_file *archive_find(const struct archive *a, const char *name);

#endif
