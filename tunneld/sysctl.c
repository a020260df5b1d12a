/* SPDX-License-Identifier: MIT */
/*
 * pread() and pwrite() at the start of the file: the kernel takes a number only there, and the descriptor is used more
 * than once. It checks our rights at each write, for which CAP_NET_ADMIN will do.
 */
#include "sysctl.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

void sysctl_open(struct sysctl *s, const char *path)
{
	*s = (struct sysctl){.fd = open(path, O_RDWR | O_CLOEXEC)};
}

char sysctl_get(const struct sysctl *s)
{
	char value[4];

	return s->fd >= 0 && pread(s->fd, value, sizeof(value), 0) > 0 ? value[0] : 0;
}

static int put(struct sysctl *s, char value)
{
	const char line[2] = {value, '\n'};

	return pwrite(s->fd, line, sizeof(line), 0) == sizeof(line) ? 0 : -errno;
}

int sysctl_set(struct sysctl *s, char value)
{
	char now = sysctl_get(s);
	int err;

	if (!now)
		return -ENOENT;
	if (now == value)
		return 0;
	err = put(s, value);
	if (err < 0)
		return err;
	if (!s->was)
		s->was = now;
	s->set = value;
	return 0;
}

void sysctl_put_back(struct sysctl *s)
{
	if (s->was && sysctl_get(s) == s->set)
		put(s, s->was);
	s->was = s->set = 0;
}

void sysctl_close(struct sysctl *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}
