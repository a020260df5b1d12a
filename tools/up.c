/* SPDX-License-Identifier: MIT */
/*
 * up starts the daemon and waits until it says that the interface is ready; down ends it and waits until that is gone;
 * restart is both, once the daemon has judged the file that it is to come up with. Every wait has an end, and nothing
 * is done when there is nothing to do.
 *
 * The daemon ends when its interface is taken away, or, when that lies in another network namespace, its socket.
 */
#include "client.h"
#include "filter.h"
#include "launch.h"
#include "link.h"
#include "out.h"
#include "pending.h"
#include "probe.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <time.h>
#include <unistd.h>

enum { STEP_MS = 20, DOWN_WAIT_MS = 10000 };
enum { END_WAIT_MS = 90000 };	/* for commands at the end; as systemd does */

static int done(const struct ctx *c, const struct iface *f, bool changed, bool running, const char *what)
{
	if (cmd_has(c, OPT_JSON))
		out_json(stdout, json_pack("{s:i, s:s, s:b, s:b}", "v", 1, "interface", f->name, "changed", changed,
					   "running", running));
	else if (!cmd_has(c, OPT_QUIET))
		printf("%s: %s%s\n", f->name, changed ? "" : "already ", what);
	return CMD_DONE;
}

/* ---- Up ---------------------------------------------------------------------------------------------------------- */

/* 0, or an exit code after a line on stderr. */
static int need_file(const struct ctx *c, const struct iface *f)
{
	if (f->conf[0])
		return 0;
	return cmd_fail(c, CMD_NOENT, "there is no %.*s.conf (make a server: tunctl init %s)",
			(int)strlen(f->dir) - 2, f->dir, f->name);
}

static void plan_start(const struct iface *f, const char *program)
{
	printf("would run: %s -c %s %s\n", program, f->conf, f->name);
}

/* Takes the lock, and ends a trial that nobody guards. */
static int settle(const struct ctx *c, struct iface *f)
{
	bool rolled;
	int code = iface_lock(c, f), err;

	if (code)
		return code;
	err = pending_end_stale(c, f, &rolled);
	return err ? cmd_fail(c, iface_code(err), "%s: %s", f->conf, strerror(-err)) : 0;
}

int cmd_up(struct ctx *c)
{
	char program[PATH_MAX];
	struct iface f;
	int code = iface_find(c, c->word[0], IFACE_CONFIGURED_FIRST, &f);

	if (!code && f.running)
		return done(c, &f, false, true, "up");
	if (code || (code = need_file(c, &f)) || (code = launch_need(c, program)))
		return code;
	if (cmd_has(c, OPT_DRY_RUN)) {
		plan_start(&f, program);
		return CMD_DONE;
	}
	if ((code = settle(c, &f)))
		return code;
	if (!client_probe(f.sock))	/* somebody else was faster */
		return done(c, &f, false, true, "up");
	code = launch(c, &f);
	return code ? code : done(c, &f, true, true, "up");
}

/* ---- Down -------------------------------------------------------------------------------------------------------- */

static bool gone(const struct iface *f, bool was_here)
{
	return client_probe(f->sock) && !(was_here && link_state(f->name).exists);
}

static int end_daemon(const struct ctx *c, const struct iface *f)
{
	bool here = link_state(f->name).exists;
	int err = link_delete_tun(f->name);

	if (err == -ENODEV && unlink(f->sock) && errno != ENOENT)
		return cmd_fail(c, iface_code(-errno), "%s: %s", f->sock, strerror(errno));
	if (err == -EMEDIUMTYPE)
		return cmd_fail(c, CMD_FAILED, "%s is not a TUN device, it is left alone", f->name);
	if (err && err != -ENODEV)
		return cmd_fail(c, iface_code(err), "%s: cannot delete the interface: %s", f->name, strerror(-err));
	for (unsigned waited = 0; waited < DOWN_WAIT_MS; waited += STEP_MS) {
		if (gone(f, here))
			return 0;	/* its engine may have answered a moment longer */
		nanosleep(&(struct timespec){ .tv_nsec = STEP_MS * 1000000L }, NULL);
	}
	return cmd_fail(c, CMD_TIMEOUT, "%s has not ended in %d s", f->name, DOWN_WAIT_MS / 1000);
}

/* A daemon that was killed leaves its packet filter table, and with it perhaps a kill switch. */
static int finish_down(const struct ctx *c, const struct iface *f, bool ended)
{
	int removed = cmd_has(c, OPT_DRY_RUN) ? 0 : filter_remove(f->name);

	if (removed < 0 && removed != -EPERM)
		return cmd_fail(c, CMD_FAILED, "%s: cannot remove the packet filter table inet tunneld-%s: %s", f->name,
				f->name, strerror(-removed));
	if (!ended && removed <= 0 && !f->conf[0])
		return iface_need_running(c, f);
	return done(c, f, ended || removed > 0, false, "down");
}

int cmd_down(struct ctx *c)
{
	struct iface f;
	int code = iface_find(c, c->word[0], IFACE_RUNNING_FIRST, &f);

	if (code)
		return code;
	if (!f.running && link_state(f.name).exists)
		return cmd_fail(c, CMD_NODAEMON, "%s is no interface of a daemon that answers at %s", f.name, f.sock);
	if (!f.running)
		return finish_down(c, &f, false);
	if (cmd_has(c, OPT_DRY_RUN)) {
		printf("would end: %s\n", f.name);
		return CMD_DONE;
	}
	if ((code = iface_lock_only(c, &f)))
		return code;
	code = end_daemon(c, &f);
	return code ? code : finish_down(c, &f, true);
}

/* ---- Restart ----------------------------------------------------------------------------------------------------- */

/* Until the process is gone, too: it ends with commands that undo what those of the next one do. */
static int end_wholly(const struct ctx *c, const struct iface *f)
{
	pid_t pid = probe_listener(f->sock);
	struct pollfd ended = { .fd = pid ? pidfd_open(pid, 0) : -1, .events = POLLIN };
	int code = end_daemon(c, f);

	if (!code && ended.fd >= 0 && poll(&ended, 1, END_WAIT_MS) != 1)
		code = cmd_fail(c, CMD_TIMEOUT, "%s is down, but its commands have not ended in %d s", f->name,
				END_WAIT_MS / 1000);
	if (ended.fd >= 0)
		close(ended.fd);
	return code;
}

static int plan_restart(const struct ctx *c, const struct iface *f, const char *program)
{
	int code = launch_judge(c, f, false);

	if (code)
		return code;
	if (f->running)
		printf("would end: %s\n", f->name);
	plan_start(f, program);
	return CMD_DONE;
}

int cmd_restart(struct ctx *c)
{
	char program[PATH_MAX];
	struct iface f;
	int code;

	/* The session that we run in may come through the tunnel: what is down must come up without it. */
	signal(SIGHUP, SIG_IGN);
	code = iface_find(c, c->word[0], IFACE_RUNNING_FIRST, &f);
	if (code || (code = need_file(c, &f)) || (code = launch_need(c, program)))
		return code;
	if (cmd_has(c, OPT_DRY_RUN))
		return plan_restart(c, &f, program);
	if ((code = settle(c, &f)) || (code = launch_judge(c, &f, false)))
		return code;
	f.running = !client_probe(f.sock);
	if (f.running && (code = end_wholly(c, &f)))
		return code;
	code = launch(c, &f);
	if (code && f.running && code != CMD_TIMEOUT)
		return CMD_NOTLIVE;
	return code ? code : done(c, &f, true, true, f.running ? "restarted" : "up");
}
