/* SPDX-License-Identifier: MIT */
/*
 * The answer is a hello with the descriptors of the two children, then what the reader would say (reader.c). A file
 * with errors has no hello's descriptors: there is nothing to serve.
 *
 * Whoever may connect may know the file's secrets, so the socket's file is for the daemon's group alone.
 */
#include "root.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log.h"
#include "sandbox.h"
#include "seat.h"
#include "sockfile.h"

enum { FD_READER, FD_HOOKS, FDS };

struct hello {
	char file[PATH_MAX];
	uint8_t fds;		/* how many of them come along, in that order */
};

union room {
	struct cmsghdr align;
	char buf[CMSG_SPACE(FDS * sizeof(int))];
};

/* ---- The process with root --------------------------------------------------------------------------------------- */

static bool send_hello(int connection, const char *file, const int *fd, unsigned count)
{
	struct hello hello = {.fds = (uint8_t)count};
	struct iovec iov = {&hello, sizeof(hello)};
	union room room = {0};
	struct msghdr hdr = {.msg_iov = &iov, .msg_iovlen = 1};

	snprintf(hello.file, sizeof(hello.file), "%s", file);
	if (count) {
		room.align.cmsg_level = SOL_SOCKET;
		room.align.cmsg_type = SCM_RIGHTS;
		room.align.cmsg_len = CMSG_LEN(count * sizeof(int));
		memcpy(CMSG_DATA(&room.align), fd, count * sizeof(int));
		hdr.msg_control = room.buf;
		hdr.msg_controllen = CMSG_SPACE(count * sizeof(int));
	}
	return sendmsg(connection, &hdr, MSG_NOSIGNAL) == (ssize_t)sizeof(hello);
}

/* Both children, as far as they are needed, and the answer. False: there is nobody to serve. */
static bool begin(int connection, const char *file, const char *ifname, struct reader **reader, struct hooks **hooks)
{
	char *text = NULL;
	size_t len = 0;
	FILE *messages = open_memstream(&text, &len);
	struct config *c = messages ? config_load(file, messages) : NULL;
	int fd[FDS];
	unsigned fds = 0;
	bool ok = messages && !fclose(messages);

	if (ok && c) {
		ok = hooks_start(c, ifname, hooks) && reader_start(file, c, false, reader);
		if (ok)
			fd[fds++] = reader_fd(*reader);
		if (ok && *hooks)
			fd[fds++] = hooks_fd(*hooks);
	}
	ok = ok && send_hello(connection, file, fd, fds) && reader_put(connection, c, text, len, 0);
	free(text);
	config_free(c);
	return ok && fds;
}

/* The runner does what it owes by itself once nobody is at the other end; a signal to end is no reason to leave that
 * undone, since the manager sends it when the daemon has ended already. */
static void wait_for_end(int connection)
{
	sigset_t term;
	char byte;

	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, NULL);
	while (recv(connection, &byte, 1, 0) > 0 || errno == EINTR)
		errno = 0;
}

int root_main(const char *file, const char *ifname)
{
	struct reader *reader = NULL;
	struct hooks *hooks = NULL;
	int connection = seat_accept();
	bool served;

	if (connection < 0) {
		log_error("no socket of a service manager: %s", strerror(-connection));
		return 1;
	}
	sandbox_early();
	sockfile_clear(SOCKFILE_DIR, ifname);
	sockfile_clear(SOCKFILE_CTL_DIR, ifname);
	served = begin(connection, file, ifname, &reader, &hooks);
	sandbox_root();
	if (hooks)
		hooks_leave(hooks);
	if (served)
		wait_for_end(connection);
	reader_end(reader);
	while (wait(NULL) > 0 || errno == EINTR)
		;
	return 0;
}

/* ---- The daemon's side ------------------------------------------------------------------------------------------- */

static unsigned take_fds(struct msghdr *hdr, int fd[FDS])
{
	struct cmsghdr *c = CMSG_FIRSTHDR(hdr);
	size_t len = c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS ? c->cmsg_len - CMSG_LEN(0) : 0;

	if (len)
		memcpy(fd, CMSG_DATA(c), len);	/* the kernel installs no more than there is room for */
	return (unsigned)(len / sizeof(int));
}

static bool receive_hello(int connection, struct hello *hello, int fd[FDS])
{
	struct iovec iov = {hello, sizeof(*hello)};
	union room room;
	struct msghdr hdr = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = room.buf, .msg_controllen = sizeof(room.buf),
	};
	ssize_t n;

	do {
		n = recvmsg(connection, &hdr, MSG_WAITALL | MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	return n == (ssize_t)sizeof(*hello) && hello->fds == take_fds(&hdr, fd) && memchr(hello->file, 0, PATH_MAX);
}

int root_ask(const char *path, struct root *ret)
{
	struct hello hello;
	int fd[FDS], connection = seat_connect(path, SOCK_STREAM);
	char *messages = NULL;

	*ret = (struct root){.connection = connection};
	if (connection < 0) {
		log_error("%s: %s", path, strerror(-connection));
		return 1;
	}
	if (!receive_hello(connection, &hello, fd) || !reader_receive(connection, &ret->config, &messages)) {
		log_error("who has the configuration file is gone without an answer");
		return 1;
	}
	fputs(messages, stderr);
	free(messages);
	if (!ret->config)
		return hello.fds ? 1 : 2;
	if (hello.fds <= FD_READER || !(ret->reader = reader_adopt(fd[FD_READER])) ||
	    (hello.fds > FD_HOOKS && !(ret->hooks = hooks_adopt(fd[FD_HOOKS]))) || !(ret->file = strdup(hello.file))) {
		log_error("out of memory");
		return 1;
	}
	return 0;
}
