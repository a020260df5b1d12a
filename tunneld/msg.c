/* SPDX-License-Identifier: MIT */
/*
 * One table says what exists. On the wire a message is its type, 32 bits, and the bytes of its body's struct: both ends
 * are the same executable.
 */
#include "msg.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "log.h"

static const struct msg_rule {
	enum msg_side side;
	uint8_t fds_min, fds_max;
	size_t len;
} rules[MSG_TYPES] = {
	[MSG_START] = {MSG_FROM_PARENT, 3, MSG_FDS, sizeof(struct msg_start)},
	[MSG_LINK] = {MSG_FROM_PARENT, 0, 0, sizeof(struct msg_link)},
	[MSG_ROUTES] = {MSG_FROM_PARENT, 0, 0, 0},
	[MSG_DETACH] = {MSG_FROM_PARENT, 0, 0, 0},
	[MSG_STOP] = {MSG_FROM_PARENT, 0, 0, 0},
	[MSG_SOCKETS] = {MSG_FROM_PARENT, 0, 2 * POOL_MAX, sizeof(struct msg_sockets)},
	[MSG_DONE] = {MSG_FROM_PARENT, 0, 0, sizeof(struct msg_done)},
	[MSG_ASK] = {MSG_FROM_PARENT, 0, 0, sizeof(struct msg_ask)},
	[MSG_READY] = {MSG_FROM_ENGINE, 0, 0, sizeof(struct msg_ready)},
	[MSG_OPEN] = {MSG_FROM_ENGINE, 0, 0, sizeof(struct msg_open)},
	[MSG_MARK] = {MSG_FROM_ENGINE, 1, 2 * POOL_MAX, sizeof(struct msg_mark)},
	[MSG_STATE] = {MSG_FROM_ENGINE, 0, 0, sizeof(struct msg_state)},
	[MSG_ALIVE] = {MSG_FROM_ENGINE, 0, 0, 0},
	[MSG_EVENT] = {MSG_FROM_ENGINE, 0, 0, sizeof(struct msg_event)},
};

/* A string that ends, of plain characters: it goes to the log of a process with rights. */
static bool printable(const char *text, size_t size)
{
	const char *end = memchr(text, 0, size);

	for (; end && text < end; text++)
		if (*text < ' ' || *text > '~')
			return false;
	return end != NULL;
}

/* The fields whose range the length does not settle. */
static bool body_valid(const struct msg *m)
{
	switch (m->type) {
	case MSG_START:
		return memchr(m->body.start.name, 0, IFNAMSIZ) != NULL && m->body.start.share <= JUDGE_ALWAYS &&
		       m->body.start.level <= LEVEL_DEBUG && m->body.start.lanes >= 1 &&
		       m->body.start.lanes <= LANES && (m->fds - 2) % m->body.start.lanes == 0;
	case MSG_READY:
		return printable(m->body.ready.ciphers, sizeof(m->body.ready.ciphers));
	case MSG_LINK:
		return m->body.link.up <= 1;
	case MSG_SOCKETS:
		return m->body.sockets.error <= 0 && m->body.sockets.has4 <= 1 && m->body.sockets.has6 <= 1 &&
		       (m->fds != 0) == (m->body.sockets.error == 0) &&
		       m->fds % (m->body.sockets.has4 + m->body.sockets.has6 == 2 ? 2 : 1) == 0 &&
		       (m->fds != 0) == (m->body.sockets.has4 + m->body.sockets.has6 != 0);
	case MSG_DONE:
		return m->body.done.error <= 0;
	case MSG_ASK:
		return m->body.ask.what < MSG_ASKS;
	case MSG_EVENT:
		return m->body.event.what < MSG_EVENTS;
	case MSG_STATE:
		return memchr(m->body.state.cipher, 0, sizeof(m->body.state.cipher)) != NULL &&
		       m->body.state.up <= 1 && m->body.state.open <= 1;
	case MSG_OPEN:
		return m->body.open.zero == 0;
	default:
		return true;
	}
}

int msg_parse(enum msg_side side, const void *data, size_t len, unsigned fds, struct msg *ret)
{
	struct msg m = {.fds = fds};
	const struct msg_rule *rule;

	if (len < sizeof(m.type))
		return -EPROTO;
	memcpy(&m.type, data, sizeof(m.type));
	if (m.type < MSG_START || m.type >= MSG_TYPES)
		return -EPROTO;
	rule = &rules[m.type];
	if (rule->side != side || len - sizeof(m.type) != rule->len || fds < rule->fds_min || fds > rule->fds_max)
		return -EPROTO;
	memcpy(&m.body, (const uint8_t *)data + sizeof(m.type), rule->len);
	if (!body_valid(&m))
		return -EPROTO;
	*ret = m;
	return 0;
}

int msg_send(int channel, const struct msg *m)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(MSG_FDS * sizeof(int))];
	} control = {0};
	struct iovec iov[2] = {
		{.iov_base = (void *)&m->type, .iov_len = sizeof(m->type)},
		{.iov_base = (void *)&m->body, .iov_len = rules[m->type].len},
	};
	struct msghdr hdr = {.msg_iov = iov, .msg_iovlen = 2};
	ssize_t n;

	if (m->fds) {
		size_t len = m->fds * sizeof(int);
		struct cmsghdr *c = &control.align;

		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(len);
		memcpy(CMSG_DATA(c), m->fd, len);
		hdr.msg_control = control.buf;
		hdr.msg_controllen = CMSG_SPACE(len);
	}
	do {
		n = sendmsg(channel, &hdr, MSG_DONTWAIT | MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

/* The descriptors of a control message; how many. The kernel never installs more than the buffer has room for. */
static unsigned take_fds(struct msghdr *hdr, int fd[MSG_FDS])
{
	unsigned count = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(hdr); c; c = CMSG_NXTHDR(hdr, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < (c->cmsg_len - CMSG_LEN(0)) / sizeof(int); i++) {
			int one;

			memcpy(&one, CMSG_DATA(c) + i * sizeof(int), sizeof(one));
			if (count < MSG_FDS)
				fd[count++] = one;
			else
				close(one);
		}
	}
	return count;
}

int msg_recv(int channel, enum msg_side side, struct msg *ret)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(MSG_FDS * sizeof(int))];
	} control;
	uint8_t data[sizeof(uint32_t) + sizeof(union msg_body)];
	struct iovec iov = {.iov_base = data, .iov_len = sizeof(data)};
	struct msghdr hdr = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.buf,
		.msg_controllen = sizeof(control.buf),
	};
	int fd[MSG_FDS];
	unsigned fds;
	ssize_t n;

	do {
		n = recvmsg(channel, &hdr, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == ECONNRESET ? 0 : -errno;
	fds = take_fds(&hdr, fd);
	if (n == 0 && fds == 0)
		return 0;	/* no message is empty, so this is the end */
	if ((hdr.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) || msg_parse(side, data, (size_t)n, fds, ret) < 0) {
		for (unsigned i = 0; i < fds; i++)
			close(fd[i]);
		return -EPROTO;
	}
	memcpy(ret->fd, fd, fds * sizeof(int));
	return 1;
}
