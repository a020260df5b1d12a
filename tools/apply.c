/* SPDX-License-Identifier: MIT */
/*
 * apply, confirm, rollback: a whole configuration at once. The new file is judged as a whole, put in the place of the
 * old one, and the daemon reads it; when the daemon will not, the old one comes back. With --confirm it is on trial:
 * see pending.h for its state and guard.h for who ends it.
 */
#include "guard.h"
#include "lint.h"
#include "out.h"
#include "pending.h"
#include "restore.h"
#include "store.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct application {
	const struct ctx *c;
	struct iface iface;
	char *text;
	size_t len;
	unsigned confirm_s;	/* 0: no trial */
	bool live;
};

static int report(const struct ctx *c, const struct iface *f, bool changed, unsigned confirm_s, const char *what)
{
	if (cmd_has(c, OPT_JSON))
		out_json(stdout, json_pack("{s:i, s:s, s:b, s:i}", "v", 1, "interface", f->name, "changed", changed,
					   "confirm", (int)confirm_s));
	else if (confirm_s)
		printf("%s: %s; say \"tunctl confirm %s\" within %u s, or it is rolled back\n", f->name, what, f->name,
		       confirm_s);
	else if (!cmd_has(c, OPT_QUIET))
		printf("%s: %s\n", f->name, what);
	return CMD_DONE;
}

/* "90", "60s", "5m", "1h" */
static int read_seconds(const struct ctx *c, unsigned *ret)
{
	enum { LEAST = 1, MOST = 86400 };
	const char *text = c->val[OPT_CONFIRM];
	char *end;
	unsigned long v;

	if (!text)
		return 0;
	v = strtoul(text, &end, 10);
	if (v <= MOST && *text >= '0' && *text <= '9') {
		v *= *end == 'm' ? 60 : *end == 'h' ? 3600 : 1;
		end += *end && strchr("smh", *end);
		if (!*end && v >= LEAST && v <= MOST) {
			*ret = (unsigned)v;
			return 0;
		}
	}
	return cmd_fail(c, CMD_USAGE, "--confirm %s: not a time like 60s or 5m, up to a day", text);
}

/* What is judged is what is written: the file is read once. */
static int judge(struct application *a)
{
	const char *file = a->c->word[0];
	struct lint l;
	int err = store_read_any(file, &a->text, &a->len), code = 0;

	if (err)
		return cmd_fail(a->c, err == -EACCES ? CMD_PERM : CMD_USAGE, "%s: %s", file, strerror(-err));
	lint_text(file, a->text, a->len, a->iface.conf, a->iface.dir, &l);
	if (l.errors) {
		lint_print(&l, stderr);
		code = cmd_fail(a->c, CMD_USAGE, "%s: there are errors, nothing is changed", file);
	}
	lint_free(&l);
	return code;
}

/* Puts the old file back after the daemon did not take the new one. */
static int give_up(const struct application *a, int code, const char *why)
{
	char again[PENDING_WHY_MAX];
	int err = pending_roll_back(&a->iface);

	if (err)
		return cmd_fail(a->c, CMD_NOTLIVE, "the daemon does not take it: %s; nor can %s be put back: %s", why,
				a->iface.conf, strerror(-err));
	pending_reload(&a->iface, again);
	return cmd_fail(a->c, code == CMD_USAGE ? CMD_USAGE : CMD_FAILED, "the daemon does not take it: %s; %s is back",
			why, a->iface.conf);
}

/* A trial from here: whatever happens, there is a way back. */
static int change_live(const struct application *a)
{
	const struct iface *f = &a->iface;
	char why[PENDING_WHY_MAX];
	int guard = -1, err, code;

	if (pending_is(f))
		return cmd_fail(a->c, CMD_CONFLICT, "a configuration is on trial (use: tunctl confirm %s, or tunctl "
				"rollback %s)", f->name, f->name);
	if (a->confirm_s && (code = guard_start(a->c, f, a->text, a->len, &guard)))
		return code;
	err = pending_begin(f);
	if (!err)
		err = store_write(f->conf, a->text, a->len);
	if (err) {
		pending_roll_back(f);
		return cmd_fail(a->c, iface_code(err), "%s: %s", f->conf, strerror(-err));
	}
	code = pending_reload(f, why);
	if (code)
		return give_up(a, code, why);
	if (!a->confirm_s)
		err = pending_confirm(f);
	else
		err = guard_arm(guard, a->confirm_s);
	if (err)
		return give_up(a, CMD_FAILED, strerror(-err));
	return report(a->c, f, true, a->confirm_s, "applied");
}

static bool is_so(const struct application *a)
{
	char *text;
	size_t len;
	bool same;

	if (store_read(a->iface.conf, &text, &len))
		return false;
	same = len == a->len && !memcmp(text, a->text, len);
	store_free(text, len);
	return same;
}

static int apply(struct application *a)
{
	const struct iface *f = &a->iface;
	char why[PENDING_WHY_MAX];
	bool same = is_so(a);
	int err, code;

	if (cmd_has(a->c, OPT_DRY_RUN)) {
		printf(same ? "nothing to do: %s is so\n" : "would write: %s\n", f->conf);
		return CMD_DONE;
	}
	if (!a->live) {
		err = same ? 0 : store_write(f->conf, a->text, a->len);
		if (err)
			return cmd_fail(a->c, iface_code(err), "%s: %s", f->conf, strerror(-err));
		return report(a->c, f, !same, 0, same ? "already so" : "saved");
	}
	if (!same)
		return change_live(a);
	/* The file is so; let what is live be so, too. */
	code = pending_reload(f, why);
	if (code)
		return cmd_fail(a->c, code, "the daemon does not take it: %s", why);
	return report(a->c, f, false, 0, "already so");
}

static int prepare(struct application *a)
{
	const struct ctx *c = a->c;
	bool rolled;
	int code = read_seconds(c, &a->confirm_s), err;

	a->live = !cmd_has(c, OPT_OFFLINE);
	if (!code && a->confirm_s && !a->live)
		code = cmd_fail(c, CMD_USAGE, "--confirm is for what is live, not with --offline");
	if (!code)
		code = iface_find(c, NULL, a->live ? IFACE_RUNNING_FIRST : IFACE_CONFIGURED_FIRST, &a->iface);
	if (!code && ((a->live && a->iface.running) || a->iface.conf[0]) && a->iface.foreign)
		code = cmd_fail(c, CMD_PERM, "%s has no file of ours in %.*s (use: tunctl import)", a->iface.name,
				(int)strlen(a->iface.dir) - (int)strlen(a->iface.name) - 3, a->iface.dir);
	if (!code && a->live)
		code = iface_need_running(c, &a->iface);
	if (code)
		return code;
	if (!a->iface.conf[0])	/* --offline, the first one */
		snprintf(a->iface.conf, sizeof(a->iface.conf), "%.*sconf", (int)strlen(a->iface.dir) - 1, a->iface.dir);
	if ((code = judge(a)))
		return code;
	if (!cmd_has(c, OPT_DRY_RUN) && (code = iface_lock(c, &a->iface)))
		return code;
	err = cmd_has(c, OPT_DRY_RUN) ? 0 : pending_end_stale(c, &a->iface, &rolled);
	return err ? cmd_fail(c, iface_code(err), "%s: %s", a->iface.conf, strerror(-err)) : 0;
}

int cmd_apply(struct ctx *c)
{
	struct application a = { .c = c, .iface.lock = -1 };
	int code;

	/* What is applied may end the session that we run in. */
	signal(SIGHUP, SIG_IGN);
	code = prepare(&a);
	if (!code)
		code = apply(&a);
	store_free(a.text, a.len);
	if (a.iface.lock >= 0)
		close(a.iface.lock);
	return code;
}

/* ---- The two ends of a trial ------------------------------------------------------------------------------------- */

static int begin_end(struct ctx *c, struct iface *f)
{
	int code = iface_find(c, c->word[0], IFACE_RUNNING_FIRST, f);

	if (!code && !f->conf[0])
		code = cmd_fail(c, CMD_NOENT, "no file describes %s", f->name);
	return code || cmd_has(c, OPT_DRY_RUN) ? code : iface_lock(c, f);
}

/* What either end would do to the trial that is on, or that there is none. */
static int print_end(const struct iface *f, bool on, const char *what)
{
	if (on)
		printf("would %s: %s\n", what, f->conf);
	else
		printf("nothing to do: nothing is on trial\n");
	return CMD_DONE;
}

int cmd_confirm(struct ctx *c)
{
	struct iface f;
	char rejected[PATH_MAX];
	int code = begin_end(c, &f), err;

	if (code)
		return code;
	if (cmd_has(c, OPT_DRY_RUN) && pending_is(&f))
		return print_end(&f, true, "keep");
	err = pending_is(&f) ? pending_confirm(&f) : -ENOENT;
	if (!err)
		return report(c, &f, true, 0, "confirmed");
	if (err != -ENOENT)
		return cmd_fail(c, iface_code(err), "%s: %s", f.conf, strerror(-err));
	if (pending_path(&f, PENDING_REJECTED, rejected) && !access(rejected, F_OK))
		return cmd_fail(c, CMD_FAILED, "it was rolled back; %s is what was on trial", rejected);
	return cmd_has(c, OPT_DRY_RUN) ? print_end(&f, false, NULL)
				       : report(c, &f, false, 0, "nothing is on trial");
}

int cmd_rollback(struct ctx *c)
{
	struct iface f;
	char why[PENDING_WHY_MAX];
	bool rolled = false;
	int code, err = 0;

	/* Before every start: who starts it may hold the lock. */
	if (cmd_has(c, OPT_STALE) && !iface_find(c, c->word[0], IFACE_CONFIGURED_FIRST, &f) && f.conf[0] &&
	    !pending_is(&f) && !restore_is(c, &f))
		return report(c, &f, false, 0, "nothing is on trial");
	code = begin_end(c, &f);
	if (code)
		return code;
	if (cmd_has(c, OPT_DRY_RUN))
		return print_end(&f, pending_is(&f) && !(cmd_has(c, OPT_STALE) && pending_guarded(c, &f)),
				 "bring back");
	if (cmd_has(c, OPT_STALE)) {
		err = pending_end_stale(c, &f, &rolled);
	} else if (pending_is(&f)) {
		err = pending_roll_back(&f);
		rolled = !err;
	}
	if (err)
		return cmd_fail(c, iface_code(err), "%s: %s", f.conf, strerror(-err));
	if (rolled && f.running && (code = pending_reload(&f, why)))
		return cmd_fail(c, CMD_NOTLIVE, "rolled back, but the daemon does not follow: %s", why);
	return report(c, &f, rolled, 0, rolled ? "rolled back" : "nothing is on trial");
}
