/* SPDX-License-Identifier: MIT */
/*
 * Everything is asked of systemctl. Whether the unit's interface is the one that our caller means cannot be asked: that
 * is so if we see the network and the files that the first process sees, which is systemd and starts the unit. In a
 * container, in `ip netns exec` or below a mount of somebody's own we may not, though systemctl would do our bidding.
 *
 * Within a unit of ours, in a command of the configuration file, the first process is hidden; but there nothing is
 * seen that the unit does not see.
 */
#include "service.h"

#include "keyfile.h"
#include "probe.h"
#include "program.h"
#include "store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	ASK_MS = 10000,
	START_MS = 150000,	/* the unit gives up before */
	STOP_MS = 120000,
	BOOT_MS = 20000,	/* while the machine starts: what the unit waits for may wait for us */
	UNIT_MAX = IFNAMSIZ + 32,
};

#define MANAGER_DIR "/run/systemd/system"

/* ---- The unit ---------------------------------------------------------------------------------------------------- */

/* False: systemd would call it otherwise, and look for another file. */
static bool unit_name(const char *ifname, char ret[UNIT_MAX])
{
	snprintf(ret, UNIT_MAX, "tunneld@%s.service", ifname);
	return !strpbrk(ifname, "+=");
}

/* Is the value of "KEY=", a line of text, this one? */
static bool says(const char *text, const char *key, const char *value)
{
	size_t key_len = strlen(key), len = strlen(value);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!strncmp(line, key, key_len) && line[key_len] == '=')
			return !strncmp(line + key_len + 1, value, len) && strchr("\n", line[key_len + 1 + len]);
	}
	return false;
}

static pid_t main_pid(const char *text)
{
	const char *line = strstr(text, "MainPID=");

	return line ? (pid_t)strtol(line + strlen("MainPID="), NULL, 10) : 0;
}

/* What systemd knows of the unit; NULL: it does not answer. To be freed. */
static char *ask(const char *unit)
{
	static const char wanted[] = "LoadState,ActiveState,MainPID";
	const char *const words[] = { "systemctl", "show", "-p", wanted, unit, NULL };
	char *text;

	if (!program_run(words, ASK_MS, &text))
		return text;
	free(text);
	return NULL;
}

/* ---- Where we are ------------------------------------------------------------------------------------------------ */

static bool read_text(const char *path, char *ret, size_t max)
{
	FILE *f = fopen(path, "re");
	size_t len = f ? fread(ret, 1, max - 1, f) : 0;

	ret[len] = 0;
	if (f)
		fclose(f);
	return len > 0;
}

/* Our control group is that of the service PREFIX@ifname; NULL: of any. */
static bool in_group(const char *groups, const char *prefix, const char *ifname)
{
	char name[UNIT_MAX];
	size_t len = (size_t)snprintf(name, sizeof(name), "/%s@%s%s", prefix, ifname ? ifname : "",
				      ifname ? ".service" : "");

	for (const char *at = groups; (at = strstr(at, name)); at++)
		if (!ifname || strchr("/\n", at[len]))
			return true;
	return false;
}

static bool same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

static bool same_network(void)
{
	struct stat ours, his;

	return !stat("/proc/self/ns/net", &ours) && !stat("/proc/1/ns/net", &his) && same(&ours, &his);
}

/* Is what we find by this name what the first process finds? Links lead where they lead him. */
static bool same_place(const char *path)
{
	const struct open_how how = { .flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT };
	int root = open("/proc/1/root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int fd = root < 0 ? -1 : (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
	struct stat ours, his;
	bool ok = fd >= 0 && !fstat(fd, &his) && !stat(path, &ours) && same(&ours, &his);

	if (fd >= 0)
		close(fd);
	if (root >= 0)
		close(root);
	return ok;
}

/* The unit is a root without rights over what is not root's, and sees nobody's home nor what is temporary. */
static bool can_read(const char *name)
{
	static const char *const hidden[] = { "/home", "/root", "/run/user", "/tmp", "/var/tmp" };
	unsigned want, shift;
	char path[PATH_MAX];
	struct stat st;

	if (!realpath(name, path) || stat(path, &st))
		return errno == ENOENT;	/* that is another fault, if it is one */
	for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++)
		if (!strncmp(path, hidden[i], strlen(hidden[i])) && path[strlen(hidden[i])] == '/')
			return false;
	want = S_ISDIR(st.st_mode) ? 5 : 4;
	shift = st.st_uid == 0 ? 6 : st.st_gid == 0 ? 3 : 0;
	return (st.st_mode >> shift & want) == want;
}

/* Of the configuration: that, and the key that it names. */
static bool find_barred_conf(const struct iface *f, char ret[PATH_MAX])
{
	struct keyfile key;
	size_t len;
	char *text;

	snprintf(ret, PATH_MAX, "%s", f->conf);
	if (!can_read(ret))
		return true;
	if (store_read(f->conf, &text, &len))
		return false;
	keyfile_find(&key, f->conf, text, len);
	store_free(text, len);
	snprintf(ret, PATH_MAX, "%s", key.path);
	return key.path[0] && !can_read(ret);
}

/* The first of the interface's files that the unit cannot read; "": it can. */
static void find_barred(const struct iface *f, char ret[PATH_MAX])
{
	static const char suffix[] = ".peer";
	DIR *d = opendir(f->dir);
	struct dirent *e;

	if (!find_barred_conf(f, ret))
		snprintf(ret, PATH_MAX, "%s", d && !can_read(f->dir) ? f->dir : "");
	while (d && !*ret && (e = readdir(d))) {
		size_t len = strlen(e->d_name), cut = sizeof(suffix) - 1;

		if (len <= cut || strcmp(e->d_name + len - cut, suffix))
			continue;
		if (snprintf(ret, PATH_MAX, "%s/%s", f->dir, e->d_name) < PATH_MAX && can_read(ret))
			*ret = 0;
	}
	if (d)
		closedir(d);
}

void service_look(const struct ctx *c, const struct iface *f, struct service *ret)
{
	char unit[UNIT_MAX], groups[4096], first[32], *text;
	bool ours;

	*ret = (struct service){ 0 };
	if (cmd_has(c, OPT_RUN) || access(MANAGER_DIR, F_OK) || !unit_name(f->name, unit))
		return;
	read_text("/proc/self/cgroup", groups, sizeof(groups));
	ret->within = in_group(groups, "tunneld", f->name) || in_group(groups, "tunneld-root", f->name);
	ours = in_group(groups, "tunneld", NULL) || in_group(groups, "tunneld-root", NULL);
	if (!ours && (!read_text("/proc/1/comm", first, sizeof(first)) || strcmp(first, "systemd\n")))
		return;
	text = ask(unit);
	if (text) {
		ret->on = !says(text, "ActiveState", "inactive") && !says(text, "ActiveState", "failed");
		ret->runs = main_pid(text) && probe_listener(f->sock) == main_pid(text);
		ret->serves = !says(text, "LoadState", "not-found") && !says(text, "LoadState", "masked") &&
			      !cmd_has(c, OPT_ETC) && !cmd_has(c, OPT_VAR) &&
			      (ours || (same_network() && same_place("/run")));
		ret->reads = ret->serves && f->conf[0] && !f->foreign && (ours || same_place(f->conf));
		if (ret->reads)
			find_barred(f, ret->barred);
		ret->reads &= !ret->barred[0];
	}
	free(text);
}

/* ---- What is to be done ------------------------------------------------------------------------------------------ */

/* A job that fails is said to have failed, and where to look; anything else is worth telling. */
static const char *reason(char *said)
{
	if (!said || strstr(said, "Job for "))
		return "";
	said[strcspn(said, "\n")] = 0;
	return said;
}

static int failed(const struct ctx *c, const char *ifname, int status, unsigned wait_ms, const char *verb, char *said)
{
	const char *why = reason(said);

	if (status == -ETIMEDOUT)
		return cmd_fail(c, CMD_TIMEOUT, "tunneld@%s.service does not %s in %u s, but may yet (see: "
				"journalctl -u 'tunneld*@%s.*')", ifname, verb, wait_ms / 1000, ifname);
	return cmd_fail(c, CMD_FAILED, "tunneld@%s.service does not %s%s%s (see: journalctl -u 'tunneld*@%s.*')",
			ifname, verb, *why ? ": " : "", why, ifname);
}

static int quietly(const char *const words[], unsigned wait_ms)
{
	char *said;
	int status = program_run(words, wait_ms, &said);

	free(said);
	return status;
}

/* Whoever asks by hand is not to be told that he has asked too often. */
static void forget_attempts(const char *ifname)
{
	char services[UNIT_MAX], sockets[UNIT_MAX];
	const char *const words[] = { "systemctl", "--quiet", "reset-failed", services, sockets, NULL };

	snprintf(services, sizeof(services), "tunneld*@%s.service", ifname);
	snprintf(sockets, sizeof(sockets), "tunneld*@%s.socket", ifname);
	quietly(words, ASK_MS);
}

static bool machine_starts(void)
{
	static const char *const words[] = { "systemctl", "is-system-running", NULL };
	char *said;
	bool ret;

	program_run(words, ASK_MS, &said);
	ret = said && (!strcmp(said, "starting\n") || !strcmp(said, "initializing\n"));
	free(said);
	return ret;
}

static int tell(const struct ctx *c, const struct iface *f, const struct service *s, const char *verb, unsigned wait_ms)
{
	char unit[UNIT_MAX], *said;
	const char *const words[] = { "systemctl", s->within ? "--no-block" : "--quiet", "--no-ask-password", verb,
				      unit, NULL };
	int status;

	unit_name(f->name, unit);
	status = program_run(words, wait_ms, &said);
	if (status)
		status = failed(c, f->name, status, wait_ms, verb, said);
	free(said);
	return status;
}

int service_start(const struct ctx *c, const struct iface *f, const struct service *s)
{
	char unit[UNIT_MAX];
	const char *const stop[] = { "systemctl", "--quiet", "stop", unit, NULL };
	int code;

	forget_attempts(f->name);
	code = tell(c, f, s, "start", machine_starts() ? BOOT_MS : START_MS);
	unit_name(f->name, unit);
	if (code == CMD_FAILED && !s->on)
		quietly(stop, STOP_MS);	/* or systemd would try again behind our caller's back */
	return code;
}

int service_stop(const struct ctx *c, const struct iface *f, const struct service *s)
{
	return tell(c, f, s, "stop", STOP_MS);
}

int service_restart(const struct ctx *c, const struct iface *f, const struct service *s)
{
	forget_attempts(f->name);
	return tell(c, f, s, "restart", STOP_MS + (machine_starts() ? BOOT_MS : START_MS));
}

/* ---- For a new interface ----------------------------------------------------------------------------------------- */

bool service_here(const struct ctx *c)
{
	static const char *const cat[] = { "systemctl", "cat", "tunneld@.service", NULL };

	return !cmd_has(c, OPT_ETC) && !cmd_has(c, OPT_RUN) && !access(MANAGER_DIR, F_OK) && same_network() &&
	       same_place("/run") && same_place("/etc") && !quietly(cat, ASK_MS);
}

int service_enable(const struct ctx *c, const char *ifname)
{
	char unit[UNIT_MAX], *said;
	const char *const enable[] = { "systemctl", "--quiet", "enable", "--now", unit, NULL };
	const char *const disable[] = { "systemctl", "--quiet", "disable", "--now", unit, NULL };
	int status;

	unit_name(ifname, unit);
	status = program_run(enable, START_MS, &said);
	if (status) {
		status = failed(c, ifname, status, START_MS, "start", said);
		quietly(disable, STOP_MS);
	}
	free(said);
	return status;
}
