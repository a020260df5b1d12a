/* SPDX-License-Identifier: MIT */
#include "uapi.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static void die(const char *what)
{
	fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

void text_init(struct text *t, size_t max)
{
	t->data = malloc(max);
	if (!t->data)
		die("memory");
	memset(t->data, ' ', max);
	t->len = 0;
	t->max = max;
}

void text_add(struct text *t, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(t->data + t->len, t->max - t->len, fmt, args);
	va_end(args);
	if (n < 0 || (size_t)n >= t->max - t->len) {
		errno = ENOSPC;
		die("request");
	}
	t->len += (size_t)n;
}

void text_add_key(struct text *t, const char *name, const uint8_t key[32])
{
	static const char digits[] = "0123456789abcdef";
	char hex[65] = { 0 };

	for (int i = 0; i < 32; i++) {
		hex[2 * i] = digits[key[i] >> 4];
		hex[2 * i + 1] = digits[key[i] & 15];
	}
	text_add(t, "%s=%s\n", name, hex);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int uapi_set(const char *socket_path, const struct text *t, double *seconds)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	char answer[256];
	size_t done = 0, got = 0;
	double begin = now();
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), result;
	ssize_t n;

	snprintf(at.sun_path, sizeof(at.sun_path), "%s", socket_path);
	if (fd < 0 || connect(fd, (struct sockaddr *)&at, sizeof(at)) < 0)
		die(socket_path);
	/* A daemon that refuses may hang up before it has read the rest. */
	while (done < t->len && (n = send(fd, t->data + done, t->len - done, MSG_NOSIGNAL)) > 0)
		done += (size_t)n;
	while (got < sizeof(answer) - 1 && (n = recv(fd, answer + got, sizeof(answer) - 1 - got, 0)) > 0) {
		got += (size_t)n;
		if (memchr(answer, '\n', got))
			break;
	}
	*seconds = now() - begin;
	answer[got] = 0;
	close(fd);
	if (sscanf(answer, "errno=%d", &result) != 1) {
		errno = EPROTO;
		die(socket_path);
	}
	return result;
}
