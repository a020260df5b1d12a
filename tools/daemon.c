/* SPDX-License-Identifier: MIT */
#include "daemon.h"

#include "view.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { READ_SIZE = 16384 };

struct daemon {
	int fd;
	char *in;	/* len bytes of max, of which the first `seen` hold no line end */
	size_t len, max, seen;
};

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int daemon_open(const char *path, struct daemon **ret)
{
	const struct timeval wait = { .tv_sec = DAEMON_WAIT_MS / 1000 };
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	struct daemon *d;
	int fd, err;

	if (strlen(path) >= sizeof(to.sun_path))
		return -ENAMETOOLONG;
	strcpy(to.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	d = calloc(1, sizeof(*d));
	if (!d || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)) ||
	    connect(fd, (const struct sockaddr *)&to, sizeof(to))) {
		err = d ? -errno : -ENOMEM;
		free(d);
		close(fd);
		return err;
	}
	d->fd = fd;
	*ret = d;
	return 0;
}

void daemon_close(struct daemon *d)
{
	if (!d)
		return;
	close(d->fd);
	free(d->in);
	free(d);
}

int daemon_fd(const struct daemon *d)
{
	return d->fd;
}

int daemon_send(struct daemon *d, const char *what)
{
	json_t *o = json_pack("{s:i, s:s}", "v", 1, "do", what);
	char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;
	size_t len = text ? strlen(text) : 0, off = 0;
	int err = text ? 0 : -ENOMEM;

	if (text)
		text[len++] = '\n';	/* in the place of its NUL */
	while (off < len && !err) {
		ssize_t n = send(d->fd, text + off, len - off, MSG_NOSIGNAL);

		if (n > 0)
			off += (size_t)n;
		else if (errno != EINTR)
			err = errno == EAGAIN ? -ETIMEDOUT : errno == EPIPE ? -ECONNRESET : -errno;
	}
	free(text);
	json_decref(o);
	return err;
}

/* A daemon that has been taken over may say anything, and what it says is printed in many places: on terminals, in
 * metrics, in JSON where C1 control characters are no matter for an escape. So no text with such gets in here. False:
 * no memory. */
static bool clean_text(json_t *o)
{
	size_t size = json_string_length(o) + 1;
	char *text = malloc(size);
	bool ok = text && !json_string_set(o, view_clean(json_string_value(o), text, size));

	free(text);
	return ok;
}

static bool name_ok(const char *name)
{
	for (; *name; name++)
		if (*name < ' ' || *name > '~')
			return false;
	return true;
}

/* Depth is bounded by the parser. A field whose name is none of ours is left out. */
static bool clean(json_t *o)
{
	json_t *value;
	const char *name;
	void *next;
	bool ok = true;
	size_t i;

	if (json_is_string(o))
		return clean_text(o);
	json_array_foreach(o, i, value)
		ok = ok && clean(value);
	json_object_foreach_safe(o, next, name, value) {
		if (!name_ok(name))
			json_object_del(o, name);
		else
			ok = ok && clean(value);
	}
	return ok;
}

/* 1: there is a whole line, and *ret is what it says; 0: not yet; or -EPROTO. */
static int take_line(struct daemon *d, json_t **ret)
{
	char *end = d->len > d->seen ? memchr(d->in + d->seen, '\n', d->len - d->seen) : NULL;
	size_t used = end ? (size_t)(end - d->in) + 1 : 0;

	d->seen = d->len;
	if (!end)
		return d->len >= DAEMON_LINE_MAX ? -EPROTO : 0;
	*ret = json_loadb(d->in, used - 1, JSON_REJECT_DUPLICATES, NULL);
	d->len -= used;
	memmove(d->in, d->in + used, d->len);
	d->seen = 0;
	if (json_is_object(*ret) && clean(*ret))
		return 1;
	json_decref(*ret);
	return -EPROTO;
}

static int read_more(struct daemon *d)
{
	ssize_t n;

	if (d->max - d->len < READ_SIZE) {
		size_t max = 2 * d->max + READ_SIZE;
		char *in = realloc(d->in, max);

		if (!in)
			return -ENOMEM;
		d->in = in;
		d->max = max;
	}
	n = recv(d->fd, d->in + d->len, READ_SIZE, MSG_DONTWAIT);
	if (n == 0)
		return -ECONNRESET;
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	d->len += (size_t)n;
	return 0;
}

int daemon_line(struct daemon *d, int wait_ms, json_t **ret)
{
	int64_t until = now_ms() + wait_ms;
	int got, err;

	while ((got = take_line(d, ret)) == 0) {
		struct pollfd p = { .fd = d->fd, .events = POLLIN };
		int64_t left = wait_ms < 0 ? -1 : until - now_ms();
		int n = poll(&p, 1, wait_ms < 0 ? -1 : left < 0 ? 0 : (int)left);

		if (n == 0)
			return -ETIMEDOUT;
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0 && (err = read_more(d)))
			return err;
	}
	return got < 0 ? got : 0;
}

int daemon_ask(const char *path, const char *what, int wait_ms, json_t **ret)
{
	struct daemon *d;
	int err = daemon_open(path, &d);

	if (err)
		return err;
	err = daemon_send(d, what);
	if (!err)
		err = daemon_line(d, wait_ms, ret);
	daemon_close(d);
	return err;
}
