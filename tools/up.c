/* SPDX-License-Identifier: MIT */
/*
 * up starts the daemon and waits until it says that the interface is ready; down ends it by taking its interface away,
 * or, when that lies in another network namespace, its socket: the daemon ends on either. Both wait a bounded time and
 * both do nothing when there is nothing to do.
 */
#include "client.h"
#include "filter.h"
#include "iface.h"
#include "link.h"
#include "out.h"
#include "pending.h"
#include "up.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { STEP_MS = 20, UP_WAIT_MS = 30000, DOWN_WAIT_MS = 10000 };

static void sleep_step(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = STEP_MS * 1000000L }, NULL);
}

static int done(const struct ctx *c, const struct iface *f, bool changed, const char *what)
{
	if (cmd_has(c, OPT_JSON))
		out_json(stdout, json_pack("{s:i, s:s, s:b, s:b}", "v", 1, "interface", f->name, "changed", changed,
					   "running", !strcmp(what, "up")));
	else if (!cmd_has(c, OPT_QUIET))
		printf("%s: %s%s\n", f->name, changed ? "" : "already ", what);
	return CMD_DONE;
}

bool up_find_daemon(char ret[PATH_MAX])
{
	const char *path = getenv("PATH");
	char self[PATH_MAX / 2], list[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash, *rest = list, *dir;

	self[len > 0 ? len : 0] = 0;
	slash = strrchr(self, '/');
	if (slash)
		*slash = 0;
	if ((size_t)snprintf(list, sizeof(list), "%s:%s/../sbin:%s:/usr/local/sbin:/usr/sbin:/sbin", self, self,
			     path ? path : "") >= sizeof(list))
		return false;
	while ((dir = strsep(&rest, ":"))) {
		if (*dir != '/' || (size_t)snprintf(ret, PATH_MAX, "%s/tunneld", dir) >= PATH_MAX)
			continue;
		if (!access(ret, X_OK))
			return true;
	}
	return false;
}

static int no_daemon(const struct ctx *c)
{
	return cmd_fail(c, CMD_FAILED, "no program tunneld, neither beside tunctl nor in PATH");
}

/* Waits for the daemon's front process, which ends when the interface is ready. Its exit status, or -1: not in time. */
static int wait_child(pid_t pid)
{
	int status;

	for (unsigned waited = 0; waited < UP_WAIT_MS; waited += STEP_MS) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			return WIFEXITED(status) ? WEXITSTATUS(status) : CMD_FAILED;
		sleep_step();
	}
	kill(pid, SIGTERM);
	return -1;
}

/* The daemon reads IF.d beside its configuration file. When that file is another program's, our IF.d lies elsewhere:
 * its peers are set now. */
static int add_saved(const struct ctx *c, struct iface *f)
{
	struct roster r = { 0 };
	int code, err;

	f->running = true;
	code = roster_load(c, f, false, &r);
	for (size_t i = 0; i < r.count && !code; i++) {
		const struct peer *p = &r.peer[i];

		if (!p->own_file || p->live || p->disabled)
			continue;
		err = client_peer_set(f->sock, p);
		if (err)
			code = cmd_fail(c, CMD_NOTLIVE, "%s is up, but \"%s\" is not live: %s", f->name, p->name,
					strerror(-err));
	}
	roster_free(&r);
	return code;
}

int up_start(const struct ctx *c, struct iface *f)
{
	char program[PATH_MAX];
	pid_t pid;
	int status;

	if (!up_find_daemon(program))
		return no_daemon(c);
	fflush(NULL);
	pid = fork();
	if (pid < 0)
		return cmd_fail(c, CMD_FAILED, "fork: %s", strerror(errno));
	if (!pid) {
		execl(program, "tunneld", "-c", f->conf, f->name, (char *)NULL);
		_exit(127);
	}
	status = wait_child(pid);
	if (status < 0)
		return cmd_fail(c, CMD_TIMEOUT, "%s did not become ready in %d s", program, UP_WAIT_MS / 1000);
	if (!status)
		return f->foreign ? add_saved(c, f) : 0;
	/* The daemon has said why. */
	return cmd_fail(c, status == CMD_USAGE || status == CMD_PERM ? status : CMD_FAILED,
			"%s ended with status %d, %s is not up", program, status, f->name);
}

int cmd_up(struct ctx *c)
{
	char program[PATH_MAX];
	struct iface f;
	bool rolled;
	int code = iface_find(c, c->word[0], IFACE_CONFIGURED_FIRST, &f), err;

	if (!code && f.running)
		return done(c, &f, false, "up");
	if (code)
		return code;
	if (!f.conf[0])
		return cmd_fail(c, CMD_NOENT, "there is no %.*s.conf (make a server: tunctl init %s)",
				(int)strlen(f.dir) - 2, f.dir, f.name);
	if (!up_find_daemon(program))
		return no_daemon(c);
	if (cmd_has(c, OPT_DRY_RUN)) {
		printf("would run: %s -c %s %s\n", program, f.conf, f.name);
		return CMD_DONE;
	}
	if ((code = iface_lock(c, &f)))
		return code;
	if ((err = pending_end_stale(c, &f, &rolled)))
		return cmd_fail(c, iface_code(err), "%s: %s", f.conf, strerror(-err));
	if (!client_probe(f.sock))	/* somebody else was faster */
		return done(c, &f, false, "up");
	code = up_start(c, &f);
	return code ? code : done(c, &f, true, "up");
}

static bool gone(const struct iface *f, bool was_here)
{
	return client_probe(f->sock) && !(was_here && link_state(f->name).exists);
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
	return done(c, f, ended || removed > 0, "down");
}

int cmd_down(struct ctx *c)
{
	struct link_state link;
	struct iface f;
	int code = iface_find(c, c->word[0], IFACE_RUNNING_FIRST, &f), err;

	if (code)
		return code;
	link = link_state(f.name);
	if (!f.running && link.exists)
		return cmd_fail(c, CMD_NODAEMON, "%s is no interface of a daemon that answers at %s", f.name, f.sock);
	if (!f.running)
		return finish_down(c, &f, false);
	if (cmd_has(c, OPT_DRY_RUN)) {
		printf("would end: %s\n", f.name);
		return CMD_DONE;
	}
	if ((code = iface_lock_only(c, &f)))
		return code;
	err = link_delete_tun(f.name);
	if (err == -ENODEV && unlink(f.sock) && errno != ENOENT)
		return cmd_fail(c, iface_code(-errno), "%s: %s", f.sock, strerror(errno));
	if (err == -EMEDIUMTYPE)
		return cmd_fail(c, CMD_FAILED, "%s is not a TUN device, it is left alone", f.name);
	if (err && err != -ENODEV)
		return cmd_fail(c, iface_code(err), "%s: cannot delete the interface: %s", f.name, strerror(-err));
	for (unsigned waited = 0; waited < DOWN_WAIT_MS; waited += STEP_MS) {
		if (gone(&f, link.exists))
			return finish_down(c, &f, true);	/* its engine may have answered a moment longer */
		sleep_step();
	}
	return cmd_fail(c, CMD_TIMEOUT, "%s has not ended in %d s", f.name, DOWN_WAIT_MS / 1000);
}
