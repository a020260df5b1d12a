/* SPDX-License-Identifier: MIT */
/* Who has been taken over reaches nobody else: daemons and engines of other interfaces have the same user. */
#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../tunneld/syscalls.h"
#include "suite.h"

/* Run-time libraries of sanitizers make calls of their own. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

static pid_t victim, own_child;

static pid_t sleeper(void)
{
	pid_t pid = fork();

	if (pid == 0)
		for (;;)
			pause();
	ck_assert_int_gt(pid, 0);
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static bool engine(void)
{
	return syscalls_restrict_engine() == 0;
}

static bool parent(void)
{
	return syscalls_restrict_parent((const pid_t[]) { own_child, 0 }, 2) == 0;
}

/* What becomes of a process that does this behind that filter. The signals are none, or to a child of ours. */
static int after(bool (*filter)(void), void (*deed)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		/* Its own group: what a filter with a hole lets through stays there. */
		if (setpgid(0, 0) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || !filter())
			_exit(2);
		deed();
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return status;
}

static void nothing(void)
{
}

static void signal_itself(void)
{
	syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), 0);
	abort();
}

static void signal_thread(void)
{
	syscall(SYS_tgkill, victim, victim, 0);
}

static void own_by_victim(void)
{
	fcntl(STDIN_FILENO, F_SETOWN, victim);
}

static void choose_signal(void)
{
	fcntl(STDIN_FILENO, F_SETSIG, SIGKILL);
}

static void look_at_flags(void)
{
	fcntl(STDIN_FILENO, F_GETFL);
	fcntl(STDIN_FILENO, F_SETFD, fcntl(STDIN_FILENO, F_GETFD));
}

static void kill_victim(void)
{
	kill(victim, SIGKILL);
}

static void kill_nobody(void)
{
	kill(0, SIGKILL);
}

static void kill_child(void)
{
	kill(own_child, SIGKILL);
}

static void question_child(void)
{
	kill(own_child, 0);
}

static void make_ring(void)
{
	syscall(SYS_io_uring_setup, 1, NULL);
}

static bool filtered(int status)
{
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
}

START_TEST(both)
{
	static bool (*const filters[])(void) = { engine, parent };
	bool (*filter)(void) = filters[_i];

	victim = sleeper();
	ck_assert_int_eq(after(filter, nothing), 0);
	ck_assert_int_eq(after(filter, look_at_flags), 0);
	ck_assert_int_eq(WTERMSIG(after(filter, signal_itself)), SIGABRT);
	ck_assert(filtered(after(filter, signal_thread)));
	ck_assert(filtered(after(filter, own_by_victim)));
	ck_assert(filtered(after(filter, choose_signal)));
	ck_assert(filtered(after(filter, kill_victim)));
	ck_assert(filtered(after(filter, make_ring)));
	ck_assert_int_eq(waitpid(victim, NULL, WNOHANG), 0);
	end(victim);
}
END_TEST

START_TEST(children)
{
	int status;

	own_child = sleeper();
	ck_assert(filtered(after(parent, question_child)));
	ck_assert(filtered(after(engine, kill_child)));
	ck_assert(filtered(after(parent, kill_nobody)));
	ck_assert_int_eq(after(parent, kill_child), 0);
	ck_assert_int_eq(waitpid(own_child, &status, 0), own_child);
	ck_assert_int_eq(WTERMSIG(status), SIGKILL);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("syscalls");
	TCase *t = tcase_create("syscalls");

	if (!SANITIZED) {
		tcase_add_loop_test(t, both, 0, 2);
		tcase_add_test(t, children);
	}
	suite_add_tcase(s, t);
	return suite_run(s);
}
