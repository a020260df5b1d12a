/* SPDX-License-Identifier: MIT */
/*
 * The tables, compiled to a filter by libseccomp for the machine we run on. A call that this machine does not have
 * (poll on arm64) is skipped by the library.
 */
#include "syscalls.h"

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <linux/if_tun.h>
#include <linux/sockios.h>

enum { ANY = -1 };

/* arg >= 0: the call passes only when that argument equals `value`. */
struct permit {
	int call;
	int arg;
	uint64_t value;
};

static const struct permit common[] = {
	{SCMP_SYS(epoll_wait), ANY, 0},		/* the loop */
	{SCMP_SYS(epoll_pwait), ANY, 0},
	{SCMP_SYS(epoll_ctl), ANY, 0},
	{SCMP_SYS(poll), ANY, 0},		/* waiting for an answer; the workers' sleep */
	{SCMP_SYS(ppoll), ANY, 0},
	{SCMP_SYS(read), ANY, 0},		/* eventfd, timerfd, signalfd, inotify, TUN */
	{SCMP_SYS(write), ANY, 0},		/* eventfd, stderr */
	{SCMP_SYS(recvmsg), ANY, 0},		/* the channel */
	{SCMP_SYS(sendmsg), ANY, 0},
	{SCMP_SYS(sendto), ANY, 0},		/* the system log, UAPI clients */
	{SCMP_SYS(recvfrom), ANY, 0},
	{SCMP_SYS(close), ANY, 0},
	{SCMP_SYS(fcntl), 1, F_GETFD},		/* libc checks standard streams; close-on-exec */
	{SCMP_SYS(fcntl), 1, F_SETFD},
	{SCMP_SYS(fcntl), 1, F_GETFL},		/* and not F_SETOWN, which sends signals to others */
	{SCMP_SYS(dup2), ANY, 0},		/* standard streams to /dev/null */
	{SCMP_SYS(dup3), ANY, 0},
	{SCMP_SYS(timerfd_settime), ANY, 0},
	{SCMP_SYS(clock_gettime), ANY, 0},	/* where there is no vDSO */
	{SCMP_SYS(gettimeofday), ANY, 0},
	{SCMP_SYS(time), ANY, 0},
	{SCMP_SYS(getpid), ANY, 0},		/* the system log's lines */
	{SCMP_SYS(gettid), ANY, 0},
	{SCMP_SYS(brk), ANY, 0},		/* malloc */
	{SCMP_SYS(mmap), 2, 3},			/* PROT_READ | PROT_WRITE and nothing else */
	{SCMP_SYS(mremap), ANY, 0},
	{SCMP_SYS(munmap), ANY, 0},
	{SCMP_SYS(mprotect), 2, 3},		/* malloc's heaps grow by this */
	{SCMP_SYS(madvise), ANY, 0},
	{SCMP_SYS(futex), ANY, 0},		/* locks of malloc, joining threads */
	{SCMP_SYS(rt_sigreturn), ANY, 0},
	{SCMP_SYS(rt_sigprocmask), ANY, 0},
	{SCMP_SYS(rt_sigaction), ANY, 0},	/* abort() */
	{SCMP_SYS(restart_syscall), ANY, 0},
	{SCMP_SYS(sysinfo), ANY, 0},		/* qsort() of much asks how much memory there is */
	{SCMP_SYS(getrandom), ANY, 0},
	{SCMP_SYS(exit), ANY, 0},
	{SCMP_SYS(exit_group), ANY, 0},
};

static const struct permit engine[] = {
	{SCMP_SYS(accept4), ANY, 0},		/* UAPI clients */
	{SCMP_SYS(shutdown), ANY, 0},
	{SCMP_SYS(writev), ANY, 0},		/* TUN */
	{SCMP_SYS(io_uring_enter), ANY, 0},	/* of rings made before, which only read */
	{SCMP_SYS(recvmmsg), ANY, 0},		/* UDP */
	{SCMP_SYS(sendmmsg), ANY, 0},
	{SCMP_SYS(sched_yield), ANY, 0},
	{SCMP_SYS(munlock), ANY, 0},		/* giving up locked buffers */
	{SCMP_SYS(rseq), ANY, 0},		/* threads that end */
	{SCMP_SYS(set_robust_list), ANY, 0},
	{SCMP_SYS(ioctl), 1, SIOCGIFINDEX},	/* the scope of a link-local endpoint */
};

static const struct permit parent[] = {
	{SCMP_SYS(socket), 0, AF_INET},		/* UDP, when the engine asks for it */
	{SCMP_SYS(socket), 0, AF_INET6},
	{SCMP_SYS(socket), 0, AF_UNIX},		/* the system log, after its restart */
	{SCMP_SYS(connect), ANY, 0},
	{SCMP_SYS(bind), ANY, 0},
	{SCMP_SYS(getsockname), ANY, 0},
	{SCMP_SYS(setsockopt), ANY, 0},
	{SCMP_SYS(getsockopt), ANY, 0},		/* who is it? how large are buffers? */
	{SCMP_SYS(shutdown), ANY, 0},		/* the channel to an engine that is nobody's child */
	{SCMP_SYS(accept4), ANY, 0},		/* operators at the control socket */
	{SCMP_SYS(ioctl), 1, TUNGETDEVNETNS},	/* where is our interface? */
	{SCMP_SYS(ioctl), 1, TUNGETIFF},
	{SCMP_SYS(wait4), ANY, 0},		/* the engine and the keeper */
	{SCMP_SYS(waitid), ANY, 0},
	{SCMP_SYS(unlink), ANY, 0},		/* the socket file, at the end */
	{SCMP_SYS(unlinkat), ANY, 0},
	{SCMP_SYS(stat), ANY, 0},		/* is it still ours? */
	{SCMP_SYS(newfstatat), ANY, 0},
	{SCMP_SYS(fstat), ANY, 0},		/* which namespace is this? */
	{SCMP_SYS(clock_nanosleep), ANY, 0},
	{SCMP_SYS(pread64), ANY, 0},		/* forwarding switches, opened before */
	{SCMP_SYS(pwrite64), ANY, 0},
};

/* What libc tries on its own and can do without. */
static const struct {
	int call, error;
} refused[] = {
	{SCMP_SYS(open), EACCES},	/* /etc/localtime, /sys/devices/system/cpu */
	{SCMP_SYS(openat), EACCES},
	{SCMP_SYS(sched_getaffinity), EACCES},	/* malloc counts CPUs */
	{SCMP_SYS(prctl), EACCES},	/* malloc names its mappings */
};

static int add(scmp_filter_ctx ctx, const struct permit *p, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		int err = p[i].arg == ANY ? seccomp_rule_add(ctx, SCMP_ACT_ALLOW, p[i].call, 0)
					  : seccomp_rule_add(ctx, SCMP_ACT_ALLOW, p[i].call, 1,
							     SCMP_CMP((unsigned)p[i].arg, SCMP_CMP_EQ, p[i].value, 0));
		if (err < 0)
			return err;
	}
	return 0;
}

/* Signals to itself (abort), and the end to its children. Others of its user are daemons and engines of other
 * interfaces, and with CAP_KILL everybody is in reach. */
static int add_signals(scmp_filter_ctx ctx, const pid_t *child, size_t count)
{
	int err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
				   SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid()));

	for (size_t i = 0; !err && i < count; i++)
		if (child[i] > 0)
			err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(kill), 2,
					       SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)child[i]),
					       SCMP_A1(SCMP_CMP_EQ, SIGKILL));
	return err;
}

static int restrict_to(const struct permit *own, size_t count, const pid_t *child, size_t children, bool sockets)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int err;

	if (!ctx)
		return -ENOMEM;
	err = add(ctx, common, sizeof(common) / sizeof(common[0]));
	if (!err)
		err = add(ctx, own, count);
	if (!err)
		err = add_signals(ctx, child, children);
	for (size_t i = 0; !err && i < sizeof(refused) / sizeof(refused[0]); i++)
		err = seccomp_rule_add(ctx, SCMP_ACT_ERRNO((unsigned)refused[i].error), refused[i].call, 0);
	if (!err && !sockets)
		err = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(socket), 0);
	if (!err)
		err = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_TSYNC, 1);
	if (!err)
		err = seccomp_load(ctx);
	seccomp_release(ctx);
	return err;
}

int syscalls_restrict_engine(void)
{
	return restrict_to(engine, sizeof(engine) / sizeof(engine[0]), NULL, 0, false);
}

int syscalls_restrict_parent(const pid_t *child, size_t count)
{
	return restrict_to(parent, sizeof(parent) / sizeof(parent[0]), child, count, true);
}
