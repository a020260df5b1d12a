/* SPDX-License-Identifier: MIT */
/*
 * fork() alone would give the engine a copy of everything that root code ever held in memory; exec takes that away.
 */
#include "spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "engine.h"
#include "log.h"
#include "seat.h"

enum {
	END_STEP_MS = 10,
	END_STEPS = 200,
};

/* What run-time libraries of test builds are told by their environment; nothing of the caller's own gets through. */
static char **engine_environment(void)
{
	static const char *const names[] = {"ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS"};
	static char text[4][256];
	static char *ret[5];
	unsigned count = 0;

	for (unsigned i = 0; i < 4; i++) {
		const char *value = getenv(names[i]);

		if (value && (size_t)snprintf(text[i], sizeof(text[i]), "%s=%s", names[i], value) < sizeof(text[i]))
			ret[count++] = text[i];
	}
	ret[count] = NULL;
	return ret;
}

static void run_engine(int channel)
{
	char *argv[] = {"tunneld", "--engine", NULL};
	char **env = engine_environment();

	/* dup2() leaves close-on-exec set when both are the same. */
	if (channel == ENGINE_CHANNEL ? fcntl(channel, F_SETFD, 0) < 0 : dup2(channel, ENGINE_CHANNEL) < 0)
		_exit(1);
	execve("/proc/self/exe", argv, env);
	execve((const char *)getauxval(AT_EXECFN), argv, env);	/* no /proc here */
	log_error("cannot run the engine: %m");
	_exit(1);
}

int spawn_engine(struct spawn *s)
{
	int pair[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	pid = fork();
	if (pid == 0)
		run_engine(pair[1]);
	close(pair[1]);
	if (pid < 0) {
		int err = -errno;

		close(pair[0]);
		return err;
	}
	*s = (struct spawn){.there = true, .pid = pid, .channel = pair[0]};
	return 0;
}

int spawn_elsewhere(struct spawn *s, const char *path)
{
	int fd = seat_connect(path, SOCK_SEQPACKET);

	if (fd < 0)
		return fd;
	*s = (struct spawn){.there = true, .channel = fd};
	return 0;
}

void spawn_kill(const struct spawn *s)
{
	if (s->pid)
		kill(s->pid, SIGKILL);
	else
		shutdown(s->channel, SHUT_RDWR);
}

/* It is gone when its end of the channel is. */
static void end_elsewhere(struct spawn *s, char *how, size_t len)
{
	struct pollfd p = {.fd = s->channel, .events = POLLIN};
	char ignored[512];
	ssize_t n = 1;

	shutdown(s->channel, SHUT_WR);
	while (n > 0 && poll(&p, 1, END_STEPS * END_STEP_MS) > 0)
		n = recv(s->channel, ignored, sizeof(ignored), MSG_DONTWAIT);
	snprintf(how, len, "%s", n > 0 ? "it does not end" : "its own unit knows more");
	close(s->channel);
	*s = (struct spawn){.channel = -1};
}

void spawn_end(struct spawn *s, char *how, size_t len)
{
	const struct timespec step = {.tv_nsec = END_STEP_MS * 1000000L};
	int status = 0;
	pid_t pid = 0;

	if (!s->pid) {
		end_elsewhere(s, how, len);
		return;
	}
	close(s->channel);
	for (unsigned i = 0; i < END_STEPS && pid == 0; i++) {
		pid = waitpid(s->pid, &status, WNOHANG);
		if (pid == 0)
			nanosleep(&step, NULL);
	}
	if (pid == 0) {
		kill(s->pid, SIGKILL);
		pid = waitpid(s->pid, &status, 0);
	}
	if (pid > 0 && WIFSIGNALED(status))
		snprintf(how, len, "signal %d", WTERMSIG(status));
	else
		snprintf(how, len, "status %d", pid > 0 ? WEXITSTATUS(status) : -1);
	*s = (struct spawn){.channel = -1};
}
