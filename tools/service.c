/* SPDX-License-Identifier: MIT */
#include "service.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* systemctl with these words; quiet: what it says goes nowhere. Its exit status, or -1: it could not be run. */
static int run(const char *const words[], bool quiet)
{
	posix_spawn_file_actions_t actions;
	pid_t pid;
	int err, status;

	fflush(NULL);
	if (posix_spawn_file_actions_init(&actions))
		return -1;
	err = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	if (!err)
		err = posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	if (!err && quiet)
		err = posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	if (!err)
		err = posix_spawnp(&pid, "systemctl", &actions, NULL, (char *const *)words, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (err)
		return -1;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

bool service_here(const struct ctx *c)
{
	static const char *const cat[] = { "systemctl", "cat", "tunneld@.service", NULL };

	return !cmd_has(c, OPT_ETC) && !cmd_has(c, OPT_RUN) && !access("/run/systemd/system", F_OK) && !run(cat, true);
}

int service_enable(const struct ctx *c, const char *ifname)
{
	char unit[IFNAMSIZ + 16];
	const char *const enable[] = { "systemctl", "--quiet", "enable", "--now", unit, NULL };
	const char *const disable[] = { "systemctl", "--quiet", "disable", "--now", unit, NULL };

	snprintf(unit, sizeof(unit), "tunneld@%s.service", ifname);
	if (!run(enable, false))
		return 0;
	run(disable, true);
	return cmd_fail(c, CMD_FAILED, "%s does not start (see: journalctl -u 'tunneld*@%s.*')", unit, ifname);
}
