/* SPDX-License-Identifier: MIT */
/*
 * What is wrong with a configuration: every error and warning of FILE and of the *.peer files in its directory, first
 * each file by the rules of its grammar, then all of them together: keys and names that occur twice, networks that two
 * peers claim, secrets that everybody can read. Asks neither daemon nor network.
 */
#ifndef LINT_H
#define LINT_H

#include "iface.h"
#include "pick.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LINT_MESSAGE_MAX = 240 };

struct lint_place {
	unsigned file;			/* index of lint.file */
	uint32_t line, column;		/* from 1; line 0: the file as a whole */
};

struct lint_problem {
	struct lint_place at;
	bool error;			/* else a warning: it can be applied */
	bool together;			/* no file is wrong by itself */
	char message[LINT_MESSAGE_MAX];
};

struct lint_peer {
	struct lint_place at, key_at, name_at;
	bool has_key, disabled;
	uint8_t key[TNL_KEY_LEN];
	char name[IFACE_PEER_NAME_MAX + 1];
	size_t nets;
};

struct lint_net {
	struct lint_place at;
	struct net net;
	size_t peer;
};

struct lint {
	struct lint_problem *problem;
	size_t problem_count, problem_room, errors, warnings;
	char **file;
	size_t file_count, file_room;
	/* What was read. */
	struct lint_peer *peer;
	size_t peer_count, peer_room;
	struct lint_net *net, *own;	/* of peers; of the interface, host bits kept */
	size_t net_count, net_room, own_count, own_room;
	bool has_interface, names_key, has_key, together;	/* has_key: it is known */
	uint8_t public[TNL_KEY_LEN];
};

/* Reads FILE and, if its name ends in ".conf", the files of the directory that has ".d" instead. 0, or a negative
 * errno: FILE cannot be read. Problems are in order of file and line. lint_free() in either case. */
int lint_file(const char *path, struct lint *ret);
/* One text as the file `path`, which need not exist, with the files of that directory; "": there are none. conf: the
 * file that it will be, beside which a PrivateKeyFile is looked for. */
void lint_text(const char *path, const char *text, size_t len, const char *conf, const char *dir, struct lint *ret);
void lint_free(struct lint *l);

/* "FILE:LINE:COLUMN: error: MESSAGE", a line for each. */
void lint_print(const struct lint *l, FILE *f);

/* The parts, see lint.c and lint_peers.c. */
void lint_say(struct lint *l, bool error, struct lint_place at, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
void lint_together(struct lint *l);

#endif
