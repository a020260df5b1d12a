/* SPDX-License-Identifier: MIT */
/* A daemon is started as a service manager would: in the foreground, and it says when it is ready. */
#include "daemon.h"
#include "demo.h"
#include "keytext.h"
#include "store.h"
#include "view.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define READY_AT "/run/ready"
enum { READY_WAIT_MS = 10000, STEP_MS = 20, LINE_MAX_SHOWN = 200 };

void demo_make_keys(struct demo_side *s)
{
	keytext_new_private(s->private);
	crypto_scalarmult_base(s->public, s->private);
}

static void path_of(const struct demo_side *s, const char *suffix, char ret[PATH_MAX])
{
	snprintf(ret, PATH_MAX, "/run/%s.%s", s->ifname, suffix);
}

void demo_socket(const struct demo_side *s, char ret[PATH_MAX])
{
	snprintf(ret, PATH_MAX, "/var/run/wireguard/%s.sock", s->ifname);
}

int demo_write_config(const struct demo *d, const struct demo_side *s, const struct demo_side *peer, bool knows_peer)
{
	char path[PATH_MAX], text[1024], private[TEXT_BASE64_KEY], public[TEXT_BASE64_KEY];
	const char *six = d->has6 ? ", " : "";
	int len, err;

	text_key_to_base64(private, s->private);
	text_key_to_base64(public, peer->public);
	len = snprintf(text, sizeof(text),
		       "[Interface]\nPrivateKey = %s\nListenPort = %s\nAddress = %s/24%s%s%s\n\n"
		       "[Peer]\nPublicKey = %s\nAllowedIPs = %s/32%s%s%s\n%s%s\n",
		       private, strchr(s->endpoint, ':') + 1, s->addr4, six, d->has6 ? s->addr6 : "",
		       d->has6 ? "/64" : "", public, peer->addr4, six, d->has6 ? peer->addr6 : "",
		       d->has6 ? "/128" : "", knows_peer ? "Endpoint = " : "", knows_peer ? peer->endpoint : "");
	path_of(s, "conf", path);
	err = store_write(path, text, (size_t)len);
	sodium_memzero(text, sizeof(text));
	sodium_memzero(private, sizeof(private));
	return err ? cmd_fail(d->c, CMD_FAILED, "%s: %s", path, strerror(-err)) : 0;
}

int demo_fail(const struct demo *d, const struct demo_side *s, int code, const char *what)
{
	char path[PATH_MAX], line[LINE_MAX_SHOWN], *text = NULL, *last = NULL;
	size_t len = 0;

	path_of(s, "log", path);
	if (!store_read(path, &text, &len)) {
		while (len && text[len - 1] == '\n')
			text[--len] = 0;
		last = strrchr(text, '\n');
		last = last ? last + 1 : text;
	}
	cmd_fail(d->c, code, "%s%s%s", what, last && *last ? "; its daemon says: " : "",
		 last ? view_clean(last, line, sizeof(line)) : "");
	store_free(text, len);
	return code;
}

__attribute__((noreturn))
static void run_daemon(const struct demo *d, const struct demo_side *s)
{
	char conf[PATH_MAX], log[PATH_MAX];
	int in, out;

	path_of(s, "conf", conf);
	path_of(s, "log", log);
	in = open("/dev/null", O_RDONLY);
	out = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
	if (in < 0 || out < 0 || dup2(in, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0 ||
	    dup2(out, STDERR_FILENO) < 0 || cable_enter(&s->host))
		_exit(127);
	/* What our caller told its own daemons is not for these. */
	unsetenv("LOG_LEVEL");
	unsetenv("WATCHDOG_USEC");
	setenv("NOTIFY_SOCKET", READY_AT, true);
	execl(d->program, "tunneld", "-f", "-c", conf, s->ifname, (char *)NULL);
	dprintf(STDERR_FILENO, "%s: %s\n", d->program, strerror(errno));
	_exit(127);
}

static int listen_for_ready(void)
{
	const struct sockaddr_un at = { .sun_family = AF_UNIX, .sun_path = READY_AT };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	unlink(READY_AT);
	if (fd < 0 || !bind(fd, (const struct sockaddr *)&at, sizeof(at)))
		return fd;
	close(fd);
	return -1;
}

/* CMD_DONE, CMD_FAILED: it has ended, or CMD_TIMEOUT. */
static int wait_for_ready(int fd, pid_t pid)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char text[256];

	for (unsigned waited = 0; waited < READY_WAIT_MS; waited += STEP_MS) {
		if (poll(&p, 1, STEP_MS) > 0) {
			ssize_t n = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT);

			text[n > 0 ? n : 0] = 0;
			if (strstr(text, "READY=1"))
				return CMD_DONE;
		}
		if (waitpid(pid, NULL, WNOHANG) == pid)
			return CMD_FAILED;
	}
	return CMD_TIMEOUT;
}

int demo_start(const struct demo *d, struct demo_side *s)
{
	char what[64];
	int fd = listen_for_ready(), code;

	s->pid = fd < 0 ? -1 : fork();
	if (!s->pid)
		run_daemon(d, s);
	if (s->pid < 0)
		return cmd_fail(d->c, CMD_FAILED, "%s: %s", d->program, strerror(errno));
	code = wait_for_ready(fd, s->pid);
	close(fd);
	if (!code)
		return 0;
	snprintf(what, sizeof(what), "%s does not come up on %s", s->ifname, s->host.name);
	return demo_fail(d, s, code, what);
}

static uint64_t cpu_of(pid_t pid)
{
	struct timespec ts;
	clockid_t clock;

	if (pid <= 0 || clock_getcpuclockid(pid, &clock) || clock_gettime(clock, &ts))
		return 0;
	return (uint64_t)ts.tv_sec * TNL_SEC + (uint64_t)ts.tv_nsec;
}

/* It is two processes; the one that we started knows the other. */
static uint64_t cpu_of_side(const struct demo_side *s)
{
	json_t *state = NULL;
	char path[PATH_MAX];
	pid_t engine;

	snprintf(path, sizeof(path), "/run/tunneld/%s.sock", s->ifname);
	if (daemon_ask(path, "state", DAEMON_WAIT_MS, &state))
		return 0;
	engine = (pid_t)json_integer_value(json_object_get(state, "engine_pid"));
	json_decref(state);
	return cpu_of(s->pid) + cpu_of(engine);
}

uint64_t demo_cpu_ns(const struct demo *d)
{
	return cpu_of_side(&d->alice) + cpu_of_side(&d->bob);
}
