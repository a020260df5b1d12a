/* SPDX-License-Identifier: MIT */
/*
 * UDP as applications send it that leave the cutting to the kernel.
 *
 *   burst send ADDRESS PORT SIZE COUNT   COUNT datagrams of SIZE bytes, the last of SIZE - 1, many to a message
 *   burst take PORT SIZE COUNT           waits for them: each must come once, in order, unchanged. Prints "ready", and
 *                                        at the end how many came and how many of those joined to another (UDP_GRO)
 */
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#define UDP_GRO 104
#endif

enum { MESSAGE_MAX = 65000, SEGMENTS = 40, BUFFER = 16 << 20, QUIET_MS = 3000 };

static void die(const char *what)
{
	perror(what);
	exit(2);
}

/* Datagram number n: the number, then bytes that follow from it. */
static size_t make(uint8_t *dst, uint32_t n, size_t size, uint32_t count)
{
	uint32_t be = htonl(n);

	size -= n + 1 == count;
	memcpy(dst, &be, 4);
	for (size_t i = 4; i < size; i++)
		dst[i] = (uint8_t)(n * 31 + i * 7);
	return size;
}

static int send_all(const char *address, const char *port, size_t size, uint32_t count)
{
	struct addrinfo hints = { .ai_socktype = SOCK_DGRAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV }, *ai;
	static uint8_t buf[MESSAGE_MAX];
	int cut = (int)size, fd;

	if (getaddrinfo(address, port, &hints, &ai) != 0)
		die("burst: address");
	fd = socket(ai->ai_family, ai->ai_socktype, 0);
	if (fd < 0 || connect(fd, ai->ai_addr, ai->ai_addrlen) != 0 ||
	    setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &cut, sizeof(cut)) != 0)
		die("burst: socket");
	freeaddrinfo(ai);
	for (uint32_t n = 0; n < count;) {
		size_t len = 0;

		for (unsigned i = 0; i < SEGMENTS && n < count && len + size <= MESSAGE_MAX; i++)
			len += make(buf + len, n++, size, count);
		if (send(fd, buf, len, 0) != (ssize_t)len)
			die("burst: send");
	}
	return 0;
}

/* Bytes a datagram in this message has, 0: all of it is one. */
static size_t cut_of(struct msghdr *m)
{
	int value;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_GRO) {
			memcpy(&value, CMSG_DATA(c), sizeof(value));
			return (size_t)value;
		}
	}
	return 0;
}

static int take_all(const char *port, size_t size, uint32_t count)
{
	struct sockaddr_in6 any = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)atoi(port)) };
	static uint8_t buf[65536], want[65536];
	int fd = socket(AF_INET6, SOCK_DGRAM, 0), on = 1, room = BUFFER;
	uint32_t n = 0, joined = 0;

	if (fd < 0 || bind(fd, (struct sockaddr *)&any, sizeof(any)) != 0 ||
	    setsockopt(fd, IPPROTO_UDP, UDP_GRO, &on, sizeof(on)) != 0)
		die("burst: socket");
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)) != 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	puts("ready");
	fflush(stdout);
	while (n < count) {
		struct iovec iov = { buf, sizeof(buf) };
		union {
			struct cmsghdr align;
			uint8_t buf[CMSG_SPACE(sizeof(int))];
		} ctl;
		struct msghdr m = {
			.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &ctl, .msg_controllen = sizeof(ctl),
		};
		struct pollfd p = { .fd = fd, .events = POLLIN };
		size_t len, cut;

		if (poll(&p, 1, n ? QUIET_MS : 10 * QUIET_MS) != 1)
			break;
		len = (size_t)recvmsg(fd, &m, 0);
		cut = cut_of(&m);
		for (size_t at = 0, part, want_len; at < len; at += part, n++) {
			part = cut && len - at > cut ? cut : len - at;
			want_len = make(want, n, size, count);
			if (part != want_len || memcmp(buf + at, want, part) != 0) {
				printf("datagram %u: not what was sent\n", n);
				return 1;
			}
			joined += len > part;
		}
	}
	printf("%u came, %u joined\n", n, joined);
	return n != count;
}

int main(int argc, char **argv)
{
	if (argc == 6 && strcmp(argv[1], "send") == 0)
		return send_all(argv[2], argv[3], strtoul(argv[4], NULL, 10), (uint32_t)strtoul(argv[5], NULL, 10));
	if (argc == 5 && strcmp(argv[1], "take") == 0)
		return take_all(argv[2], strtoul(argv[3], NULL, 10), (uint32_t)strtoul(argv[4], NULL, 10));
	fprintf(stderr, "usage: burst send ADDRESS PORT SIZE COUNT | burst take PORT SIZE COUNT\n");
	return 2;
}
