/* SPDX-License-Identifier: MIT */
/*
 * The one table of commands and options. Parsing, usage, `help` and shell completion are all derived from it, and a
 * test holds the man page against it: a command that is not in the table does not exist, and one that is is
 * documented.
 *
 * Commands are functions of a struct ctx: options that were given, words that were left. They return an exit code.
 */
#ifndef CMD_H
#define CMD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Exit codes: part of the interface, in the manual, never renumbered. */
enum {
	CMD_DONE = 0,		/* done, or already so */
	CMD_FAILED = 1,		/* failed, nothing changed */
	CMD_USAGE = 2,		/* usage, or a bad configuration file */
	CMD_NOENT = 3,		/* no such peer or interface */
	CMD_CONFLICT = 4,	/* exists, overlaps */
	CMD_PERM = 5,		/* not permitted */
	CMD_NODAEMON = 6,	/* daemon not running, nothing changed */
	CMD_NOTLIVE = 7,	/* saved but not live */
	CMD_TIMEOUT = 9,	/* timed out waiting */
	CMD_PROBLEMS = 10,	/* doctor has found problems */
	CMD_WARNINGS = 11,	/* doctor has found warnings, but no problem */
	CMD_BUSY = 75,		/* somebody else holds the lock: try again */
};

enum opt_id {
	OPT_HELP,
	OPT_VERSION,
	OPT_INTERFACE,
	OPT_JSON,
	OPT_QUIET,
	OPT_ETC,
	OPT_RUN,
	OPT_VAR,
	OPT_GLOBAL_END,		/* the ones above go with every command */

	OPT_DRY_RUN = OPT_GLOBAL_END,
	OPT_ENDPOINTS,
	OPT_PUBKEY,
	OPT_IP,
	OPT_PSK,
	OPT_ENDPOINT,
	OPT_KEEPALIVE,
	OPT_NOTE,
	OPT_TAG,
	OPT_SERVER,
	OPT_RUNTIME,
	OPT_OFFLINE,
	OPT_QR,
	OPT_PNG,
	OPT_CONF,
	OPT_KEEP_KEY,
	OPT_FORMAT,
	OPT_OUTPUT,
	OPT_PRIVATE_KEY,
	OPT_NO_KEY,
	OPT_WG_QUICK,
	OPT_CONFIRM,
	OPT_STALE,
	OPT_PORT,
	OPT_CLIENT,
	OPT_DNS,
	OPT_NO_START,
	OPT_FORCE,
	OPT_WATCH,
	OPT_COUNT
};
#define OPT_BIT(id) (UINT64_C(1) << (id))
#define CMD_TOP (UINT64_C(1) << 63)	/* an everyday verb: "add" is "peer add" */

struct opt {
	const char *name;	/* without the dashes */
	const char *arg;	/* what the value is called; NULL: a flag */
	const char *help;
	char letter;		/* 0: none */
	bool hidden;		/* for tests: in the manual, not in usage and completion */
};
extern const struct opt opt_table[OPT_COUNT];

enum { CMD_WORDS_MAX = 4, CMD_IPS_MAX = 64, CMD_TAGS_MAX = 16 };

struct ctx {
	const struct cmd *cmd;
	bool mute;			/* cmd_fail() and cmd_note() say nothing */
	const char *val[OPT_COUNT];	/* NULL: not given; a flag that was: "" */
	const char *ip[CMD_IPS_MAX];	/* the values of --ip, in order */
	unsigned ip_count;
	const char *tag[CMD_TAGS_MAX];	/* those of --tag */
	unsigned tag_count;
	const char *word[CMD_WORDS_MAX];	/* arguments after the command, NULL where left out */
	unsigned word_count;
};

struct cmd {
	const char *name;	/* "status", "peer add" */
	const char *args;	/* as usage prints them; "" for none */
	const char *help;	/* one line, no full stop */
	unsigned words_min, words_max;
	uint64_t opts;		/* OPT_BIT()s, besides the global ones, and CMD_TOP */
	int (*run)(struct ctx *c);
};
extern const struct cmd cmd_table[];
extern const size_t cmd_count;

/* The verb of "peer add"; NULL: the name is one word. */
const char *cmd_verb(const struct cmd *cmd);

/* The command that the words begin with; *used: how many of them are its name. NULL: none. */
const struct cmd *cmd_find(const char *const word[], size_t count, unsigned *used);

/* Fills *c from the command line and returns 0, or prints one line to stderr and returns CMD_USAGE. With --help,
 * --version or no command c->cmd may be NULL. Strings are borrowed from argv. */
int cmd_parse(struct ctx *c, int argc, char *argv[]);
int cmd_main(int argc, char *argv[]);

static inline bool cmd_has(const struct ctx *c, enum opt_id id)
{
	return c->val[id] != NULL;
}

/* Prints "tunctl: COMMAND: what" to stderr; returns code, so that `return cmd_fail(...)` reads as it is. */
int cmd_fail(const struct ctx *c, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* The same for what did not stop the command; silent with -q. */
void cmd_note(const struct ctx *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Writes out what was printed. False: some of it, now or earlier, could not be; the caller says so, once. */
bool cmd_flush(void);
/* What a command does last: its code, or another after one line on stderr when its output is lost. */
int cmd_end(const struct ctx *c, int code);

/* help.c. `topic` is a command, a noun such as "peer", or NULL for everything; false: no such topic. */
bool help_print(FILE *f, const char *topic);

int cmd_help(struct ctx *c);
int cmd_completion(struct ctx *c);
int cmd_genkey(struct ctx *c);
int cmd_genpsk(struct ctx *c);
int cmd_pubkey(struct ctx *c);
int cmd_init(struct ctx *c);
int cmd_up(struct ctx *c);
int cmd_down(struct ctx *c);
int cmd_restart(struct ctx *c);
int cmd_reload(struct ctx *c);
int cmd_status(struct ctx *c);
int cmd_check(struct ctx *c);
int cmd_diff(struct ctx *c);
int cmd_apply(struct ctx *c);
int cmd_import(struct ctx *c);
int cmd_backup(struct ctx *c);
int cmd_restore(struct ctx *c);
int cmd_confirm(struct ctx *c);
int cmd_rollback(struct ctx *c);
int cmd_doctor(struct ctx *c);
int cmd_demo(struct ctx *c);
int cmd_metrics(struct ctx *c);
int cmd_watch(struct ctx *c);
int cmd_peer_list(struct ctx *c);
int cmd_peer_show(struct ctx *c);
int cmd_peer_add(struct ctx *c);
int cmd_peer_set(struct ctx *c);
int cmd_peer_rename(struct ctx *c);
int cmd_peer_enable(struct ctx *c);
int cmd_peer_disable(struct ctx *c);
int cmd_peer_remove(struct ctx *c);
int cmd_peer_export(struct ctx *c);
int cmd_export(struct ctx *c);
int cmd_peer_kick(struct ctx *c);

#endif
