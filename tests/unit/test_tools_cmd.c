/* SPDX-License-Identifier: MIT */
/* The table: parsing by it, and that help, completion and the man page say all of it. Run from the top. */
#include "../../tools/cmd.h"
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

START_TEST(bad_command_lines_are_usage_errors)
{
	static const char *const lines[] = {
		"frobnicate", "peer", "peer frobnicate", "add anna", "peer add", "peer add anna bo", "up wg0 wg1",
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

START_TEST(table_is_consistent)
{
	for (size_t i = 0; i < cmd_count; i++) {
		const struct cmd *cmd = &cmd_table[i];
		bool optional = cmd->args[0] == '[';

		ck_assert_ptr_nonnull(cmd->run);
		ck_assert_ptr_eq(find(cmd->name), cmd);
		ck_assert_uint_le(cmd->words_max, CMD_WORDS_MAX);
		ck_assert_int_eq(cmd->words_max > 0, cmd->args[0] != 0);
		ck_assert_int_eq(cmd->words_min > 0, cmd->args[0] && !optional);
		ck_assert_uint_eq(cmd->opts & (OPT_BIT(OPT_GLOBAL_END) - 1), 0);
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

/* All that `print` prints; free() it. */
static char *captured(bool completion, const char *topic)
{
	char *text;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (completion)
		help_completion(f);
	else
		ck_assert(help_print(f, topic));
	fclose(f);
	return text;
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
	char *all = captured(false, NULL), *bash = captured(true, NULL), name[64];

	for (size_t i = 0; i < cmd_count; i++) {
		const struct cmd *cmd = &cmd_table[i];
		char *one = captured(false, cmd->name);

		ck_assert_msg(strstr(all, cmd->help) && has_word(all, cmd->name), "%s", cmd->name);
		snprintf(name, sizeof(name), "\"%s\" | ", cmd->name);
		ck_assert_msg(strstr(bash, name) != NULL, "%s", cmd->name);
		for (int k = 0; k < OPT_COUNT; k++) {
			bool mine = (k < OPT_GLOBAL_END || (cmd->opts & OPT_BIT(k))) && !opt_table[k].hidden;

			snprintf(name, sizeof(name), "--%s", opt_table[k].name);
			ck_assert_msg(has_word(one, name) == mine, "%s %s", cmd->name, name);
			ck_assert_msg(has_word(bash, name), "%s", name);
		}
		free(one);
	}
	free(all);
	free(bash);
}
END_TEST

START_TEST(help_fits_the_screen)
{
	char *all = captured(false, NULL), *rest = all, *line;

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

int main(void)
{
	Suite *s = suite_create("tools_cmd");
	TCase *tc = tcase_create("all");

	tcase_add_test(tc, options_stand_anywhere);
	tcase_add_test(tc, bad_command_lines_are_usage_errors);
	tcase_add_test(tc, help_needs_no_valid_arguments);
	tcase_add_test(tc, table_is_consistent);
	tcase_add_test(tc, help_and_completion_say_the_whole_table);
	tcase_add_test(tc, help_fits_the_screen);
	tcase_add_test(tc, man_page_says_the_whole_table);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
