/* SPDX-License-Identifier: MIT */
/*
 * From argv to a command. Options may stand anywhere before "--"; the words between them are matched against the table,
 * two of them ("peer add") before one ("up"). Only then is it known which options the command takes, so they are
 * checked last.
 */
#include "cmd.h"

#include "version.h"

#include <fcntl.h>
#include <stdarg.h>
#include <sodium.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static int usage_error(const char *what, const char *which)
{
	fprintf(stderr, "tunctl: %s \"%s\" (see: tunctl help)\n", what, which);
	return CMD_USAGE;
}

static void say(const struct ctx *c, const char *fmt, va_list ap)
{
	if (c->mute)
		return;
	flockfile(stderr);	/* a line is a line, whichever thread says it */
	fprintf(stderr, "tunctl: %s%s", c->cmd ? c->cmd->name : "", c->cmd ? ": " : "");
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	funlockfile(stderr);
}

int cmd_fail(const struct ctx *c, int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(c, fmt, ap);
	va_end(ap);
	return code;
}

void cmd_note(const struct ctx *c, const char *fmt, ...)
{
	va_list ap;

	if (cmd_has(c, OPT_QUIET))
		return;
	va_start(ap, fmt);
	say(c, fmt, ap);
	va_end(ap);
}

bool cmd_flush(void)
{
	bool failed = fflush(stdout) != 0;

	failed = ferror(stdout) || failed;
	clearerr(stdout);
	return !failed;
}

int cmd_end(const struct ctx *c, int code)
{
	if (cmd_flush())
		return code;
	cmd_fail(c, 0, "standard output: write failed");
	return code ? code : CMD_FAILED;
}

static int find_long(const char *name, size_t len)
{
	for (int i = 0; i < OPT_COUNT; i++)
		if (strlen(opt_table[i].name) == len && !memcmp(opt_table[i].name, name, len))
			return i;
	return -1;
}

static int find_letter(char letter)
{
	for (int i = 0; i < OPT_COUNT; i++)
		if (letter && opt_table[i].letter == letter)
			return i;
	return -1;
}

/* One option at argv[*at], its value behind "=" or in the next argument. */
static int take_option(struct ctx *c, int argc, char *argv[], int *at)
{
	const char *given = argv[*at], *value = NULL;
	int id;

	if (given[1] == '-') {
		size_t len = strcspn(given + 2, "=");

		id = find_long(given + 2, len);
		value = given[2 + len] ? given + 2 + len + 1 : NULL;
	} else {
		id = find_letter(given[1]);
		value = given[1] && given[2] ? given + 2 : NULL;
	}
	if (id < 0)
		return usage_error("unknown option", given);
	if (!opt_table[id].arg && value)
		return usage_error("no value goes with", given);
	if (opt_table[id].arg && !value) {
		if (*at + 1 >= argc)
			return usage_error("a value must follow", given);
		value = argv[++*at];
	}
	if (id == OPT_IP) {
		if (c->ip_count == CMD_IPS_MAX)
			return usage_error("too many", given);
		c->ip[c->ip_count++] = value;
	} else if (id == OPT_TAG) {
		if (c->tag_count == CMD_TAGS_MAX)
			return usage_error("too many", given);
		c->tag[c->tag_count++] = value;
	} else if (opt_table[id].arg && c->val[id]) {
		return usage_error("given twice:", given);
	}
	c->val[id] = value ? value : "";
	return 0;
}

const char *cmd_verb(const struct cmd *cmd)
{
	const char *blank = strchr(cmd->name, ' ');

	return blank ? blank + 1 : NULL;
}

/* How many leading words are the name of this command; 0: they are not. */
static unsigned matches(const struct cmd *cmd, const char *const word[], size_t count)
{
	size_t first = strcspn(cmd->name, " ");

	if (count < 1 || strlen(word[0]) != first || memcmp(cmd->name, word[0], first))
		return 0;
	if (!cmd->name[first])
		return 1;
	return count >= 2 && !strcmp(cmd->name + first + 1, word[1]) ? 2 : 0;
}

/* Verbs without their noun come last. */
const struct cmd *cmd_find(const char *const word[], size_t count, unsigned *used)
{
	for (size_t i = 0; i < cmd_count; i++)
		if ((*used = matches(&cmd_table[i], word, count)))
			return &cmd_table[i];
	for (size_t i = 0; i < cmd_count && count; i++)
		if ((cmd_table[i].opts & CMD_TOP) && !strcmp(cmd_verb(&cmd_table[i]), word[0])) {
			*used = 1;
			return &cmd_table[i];
		}
	*used = 0;
	return NULL;
}

static int check_options(const struct ctx *c)
{
	for (int i = OPT_GLOBAL_END; i < OPT_COUNT; i++)
		if (c->val[i] && !(c->cmd->opts & OPT_BIT(i)))
			return cmd_fail(c, CMD_USAGE, "it takes no option --%s (see: tunctl help %s)",
					opt_table[i].name, c->cmd->name);
	return 0;
}

static bool is_noun(const char *word)
{
	size_t len = strlen(word);

	for (size_t i = 0; i < cmd_count; i++)
		if (!strncmp(cmd_table[i].name, word, len) && cmd_table[i].name[len] == ' ')
			return true;
	return false;
}

int cmd_parse(struct ctx *c, int argc, char *argv[])
{
	const char *word[CMD_WORDS_MAX + 2] = { NULL };
	unsigned count = 0, used = 0;
	bool options = true;
	int err;

	memset(c, 0, sizeof(*c));
	for (int i = 1; i < argc; i++) {
		if (options && !strcmp(argv[i], "--")) {
			options = false;
		} else if (options && argv[i][0] == '-' && argv[i][1]) {
			if ((err = take_option(c, argc, argv, &i)))
				return err;
		} else if (count == sizeof(word) / sizeof(word[0])) {
			return usage_error("too many words from", argv[i]);
		} else {
			word[count++] = argv[i];
		}
	}
	c->cmd = cmd_find(word, count, &used);
	c->word_count = count - used;
	for (unsigned i = used; i < count && i - used < CMD_WORDS_MAX; i++)
		c->word[i - used] = word[i];
	if (cmd_has(c, OPT_HELP) || cmd_has(c, OPT_VERSION))
		return 0;
	if (!c->cmd && count && is_noun(word[0]))
		return usage_error(count > 1 ? "unknown verb" : "a verb must follow", word[count > 1]);
	if (!c->cmd)
		return count ? usage_error("unknown command", word[0]) : 0;
	if (c->word_count < c->cmd->words_min || c->word_count > c->cmd->words_max)
		return cmd_fail(c, CMD_USAGE, "usage: tunctl %s%s%s", c->cmd->name, *c->cmd->args ? " " : "",
				c->cmd->args);
	return check_options(c);
}

/* A standard descriptor that is closed is taken by one that cannot do its work, so that the next file that is opened
 * does not get its number and what is meant for it, and writing fails. */
static bool take_closed(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
			return false;
	return true;
}

static int print_help(const struct ctx *c)
{
	return help_print(stdout, c->cmd ? c->cmd->name : c->word[0]) ? CMD_DONE
								      : usage_error("no help on", c->word[0]);
}

int cmd_main(int argc, char *argv[])
{
	struct ctx c;
	int code = take_closed() ? cmd_parse(&c, argc, argv) : CMD_FAILED;

	if (code)
		return code;
	/* Keys pass through: they shall not end in a core file. */
	if (setrlimit(RLIMIT_CORE, &(struct rlimit){ 0 }) || sodium_init() < 0)
		return cmd_fail(&c, CMD_FAILED, "no safe place for keys");
	if (cmd_has(&c, OPT_HELP))
		return cmd_end(&c, print_help(&c));
	if (cmd_has(&c, OPT_VERSION)) {
		puts("tunctl " TNL_VERSION);
		return cmd_end(&c, CMD_DONE);
	}
	if (!c.cmd) {
		help_print(stderr, NULL);
		return CMD_USAGE;
	}
	code = c.cmd->run(&c);
	return cmd_end(&c, code);
}
