/* SPDX-License-Identifier: MIT */
/* check: what lint.h finds, as lines for people and editors, or as JSON. */
#include "lint.h"
#include "out.h"

#include <errno.h>
#include <string.h>

static json_t *problems_json(const struct lint *l)
{
	json_t *list = json_array();

	for (size_t i = 0; i < l->problem_count; i++) {
		const struct lint_problem *p = &l->problem[i];

		json_array_append_new(list, json_pack("{s:s, s:i, s:i, s:s, s:s}", "file", l->file[p->at.file], "line",
						      (int)p->at.line, "column", (int)p->at.column, "level",
						      p->error ? "error" : "warning", "message", p->message));
	}
	return list;
}

int cmd_check(struct ctx *c)
{
	struct lint l;
	int err = lint_file(c->word[0], &l), code = l.errors ? CMD_USAGE : CMD_DONE;

	if (err)
		code = cmd_fail(c, err == -EACCES ? CMD_PERM : CMD_USAGE, "%s: %s", c->word[0], strerror(-err));
	else if (cmd_has(c, OPT_JSON))
		out_json(stdout, json_pack("{s:i, s:s, s:I, s:I, s:I, s:o}", "v", 1, "file", c->word[0], "peers",
					   (json_int_t)l.peer_count, "errors", (json_int_t)l.errors, "warnings",
					   (json_int_t)l.warnings, "problems", problems_json(&l)));
	else if (l.problem_count || cmd_has(c, OPT_QUIET))
		lint_print(&l, stdout);
	else
		printf("%s: good, %zu peer%s\n", c->word[0], l.peer_count, l.peer_count == 1 ? "" : "s");
	lint_free(&l);
	return code;
}
