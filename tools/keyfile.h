/* SPDX-License-Identifier: MIT */
/*
 * The private key in a file of its own, which [Interface] names by PrivateKeyFile. Most commands want its public half;
 * the key itself goes only where the whole interface goes: a backup, or a configuration for other programs.
 */
#ifndef KEYFILE_H
#define KEYFILE_H

#include "conf.h"

#include <limits.h>

struct keyfile {
	bool named;		/* there is such a line */
	bool beside;		/* its path begins in the directory of the configuration file */
	char path[PATH_MAX];	/* "": too long */
	uint32_t line, column;	/* of the path, in the configuration file */
};

/* conf: the configuration file; it: the value in it. */
void keyfile_take(struct keyfile *k, const char *conf, const struct conf_item *it);
/* The one that a text names which is, or will be, the file conf. */
void keyfile_find(struct keyfile *k, const char *conf, const char *text, size_t len);

/* Returns at once, whatever the path leads to. 0, and the key is the caller's to wipe; *shared: others may read it, too
 * (NULL is fine). Or a negative errno, for keyfile_why(). */
int keyfile_read(const struct keyfile *k, uint8_t ret[TNL_KEY_LEN], bool *shared);
/* "PrivateKeyFile: ..." */
const char *keyfile_why(const struct keyfile *k, const char *conf, int err, char ret[CONF_KEY_FILE_MESSAGE_MAX]);
/* It was not there, and is none that is always there: a credential, which comes and goes with the service that has it.
 * What the key is nobody can tell now; that is no fault of the configuration. */
bool keyfile_away(const struct keyfile *k, int err);

#endif
