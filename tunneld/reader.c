/* SPDX-License-Identifier: MIT */
/*
 * An answer is a head, then the messages, then the configuration as config_pack() makes it; no bytes of that stand for
 * a file with errors. The byte that asks comes back in the head, so that an answer nobody waits for any more is known.
 */
#include "reader.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log.h"
#include "sandbox.h"

#define ANSWER_MAX ((uint64_t)1 << 32)	/* a million peers take a tenth of it */

struct head {
	uint64_t messages, config;	/* bytes */
	uint64_t asked;
};

struct reader {
	pid_t pid;		/* 0: somebody else's child */
	int fd;
	uint8_t asked;		/* the last byte sent */
	struct head head;
	size_t got;		/* bytes of head, then of body */
	bool has_head;
	char *body;		/* head.messages + head.config bytes, and one more so that it is never none */
};

/* ---- The child --------------------------------------------------------------------------------------------------- */

static bool put(int fd, const void *data, size_t len)
{
	for (size_t off = 0; off < len;) {
		ssize_t n = send(fd, (const char *)data + off, len - off, MSG_NOSIGNAL);

		if (n < 0 && errno != EINTR)
			return false;
		off += n > 0 ? (size_t)n : 0;
	}
	return true;
}

bool reader_put(int fd, const struct config *c, const char *messages, size_t messages_len, uint8_t asked)
{
	struct head head = {.messages = messages_len, .asked = asked};
	size_t len = 0;
	void *packed = c ? config_pack(c, &len) : NULL;
	bool ok;

	head.config = packed ? len : 0;
	ok = put(fd, &head, sizeof(head)) && put(fd, messages, head.messages) && put(fd, packed, head.config);
	if (packed)
		sodium_memzero(packed, len);
	free(packed);
	return ok;
}

static bool read_once(int fd, const char *file, uint8_t asked)
{
	struct config *c = NULL;
	char *text = NULL;
	size_t len = 0;
	FILE *messages = open_memstream(&text, &len);
	bool ok;

	if (messages) {
		c = config_load(file, messages);
		fclose(messages);
	}
	ok = reader_put(fd, c, text, len, asked);
	free(text);
	config_free(c);
	return ok;
}

static void child(int fd, const char *file, bool silent)
{
	uint8_t byte;

	/* Nothing of the parent's: its end must be seen by others. */
	if (dup2(fd, STDERR_FILENO + 1) < 0)
		_exit(1);
	close_range(STDERR_FILENO + 2, ~0U, 0);
	if (silent) {
		int null = open("/dev/null", O_RDWR | O_CLOEXEC);

		log_to_syslog();
		for (int i = 0; null >= 0 && i <= STDERR_FILENO; i++)
			dup2(null, i);
	}
	sandbox_reader();
	while (read(STDERR_FILENO + 1, &byte, 1) == 1 && read_once(STDERR_FILENO + 1, file, byte))
		;
	_exit(0);
}

/* ---- The parent's side ------------------------------------------------------------------------------------------- */

bool reader_start(const char *file, struct config *config, bool silent, struct reader **ret)
{
	struct reader *r = calloc(1, sizeof(*r));
	int pair[2];

	if (!r || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
		log_error("cannot start the configuration's reader: %m");
		free(r);
		return false;
	}
	r->pid = fork();
	if (r->pid == 0) {
		config_free(config);
		child(pair[1], file, silent);
	}
	close(pair[1]);
	r->fd = pair[0];
	if (r->pid < 0) {
		log_error("cannot start the configuration's reader: %m");
		close(r->fd);
		free(r);
		return false;
	}
	*ret = r;
	return true;
}

struct reader *reader_adopt(int fd)
{
	struct reader *r = calloc(1, sizeof(*r));

	if (r)
		r->fd = fd;
	return r;
}

static void forget(struct reader *r)
{
	if (r->body) {
		sodium_memzero(r->body, r->head.messages + r->head.config + 1);
		free(r->body);
	}
	r->body = NULL;
	r->has_head = false;
	r->got = 0;
}

void reader_end(struct reader *r)
{
	if (!r)
		return;
	close(r->fd);
	if (r->pid) {
		kill(r->pid, SIGKILL);	/* it may be waiting for a name server */
		while (waitpid(r->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	forget(r);
	free(r);
}

bool reader_ask(struct reader *r)
{
	r->asked++;
	return send(r->fd, &r->asked, 1, MSG_NOSIGNAL | MSG_DONTWAIT) == 1;
}

int reader_fd(const struct reader *r)
{
	return r->fd;
}

pid_t reader_child(const struct reader *r)
{
	return r->pid;
}

/* Fills [0..len) of to, of which r->got are there. 1: whole; 0: not yet; -1: gone. */
static int receive(struct reader *r, void *to, size_t len)
{
	while (r->got < len) {
		ssize_t n = recv(r->fd, (char *)to + r->got, len - r->got, MSG_DONTWAIT);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return 0;
		if (n <= 0)
			return -1;
		r->got += (size_t)n;
	}
	return 1;
}

/* One answer; `asked` says to which question. */
static int take_answer(struct reader *r, uint64_t *asked, struct config **ret, char **ret_messages)
{
	int n;

	if (!r->has_head) {
		n = receive(r, &r->head, sizeof(r->head));
		if (n <= 0)
			return n;
		if (r->head.messages > ANSWER_MAX || r->head.config > ANSWER_MAX)
			return -1;
		r->has_head = true;
		r->got = 0;
		r->body = malloc(r->head.messages + r->head.config + 1);
		if (!r->body)
			return -1;
	}
	n = receive(r, r->body, r->head.messages + r->head.config);
	if (n <= 0)
		return n;
	*asked = r->head.asked;
	*ret = r->head.config ? config_unpack(r->body + r->head.messages, r->head.config) : NULL;
	*ret_messages = strndup(r->body, r->head.messages);
	forget(r);
	return *ret_messages ? 1 : -1;
}

int reader_take(struct reader *r, struct config **ret, char **ret_messages)
{
	uint64_t asked = 0;
	int n;

	while ((n = take_answer(r, &asked, ret, ret_messages)) == 1 && asked != r->asked) {
		config_free(*ret);
		free(*ret_messages);
	}
	return n;
}

bool reader_receive(int fd, struct config **ret, char **ret_messages)
{
	struct reader r = {.fd = fd};
	struct pollfd p = {.fd = fd, .events = POLLIN};
	uint64_t asked;
	int n;

	while ((n = take_answer(&r, &asked, ret, ret_messages)) == 0)
		poll(&p, 1, -1);
	forget(&r);
	return n == 1;
}
