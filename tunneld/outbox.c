/* SPDX-License-Identifier: MIT */
#include "outbox.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "apply.h"

struct chunk {
	struct chunk *next;
	size_t len, max;
	char text[];
};

struct uapi_out outbox_add(struct outbox *b, size_t max)
{
	size_t bytes = sizeof(struct chunk) + max;
	struct chunk *k = *b->held + bytes <= OUTBOX_HELD_MAX ? malloc(bytes) : NULL;

	if (!k)
		return (struct uapi_out){0};
	*k = (struct chunk){.max = max};
	*b->held += bytes;
	if (b->first)
		b->last->next = k;
	else
		b->first = k;
	b->last = k;
	return (struct uapi_out){.dst = k->text, .max = max};
}

void outbox_filled(struct outbox *b, size_t len)
{
	b->last->len = len;
}

static void drop_first(struct outbox *b)
{
	struct chunk *k = b->first;
	size_t bytes = sizeof(*k) + k->max;

	b->first = k->next;
	b->sent = 0;
	*b->held -= bytes;
	apply_free(k, bytes);
}

int outbox_send(struct outbox *b, int fd)
{
	while (b->first) {
		ssize_t n = send(fd, b->first->text + b->sent, b->first->len - b->sent, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : -1;
		b->sent += (size_t)n;
		if (b->sent == b->first->len)
			drop_first(b);
	}
	return 1;
}

void outbox_drop(struct outbox *b)
{
	while (b->first)
		drop_first(b);
}
