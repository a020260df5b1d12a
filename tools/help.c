/* SPDX-License-Identifier: MIT */
/* What the table says, as text for people and as a completion script for bash. */
#include "cmd.h"

#include <string.h>

enum { HELP_COLUMN = 28 };

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
	if (cmd->opts) {
		fputs("\noptions:\n", f);
		print_options(f, cmd->opts);
	}
}

bool help_print(FILE *f, const char *topic)
{
	size_t len = topic ? strlen(topic) : 0;
	bool found = false;

	for (size_t i = 0; topic && i < cmd_count; i++) {
		if (!strcmp(cmd_table[i].name, topic)) {
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
	if (!topic) {
		fputs("usage: tunctl [OPTION...] COMMAND [ARGUMENT...]\n\ncommands:\n", f);
		for (size_t i = 0; i < cmd_count; i++)
			print_summary(f, &cmd_table[i]);
	}
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

/* ---- bash -------------------------------------------------------------------------------------------------------- */

static void complete_options(FILE *f, uint64_t set)
{
	for (int i = 0; i < OPT_COUNT; i++)
		if ((set & OPT_BIT(i)) && !opt_table[i].hidden)
			fprintf(f, " --%s", opt_table[i].name);
}

/* First words, each once: nouns come in a row. */
static void complete_first_words(FILE *f)
{
	const char *last = "";

	for (size_t i = 0; i < cmd_count; i++) {
		size_t len = strcspn(cmd_table[i].name, " ");

		if (strncmp(last, cmd_table[i].name, len) || (last[len] && last[len] != ' '))
			fprintf(f, " %.*s", (int)len, cmd_table[i].name);
		last = cmd_table[i].name;
	}
}

static void complete_verbs(FILE *f)
{
	size_t i = 0;

	while (i < cmd_count) {
		size_t len = strcspn(cmd_table[i].name, " "), j = i;

		if (!cmd_table[i].name[len]) {
			i++;
			continue;
		}
		fprintf(f, "\t%.*s) list=\"", (int)len, cmd_table[i].name);
		for (; j < cmd_count && !strncmp(cmd_table[i].name, cmd_table[j].name, len + 1); j++)
			fprintf(f, " %s", cmd_table[j].name + len + 1);
		fputs("\" ;;\n", f);
		i = j;
	}
}

/* What may be said after the whole command: its options, and words by what its usage calls them. */
static void complete_arguments(FILE *f)
{
	for (size_t i = 0; i < cmd_count; i++) {
		const struct cmd *cmd = &cmd_table[i];

		fprintf(f, "\t\"%s\" | \"%s \"*) list=\"", cmd->name, cmd->name);
		if (!strcmp(cmd->args, "[IF]"))
			fputs(" $(_tunctl_interfaces)", f);
		else if (!strcmp(cmd->args, "PEER"))
			fputs(" $(_tunctl_peers)", f);
		else if (!strcmp(cmd->args, "[COMMAND]"))
			complete_first_words(f);
		else if (*cmd->args >= 'a' && *cmd->args <= 'z')
			fprintf(f, " %s", cmd->args);
		fputs("\"; opts=\"", f);
		complete_options(f, cmd->opts);
		fputs("\" ;;\n", f);
	}
}

void help_completion(FILE *f)
{
	fputs("# bash completion for tunctl; made by: tunctl completion bash\n"
	      "_tunctl_interfaces() {\n"
	      "\tlocal f\n"
	      "\tfor f in /var/run/wireguard/*.sock /etc/tunneld/*.conf; do\n"
	      "\t\t[ -e \"$f\" ] && f=${f##*/} && echo \"${f%.*}\"\n"
	      "\tdone\n"
	      "}\n"
	      "_tunctl_peers() {\n"
	      "\tlocal f\n"
	      "\tfor f in /etc/tunneld/*.d/*.peer; do\n"
	      "\t\t[ -e \"$f\" ] && f=${f##*/} && echo \"${f%.peer}\"\n"
	      "\tdone\n"
	      "}\n"
	      "_tunctl() {\n"
	      "\tlocal cur=${COMP_WORDS[COMP_CWORD]} list=\"\" opts=\"\" words=() i\n"
	      "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	      "\t\tcase ${COMP_WORDS[i]} in\n"
	      "\t\t", f);
	for (int i = 0, any = 0; i < OPT_COUNT; i++) {
		if (!opt_table[i].arg)
			continue;
		fprintf(f, "%s--%s", any++ ? "|" : "", opt_table[i].name);
		if (opt_table[i].letter)
			fprintf(f, "|-%c", opt_table[i].letter);
	}
	fputs(") ((++i)) ;;\n"
	      "\t\t-*) ;;\n"
	      "\t\t*) words+=(\"${COMP_WORDS[i]}\") ;;\n"
	      "\t\tesac\n"
	      "\tdone\n"
	      "\tcase \"${words[*]}\" in\n"
	      "\t\"\") list=\"", f);
	complete_first_words(f);
	fputs("\" ;;\n", f);
	complete_verbs(f);
	complete_arguments(f);
	fputs("\tesac\n"
	      "\tif [[ $cur == -* ]]; then list=\"$opts", f);
	complete_options(f, OPT_BIT(OPT_GLOBAL_END) - 1);
	fputs("\"; fi\n"
	      "\tmapfile -t COMPREPLY < <(compgen -W \"$list\" -- \"$cur\")\n"
	      "}\n"
	      "complete -F _tunctl tunctl\n", f);
}

int cmd_completion(struct ctx *c)
{
	if (strcmp(c->word[0], "bash"))
		return cmd_fail(c, CMD_USAGE, "no completion for \"%s\" (there is: bash)", c->word[0]);
	help_completion(stdout);
	return CMD_DONE;
}
