/* SPDX-License-Identifier: MIT */
/*
 * The words before the cursor are read as cmd.c reads them: options anywhere, values behind them or behind "=", and
 * what is left names a command and its arguments. What a value or an argument can be follows from what the table calls
 * it: IF, PEER, FILE, or the words themselves, "bash|zsh|fish".
 */
#include "complete.h"

#include <string.h>

/* What is known of the line when the cursor is reached. */
struct line {
	const char *word[CMD_WORDS_MAX + 2];
	size_t count;
	const struct opt *pending;	/* whose value comes next */
	bool options;			/* no "--" yet */
	const char *interface;
};

static const struct opt *find_option(const char *given)
{
	size_t len = given[1] == '-' ? strcspn(given + 2, "=") : 0;

	for (int i = 0; i < OPT_COUNT; i++)
		if (given[1] == '-' ? strlen(opt_table[i].name) == len && !memcmp(opt_table[i].name, given + 2, len)
				    : opt_table[i].letter && opt_table[i].letter == given[1])
			return &opt_table[i];
	return NULL;
}

static const char *value_in(const char *given)
{
	const char *equal = strchr(given, '=');

	if (given[1] == '-')
		return equal ? equal + 1 : NULL;
	return given[1] && given[2] ? given + 2 : NULL;
}

static void take_value(struct line *l, const struct opt *o, const char *value)
{
	if (o == &opt_table[OPT_INTERFACE])
		l->interface = value;
	l->pending = NULL;
}

/* bash cuts words at "=", too: that alone is no word. */
static void take_word(struct line *l, const char *word)
{
	const struct opt *o;

	if (l->pending && !strcmp(word, "="))
		return;
	if (l->pending) {
		take_value(l, l->pending, word);
	} else if (l->options && !strcmp(word, "--")) {
		l->options = false;
	} else if (l->options && word[0] == '-' && word[1]) {
		o = find_option(word);
		if (o && o->arg && value_in(word))
			take_value(l, o, value_in(word));
		else if (o && o->arg)
			l->pending = o;
	} else if (l->count < sizeof(l->word) / sizeof(l->word[0])) {
		l->word[l->count++] = word;
	}
}

static bool offer(FILE *f, const struct complete *c, const char *word, size_t len, const char *help)
{
	if (strncmp(c->begins, word, strlen(c->begins)) || strlen(c->begins) > len)
		return false;
	fprintf(f, "%s%.*s\t%s\n", c->before, (int)len, word, help);
	return true;
}

/* First words, each once: nouns come in a row. */
static void offer_commands(FILE *f, const struct complete *c)
{
	const char *last = "";

	for (size_t i = 0; i < cmd_count; i++) {
		const struct cmd *cmd = &cmd_table[i];
		size_t len = strcspn(cmd->name, " ");

		if (strncmp(last, cmd->name, len) || (last[len] && last[len] != ' '))
			offer(f, c, cmd->name, len, cmd->name[len] ? "" : cmd->help);
		last = cmd->name;
	}
	for (size_t i = 0; i < cmd_count; i++) {
		const struct cmd *cmd = &cmd_table[i];

		if (cmd->opts & CMD_TOP)
			offer(f, c, cmd_verb(cmd), strlen(cmd_verb(cmd)), cmd->help);
	}
}

static void offer_verbs(FILE *f, const struct complete *c, const char *noun)
{
	size_t len = strlen(noun);

	for (size_t i = 0; i < cmd_count; i++)
		if (!strncmp(cmd_table[i].name, noun, len) && cmd_table[i].name[len] == ' ')
			offer(f, c, cmd_table[i].name + len + 1, strlen(cmd_table[i].name + len + 1),
			      cmd_table[i].help);
}

static void offer_options(FILE *f, const struct complete *c, uint64_t set)
{
	for (int i = 0; i < OPT_COUNT; i++) {
		char name[COMPLETE_PREFIX_MAX];
		int len = snprintf(name, sizeof(name), "--%s", opt_table[i].name);

		if ((set & OPT_BIT(i)) && !opt_table[i].hidden)
			offer(f, c, name, (size_t)len, opt_table[i].help);
	}
}

/* What the table calls `len` bytes at `name`. */
static enum complete_more kind_of(const char *name, size_t len)
{
	static const struct {
		const char *name;
		enum complete_more kind;
	} kinds[] = {
		{ "IF", COMPLETE_INTERFACES }, { "PEER", COMPLETE_PEERS }, { "FILE", COMPLETE_FILES },
		{ "PATH", COMPLETE_FILES }, { "DIR", COMPLETE_DIRS },
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strlen(kinds[i].name) == len && !memcmp(kinds[i].name, name, len))
			return kinds[i].kind;
	return COMPLETE_NOTHING;
}

/* "bash|zsh|fish": each of them. */
static void offer_choice(FILE *f, const struct complete *c, const char *list, size_t len)
{
	while (len) {
		size_t one = strcspn(list, "|");

		one = one < len ? one : len;
		offer(f, c, list, one, "");
		one += one < len;
		list += one;
		len -= one;
	}
}

/* The argument at this place, from 0, of the usage "[IF] FILE...". */
static void offer_argument(FILE *f, struct complete *c, const char *args, size_t place)
{
	size_t len;

	for (; place && strchr(args, ' '); place--)
		args = strchr(args, ' ') + 1;
	if (place)
		return;
	args += *args == '[';
	len = strcspn(args, "] .");
	if (len == strlen("COMMAND") && !strncmp(args, "COMMAND", len))
		offer_commands(f, c);
	else if (*args >= 'a' && *args <= 'z')
		offer_choice(f, c, args, len);
	else
		c->more = kind_of(args, len);
}

struct complete complete_words(FILE *f, const char *const word[], size_t count)
{
	const char *last = word[count - 1];
	struct complete c = { .begins = last };
	struct line l = { .options = true };
	const struct cmd *cmd;
	const struct opt *o;
	unsigned used;

	for (size_t i = 0; i + 1 < count; i++)
		take_word(&l, word[i]);
	c.interface = l.interface;
	cmd = cmd_find(l.word, l.count, &used);
	o = l.options && last[0] == '-' && last[1] == '-' ? find_option(last) : NULL;
	if (l.pending) {
		c.begins += !strcmp(last, "=");
		c.more = kind_of(l.pending->arg, strlen(l.pending->arg));
	} else if (o && o->arg && value_in(last)) {
		c.begins = value_in(last);
		snprintf(c.before, sizeof(c.before), "--%s=", o->name);
		c.more = kind_of(o->arg, strlen(o->arg));
	} else if (l.options && last[0] == '-') {
		offer_options(f, &c, (OPT_BIT(OPT_GLOBAL_END) - 1) | (cmd ? cmd->opts : 0));
	} else if (cmd) {
		offer_argument(f, &c, cmd->args, l.count - used);
	} else if (l.count == 1) {
		offer_verbs(f, &c, l.word[0]);
	} else if (!l.count) {
		offer_commands(f, &c);
	}
	return c;
}

/* ---- The scripts ------------------------------------------------------------------------------------------------- */

/* -q comes first because another program of this name makes an interface when it is called, but only prints its usage
 * when it is called with an option that it does not know. */
static const char script_bash[] =
	"# bash completion for tunctl; made by: tunctl completion bash\n"
	"_tunctl() {\n"
	"\tlocal line cur=${COMP_WORDS[COMP_CWORD]}\n"
	"\tCOMPREPLY=()\n"
	"\twhile IFS= read -r line; do\n"
	"\t\tcase $line in\n"
	"\t\t:files) mapfile -t COMPREPLY < <(compgen -f -- \"${cur#=}\") ;;\n"
	"\t\t:dirs) mapfile -t COMPREPLY < <(compgen -d -- \"${cur#=}\") ;;\n"
	"\t\t*) COMPREPLY+=(\"${line%%$'\\t'*}\") ;;\n"
	"\t\tesac\n"
	"\tdone < <(printf '%s\\n' \"${COMP_WORDS[@]:1:COMP_CWORD}\" |\n"
	"\t\tcommand \"${COMP_WORDS[0]}\" -q completion words 2>/dev/null)\n"
	"}\n"
	"complete -o filenames -o bashdefault -F _tunctl tunctl\n";

static const char script_zsh[] =
	"#compdef tunctl\n"
	"# zsh completion for tunctl; made by: tunctl completion zsh\n"
	"_tunctl() {\n"
	"\tlocal line\n"
	"\tlocal -a found\n"
	"\tfor line in \"${(@f)$(print -rl -- \"${(@)words[2,CURRENT]}\" |\n"
	"\t\tcommand \"${words[1]}\" -q completion words 2>/dev/null)}\"; do\n"
	"\t\tcase $line in\n"
	"\t\t:files) _files; return ;;\n"
	"\t\t:dirs) _files -/; return ;;\n"
	"\t\t?*) found+=(\"${${line%%$'\\t'*}//:/\\\\:}:${line#*$'\\t'}\") ;;\n"
	"\t\tesac\n"
	"\tdone\n"
	"\t_describe -V tunctl found\n"
	"}\n"
	"if [ \"$funcstack[1]\" = _tunctl ]; then\n"
	"\t_tunctl \"$@\"\n"
	"else\n"
	"\tcompdef _tunctl tunctl\n"
	"fi\n";

static const char script_fish[] =
	"# fish completion for tunctl; made by: tunctl completion fish\n"
	"function __tunctl_complete\n"
	"\tset -l words (commandline -opc)\n"
	"\tset -l cur (commandline -ct)\n"
	"\tset -l found (printf '%s\\n' $words[2..-1] \"$cur\" | command $words[1] -q completion words 2>/dev/null)\n"
	"\tswitch \"$found\"\n"
	"\tcase ':files'\n"
	"\t\t__fish_complete_path \"$cur\"\n"
	"\tcase ':dirs'\n"
	"\t\t__fish_complete_directories \"$cur\" ''\n"
	"\tcase '?*'\n"
	"\t\tprintf '%s\\n' $found\n"
	"\tend\n"
	"end\n"
	"complete -c tunctl -f -a '(__tunctl_complete)'\n";

bool complete_script(FILE *f, const char *shell)
{
	static const struct {
		const char *shell, *text;
	} scripts[] = { { "bash", script_bash }, { "zsh", script_zsh }, { "fish", script_fish } };

	for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
		if (strcmp(shell, scripts[i].shell))
			continue;
		fputs(scripts[i].text, f);
		return true;
	}
	return false;
}
