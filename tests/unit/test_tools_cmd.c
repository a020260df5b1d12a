/* SPDX-License-Identifier: MIT */
/* The table: parsing by it, and that help, completion and the man page say all of it. Run from the top. */
#include "../../tools/cmd.h"
#include "../../tools/complete.h"
#include "../../tools/doctor.h"
#include "suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

enum { ARGS_MAX = 16 };

/* Splits at blanks and parses. c borrows from a static buffer. */
static int parse(struct ctx *c, const char *line)
{
	static char buf[512];
	char *argv[ARGS_MAX + 1] = { "tunctl" }, *rest = buf, *word;
	int argc = 1;

	ck_assert_uint_lt(strlen(line), sizeof(buf));
	strcpy(buf, line);
	while ((word = strsep(&rest, " ")) && argc < ARGS_MAX)
		if (*word)
			argv[argc++] = word;
	return cmd_parse(c, argc, argv);
}

static const struct cmd *find(const char *name)
{
	for (size_t i = 0; i < cmd_count; i++)
		if (!strcmp(cmd_table[i].name, name))
			return &cmd_table[i];
	return NULL;
}

START_TEST(options_stand_anywhere)
{
	static const char *const lines[] = {
		"-i wg0 --json peer add anna --ip 10.8.0.7 --ip=fd00::7 -q",
		"peer add anna --json --ip=10.8.0.7 --ip fd00::7 --interface=wg0 --quiet",
		"-iwg0 --json -q peer add -- anna",
	};
	struct ctx c;

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		ck_assert_int_eq(parse(&c, lines[i]), 0);
		ck_assert_ptr_eq(c.cmd, find("peer add"));
		ck_assert_str_eq(c.word[0], "anna");
		ck_assert_uint_eq(c.word_count, 1);
		ck_assert_str_eq(c.val[OPT_INTERFACE], "wg0");
		ck_assert(cmd_has(&c, OPT_JSON) && cmd_has(&c, OPT_QUIET) && !cmd_has(&c, OPT_DRY_RUN));
		if (i != 2) {
			ck_assert_uint_eq(c.ip_count, 2);
			ck_assert_str_eq(c.ip[0], "10.8.0.7");
			ck_assert_str_eq(c.ip[1], "fd00::7");
		}
	}
}
END_TEST

START_TEST(everyday_verbs_stand_alone)
{
	struct ctx c;

	ck_assert_int_eq(parse(&c, "add anna --tag a --tag=b"), 0);
	ck_assert_ptr_eq(c.cmd, find("peer add"));
	ck_assert_str_eq(c.word[0], "anna");
	ck_assert_uint_eq(c.tag_count, 2);
	ck_assert_str_eq(c.tag[1], "b");
	ck_assert_int_eq(parse(&c, "list --json"), 0);
	ck_assert_ptr_eq(c.cmd, find("peer list"));
	ck_assert_int_eq(parse(&c, "help add"), 0);
	ck_assert_ptr_eq(c.cmd, find("help"));
}
END_TEST

START_TEST(bad_command_lines_are_usage_errors)
{
	static const char *const lines[] = {
		"frobnicate", "peer", "peer frobnicate", "add", "peer add", "peer add anna bo", "up wg0 wg1",
		"genkey x",
		"--frob status", "-z status", "status --ip 10.0.0.1", "peer list -n", "peer add anna --pubkey",
		"--json=yes status", "-qx status", "peer add anna --psk a --psk b", "a b c d e f g h", "statu",
		"statuss", "peeradd anna", "-i wg0 -i wg1 status", "help a b c",
	};
	struct ctx c;

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		ck_assert_msg(parse(&c, lines[i]) == CMD_USAGE, "%s", lines[i]);
}
END_TEST

START_TEST(help_needs_no_valid_arguments)
{
	struct ctx c;

	ck_assert_int_eq(parse(&c, "peer add --help"), 0);
	ck_assert_ptr_eq(c.cmd, find("peer add"));
	ck_assert_int_eq(parse(&c, "peer -h"), 0);
	ck_assert_ptr_null(c.cmd);
	ck_assert_str_eq(c.word[0], "peer");
	ck_assert_int_eq(parse(&c, ""), 0);
	ck_assert_ptr_null(c.cmd);
}
END_TEST

START_TEST(version_needs_no_command)
{
	static const char *const lines[] = { "-V", "--version", "--version -q", "-V peer", "peer add -V" };
	struct ctx c;

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		ck_assert_msg(parse(&c, lines[i]) == 0, "%s", lines[i]);
		ck_assert(cmd_has(&c, OPT_VERSION));
	}
	ck_assert_int_eq(parse(&c, "--version=1"), CMD_USAGE);
}
END_TEST

/* Behind the option that a command cannot do without, if there is one. */
static const char *words_of(const struct cmd *cmd)
{
	const char *words = cmd->args;

	while (strncmp(words, "--", 2) == 0) {
		words += strcspn(words, " ");
		words += strspn(words, " ");
	}
	return words;
}

START_TEST(table_is_consistent)
{
	for (size_t i = 0; i < cmd_count; i++) {
		const struct cmd *cmd = &cmd_table[i];
		const char *words = words_of(cmd);

		ck_assert_ptr_nonnull(cmd->run);
		ck_assert_ptr_eq(find(cmd->name), cmd);
		ck_assert_uint_le(cmd->words_max, CMD_WORDS_MAX);
		ck_assert_int_eq(cmd->words_max > 0, words[0] != 0);
		ck_assert_int_eq(cmd->words_min > 0, words[0] && words[0] != '[');
		ck_assert_uint_eq(cmd->opts & (OPT_BIT(OPT_GLOBAL_END) - 1), 0);
		for (size_t k = 0; (cmd->opts & CMD_TOP) && k < cmd_count; k++) {
			size_t first = strcspn(cmd_table[k].name, " ");

			ck_assert_ptr_nonnull(cmd_verb(cmd));
			ck_assert_msg(strncmp(cmd_verb(cmd), cmd_table[k].name, first) || cmd_verb(cmd)[first],
				      "\"%s\" is ambiguous", cmd_verb(cmd));
			ck_assert_msg(k == i || !(cmd_table[k].opts & CMD_TOP) ||
				      strcmp(cmd_verb(cmd), cmd_verb(&cmd_table[k])),
				      "\"%s\" is ambiguous", cmd_verb(cmd));
		}
	}
	for (int i = 0; i < OPT_COUNT; i++) {
		bool used = i < OPT_GLOBAL_END;

		ck_assert_ptr_nonnull(opt_table[i].name);
		for (size_t k = 0; k < cmd_count; k++)
			used = used || (cmd_table[k].opts & OPT_BIT(i));
		ck_assert_msg(used, "--%s is of no command", opt_table[i].name);
	}
}
END_TEST

/* All of help on the topic; free() it. */
static char *captured(const char *topic)
{
	char *text;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	ck_assert(help_print(f, topic));
	fclose(f);
	return text;
}

/* What is offered behind the last blank of the line, one candidate a line; free() it. */
static char *completed(const char *line, struct complete *ret)
{
	static char buf[512];
	const char *word[ARGS_MAX];
	char *text, *rest = buf, *one;
	size_t len, count = 0;
	FILE *f = open_memstream(&text, &len);

	ck_assert_uint_lt(strlen(line), sizeof(buf));
	strcpy(buf, line);
	while (count < ARGS_MAX && (one = strsep(&rest, " ")))
		word[count++] = one;
	*ret = complete_words(f, word, count);
	fclose(f);
	return text;
}

/* One of the candidates is `word`. */
static bool offers(const char *line, const char *word)
{
	struct complete c;
	char *text = completed(line, &c), *rest = text, *one;
	bool found = false;

	while ((one = strsep(&rest, "\n")))
		found = found || (!strncmp(one, word, strlen(word)) && one[strlen(word)] == '\t');
	free(text);
	return found;
}

/* Is `word` in text, not as a part of a longer word? */
static bool has_word(const char *text, const char *word)
{
	static const char of_words[] = "abcdefghijklmnopqrstuvwxyz-";
	size_t len = strlen(word);

	for (const char *at = text; (at = strstr(at, word)); at++)
		if ((at == text || !strchr(of_words, at[-1])) && (!at[len] || !strchr(of_words, at[len])))
			return true;
	return false;
}

START_TEST(help_and_completion_say_the_whole_table)
{
	char *all = captured(NULL), name[64], line[64];

	for (size_t i = 0; i < cmd_count; i++) {
		const struct cmd *cmd = &cmd_table[i];
		char *one = captured(cmd->name);
		size_t noun = strcspn(cmd->name, " ");

		ck_assert_msg(strstr(all, cmd->help) && has_word(all, cmd->name), "%s", cmd->name);
		snprintf(name, sizeof(name), "%.*s", (int)noun, cmd->name);
		ck_assert_msg(offers("", name), "%s", cmd->name);
		ck_assert_msg(!(cmd->opts & CMD_TOP) || (has_word(all, cmd_verb(cmd)) && offers("", cmd_verb(cmd))),
			      "%s", cmd->name);
		snprintf(line, sizeof(line), "%.*s ", (int)noun, cmd->name);
		ck_assert_msg(!cmd->name[noun] || offers(line, cmd->name + noun + 1), "%s", cmd->name);
		snprintf(line, sizeof(line), "%s -", cmd->name);
		for (int k = 0; k < OPT_COUNT; k++) {
			bool mine = (k < OPT_GLOBAL_END || (cmd->opts & OPT_BIT(k))) && !opt_table[k].hidden;

			snprintf(name, sizeof(name), "--%s", opt_table[k].name);
			ck_assert_msg(has_word(one, name) == mine, "%s %s", cmd->name, name);
			ck_assert_msg(offers(line, name) == mine, "%s %s", cmd->name, name);
		}
		free(one);
	}
	free(all);
}
END_TEST

/* Of names, only what kind of them, what is typed of it, and what to put before. */
START_TEST(completion_knows_what_fits_where)
{
	static const struct {
		const char *line;
		enum complete_more more;
		const char *begins, *before, *interface;
	} cases[] = {
		{ "up w", COMPLETE_INTERFACES, "w", "", NULL },
		{ "up wg0 ", COMPLETE_NOTHING, "", "", NULL },
		{ "--json status ", COMPLETE_INTERFACES, "", "", NULL },
		{ "peer show an", COMPLETE_PEERS, "an", "", NULL },
		{ "-i wg1 peer show ", COMPLETE_PEERS, "", "", "wg1" },
		{ "-iwg1 peer show ", COMPLETE_PEERS, "", "", "wg1" },
		{ "peer show --interface=wg1 a", COMPLETE_PEERS, "a", "", "wg1" },
		{ "peer show --interface = wg1 a", COMPLETE_PEERS, "a", "", "wg1" },
		{ "peer show --interface w", COMPLETE_INTERFACES, "w", "", NULL },
		{ "peer show --interface=w", COMPLETE_INTERFACES, "w", "--interface=", NULL },
		{ "peer show --interface =", COMPLETE_INTERFACES, "", "", NULL },
		{ "peer show -- -a", COMPLETE_PEERS, "-a", "", NULL },
		{ "peer add anna --psk ", COMPLETE_FILES, "", "", NULL },
		{ "peer add anna --etc /e", COMPLETE_DIRS, "/e", "", NULL },
		{ "peer add anna --note ", COMPLETE_NOTHING, "", "", NULL },
		{ "frobnicate ", COMPLETE_NOTHING, "", "", NULL },
		{ "a b c d e f g h i ", COMPLETE_NOTHING, "", "", NULL },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct complete c;
		char *text = completed(cases[i].line, &c);

		ck_assert_msg(c.more == cases[i].more && !*text, "%s: %d %s", cases[i].line, c.more, text);
		ck_assert_str_eq(c.begins, cases[i].begins);
		ck_assert_str_eq(c.before, cases[i].before);
		ck_assert(cases[i].interface ? !strcmp(c.interface, cases[i].interface) : !c.interface);
		free(text);
	}
	ck_assert(offers("peer re", "remove") && !offers("peer re", "add") && !offers("re", "peer remove"));
	ck_assert(offers("completion ", "zsh") && offers("completion f", "fish") && !offers("completion f", "bash"));
	ck_assert(offers("help p", "peer") && offers("help p", "pubkey") && !offers("help peer ", "peer"));
	ck_assert(offers("peer add anna --keep", "--keepalive") && !offers("up --keep", "--keepalive"));
	ck_assert(!offers("peer show -- -", "--json"));
}
END_TEST

START_TEST(help_fits_the_screen)
{
	char *all = captured(NULL), *rest = all, *line;

	while ((line = strsep(&rest, "\n")))
		ck_assert_msg(strlen(line) <= 100, "%s", line);
	free(all);
	ck_assert(!help_print(stdout, "frobnicate"));
	ck_assert(!help_print(stdout, "pee"));
}
END_TEST

/* True: the page has this very line, or begins one with it and a blank. */
static bool has_line(const char *page, const char *want)
{
	size_t len = strlen(want);

	for (const char *at = page; (at = strstr(at, want)); at++)
		if ((at == page || at[-1] == '\n') && (at[len] == '\n' || at[len] == ' '))
			return true;
	return false;
}

START_TEST(man_page_says_the_whole_table)
{
	static char page[1 << 16];
	FILE *f = fopen("tools/tunctl.1", "r");
	char want[96];

	ck_assert_msg(f != NULL, "no tools/tunctl.1: run this from the top of the sources");
	page[fread(page, 1, sizeof(page) - 1, f)] = 0;
	fclose(f);
	for (size_t i = 0; i < cmd_count; i++) {
		snprintf(want, sizeof(want), ".It Ic %s", cmd_table[i].name);
		ck_assert_msg(has_line(page, want), "the man page lacks: %s", want);
	}
	for (int i = 0; i < OPT_COUNT; i++) {
		const struct opt *o = &opt_table[i];

		if (o->letter)
			snprintf(want, sizeof(want), ".It Fl %c , Fl Fl %s%s%s", o->letter, o->name,
				 o->arg ? " Ar " : "", o->arg ? o->arg : "");
		else
			snprintf(want, sizeof(want), ".It Fl Fl %s%s%s", o->name, o->arg ? " Ar " : "",
				 o->arg ? o->arg : "");
		ck_assert_msg(has_line(page, want), "the man page lacks: %s", want);
	}
}
END_TEST

START_TEST(checks_of_the_doctor_are_documented)
{
	static char page[1 << 16];
	FILE *f = fopen("tools/tunctl.1", "r");
	char want[96];

	ck_assert_ptr_nonnull(f);
	page[fread(page, 1, sizeof(page) - 1, f)] = 0;
	fclose(f);
	ck_assert_uint_ge(doctor_count, 20);
	for (size_t i = 0; i < doctor_count; i++) {
		snprintf(want, sizeof(want), ".It Cm %s", doctor_table[i].name);
		ck_assert_msg(has_line(page, want), "the man page lacks: %s", want);
		ck_assert(doctor_table[i].run && doctor_table[i].fix && !strchr(doctor_table[i].fix, '\n'));
		for (size_t k = 0; k < i; k++)
			ck_assert_str_ne(doctor_table[i].name, doctor_table[k].name);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("tools_cmd");
	TCase *tc = tcase_create("all");

	tcase_add_test(tc, options_stand_anywhere);
	tcase_add_test(tc, everyday_verbs_stand_alone);
	tcase_add_test(tc, bad_command_lines_are_usage_errors);
	tcase_add_test(tc, help_needs_no_valid_arguments);
	tcase_add_test(tc, version_needs_no_command);
	tcase_add_test(tc, table_is_consistent);
	tcase_add_test(tc, help_and_completion_say_the_whole_table);
	tcase_add_test(tc, completion_knows_what_fits_where);
	tcase_add_test(tc, help_fits_the_screen);
	tcase_add_test(tc, man_page_says_the_whole_table);
	tcase_add_test(tc, checks_of_the_doctor_are_documented);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
