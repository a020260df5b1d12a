/* SPDX-License-Identifier: MIT */
/* What the table says, as text for people. */
#include "cmd.h"

#include <string.h>

enum { HELP_COLUMN = 28, HELP_WIDTH = 70 };

static void print_options(FILE *f, uint64_t set)
{
	for (int i = 0; i < OPT_COUNT; i++) {
		const struct opt *o = &opt_table[i];
		char left[64], letter[8] = "    ";

		if (!(set & OPT_BIT(i)) || o->hidden)
			continue;
		if (o->letter)
			snprintf(letter, sizeof(letter), "-%c, ", o->letter);
		snprintf(left, sizeof(left), "%s--%s%s%s", letter, o->name, o->arg ? " " : "", o->arg ? o->arg : "");
		fprintf(f, "  %-*s %s\n", HELP_COLUMN, left, o->help);
	}
}

static void print_summary(FILE *f, const struct cmd *cmd)
{
	char left[64];

	snprintf(left, sizeof(left), "%s%s%s", cmd->name, *cmd->args ? " " : "", cmd->args);
	fprintf(f, "  %-*s %s\n", HELP_COLUMN, left, cmd->help);
}

static void print_command(FILE *f, const struct cmd *cmd)
{
	fprintf(f, "usage: tunctl [OPTION...] %s%s%s\n%s\n", cmd->name, *cmd->args ? " " : "", cmd->args, cmd->help);
	if (cmd->opts & ~CMD_TOP) {
		fputs("\noptions:\n", f);
		print_options(f, cmd->opts);
	}
}

static void print_all(FILE *f)
{
	size_t column = 0;

	fputs("usage: tunctl [OPTION...] COMMAND [ARGUMENT...]\n\ncommands:\n", f);
	for (size_t i = 0; i < cmd_count; i++)
		print_summary(f, &cmd_table[i]);
	fputs("\nthe same without the word before:\n ", f);
	for (size_t i = 0; i < cmd_count; i++) {
		if (!(cmd_table[i].opts & CMD_TOP))
			continue;
		column += 1 + strlen(cmd_verb(&cmd_table[i]));
		fprintf(f, " %s", cmd_verb(&cmd_table[i]));
		if (column > HELP_WIDTH) {
			fputs("\n ", f);
			column = 0;
		}
	}
	fputc('\n', f);
}

bool help_print(FILE *f, const char *topic)
{
	size_t len = topic ? strlen(topic) : 0;
	bool found = false;

	for (size_t i = 0; topic && i < cmd_count; i++) {
		if (!strcmp(cmd_table[i].name, topic) ||
		    ((cmd_table[i].opts & CMD_TOP) && !strcmp(cmd_verb(&cmd_table[i]), topic))) {
			print_command(f, &cmd_table[i]);
			found = true;
			break;
		}
		if (!strncmp(cmd_table[i].name, topic, len) && cmd_table[i].name[len] == ' ') {
			if (!found)
				fprintf(f, "usage: tunctl [OPTION...] %s VERB [ARGUMENT...]\n\nverbs:\n", topic);
			print_summary(f, &cmd_table[i]);
			found = true;
		}
	}
	if (topic && !found)
		return false;
	if (!topic)
		print_all(f);
	fputs("\nwith every command:\n", f);
	print_options(f, OPT_BIT(OPT_GLOBAL_END) - 1);
	return true;
}

int cmd_help(struct ctx *c)
{
	char topic[64];

	if (!c->word_count)
		return help_print(stdout, NULL) ? CMD_DONE : CMD_FAILED;
	snprintf(topic, sizeof(topic), "%s%s%s", c->word[0], c->word_count > 1 ? " " : "",
		 c->word_count > 1 ? c->word[1] : "");
	if (!help_print(stdout, topic))
		return cmd_fail(c, CMD_USAGE, "no command \"%s\" (see: tunctl help)", topic);
	return CMD_DONE;
}
