/* SPDX-License-Identifier: MIT */
#include "talk.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { READS_PER_TURN = 64 };

static int write_request(struct talk *t, const struct uapi_op *ops, size_t count)
{
	struct uapi_out o;
	bool ok;

	t->out_max = (count + 2) * UAPI_OP_MAX;
	t->out = malloc(t->out_max);
	if (!t->out)
		return -ENOMEM;
	o = (struct uapi_out){.dst = t->out, .max = t->out_max};
	ok = uapi_put(&o, &(struct uapi_op){.what = ops ? UAPI_SET_BEGIN : UAPI_GET});
	for (size_t i = 0; i < count && ok; i++)
		ok = uapi_put(&o, &ops[i]);
	if (ops && ok)
		ok = uapi_put(&o, &(struct uapi_op){.what = UAPI_END});
	t->out_len = o.len;
	return ok ? 0 : -EOVERFLOW;
}

int talk_begin(struct talk *t, const char *path, const struct uapi_op *ops, size_t count)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	int err;

	*t = (struct talk){.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
	uapi_init(&t->parser, UAPI_ANSWERS, NULL);
	if (t->fd < 0)
		return -errno;
	snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
	err = connect(t->fd, (struct sockaddr *)&un, sizeof(un)) < 0 ? -errno : write_request(t, ops, count);
	if (err)
		talk_end(t);
	return err;
}

uint32_t talk_events(const struct talk *t)
{
	return t->out_off < t->out_len ? EPOLLIN | EPOLLOUT : EPOLLIN;
}

static int parse(struct talk *t, const char *data, size_t len, talk_take *take, void *ctx)
{
	struct uapi_op op;
	int ret = 0;

	for (size_t off = 0, used; off < len && !ret; off += used) {
		int n = uapi_parse(&t->parser, data + off, len - off, &used, &op);

		if (n < 0)
			ret = n;
		else if (n == 1 && op.what == UAPI_END)
			ret = 1;
		else if (n == 1 && op.what == UAPI_ERRNO)
			ret = -(int)op.number;
		else if (n == 1 && !take(ctx, &op))
			ret = -ENOMEM;
	}
	sodium_memzero(&op, sizeof(op));
	return ret;
}

int talk_serve(struct talk *t, talk_take *take, void *ctx)
{
	char in[16384];
	int ret = 0;

	while (t->out_off < t->out_len) {
		ssize_t n = send(t->fd, t->out + t->out_off, t->out_len - t->out_off, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		if (n < 0)
			break;
		t->out_off += (size_t)n;
	}
	for (unsigned i = 0; i < READS_PER_TURN && !ret; i++) {
		ssize_t n = recv(t->fd, in, sizeof(in), MSG_DONTWAIT);

		if (n == 0)
			ret = -ECONNRESET;
		else if (n < 0)
			ret = errno == EAGAIN || errno == EINTR ? 0 : -errno;
		else
			ret = parse(t, in, (size_t)n, take, ctx);
		if (n < 0)
			break;
	}
	sodium_memzero(in, sizeof(in));
	return ret;
}

void talk_end(struct talk *t)
{
	if (t->fd >= 0)
		close(t->fd);
	if (t->out)
		sodium_memzero(t->out, t->out_max);
	free(t->out);
	uapi_wipe(&t->parser);
	*t = (struct talk){.fd = -1};
}
