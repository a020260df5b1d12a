/* SPDX-License-Identifier: MIT */
/* reload: the daemon does it, here is said what it did. */
#include "daemon.h"
#include "diff.h"
#include "iface.h"
#include "out.h"
#include "view.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { CLEAN_MAX = 1024 };

static void print_lines(FILE *f, const json_t *lines)
{
	char clean[CLEAN_MAX];
	const json_t *line;
	size_t i;

	json_array_foreach(lines, i, line)
		if (json_is_string(line))
			fprintf(f, "%s\n", view_clean(json_string_value(line), clean, sizeof(clean)));
}

static int report(const struct ctx *c, const struct iface *f, json_t *answer)
{
	const json_t *changed = json_object_get(answer, "changed"), *code = json_object_get(answer, "code");
	const char *error = json_string_value(json_object_get(answer, "error"));
	int ret = json_is_integer(code) ? (int)json_integer_value(code) : CMD_FAILED;
	char clean[CLEAN_MAX];

	json_object_set_new(answer, "interface", json_string(f->name));
	if (cmd_has(c, OPT_JSON)) {
		out_json(stdout, json_incref(answer));
		return ret;
	}
	print_lines(stderr, json_object_get(answer, "errors"));
	if (!cmd_has(c, OPT_QUIET))
		print_lines(stderr, json_object_get(answer, "warnings"));
	if (ret)
		return cmd_fail(c, ret, "%s: nothing has changed: %s", f->name,
				view_clean(error ? error : "the file has errors", clean, sizeof(clean)));
	if (cmd_has(c, OPT_QUIET))
		return CMD_DONE;
	print_lines(stdout, changed);
	if (!json_array_size(changed))
		printf("%s: nothing to change\n", f->name);
	return CMD_DONE;
}

int cmd_reload(struct ctx *c)
{
	struct iface f;
	json_t *answer;
	int code = iface_find(c, c->word[0], IFACE_RUNNING_FIRST, &f), err;

	if (code || (code = iface_need_running(c, &f)))
		return code;
	if (cmd_has(c, OPT_DRY_RUN))
		return diff_plan(c, &f);
	/* Who is not root, as the service that systemd reloads, cannot take the lock. He may see half of a change that
	 * is under way; but whoever makes it reloads at its end. */
	if (geteuid() == 0 && (code = iface_lock(c, &f)))
		return code;
	err = daemon_ask(f.ctl, "reload", DAEMON_RELOAD_MS, &answer);
	if (err == -ENOENT || err == -ECONNREFUSED)
		return cmd_fail(c, CMD_NODAEMON, "%s: nobody answers: %s is not tunneld's", f.ctl, f.name);
	if (err)
		return cmd_fail(c, err == -ETIMEDOUT ? CMD_TIMEOUT : iface_code(err), "%s: %s", f.ctl, strerror(-err));
	code = report(c, &f, answer);
	json_decref(answer);
	return code;
}
