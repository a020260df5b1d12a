/* SPDX-License-Identifier: MIT */
#include "launch.h"

#include "client.h"
#include "program.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { UP_WAIT_MS = 30000 };
enum { JUDGE_WAIT_MS = 150000 };	/* names may take long to resolve */

bool launch_find(char ret[PATH_MAX])
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

int launch_need(const struct ctx *c, char ret[PATH_MAX])
{
	return launch_find(ret) ? 0 : cmd_fail(c, CMD_FAILED, "no program tunneld, neither beside tunctl nor in PATH");
}

int launch_judge(const struct ctx *c, const struct iface *f, bool service)
{
	char program[PATH_MAX], *said;
	const char *const words[] = { program, service ? "-tp/run/tunneld-parts" : "-t", "-c", f->conf, f->name, NULL };
	int status = launch_need(c, program);

	if (status)
		return status;
	status = program_run(words, JUDGE_WAIT_MS, &said);
	if (said && (status || (service && !cmd_has(c, OPT_QUIET))))
		fputs(said, stderr);
	free(said);
	if (!status)
		return 0;
	if (status == CMD_USAGE)
		return cmd_fail(c, CMD_USAGE, "%s has errors, nothing is changed", f->conf);
	if (status == -ETIMEDOUT)
		return cmd_fail(c, CMD_TIMEOUT, "%s: names in it did not resolve in %d s, nothing is changed", f->conf,
				JUDGE_WAIT_MS / 1000);
	return cmd_fail(c, CMD_FAILED, "%s -t ended with status %d, nothing is changed", program, status);
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

int launch(const struct ctx *c, struct iface *f)
{
	char program[PATH_MAX];
	pid_t pid;
	int status;

	status = launch_need(c, program);
	if (status)
		return status;
	fflush(NULL);
	pid = fork();
	if (pid < 0)
		return cmd_fail(c, CMD_FAILED, "fork: %s", strerror(errno));
	if (!pid) {
		execl(program, "tunneld", "-c", f->conf, f->name, (char *)NULL);
		_exit(127);
	}
	status = program_wait(pid, UP_WAIT_MS);
	if (status < 0) {
		kill(pid, SIGTERM);
		return cmd_fail(c, CMD_TIMEOUT, "%s did not become ready in %d s", program, UP_WAIT_MS / 1000);
	}
	if (!status)
		return f->foreign ? add_saved(c, f) : 0;
	/* The daemon has said why. */
	return cmd_fail(c, status == CMD_USAGE || status == CMD_PERM ? status : CMD_FAILED,
			"%s ended with status %d, %s is not up", program, status, f->name);
}
