/* SPDX-License-Identifier: MIT */
#include "queues.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "log.h"

static const char *tun_error(int err)
{
	switch (err) {
	case EBUSY:
		return "there is one of this name";
	case EACCES:
	case ENOENT:
	case ENODEV:
		return "/dev/net/tun is missing, or not for this user";
	case EINVAL:
		return "there is another kind of interface of this name";
	case EPERM:
		return "it takes root, or a network namespace of one's own (unshare -Urnm)";
	default:
		return strerror(err);
	}
}

/* As many of fd[0..want) as the kernel gives. */
static unsigned open_some(const char *name, unsigned flags, unsigned want, int *fd, struct tun_info *ret)
{
	for (unsigned i = 0; i < want; i++) {
		fd[i] = tun_open(name, flags | (want > 1 ? TUN_QUEUES : 0), ret);
		if (fd[i] >= 0)
			continue;
		if (i == 0)
			log_error("cannot create the interface: %s", tun_error(-fd[i]));
		else
			log_error("only %u of %u queues: %s", i, want, strerror(-fd[i]));
		return i;
	}
	return want;
}

bool queues_open(struct queues *q, const char *name, unsigned flags, unsigned workers, unsigned lanes,
		 struct tun_info *ret)
{
	unsigned got = open_some(name, flags, workers * lanes, q->fd, ret);

	q->workers = got < workers ? got : workers;
	q->lanes = got < workers ? 1 : got / workers;
	for (unsigned i = queues_count(q); i < got; i++)
		close(q->fd[i]);
	return got > 0;
}

void queues_close(struct queues *q)
{
	for (unsigned i = 0; i < queues_count(q); i++)
		close(q->fd[i]);
	q->workers = q->lanes = 0;
}
