/* SPDX-License-Identifier: MIT */
#include "probe.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { OUTPUT_MAX = 16 << 20, RUN_MS = 5000, PATH_ROOM = 256, DIAG_ROOM = 1 << 15 };

bool probe_number(uint64_t *ret, const char *fmt, ...)
{
	char path[PATH_ROOM];
	va_list ap;
	FILE *f;
	bool ok;

	va_start(ap, fmt);
	vsnprintf(path, sizeof(path), fmt, ap);
	va_end(ap);
	f = fopen(path, "re");
	ok = f && fscanf(f, "%" SCNu64, ret) == 1;
	if (f)
		fclose(f);
	return ok;
}

/* ---- Programs ---------------------------------------------------------------------------------------------------- */

static bool find_program(const char *name, char ret[PATH_ROOM])
{
	static const char *const dirs[] = { "/usr/sbin", "/usr/bin", "/sbin", "/bin", "/usr/local/sbin",
					    "/usr/local/bin" };

	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		snprintf(ret, PATH_ROOM, "%s/%s", dirs[i], name);
		if (!access(ret, X_OK))
			return true;
	}
	return false;
}

bool probe_program(const char *name)
{
	char path[PATH_ROOM];

	return find_program(name, path);
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Everything until the end, or NULL. */
static char *read_all(int fd)
{
	int64_t end = now_ms() + RUN_MS, left;
	size_t len = 0, room = 1 << 16;
	char *text = malloc(room), *more;
	ssize_t got = 1;

	while (text && (left = end - now_ms()) > 0 && len < OUTPUT_MAX) {
		if (len + 1 == room) {
			room *= 2;
			more = realloc(text, room);
			if (!more)
				break;
			text = more;
		}
		if (poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, (int)left) != 1)
			break;
		got = read(fd, text + len, room - len - 1);
		if (got <= 0)
			break;
		len += (size_t)got;
	}
	if (!text || got) {
		free(text);
		return NULL;
	}
	text[len] = 0;
	return text;
}

char *probe_run(const char *const argv[])
{
	static char *const env[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", NULL };
	posix_spawn_file_actions_t acts;
	char path[PATH_ROOM], *text;
	int out[2], status = 1, err;
	pid_t pid;

	if (!find_program(argv[0], path) || pipe2(out, O_CLOEXEC))
		return NULL;
	posix_spawn_file_actions_init(&acts);
	posix_spawn_file_actions_addopen(&acts, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&acts, out[1], STDOUT_FILENO);
	posix_spawn_file_actions_addopen(&acts, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	err = posix_spawn(&pid, path, &acts, NULL, (char *const *)argv, env);
	posix_spawn_file_actions_destroy(&acts);
	close(out[1]);
	text = err ? NULL : read_all(out[0]);
	close(out[0]);
	if (!err && !text)
		kill(pid, SIGKILL);
	if (!err)
		waitpid(pid, &status, 0);
	if (status) {
		free(text);
		return NULL;
	}
	return text;
}

/* ---- Processes --------------------------------------------------------------------------------------------------- */

pid_t probe_listener(const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct ucred who = { 0 };
	socklen_t len = sizeof(who);

	if (fd < 0)
		return 0;
	if ((size_t)snprintf(to.sun_path, sizeof(to.sun_path), "%s", path) >= sizeof(to.sun_path) ||
	    connect(fd, (const struct sockaddr *)&to, sizeof(to)) ||
	    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len))
		who.pid = 0;
	close(fd);
	return who.pid;
}

static pid_t parent_of(pid_t pid)
{
	char path[PATH_ROOM], line[PATH_ROOM];
	pid_t parent = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "PPid: %d", &parent) == 1)
			break;
	if (f)
		fclose(f);
	return parent;
}

bool probe_family(pid_t pid, pid_t engine, bool (*each)(pid_t pid, void *ctx), void *ctx)
{
	bool found = each(pid, ctx);
	DIR *d = found ? NULL : opendir("/proc");
	struct dirent *e;

	while (d && !found && (e = readdir(d))) {
		pid_t other = (pid_t)strtol(e->d_name, NULL, 10);

		if (other > 0 && other != pid && (other == engine || parent_of(other) == pid))
			found = each(other, ctx);
	}
	if (d)
		closedir(d);
	return found;
}

static bool holds(pid_t pid, void *ctx)
{
	char path[PATH_ROOM], want[64], is[64];
	bool found = false;
	struct dirent *e;
	DIR *d;

	snprintf(want, sizeof(want), "socket:[%" PRIu64 "]", *(const uint64_t *)ctx);
	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	d = opendir(path);
	while (d && !found && (e = readdir(d))) {
		ssize_t len = readlinkat(dirfd(d), e->d_name, is, sizeof(is) - 1);

		is[len > 0 ? len : 0] = 0;
		found = !strcmp(is, want);
	}
	if (d)
		closedir(d);
	return found;
}

bool probe_holds(pid_t pid, pid_t engine, uint64_t inode)
{
	return probe_family(pid, engine, holds, &inode);
}

/* ---- Sockets ----------------------------------------------------------------------------------------------------- */

/* "  sl  local_address rem_address st tx_queue:rx_queue tr:tm->when retrnsmt uid timeout inode ref pointer drops" */
static bool take_udp_line(const char *line, uint16_t port, struct probe_udp *ret)
{
	char local[40];
	unsigned local_port;

	if (sscanf(line, " %*u: %32[0-9A-F]:%x %*s %*s %*s %*s %*s %*u %*u %" SCNu64 " %*d %*s %" SCNu64, local,
		   &local_port, &ret->inode, &ret->drops) != 4)
		return false;
	return local_port == port && strspn(local, "0") == strlen(local);
}

size_t probe_udp(pid_t pid, uint16_t port, struct probe_udp *ret, size_t max)
{
	static const struct {
		int family;
		const char *name;
	} tables[] = { { 4, "udp" }, { 6, "udp6" } };
	char path[PATH_ROOM], line[512];
	size_t count = 0;

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		FILE *f;

		snprintf(path, sizeof(path), "/proc/%d/net/%s", (int)pid, tables[i].name);
		f = fopen(path, "re");
		while (f && count < max && fgets(line, sizeof(line), f)) {
			ret[count].family = tables[i].family;
			count += take_udp_line(line, port, &ret[count]);
		}
		if (f)
			fclose(f);
	}
	return count;
}

/* One message of the answer, if it speaks of the inode. */
static uint32_t take_diag(const struct nlmsghdr *h, uint64_t inode)
{
	const struct inet_diag_msg *m = NLMSG_DATA(h);
	int left = (int)h->nlmsg_len - (int)NLMSG_LENGTH(sizeof(*m));
	const struct nlattr *a = (const void *)(m + 1);

	if (left < 0 || m->idiag_inode != inode)
		return 0;
	while (left >= (int)sizeof(*a) && a->nla_len >= sizeof(*a) && a->nla_len <= left) {
		if (a->nla_type == INET_DIAG_SKMEMINFO && a->nla_len >= NLA_HDRLEN + 2 * sizeof(uint32_t))
			return ((const uint32_t *)((const char *)a + NLA_HDRLEN))[SK_MEMINFO_RCVBUF];
		left -= NLA_ALIGN(a->nla_len);
		a = (const void *)((const char *)a + NLA_ALIGN(a->nla_len));
	}
	return 0;
}

uint32_t probe_udp_buffer(const struct probe_udp *u)
{
	struct {
		struct nlmsghdr h;
		struct inet_diag_req_v2 q;
	} ask = { .h = { .nlmsg_len = sizeof(ask), .nlmsg_type = SOCK_DIAG_BY_FAMILY,
			 .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
		  .q = { .sdiag_family = u->family == 6 ? AF_INET6 : AF_INET, .sdiag_protocol = IPPROTO_UDP,
			 .idiag_ext = 1 << (INET_DIAG_SKMEMINFO - 1), .idiag_states = ~0U } };
	const struct timeval wait = { .tv_sec = 1 };
	uint32_t *room = malloc(DIAG_ROOM), found = 0;
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	ssize_t len = room && fd >= 0 && !setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) ?
		      send(fd, &ask, sizeof(ask), 0) : -1;

	while (len > 0 && !found && (len = recv(fd, room, DIAG_ROOM, 0)) > 0) {
		const struct nlmsghdr *h = (const void *)room;

		for (; !found && NLMSG_OK(h, len); h = NLMSG_NEXT(h, len)) {
			if (h->nlmsg_type == NLMSG_DONE || h->nlmsg_type == NLMSG_ERROR)
				goto out;
			found = take_diag(h, u->inode);
		}
		len = 1;
	}
out:
	if (fd >= 0)
		close(fd);
	free(room);
	return found;
}
