/* SPDX-License-Identifier: MIT */
/*
 * A program is started as from a shell: no signal blocked or ignored, the usual mask for files. Its input is a file in
 * memory, so that nobody has to write while it reads.
 */
#include "run.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void become(const char *const argv[], int input)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGHUP, SIG_DFL);
	signal(SIGPIPE, SIG_DFL);
	umask(022);
	if (input >= 0)
		dup2(input, STDIN_FILENO);
	execvp(argv[0], (char *const *)argv);
	if (!strcmp(argv[0], "bash"))
		execvp("sh", (char *const *)argv);
	_exit(127);
}

/* A file in memory with this in it, to be read from its beginning; or -1. */
static int filled(const char *input)
{
	size_t len = strlen(input);
	int fd = memfd_create("input", MFD_CLOEXEC);

	if (fd >= 0 && (write(fd, input, len) != (ssize_t)len || lseek(fd, 0, SEEK_SET) < 0)) {
		close(fd);
		return -1;
	}
	return fd;
}

int run(const char *const argv[], const char *input)
{
	int fd = input ? filled(input) : -1, status;
	pid_t pid;

	if (input && fd < 0)
		return -1;
	pid = fork();
	if (pid == 0)
		become(argv, fd);
	if (fd >= 0)
		close(fd);
	while (pid > 0 && waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return -1;
	}
	if (pid < 0)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
