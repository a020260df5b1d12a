/* SPDX-License-Identifier: MIT */
/*
 * A child in new namespaces, the first process of its own, does the work, and the caller waits. When that process ends,
 * the kernel ends all others there, and it ends with the caller (PR_SET_PDEATHSIG), so that no kill -9 leaves a daemon
 * behind. Interfaces, mounts and files go with the namespaces, and those with their last process.
 *
 * The terminal speaks to the caller alone: otherwise a daemon that was interrupted, too, would be reported as a failure
 * before the end comes. Signals are waited for, not handled.
 */
#include "apart.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { WHOLE_MAX_S = 60 };	/* for all that is done there; each step has a bound of its own */

/* ---- What would help --------------------------------------------------------------------------------------------- */

static bool setting_is(const char *proc, const char *name, char value)
{
	char path[PATH_MAX], now[4] = "";
	int fd;

	if ((size_t)snprintf(path, sizeof(path), "%s/sys/%s", proc, name) >= sizeof(path))
		return false;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	if (read(fd, now, sizeof(now) - 1) < 0)
		now[0] = 0;
	close(fd);
	return now[0] == value && (now[1] == '\n' || !now[1]);
}

const char *apart_cure(const char *proc, int err)
{
	static const struct {
		const char *name;
		char value;
		const char *cure;
	} all[] = {
		{ "kernel/unprivileged_userns_clone", '0', "run it as root, or: "
		  "sysctl kernel.unprivileged_userns_clone=1" },
		{ "kernel/apparmor_restrict_unprivileged_userns", '1', "AppArmor keeps users from it: run it as root, "
		  "or: sysctl kernel.apparmor_restrict_unprivileged_userns=0" },
		{ "user/max_user_namespaces", '0', "run it as root, or: sysctl user.max_user_namespaces=1000" },
		{ "user/max_net_namespaces", '0', "sysctl user.max_net_namespaces=1000" },
		{ "user/max_pid_namespaces", '0', "sysctl user.max_pid_namespaces=1000" },
		{ "user/max_mnt_namespaces", '0', "sysctl user.max_mnt_namespaces=1000" },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (setting_is(proc, all[i].name, all[i].value))
			return all[i].cure;
	if (err == -ENOSPC)
		return "more of them than user.max_*_namespaces and nesting allow";
	if (err == -EINVAL || err == -ENOSYS)
		return "this kernel is built without them";
	return "run it as root; a container must have CAP_SYS_ADMIN for it";
}

static int refused(const struct ctx *c, int err)
{
	bool forbidden = err == -EPERM || err == -EACCES || err == -ENOSPC;	/* a limit that is 0 forbids */

	return cmd_fail(c, forbidden ? CMD_PERM : CMD_FAILED, "the kernel refuses namespaces: %s (%s)", strerror(-err),
			apart_cure("/proc", err));
}

/* ---- The place --------------------------------------------------------------------------------------------------- */

/* Writes one line to a file of the kernel's. 0 or a negative errno. */
static int tell(const char *path, const char *line)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), err = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, line, strlen(line)) < 0)
		err = -errno;
	close(fd);
	return err;
}

/* As fork(), but the child is the first process of new namespaces. libc does not hear of it: the child had better not
 * raise() signals. */
static pid_t fork_apart(uint64_t users)
{
	struct clone_args args = { .flags = CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWPID | users, .exit_signal = SIGCHLD };

	return (pid_t)syscall(SYS_clone3, &args, sizeof(args));
}

/* Root there is who we are outside, and nobody else is known. */
static int become_root(unsigned uid, unsigned gid)
{
	char line[32];
	int err = tell("/proc/self/setgroups", "deny");		/* or groups may not be mapped */

	snprintf(line, sizeof(line), "0 %u 1", uid);
	if (!err)
		err = tell("/proc/self/uid_map", line);
	snprintf(line, sizeof(line), "0 %u 1", gid);
	return err ? err : tell("/proc/self/gid_map", line);
}

static int empty_run(void)
{
	struct stat st;

	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("tunctl", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=755,size=4m"))
		return -errno;
	if (!lstat("/var/run", &st) && S_ISDIR(st.st_mode) && mount("/run", "/var/run", NULL, MS_BIND, NULL))
		return -errno;
	return chdir("/") ? -errno : 0;
}

/* ---- The two processes ------------------------------------------------------------------------------------------- */

/* The kernel ends no first process by a signal of its own doing, unless it asks for it. */
static void no_reader(int signal)
{
	(void)signal;
	_exit(CMD_FAILED);
}

/* alive: hangs up when the caller ends, which may have been before we asked to end with it. */
__attribute__((noreturn))
static void first_process(const struct ctx *c, int alive, int err, int (*inside)(void *ctx), void *ctx)
{
	struct pollfd p = { .fd = alive };
	int code;

	setsid();
	signal(SIGPIPE, no_reader);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || poll(&p, 1, 0))
		_exit(CMD_FAILED);
	if (!err)
		err = empty_run();
	code = err ? refused(c, err) : inside(ctx);
	_exit(cmd_end(c, code));
}

/* The signals that end us, but for those that are ignored, as SIGHUP is under nohup; and that of the child's end. */
static void take_signals(sigset_t *ret, sigset_t *before)
{
	static const int ends[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	struct sigaction now;

	sigemptyset(ret);
	signal(SIGCHLD, SIG_DFL);
	sigaddset(ret, SIGCHLD);
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (!sigaction(ends[i], NULL, &now) && now.sa_handler != SIG_IGN)
			sigaddset(ret, ends[i]);
	sigprocmask(SIG_BLOCK, ret, before);
}

/* Once the first process can be waited for, all the others have ended. */
static void end_all(pid_t pid)
{
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

static int watch(const struct ctx *c, pid_t pid, const sigset_t *signals)
{
	const struct timespec most = { .tv_sec = WHOLE_MAX_S };
	int status, got;

	while (waitpid(pid, &status, WNOHANG) != pid) {
		got = sigtimedwait(signals, NULL, &most);
		if (got == SIGCHLD || (got < 0 && errno == EINTR))
			continue;
		end_all(pid);
		if (got < 0)
			return cmd_fail(c, CMD_TIMEOUT, "not done in %d s", WHOLE_MAX_S);
		signal(got, SIG_DFL);
		sigprocmask(SIG_UNBLOCK, signals, NULL);
		raise(got);
		return CMD_FAILED;
	}
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	return cmd_fail(c, CMD_FAILED, "ended by signal %d", WTERMSIG(status));
}

int apart_run(const struct ctx *c, int (*inside)(void *ctx), void *ctx)
{
	unsigned uid = geteuid(), gid = getegid();
	bool users = false;
	sigset_t signals, before;
	int alive[2], code;
	pid_t pid;

	if (pipe2(alive, O_CLOEXEC))
		return cmd_fail(c, CMD_FAILED, "pipe: %s", strerror(errno));
	take_signals(&signals, &before);
	fflush(NULL);
	pid = fork_apart(0);
	/* Root needs no namespace of users, unless it is root in name only, as in a container. */
	if (pid < 0 && errno == EPERM) {
		users = true;
		pid = fork_apart(CLONE_NEWUSER);
	}
	if (!pid) {
		sigprocmask(SIG_SETMASK, &before, NULL);
		close(alive[1]);
		first_process(c, alive[0], users ? become_root(uid, gid) : 0, inside, ctx);
	}
	code = pid < 0 ? refused(c, -errno) : watch(c, pid, &signals);
	sigprocmask(SIG_SETMASK, &before, NULL);
	close(alive[0]);
	close(alive[1]);
	return code;
}
