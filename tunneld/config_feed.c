/* SPDX-License-Identifier: MIT */
/* A configuration's settings on their way to the engine, by the door that every UAPI client takes. */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "config.h"
#include "log.h"

enum { FEED_TIMEOUT_S = 30 };

struct feed {
	int fd, error;
	struct uapi_out out;
	char buf[16384];
};

static void flush(struct feed *f)
{
	for (size_t off = 0; off < f->out.len && !f->error;) {
		ssize_t n = send(f->fd, f->buf + off, f->out.len - off, MSG_NOSIGNAL);

		if (n > 0)
			off += (size_t)n;
		else if (errno != EINTR)
			f->error = -errno;
	}
	f->out.len = 0;
}

static void put(struct feed *f, const struct uapi_op *op)
{
	if (!uapi_put(&f->out, op)) {
		flush(f);
		uapi_put(&f->out, op);
	}
}

static void put_all(struct feed *f, const struct config *c)
{
	struct uapi_op op = {.what = UAPI_PRIVATE_KEY};

	put(f, &(struct uapi_op){.what = UAPI_SET_BEGIN});
	if (c->has_private_key) {
		memcpy(op.key, c->private_key, sizeof(op.key));
		put(f, &op);
		sodium_memzero(&op, sizeof(op));
	}
	put(f, &(struct uapi_op){.what = UAPI_LISTEN_PORT, .number = c->port});
	put(f, &(struct uapi_op){.what = UAPI_FWMARK, .number = c->fwmark});
	for (size_t i = 0; i < c->op_count; i++)
		put(f, &c->ops[i]);
	put(f, &(struct uapi_op){.what = UAPI_END});
	flush(f);
}

int config_feed(const struct config *c, const char *path)
{
	const struct timeval timeout = {.tv_sec = FEED_TIMEOUT_S};
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	struct feed f = {.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};

	f.out = (struct uapi_out){.dst = f.buf, .max = sizeof(f.buf)};
	snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
	if (f.fd < 0)
		return -errno;
	setsockopt(f.fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	setsockopt(f.fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	if (connect(f.fd, (struct sockaddr *)&un, sizeof(un)) < 0)
		f.error = -errno;
	else
		put_all(&f, c);
	sodium_memzero(f.buf, sizeof(f.buf));
	if (f.error) {
		close(f.fd);
		return f.error;
	}
	return f.fd;
}

bool config_fed(int client)
{
	struct uapi_parser parser;
	char buf[256];
	ssize_t n;

	uapi_init(&parser, UAPI_ANSWERS, NULL);
	while ((n = recv(client, buf, sizeof(buf), 0)) > 0) {
		struct uapi_op op;
		size_t used;

		for (size_t off = 0; off < (size_t)n; off += used) {
			int got = uapi_parse(&parser, buf + off, (size_t)n - off, &used, &op);

			if (got < 0 || (got == 1 && op.what == UAPI_END))
				return got == 1;
			if (got == 1 && op.what == UAPI_ERRNO && op.number) {
				log_error("the settings were refused: %s", strerror((int)op.number));
				return false;
			}
		}
	}
	log_error("the engine did not take the settings");
	return false;
}
