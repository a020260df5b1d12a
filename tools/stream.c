/* SPDX-License-Identifier: MIT */
/* A child sends from the one host until it is told to end; this process receives on the other, and counts. */
#include "stream.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SEND_SIZE = 128 << 10, RECEIVE_SIZE = 1 << 20, WAIT_S = 5 };
#define SECOND UINT64_C(1000000000)

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * SECOND + (uint64_t)ts.tv_nsec;
}

/* A listener at a port that the kernel picks. A negative errno: none. */
static int listen_at(const char *addr)
{
	const struct addrinfo hints = { .ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM };
	struct addrinfo *ai;
	int fd, err;

	if (getaddrinfo(addr, NULL, &hints, &ai))
		return -EINVAL;
	fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	err = fd < 0 || bind(fd, ai->ai_addr, ai->ai_addrlen) || listen(fd, 1) ? -errno : 0;
	freeaddrinfo(ai);
	if (!err)
		return fd;
	if (fd >= 0)
		close(fd);
	return err;
}

__attribute__((noreturn))
static void sender(const struct host *from, const struct sockaddr_storage *to, socklen_t len)
{
	static const char data[SEND_SIZE];
	int fd;

	if (cable_enter(from))
		_exit(1);
	fd = socket(to->ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (const struct sockaddr *)to, len))
		_exit(1);
	while (send(fd, data, sizeof(data), MSG_NOSIGNAL) > 0)
		;
	_exit(0);
}

static int accept_in_time(int listener)
{
	const struct timeval wait = { .tv_sec = WAIT_S };
	struct pollfd p = { .fd = listener, .events = POLLIN };
	int fd;

	if (poll(&p, 1, WAIT_S * 1000) <= 0)
		return -ETIMEDOUT;
	fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (fd < 0 || !setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)))
		return fd < 0 ? -errno : fd;
	close(fd);
	return -EINVAL;
}

static int receive(int fd, uint64_t most_ns, void (*each)(void *ctx, const struct stream *s), void *ctx,
		   struct stream *ret)
{
	static char data[RECEIVE_SIZE];
	struct stream told = { 0 };
	uint64_t begin = now_ns();

	*ret = (struct stream){ 0 };
	while (ret->ns < most_ns) {
		ssize_t n = recv(fd, data, sizeof(data), 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n && errno != EAGAIN ? -errno : -ETIMEDOUT;
		ret->bytes += (uint64_t)n;
		ret->ns = now_ns() - begin;
		if (ret->ns - told.ns >= SECOND) {
			each(ctx, &(struct stream){ .bytes = ret->bytes - told.bytes, .ns = ret->ns - told.ns });
			told = *ret;
		}
	}
	return 0;
}

int stream_run(const struct host *from, const struct host *to, const char *addr, unsigned ms,
	       void (*each)(void *ctx, const struct stream *s), void *ctx, struct stream *ret)
{
	struct sockaddr_storage at;
	socklen_t len = sizeof(at);
	int err = cable_enter(to), listener = err ? err : listen_at(addr), fd;
	pid_t pid;

	if (listener < 0)
		return listener;
	if (getsockname(listener, (struct sockaddr *)&at, &len) || (pid = fork()) < 0) {
		err = -errno;
		close(listener);
		return err;
	}
	if (!pid)
		sender(from, &at, len);
	fd = accept_in_time(listener);
	close(listener);
	err = fd < 0 ? fd : receive(fd, ms * UINT64_C(1000000), each, ctx, ret);
	if (fd >= 0)
		close(fd);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return err ? err : cable_enter(from);
}
