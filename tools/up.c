/* SPDX-License-Identifier: MIT */
/*
 * up starts the daemon and waits until it says that the interface is ready; down ends it and waits until that is gone;
 * restart is both, once the daemon has judged the file that it is to come up with. Every wait has an end, and nothing
 * is done when there is nothing to do.
 *
 * Where the interface is that of systemd's unit (service.h) systemd does it. Elsewhere we run the daemon ourselves, and
 * end it by taking its interface away, or, when that lies in another network namespace, its socket: it ends on either.
 *
 * The lock is let go before systemd is asked, since commands of the configuration file may want it.
 */
#include "client.h"
#include "filter.h"
#include "launch.h"
#include "link.h"
#include "out.h"
#include "pending.h"
#include "probe.h"
#include "service.h"

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

static void note_barred(const struct ctx *c, const struct iface *f, const struct service *s)
{
	if (s->barred[0])
		cmd_note(c, "the service tunneld@%s cannot read %s, so it is started without systemd (let the file be "
			 "root's, and not in a home or /tmp)", f->name, s->barred);
}

static void plan_start(const struct iface *f, const struct service *s, const char *verb, const char *program)
{
	if (s->reads)
		printf("would run: systemctl %s tunneld@%s\n", verb, f->name);
	else
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

static int plan_up(const struct ctx *c, const struct iface *f, const struct service *s, const char *program)
{
	int code = s->reads ? launch_judge(c, f, true) : 0;

	if (!code)
		plan_start(f, s, "start", program);
	return code;
}

static int start(const struct ctx *c, struct iface *f, const struct service *s)
{
	int code = launch_judge(c, f, true);

	if (code)
		return code;
	iface_unlock(f);
	return service_start(c, f, s);
}

int cmd_up(struct ctx *c)
{
	char program[PATH_MAX];
	struct service s;
	struct iface f;
	int code = iface_find(c, c->word[0], IFACE_CONFIGURED_FIRST, &f);

	if (!code && f.running)
		return done(c, &f, false, true, "up");
	if (code || (code = need_file(c, &f)) || (code = launch_need(c, program)))
		return code;
	service_look(c, &f, &s);
	note_barred(c, &f, &s);
	if (cmd_has(c, OPT_DRY_RUN))
		return plan_up(c, &f, &s, program);
	if ((code = settle(c, &f)))
		return code;
	if (!client_probe(f.sock))	/* somebody else was faster */
		return done(c, &f, false, true, "up");
	code = s.reads ? start(c, &f, &s) : launch(c, &f);
	return code ? code : done(c, &f, true, true, "up");
}

/* ---- Down -------------------------------------------------------------------------------------------------------- */

static bool gone(const struct iface *f, bool was_here)
{
	return client_probe(f->sock) && !(was_here && link_state(f->name).exists);
}

/* Of a daemon that no unit runs. */
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

/* Is it the unit's to end it? One that nobody answers for may be about to start it again. */
static bool of_unit(const struct service *s)
{
	return s->runs || (s->serves && s->on);
}

static int plan_end(const struct iface *f, const struct service *s)
{
	if (of_unit(s))
		printf("would run: systemctl stop tunneld@%s\n", f->name);
	if (f->running && !s->runs)
		printf("would end: %s\n", f->name);
	return CMD_DONE;
}

int cmd_down(struct ctx *c)
{
	struct service s;
	struct iface f;
	int code = iface_find(c, c->word[0], IFACE_RUNNING_FIRST, &f);

	if (code)
		return code;
	service_look(c, &f, &s);
	if (!f.running && !of_unit(&s) && link_state(f.name).exists)
		return cmd_fail(c, CMD_NODAEMON, "%s is no interface of a daemon that answers at %s", f.name, f.sock);
	if (!f.running && !of_unit(&s))
		return finish_down(c, &f, false);
	if (cmd_has(c, OPT_DRY_RUN))
		return plan_end(&f, &s);
	if ((code = iface_lock_only(c, &f)))
		return code;
	if (of_unit(&s)) {
		iface_unlock(&f);
		code = service_stop(c, &f, &s);
		if (code || s.within)
			return code ? code : done(c, &f, true, false, "down");
		if (client_probe(f.sock))
			return finish_down(c, &f, true);
		/* Somebody runs one beside it. */
		if ((code = iface_lock_only(c, &f)))
			return code;
	}
	code = end_daemon(c, &f);
	return code ? code : finish_down(c, &f, true);
}

/* ---- Restart ----------------------------------------------------------------------------------------------------- */

/* What runs as the unit's can come up again only as that. */
static int check_unit(const struct ctx *c, const struct iface *f, const struct service *s)
{
	if (!s->runs || s->reads)
		return 0;
	if (s->barred[0])
		return cmd_fail(c, CMD_USAGE, "the service tunneld@%s cannot read %s, nothing is changed (let the file "
				"be root's, and not in a home or /tmp)", f->name, s->barred);
	return cmd_fail(c, CMD_CONFLICT, "%s is the service tunneld@%s, with other files or another network than here "
			"(use: systemctl restart tunneld@%s)", f->name, f->name, f->name);
}

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

static int plan_restart(const struct ctx *c, const struct iface *f, const struct service *s, const char *program)
{
	int code = launch_judge(c, f, s->reads);

	if (code)
		return code;
	if (f->running && !s->runs)
		printf("would end: %s\n", f->name);
	plan_start(f, s, s->on ? "restart" : "start", program);
	return CMD_DONE;
}

static int start_again(const struct ctx *c, struct iface *f, const struct service *s)
{
	if (!s->reads)
		return launch(c, f);
	iface_unlock(f);
	return s->on ? service_restart(c, f, s) : service_start(c, f, s);
}

int cmd_restart(struct ctx *c)
{
	char program[PATH_MAX];
	struct service s;
	struct iface f;
	int code;

	/* The session that we run in may come through the tunnel: what is down must come up without it. */
	signal(SIGHUP, SIG_IGN);
	code = iface_find(c, c->word[0], IFACE_RUNNING_FIRST, &f);
	if (code || (code = need_file(c, &f)) || (code = launch_need(c, program)))
		return code;
	service_look(c, &f, &s);
	if ((code = check_unit(c, &f, &s)))
		return code;
	note_barred(c, &f, &s);
	if (cmd_has(c, OPT_DRY_RUN))
		return plan_restart(c, &f, &s, program);
	if ((code = settle(c, &f)) || (code = launch_judge(c, &f, s.reads)))
		return code;
	f.running = !client_probe(f.sock);
	if (f.running && !s.runs && (code = end_wholly(c, &f)))
		return code;
	code = start_again(c, &f, &s);
	if (code && f.running && code != CMD_TIMEOUT)
		return CMD_NOTLIVE;
	return code ? code : done(c, &f, true, true, f.running ? "restarted" : "up");
}
