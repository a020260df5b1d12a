/* SPDX-License-Identifier: MIT */
#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

int program_wait(pid_t pid, unsigned wait_ms)
{
	enum { STEP_MS = 10 };
	int status;

	for (unsigned waited = 0; waited < wait_ms; waited += STEP_MS) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
		nanosleep(&(struct timespec){ .tv_nsec = STEP_MS * 1000000L }, NULL);
	}
	return -ETIMEDOUT;
}

/* A file in memory takes what is said, however much: nobody has to read meanwhile. */
static int start(const char *const argv[], int out, pid_t *ret)
{
	posix_spawn_file_actions_t actions;
	int err = posix_spawn_file_actions_init(&actions);

	if (err)
		return -err;
	err = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	if (!err)
		err = posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	if (!err)
		err = posix_spawn_file_actions_adddup2(&actions, out, STDERR_FILENO);
	if (!err)
		err = posix_spawnp(ret, argv[0], &actions, NULL, (char *const *)argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	return -err;
}

static char *read_back(int fd)
{
	struct stat st;
	char *text = fstat(fd, &st) ? NULL : malloc((size_t)st.st_size + 1);
	ssize_t len = text ? pread(fd, text, (size_t)st.st_size, 0) : -1;

	if (len < 0) {
		free(text);
		return NULL;
	}
	text[len] = 0;
	return text;
}

int program_run(const char *const argv[], unsigned wait_ms, char **said)
{
	int out = memfd_create("said", MFD_CLOEXEC), status;
	pid_t pid;

	*said = NULL;
	if (out < 0)
		return -errno;
	fflush(NULL);
	status = start(argv, out, &pid);
	if (!status) {
		status = program_wait(pid, wait_ms);
		if (status == -ETIMEDOUT) {
			kill(pid, SIGKILL);
			waitpid(pid, NULL, 0);
		}
		*said = read_back(out);
	}
	close(out);
	return status;
}
