/* SPDX-License-Identifier: MIT */
/*
 * usage: cut N COMMAND [ARGUMENT...]
 *
 * Runs COMMAND and kills it with SIGKILL when it is about to make its N-th system call, from 1, that changes a file or
 * tells somebody else: the call itself is not made. Exits with 77 when it came to that, else as COMMAND did. Only the
 * process itself is watched, not its children.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CUT = 77, TROUBLE = 99 };

static bool changes(uint64_t nr, const __uint64_t *args)
{
	switch (nr) {
	case SYS_write:
		return args[0] > STDERR_FILENO;
	case SYS_openat:
		return args[2] & O_CREAT;
	case SYS_fsync:
	case SYS_fdatasync:
	case SYS_ftruncate:
	case SYS_renameat2:
	case SYS_unlinkat:
	case SYS_mkdirat:
	case SYS_linkat:
	case SYS_sendto:
	case SYS_sendmsg:
#ifdef SYS_rename
	case SYS_rename:
	case SYS_unlink:
	case SYS_mkdir:
	case SYS_rmdir:
	case SYS_link:
#endif
#ifdef SYS_renameat
	case SYS_renameat:
#endif
		return true;
	default:
		return false;
	}
}

static int ended(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : WIFSIGNALED(status) ? 128 + WTERMSIG(status) : TROUBLE;
}

/* Until it ends, or the n-th of those calls begins. */
static int follow(pid_t pid, unsigned long n)
{
	struct __ptrace_syscall_info info;
	unsigned long seen = 0;
	int status, signal = 0;

	for (;;) {
		if (ptrace(PTRACE_SYSCALL, pid, 0, signal) || waitpid(pid, &status, 0) != pid)
			return TROUBLE;
		if (!WIFSTOPPED(status))
			return ended(status);
		signal = WSTOPSIG(status);
		if (signal != (SIGTRAP | 0x80)) {
			signal = signal == SIGTRAP ? 0 : signal;
			continue;
		}
		signal = 0;
		if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) < 0)
			return TROUBLE;
		if (info.op != PTRACE_SYSCALL_INFO_ENTRY || !changes(info.entry.nr, info.entry.args) || ++seen != n)
			continue;
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		return WIFSIGNALED(status) ? CUT : TROUBLE;
	}
}

int main(int argc, char *argv[])
{
	pid_t pid;
	int status;

	if (argc < 3) {
		fputs("usage: cut N COMMAND [ARGUMENT...]\n", stderr);
		return 2;
	}
	pid = fork();
	if (!pid) {
		if (ptrace(PTRACE_TRACEME, 0, 0, 0) || raise(SIGSTOP))
			_exit(TROUBLE);
		execvp(argv[2], argv + 2);
		_exit(TROUBLE);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status) ||
	    ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL)) {
		fprintf(stderr, "cut: %s\n", strerror(errno));
		return TROUBLE;
	}
	return follow(pid, strtoul(argv[1], NULL, 10));
}
