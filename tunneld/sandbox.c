/* SPDX-License-Identifier: MIT */
/*
 * Order matters. The engine's view of the file system goes while it may still mount; then groups, group and user, which
 * need capabilities; then what capabilities are left; then no_new_privs, without which an unprivileged process may not
 * install a filter; the filter is last, since all the steps before it use calls that it forbids. Capabilities belong to
 * a thread, so threads are started between sandbox_engine() and sandbox_engine_calls(), and the filter is synchronised
 * to all of them.
 */
#include "sandbox.h"

#include <cap-ng.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "log.h"
#include "syscalls.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define SANITIZED true
#endif
#endif
#ifndef SANITIZED
#define SANITIZED false
#endif

void sandbox_early(void)
{
	const struct rlimit none = {0, 0};

	umask(077);
	if (setrlimit(RLIMIT_CORE, &none) < 0)
		die("cannot switch core dumps off: %m");
	if (!SANITIZED && prctl(PR_SET_DUMPABLE, 0) < 0)
		die("cannot become undumpable: %m");
}

/* The new root is an empty tmpfs in a mount namespace of our own, so that nothing outside can put a file into it. Any
 * directory serves as the place to mount it; nobody else ever sees that mount. */
static bool enter_own_mounts(void)
{
	static const char *const places[] = {"/tmp", "/run", "/var"};

	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return false;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (mount("none", places[i], "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "size=4k,mode=0555") < 0)
			continue;
		if (chdir(places[i]) < 0)
			continue;
		mount(NULL, ".", NULL, MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, "size=4k,mode=0555");
		/* The old root comes to lie on top of the new one and is then taken away; see pivot_root(2). */
		if (syscall(SYS_pivot_root, ".", ".") == 0 && umount2(".", MNT_DETACH) == 0)
			return chdir("/") == 0;
		return chroot(".") == 0 && chdir("/") == 0;	/* the root of an initramfs cannot be pivoted */
	}
	return false;
}

/* Without mounts: a directory that is empty for everybody and that vanishes with us. */
static bool enter_empty_directory(void)
{
	return chroot("/proc/self/fdinfo") == 0 && chdir("/") == 0;
}

/* False: we are root of a user namespace that knows no other user, or no root at all. */
static bool change_user(const struct passwd *pw)
{
	if (!pw || geteuid() != 0)
		return false;
	if (setgroups(0, NULL) < 0 || setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) < 0)
		return false;
	if (setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid) < 0)
		die("cannot become user %s: %m", pw->pw_name);
	return true;
}

static void set_no_new_privs(void)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		die("cannot give up new privileges: %m");
}

void sandbox_engine(void)
{
	/* Looked up while there are files to look in; the result stays valid until the next look-up. */
	const struct passwd *pw = getpwnam("tunneld");

	if (!pw)
		pw = getpwnam("nobody");
	if (!SANITIZED && !enter_own_mounts() && !enter_empty_directory())
		log_debug("the engine keeps its view of the file system: %m");

	capng_clear(CAPNG_SELECT_ALL);
	capng_apply(CAPNG_SELECT_BOUNDS);	/* needs CAP_SETPCAP, which is gone after the next line */
	if (!change_user(pw))
		log_debug("the engine stays user %u", (unsigned)getuid());
	capng_clear(CAPNG_SELECT_ALL);
	if (capng_apply(CAPNG_SELECT_CAPS) < 0)
		die("cannot drop capabilities: %m");
	set_no_new_privs();
	/* A change of user made us what it makes every process, so say it again. */
	if (!SANITIZED && prctl(PR_SET_DUMPABLE, 0) < 0)
		die("cannot become undumpable: %m");
}

void sandbox_engine_calls(void)
{
	int err = SANITIZED ? 0 : syscalls_restrict_engine();

	if (err < 0)
		die("cannot restrict the engine's system calls: %s", strerror(-err));
}

/* keep: a bit for each capability. */
static void keep_capabilities(uint64_t keep_bits)
{
	const capng_type_t sets = CAPNG_EFFECTIVE | CAPNG_PERMITTED;
	bool bounds;

	capng_get_caps_process();
	bounds = capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP);
	for (unsigned cap = 0; cap <= (unsigned)CAP_LAST_CAP; cap++) {
		bool keep = keep_bits >> cap & 1;

		capng_update(CAPNG_DROP, CAPNG_INHERITABLE | CAPNG_BOUNDING_SET | (keep ? 0 : sets), cap);
	}
	/* Who may not empty the bounding set can gain nothing from it either, by what comes last here. */
	if (bounds)
		capng_apply(CAPNG_SELECT_BOUNDS);
	if (capng_apply(CAPNG_SELECT_CAPS) < 0)
		die("cannot drop capabilities: %m");
	set_no_new_privs();
}

void sandbox_reader(void)
{
	keep_capabilities(UINT64_C(1) << CAP_DAC_READ_SEARCH);
}

void sandbox_root(void)
{
	keep_capabilities(0);
}

void sandbox_parent(const pid_t *child, size_t count)
{
	int err;

	keep_capabilities(UINT64_C(1) << CAP_NET_ADMIN | UINT64_C(1) << CAP_NET_BROADCAST |
			  UINT64_C(1) << CAP_NET_BIND_SERVICE | UINT64_C(1) << CAP_KILL);
	err = SANITIZED ? 0 : syscalls_restrict_parent(child, count);
	if (err < 0)
		die("cannot restrict the parent's system calls: %s", strerror(-err));
}
