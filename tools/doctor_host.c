/* SPDX-License-Identifier: MIT */
/* The machine: what every interface on it rests on. */
#include "doctor.h"

#include "probe.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

enum {
	SPACE_MIN = 1 << 20,	/* bytes: a peer's file needs a block, the files of a rewrite some more */
	INODES_MIN = 16,
	CONNTRACK_FULL = 90,	/* per cent */
	TUN_MAJOR = 10, TUN_MINOR = 200,
};

/* uml-utilities has another program of our name. */
enum doctor_result doctor_foreign(struct doctor *d)
{
	const char *path = getenv("PATH");
	char list[PATH_MAX], *rest = list, *dir;
	struct stat self, st;

	if (!path || strlen(path) >= sizeof(list) || stat("/proc/self/exe", &self))
		return doctor_say(d, DOCTOR_SKIPPED, "no PATH, or no /proc");
	strcpy(list, path);
	while ((dir = strsep(&rest, ":"))) {
		char one[PATH_MAX + sizeof("/tunctl")];

		snprintf(one, sizeof(one), "%s/tunctl", *dir ? dir : ".");
		if (access(one, X_OK) || stat(one, &st) || !S_ISREG(st.st_mode))
			continue;
		if (st.st_dev == self.st_dev && st.st_ino == self.st_ino)
			return doctor_say(d, DOCTOR_GOOD, "\"tunctl\" is this program");
		return doctor_say(d, DOCTOR_WARNING, "\"tunctl\" runs %.150s, which is another program", one);
	}
	return doctor_say(d, DOCTOR_GOOD, "no other tunctl in PATH");
}

enum doctor_result doctor_tun(struct doctor *d)
{
	struct stat st;

	if (stat("/dev/net/tun", &st))
		return doctor_say(d, DOCTOR_PROBLEM, "there is no /dev/net/tun");
	if (!S_ISCHR(st.st_mode) || st.st_rdev != makedev(TUN_MAJOR, TUN_MINOR))
		return doctor_say(d, DOCTOR_PROBLEM, "/dev/net/tun is not the TUN device");
	return doctor_say(d, DOCTOR_GOOD, "/dev/net/tun is there");
}

/* A program cannot be newer than the present. Nor can the handshakes that were made: a clock that was set back makes
 * peers refuse us, since the times in handshakes must grow. */
enum doctor_result doctor_clock(struct doctor *d)
{
	time_t now = time(NULL);
	struct stat st;

	if (!stat("/proc/self/exe", &st) && now < st.st_mtime)
		return doctor_say(d, DOCTOR_PROBLEM, "the clock says a time at which this program did not exist");
	for (size_t i = 0; i < d->r.count; i++)
		if (d->r.peer[i].handshake_s > (uint64_t)now + 1)
			return doctor_say(d, DOCTOR_PROBLEM, "the clock has been set back: a handshake lies %llu s "
					  "in the future",
					  (unsigned long long)d->r.peer[i].handshake_s - (uint64_t)now);
	return doctor_say(d, DOCTOR_GOOD, "the time is plausible");
}

enum doctor_result doctor_clock_sync(struct doctor *d)
{
	struct timex t = { 0 };
	int state = adjtimex(&t);

	if (state < 0)
		return doctor_say(d, DOCTOR_SKIPPED, "the kernel does not tell");
	if (state == TIME_ERROR || (t.status & STA_UNSYNC))
		return doctor_say(d, DOCTOR_WARNING, "nothing keeps the clock right: expiry will drift with it");
	return doctor_say(d, DOCTOR_GOOD, "the clock is synchronised");
}

static const char *config_dir(const struct doctor *d, char ret[PATH_MAX])
{
	snprintf(ret, PATH_MAX, "%s/tunneld", cmd_has(d->c, OPT_ETC) ? d->c->val[OPT_ETC] : "/etc");
	return ret;
}

enum doctor_result doctor_disk(struct doctor *d)
{
	char etc[PATH_MAX];
	const char *const dirs[] = { config_dir(d, etc), "/var/lib" };

	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		struct statvfs v;

		if (statvfs(dirs[i], &v))
			continue;
		if ((uint64_t)v.f_bavail * v.f_frsize < SPACE_MIN)
			return doctor_say(d, DOCTOR_PROBLEM, "%.150s: no space left", dirs[i]);
		if (v.f_files && v.f_favail < INODES_MIN)
			return doctor_say(d, DOCTOR_PROBLEM, "%.150s: no inodes left", dirs[i]);
	}
	return doctor_say(d, DOCTOR_GOOD, "there is space to save changes");
}

enum doctor_result doctor_writable(struct doctor *d)
{
	char etc[PATH_MAX];
	struct statvfs v;

	if (statvfs(config_dir(d, etc), &v))
		return doctor_say(d, DOCTOR_SKIPPED, "there is no %.150s", etc);
	if (v.f_flag & ST_RDONLY)
		return doctor_say(d, DOCTOR_PROBLEM, "%.150s is read-only: nothing can be saved", etc);
	return doctor_say(d, DOCTOR_GOOD, "%.150s can be written", etc);
}

enum doctor_result doctor_conntrack(struct doctor *d)
{
	uint64_t count, max;

	if (!probe_number(&count, "/proc/sys/net/netfilter/nf_conntrack_count") ||
	    !probe_number(&max, "/proc/sys/net/netfilter/nf_conntrack_max") || !max)
		return doctor_say(d, DOCTOR_SKIPPED, "no connections are tracked");
	if (count * 100 >= max * CONNTRACK_FULL)
		return doctor_say(d, DOCTOR_WARNING, "the table of connections is nearly full: %llu of %llu",
				  (unsigned long long)count, (unsigned long long)max);
	return doctor_say(d, DOCTOR_GOOD, "%llu of %llu connections are tracked", (unsigned long long)count,
			  (unsigned long long)max);
}

enum doctor_result doctor_dns(struct doctor *d)
{
	if (!d->files.dns)
		return doctor_say(d, DOCTOR_SKIPPED, "no DNS in the configuration");
	if (!probe_program("resolvconf") && !probe_program("resolvectl"))
		return doctor_say(d, DOCTOR_PROBLEM, "there is neither resolvectl nor resolvconf to set DNS with");
	return doctor_say(d, DOCTOR_GOOD, "there is a program that sets DNS");
}
