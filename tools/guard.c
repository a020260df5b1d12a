/* SPDX-License-Identifier: MIT */
/*
 * Forked twice and in a session of its own, the guard holds a lock by which others see that it lives, and one end of a
 * socket pair whose other end its maker has. First it waits there: for the number of seconds, or for the end of its
 * maker, which leaves nothing to be confirmed. Then it waits for the time to be over or for IF.conf.before to be gone,
 * whichever is first. A hang-up means nothing to it; asked to end (the machine goes down), it rolls back at once.
 *
 * Time is that of CLOCK_BOOTTIME: neither a clock that is set nor a machine that sleeps makes a trial longer.
 */
#include "guard.h"

#include "pending.h"
#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

enum { LOOK_MS = 200, LOCK_WAIT_MS = 10000, END_WAIT_MS = 3000 };

static volatile sig_atomic_t asked_to_end;

static void on_term(int signal)
{
	(void)signal;
	asked_to_end = 1;
}

static int lock_directory(const struct ctx *c, char ret[PATH_MAX])
{
	return snprintf(ret, PATH_MAX, "%s/lock/tunneld", iface_run_dir(c)) < PATH_MAX ? 0 : -ENAMETOOLONG;
}

int guard_lock(const struct ctx *c, const struct iface *f, unsigned wait_ms)
{
	char dir[PATH_MAX], name[IFNAMSIZ + 8];
	int fd, err = lock_directory(c, dir);

	snprintf(name, sizeof(name), "%s.guard", f->name);
	if (!err)
		err = store_lock(dir, name, wait_ms, &fd);
	return err ? err : fd;
}

static void roll_back(const struct ctx *c, const struct iface *f)
{
	char dir[PATH_MAX], why[PENDING_WHY_MAX];
	int lock, err;

	/* A command that hangs while it holds the lock must not keep the operator out. */
	if (lock_directory(c, dir) || store_lock(dir, f->name, LOCK_WAIT_MS, &lock))
		syslog(LOG_WARNING, "%s: rolling back without the lock", f->name);
	err = pending_roll_back(f);
	if (err == -ENOENT)
		return;
	if (err)
		syslog(LOG_ERR, "%s: cannot roll back %s: %s", f->name, f->conf, strerror(-err));
	else if (pending_reload(f, why))
		syslog(LOG_ERR, "%s: rolled back, but the daemon does not follow: %s", f->name, why);
	else
		syslog(LOG_NOTICE, "%s: not confirmed, rolled back", f->name);
}

/* The seconds that the maker sends; 0: it has ended. */
static unsigned wait_for_maker(int maker)
{
	unsigned seconds = 0;
	ssize_t got;

	do
		got = recv(maker, &seconds, sizeof(seconds), 0);
	while (got < 0 && errno == EINTR && !asked_to_end);
	return got == sizeof(seconds) ? seconds : 0;
}

static void wait_for_end(const struct iface *f, unsigned seconds)
{
	const struct itimerspec when = { .it_value.tv_sec = seconds };
	struct pollfd timer = { .fd = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC), .events = POLLIN };

	if (timer.fd < 0 || timerfd_settime(timer.fd, 0, &when, NULL))
		return;
	while (!asked_to_end && pending_is(f) && poll(&timer, 1, LOOK_MS) <= 0)
		;
}

__attribute__((noreturn))
static void guard(const struct ctx *c, const struct iface *f, int maker)
{
	const struct sigaction term = { .sa_handler = on_term };
	char ready = 0;
	unsigned seconds;

	sigaction(SIGTERM, &term, NULL);
	sigaction(SIGINT, &term, NULL);
	openlog("tunctl", LOG_PID, LOG_DAEMON);
	if (send(maker, &ready, 1, MSG_NOSIGNAL) != 1)
		_exit(1);
	seconds = wait_for_maker(maker);
	if (seconds)
		wait_for_end(f, seconds);
	/* What has ended needs no lock, which the maker of the next trial may hold while he waits for us. */
	if (!seconds || pending_is(f))
		roll_back(c, f);
	_exit(0);
}

/* In the first child: away from the terminal, its job and its files. */
static void detach(const struct iface *f)
{
	int null = open("/dev/null", O_RDWR);

	setsid();
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	for (int fd = 0; fd <= STDERR_FILENO && null >= 0; fd++)
		dup2(null, fd);
	if (null > STDERR_FILENO)
		close(null);
	if (f->lock >= 0)
		close(f->lock);		/* it is the maker's, and would be held as long as we live */
	if (chdir("/"))
		_exit(1);
}

int guard_start(const struct ctx *c, const struct iface *f, char *secret, size_t len, int *ret)
{
	int pair[2], lock = guard_lock(c, f, END_WAIT_MS), status;
	pid_t pid;
	char ready;

	if (lock < 0)
		return cmd_fail(c, lock == -EBUSY ? CMD_BUSY : iface_code(lock),
				"the guard of the trial before is still there: %s (try again)",
				strerror(-lock));
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return cmd_fail(c, CMD_FAILED, "no guard: %s", strerror(errno));
	fflush(NULL);
	pid = fork();
	if (!pid) {
		close(pair[0]);
		detach(f);
		if (fork())
			_exit(0);
		sodium_memzero(secret, len);
		guard(c, f, pair[1]);
	}
	close(pair[1]);
	close(lock);	/* the guard's copy holds it */
	if (pid > 0)
		waitpid(pid, &status, 0);
	if (pid < 0 || recv(pair[0], &ready, 1, 0) != 1) {
		close(pair[0]);
		return cmd_fail(c, CMD_FAILED, "no guard could be started, nothing is changed");
	}
	*ret = pair[0];
	return 0;
}

int guard_arm(int guard, unsigned seconds)
{
	return send(guard, &seconds, sizeof(seconds), MSG_NOSIGNAL) == sizeof(seconds) ? 0 : -errno;
}
