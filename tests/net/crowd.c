/* SPDX-License-Identifier: MIT */
/* usage: crowd SOCKET COUNT [LINE]: connects COUNT times, sends LINE on each for as long as that does not block, says
 * "ready", reads nothing and waits to be ended. A connection that is closed meanwhile is not made again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int count = argc > 2 ? atoi(argv[2]) : 0;

	if (count < 1 || strlen(argv[1]) >= sizeof(to.sun_path))
		return 2;
	strcpy(to.sun_path, argv[1]);
	for (int i = 0; i < count; i++) {
		int fd = socket(AF_UNIX, SOCK_STREAM, 0);

		if (fd < 0 || connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0) {
			perror(argv[1]);
			return 1;
		}
		for (int sent = 0; argc > 3 && sent < 100000; sent++)
			if (send(fd, argv[3], strlen(argv[3]), MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ||
			    send(fd, "\n", 1, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
				break;
	}
	puts("ready");
	fflush(stdout);
	pause();
	return 0;
}
