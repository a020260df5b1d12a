/* SPDX-License-Identifier: MIT */
/*
 * Commands are run as wg-quick runs them: by bash, one after the other, "%i" being the interface, and the first that
 * fails ends the list. The runner answers each byte it gets with one: 0 when all went well, 1 when not.
 */
#include "hooks.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dns.h"
#include "log.h"
#include "run.h"

struct hooks {
	pid_t pid;	/* 0: somebody else's child */
	int fd;
	bool pending;	/* begun, its result not yet taken */
	bool begun;	/* something else than PostDown, which is owed by that */
	bool went_up;	/* PostUp was begun: PreDown is owed */
};

enum { DETACH = HOOKS_PHASES };	/* the one byte that names no list */

/* text with every "%i" replaced; NULL: no memory. */
static char *expand(const char *text, const char *ifname)
{
	size_t len = strlen(text), name = strlen(ifname), used = 0;
	char *ret = malloc(len * (name > 2 ? name : 2) + 1);

	if (!ret)
		return NULL;
	for (const char *p = text; *p; p++) {
		if (p[0] == '%' && p[1] == 'i') {
			memcpy(ret + used, ifname, name);
			used += name;
			p++;
		} else {
			ret[used++] = *p;
		}
	}
	ret[used] = 0;
	return ret;
}

static bool run_command(const char *command)
{
	const char *argv[] = {"bash", "-c", command, NULL};

	return run(argv, NULL) == 0;
}

static bool run_list(const struct config *c, const char *ifname, unsigned phase)
{
	static const char *const names[HOOKS_PHASES] = {"PreUp", "PostUp", "PreDown", "PostDown"};

	if (phase == HOOKS_DNS_UP)
		return dns_set(c, ifname);
	if (phase == HOOKS_DNS_DOWN)
		dns_unset(c, ifname);
	for (size_t i = 0; phase < HOOKS_PHASES && i < c->hook_count[phase]; i++) {
		char *command = expand(c->hooks[phase][i], ifname);
		bool ok = command && run_command(command);

		free(command);
		if (!ok) {
			/* Not the command itself: it may hold a secret. */
			log_error("%s command %zu failed", names[phase], i + 1);
			return false;
		}
	}
	return true;
}

static void runner(int fd, const struct config *c, const char *ifname)
{
	bool owed = false, named = false;	/* PostDown; to take DNS back */
	uint8_t what, answer;

	while (read(fd, &what, 1) == 1) {
		if (what == DETACH) {
			int null = open("/dev/null", O_RDWR | O_CLOEXEC);

			log_to_syslog();
			for (int i = 0; null >= 0 && i <= STDERR_FILENO; i++)
				dup2(null, i);
			continue;
		}
		owed = what != HOOKS_POST_DOWN;
		answer = what == HOOKS_DNS_DOWN && !named ? 0 : !run_list(c, ifname, what);
		named = what == HOOKS_DNS_UP || (named && what != HOOKS_DNS_DOWN);
		if (write(fd, &answer, 1) != 1)
			break;
	}
	if (named)
		run_list(c, ifname, HOOKS_DNS_DOWN);
	if (owed)
		run_list(c, ifname, HOOKS_POST_DOWN);
	_exit(0);
}

bool hooks_start(struct config *config, const char *ifname, struct hooks **ret)
{
	struct hooks *h;
	int pair[2];
	bool any = config->dns_count != 0;

	*ret = NULL;
	for (unsigned phase = 0; phase < HOOKS_PHASES; phase++)
		any |= config->hook_count[phase] != 0;
	if (!any)
		return true;
	h = calloc(1, sizeof(*h));
	if (!h || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
		log_error("cannot start the hook runner: %m");
		free(h);
		return false;
	}
	h->fd = pair[0];
	h->pid = fork();
	if (h->pid == 0) {
		close(pair[0]);
		config_forget_keys(config);
		runner(pair[1], config, ifname);
	}
	close(pair[1]);
	if (h->pid < 0) {
		log_error("cannot start the hook runner: %m");
		close(h->fd);
		free(h);
		return false;
	}
	*ret = h;
	return true;
}

struct hooks *hooks_adopt(int fd)
{
	struct hooks *h = calloc(1, sizeof(*h));

	if (h)
		h->fd = fd;
	return h;
}

void hooks_leave(struct hooks *h)
{
	close(h->fd);
	free(h);
}

static void say(struct hooks *h, uint8_t what)
{
	if (send(h->fd, &what, 1, MSG_NOSIGNAL) != 1)
		log_error("the hook runner is gone");
}

void hooks_begin(struct hooks *h, enum hooks_phase phase)
{
	if (h->pending)
		hooks_result(h);
	say(h, (uint8_t)phase);
	h->pending = true;
	h->begun = phase != HOOKS_POST_DOWN;
	h->went_up |= phase == HOOKS_POST_UP;
}

bool hooks_owe_pre_down(const struct hooks *h)
{
	return h && h->went_up;
}

int hooks_fd(const struct hooks *h)
{
	return h->fd;
}

bool hooks_result(struct hooks *h)
{
	uint8_t answer = 1;
	ssize_t n;

	do {
		n = recv(h->fd, &answer, 1, 0);
	} while (n < 0 && errno == EINTR);
	h->pending = false;
	return n == 1 && answer == 0;
}

void hooks_detach(struct hooks *h)
{
	say(h, DETACH);
}

void hooks_end(struct hooks *h)
{
	if (h->begun) {
		hooks_begin(h, HOOKS_DNS_DOWN);
		hooks_begin(h, HOOKS_POST_DOWN);
		hooks_result(h);
	}
	close(h->fd);
	while (h->pid && waitpid(h->pid, NULL, 0) < 0 && errno == EINTR)
		;
	free(h);
}
