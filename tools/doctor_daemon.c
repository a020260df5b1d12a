/* SPDX-License-Identifier: MIT */
/* The daemon's process, its sockets and its limits, looked at from outside. */
#include "doctor.h"

#include "link.h"
#include "probe.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	FILES_MIN = 256,		/* descriptors: clients of the control sockets, and some */
	SOCKETS_MAX = 256,
	BUFFER_WANTED = 16 << 20,	/* bytes: what the daemon asks for; the kernel counts twice as many */
};

enum doctor_result doctor_daemon(struct doctor *d)
{
	if (d->answers)
		return doctor_say(d, DOCTOR_GOOD, "tunneld runs and answers");
	if (d->f.running)
		return doctor_say(d, DOCTOR_PROBLEM, "tunneld runs, but does not answer at %.150s", d->f.sock);
	if (!access(d->f.sock, F_OK))
		return doctor_say(d, DOCTOR_PROBLEM, "tunneld is gone and has left %.150s", d->f.sock);
	return doctor_say(d, DOCTOR_PROBLEM, "tunneld does not run");
}

/* The program that a process runs. True: it is there no more. */
static bool program_of(pid_t pid, char ret[PATH_MAX])
{
	static const char deleted[] = " (deleted)";
	char path[64];
	size_t cut = sizeof(deleted) - 1;
	ssize_t len;

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	len = readlink(path, ret, PATH_MAX - 1);
	ret[len > 0 ? len : 0] = 0;
	if (len <= (ssize_t)cut || strcmp(ret + len - cut, deleted))
		return false;
	ret[len - (ssize_t)cut] = 0;
	return true;
}

static bool is_gone(pid_t pid, void *ctx)
{
	char exe[PATH_MAX];

	(void)ctx;
	return program_of(pid, exe);
}

/* At the other socket somebody else may answer: wireguard-go, say. */
static bool is_tunneld(const struct doctor *d)
{
	char exe[PATH_MAX], *slash;

	program_of(d->pid, exe);
	slash = strrchr(exe, '/');
	return d->state || (slash && !strcmp(slash, "/tunneld"));
}

enum doctor_result doctor_control(struct doctor *d)
{
	if (!d->pid || !is_tunneld(d))
		return doctor_say(d, DOCTOR_SKIPPED, "tunneld does not run");
	if (access(d->f.ctl, F_OK) && errno == ENOENT)
		return doctor_say(d, DOCTOR_PROBLEM, "%.150s is gone: tunneld cannot be told to reload", d->f.ctl);
	return doctor_say(d, DOCTOR_GOOD, "tunneld has its own socket");
}

enum doctor_result doctor_replaced(struct doctor *d)
{
	if (!d->pid)
		return doctor_say(d, DOCTOR_SKIPPED, "tunneld does not run");
	if (probe_family(d->pid, d->engine, is_gone, NULL))
		return doctor_say(d, DOCTOR_WARNING, "tunneld has been upgraded, but the old one still runs");
	return doctor_say(d, DOCTOR_GOOD, "the installed tunneld is the one that runs");
}

enum doctor_result doctor_unit(struct doctor *d)
{
	const char *etc = cmd_has(d->c, OPT_ETC) ? d->c->val[OPT_ETC] : "/etc";
	char path[PATH_MAX];
	struct stat st;

	if (access("/run/systemd/system", F_OK))
		return doctor_say(d, DOCTOR_SKIPPED, "systemd does not run here");
	if (!d->f.conf[0] || d->f.foreign)
		return doctor_say(d, DOCTOR_SKIPPED, "no configuration of ours to start from");
	snprintf(path, sizeof(path), "%s/systemd/system/multi-user.target.wants/tunneld@%s.service", etc, d->f.name);
	if (lstat(path, &st))
		return doctor_say(d, DOCTOR_WARNING, "%s will not come up when the machine starts", d->f.name);
	return doctor_say(d, DOCTOR_GOOD, "%s comes up with the machine", d->f.name);
}

/* The soft limit that /proc/PID/limits gives in the line that begins so; UINT64_MAX: unlimited, or not known. */
static uint64_t limit_of(pid_t pid, const char *line)
{
	char path[64], text[256];
	uint64_t limit = UINT64_MAX;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/limits", (int)pid);
	f = fopen(path, "re");
	while (f && fgets(text, sizeof(text), f))
		if (!strncmp(text, line, strlen(line)) && sscanf(text + strlen(line), " %" SCNu64, &limit) == 1)
			break;
	if (f)
		fclose(f);
	return limit;
}

enum doctor_result doctor_descriptors(struct doctor *d)
{
	uint64_t limit = d->pid ? limit_of(d->pid, "Max open files") : 0;

	if (!d->pid)
		return doctor_say(d, DOCTOR_SKIPPED, "tunneld does not run");
	if (limit < FILES_MIN)
		return doctor_say(d, DOCTOR_WARNING, "tunneld may open %" PRIu64 " files only", limit);
	return doctor_say(d, DOCTOR_GOOD, "tunneld may open files enough");
}

/* Adds up what is locked. Never the one that is looked for. */
static bool add_locked(pid_t pid, void *ctx)
{
	char path[64], text[256];
	uint64_t kib;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "re");
	while (f && fgets(text, sizeof(text), f))
		if (sscanf(text, "VmLck: %" SCNu64, &kib) == 1)
			*(uint64_t *)ctx += kib;
	if (f)
		fclose(f);
	return false;
}

enum doctor_result doctor_memory(struct doctor *d)
{
	uint64_t locked = 0;

	if (!d->pid || !is_tunneld(d))
		return doctor_say(d, DOCTOR_SKIPPED, "tunneld does not run");
	probe_family(d->pid, d->engine, add_locked, &locked);
	if (!locked)
		return doctor_say(d, DOCTOR_WARNING, "tunneld could not lock its memory: keys may be written to swap");
	return doctor_say(d, DOCTOR_GOOD, "memory with keys is locked");
}

/* ---- Sockets ----------------------------------------------------------------------------------------------------- */

/* One for each family and worker. */
static size_t sockets(const struct doctor *d, struct probe_udp ret[SOCKETS_MAX])
{
	return d->pid && d->r.port ? probe_udp(d->pid, d->r.port, ret, SOCKETS_MAX) : 0;
}

enum doctor_result doctor_port(struct doctor *d)
{
	struct link_state link = link_state(d->f.name);
	struct probe_udp u[SOCKETS_MAX];
	size_t count = sockets(d, u);

	if (!d->answers || !d->pid)
		return doctor_say(d, DOCTOR_SKIPPED, "tunneld does not run");
	if (!count && link.exists && !link.up)
		return doctor_say(d, DOCTOR_SKIPPED, "%s is down, and its port is not open", d->f.name);
	if (!count)
		return doctor_say(d, DOCTOR_PROBLEM, "UDP port %u is not open", d->r.port);
	for (size_t i = 0; i < count; i++)
		if (!probe_holds(d->pid, d->engine, u[i].inode))
			return doctor_say(d, DOCTOR_PROBLEM, "UDP port %u (IPv%d) is held by another program",
					  d->r.port, u[i].family);
	return doctor_say(d, DOCTOR_GOOD, "UDP port %u is open and ours", d->r.port);
}

enum doctor_result doctor_buffers(struct doctor *d)
{
	struct probe_udp u[SOCKETS_MAX];
	size_t count = sockets(d, u);
	uint32_t least = UINT32_MAX;

	for (size_t i = 0; i < count; i++) {
		uint32_t bytes = probe_udp_buffer(&u[i]);

		if (bytes && bytes < least && probe_holds(d->pid, d->engine, u[i].inode))
			least = bytes;
	}
	if (least == UINT32_MAX)
		return doctor_say(d, DOCTOR_SKIPPED, "there is no socket, or the kernel does not tell of it");
	if (least / 2 < BUFFER_WANTED)
		return doctor_say(d, DOCTOR_WARNING, "the socket's buffer is %u KiB of %d: bursts get lost",
				  least / 2048, BUFFER_WANTED / 1024);
	return doctor_say(d, DOCTOR_GOOD, "the socket's buffer is %u KiB", least / 2048);
}

enum doctor_result doctor_overflow(struct doctor *d)
{
	struct probe_udp u[SOCKETS_MAX];
	size_t count = sockets(d, u);
	uint64_t drops = 0;

	for (size_t i = 0; i < count; i++)
		drops += u[i].drops;
	if (!count)
		return doctor_say(d, DOCTOR_SKIPPED, "there is no socket");
	if (drops)
		return doctor_say(d, DOCTOR_WARNING, "%" PRIu64 " datagrams found the socket's buffer full", drops);
	return doctor_say(d, DOCTOR_GOOD, "no datagram found the socket's buffer full");
}
