/* SPDX-License-Identifier: MIT */
#include "grant.h"

#include <unistd.h>

#include "udp.h"

static void close_all(const int *fd, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		close(fd[i]);
}

int grant_sockets(int channel, const struct msg *m, unsigned flags, unsigned count, int *ret_error)
{
	struct msg answer = {.type = MSG_SOCKETS};
	struct udp_socks s[POOL_MAX];
	int err = udp_open_group(m->body.open.port, m->body.open.fwmark, flags, count, s);

	*ret_error = answer.body.sockets.error = err;
	for (unsigned i = 0; !err && i < count; i++) {
		if (s[i].fd4 >= 0)
			answer.fd[answer.fds++] = s[i].fd4;
		if (s[i].fd6 >= 0)
			answer.fd[answer.fds++] = s[i].fd6;
	}
	if (!err) {
		answer.body.sockets.port = s[0].port;
		answer.body.sockets.has4 = s[0].fd4 >= 0;
		answer.body.sockets.has6 = s[0].fd6 >= 0;
	}
	err = msg_send(channel, &answer);
	close_all(answer.fd, answer.fds);
	return err;
}

int grant_mark(int channel, const struct msg *m)
{
	struct msg answer = {.type = MSG_DONE};

	for (unsigned i = 0; i < m->fds && !answer.body.done.error; i++)
		answer.body.done.error = udp_set_mark(m->fd[i], m->body.mark.fwmark);
	close_all(m->fd, m->fds);
	return msg_send(channel, &answer);
}
