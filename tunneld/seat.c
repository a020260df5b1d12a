/* SPDX-License-Identifier: MIT */
#include "seat.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

bool seat_given(void)
{
	const char *count = getenv("LISTEN_FDS"), *pid = getenv("LISTEN_PID");

	return count && !strcmp(count, "1") && pid && strtoll(pid, NULL, 10) == (long long)getpid();
}

int seat_accept(void)
{
	int fd, err;

	if (!seat_given())
		return -ENOTCONN;
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	unsetenv("LISTEN_PID");
	do {
		fd = accept4(SEAT_GIVEN, NULL, NULL, SOCK_CLOEXEC);
	} while (fd < 0 && errno == EINTR);
	err = fd < 0 ? -errno : 0;
	close(SEAT_GIVEN);
	return err ? err : fd;
}

int seat_connect(const char *path, int type)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int fd, err;

	if ((size_t)snprintf(to.sun_path, sizeof(to.sun_path), "%s", path) >= sizeof(to.sun_path))
		return -ENAMETOOLONG;
	fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0)
		return fd;
	err = -errno;
	close(fd);
	return err;
}
