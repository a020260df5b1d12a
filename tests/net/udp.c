/* SPDX-License-Identifier: MIT */
/*
 * UDP for the network tests.
 *
 *   udp echo PORT                     sends back what it gets, until it is killed
 *   udp sizes ADDRESS PORT FROM TO    one datagram of each length to an echo: each must come back unchanged
 *   udp garbage ADDRESS PORT COUNT    COUNT datagrams that are nobody's, all lengths 0..200, all kinds of first byte
 *                                     and now and then the largest; prints how many were sent and how many answers came
 */
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	UDP_MAX = 65507,
	ANSWER_MS = 3000,	/* a datagram is lost when its echo takes longer */
	QUIET_MS = 500,		/* after garbage: how long to listen for answers */
	TRIES = 3,		/* full queues may lose a datagram; a size that never passes fails */
};

static void die(const char *what)
{
	perror(what);
	exit(2);
}

static int open_socket(const char *address, const char *port)
{
	struct addrinfo hints = {.ai_socktype = SOCK_DGRAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV}, *ai;
	int fd;

	hints.ai_flags |= address ? 0 : AI_PASSIVE;
	hints.ai_family = address ? AF_UNSPEC : AF_INET6;	/* the unspecified IPv6 address hears IPv4 as well */
	if (getaddrinfo(address, port, &hints, &ai) != 0) {
		fprintf(stderr, "udp: not an address and a port: %s %s\n", address ? address : "*", port);
		exit(2);
	}
	fd = socket(ai->ai_family, ai->ai_socktype, 0);
	if (fd < 0 || (address ? connect : bind)(fd, ai->ai_addr, ai->ai_addrlen) != 0)
		die("udp: socket");
	freeaddrinfo(ai);
	return fd;
}

static _Noreturn void echo(const char *port)
{
	static uint8_t buf[UDP_MAX];
	int fd = open_socket(NULL, port);

	for (;;) {
		struct sockaddr_storage from;
		socklen_t len = sizeof(from);
		ssize_t n = recvfrom(fd, buf, sizeof(buf), 0, (struct sockaddr *)&from, &len);

		if (n >= 0)
			sendto(fd, buf, (size_t)n, 0, (struct sockaddr *)&from, len);
	}
}

static ssize_t receive(int fd, uint8_t *buf, int ms)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, ms) == 1 ? recv(fd, buf, UDP_MAX, 0) : -1;
}

static int sizes(const char *address, const char *port, size_t from, size_t to)
{
	static uint8_t sent[UDP_MAX], got[UDP_MAX];
	int fd = open_socket(address, port);

	for (size_t len = from; len <= to && len <= UDP_MAX; len++) {
		ssize_t n = -1;

		for (size_t i = 0; i < len; i += 256)
			if (getentropy(sent + i, len - i < 256 ? len - i : 256) != 0)
				die("udp: getentropy");
		for (int try = 0; try < TRIES && n < 0; try++) {
			if (send(fd, sent, len, 0) < 0 && errno == EMSGSIZE)
				die("udp: send");
			/* An echo of a length before this one, late, is not ours. */
			do
				n = receive(fd, got, ANSWER_MS);
			while (n >= 0 && (size_t)n != len);
		}
		if (n < 0 || memcmp(sent, got, len) != 0) {
			printf("%zu bytes: %s\n", len, n < 0 ? "no echo" : "the echo differs");
			return 1;
		}
	}
	close(fd);
	return 0;
}

static int garbage(const char *address, const char *port, unsigned long count)
{
	static uint8_t buf[UDP_MAX];
	unsigned long sent = 0, answers = 0;
	int fd = open_socket(address, port);

	for (unsigned long i = 0; i < count; i++) {
		size_t len = i % 1000 == 999 ? UDP_MAX - i % 7 : i % 201;

		if (getentropy(buf, len < 256 ? len : 256) != 0)
			die("udp: getentropy");
		if (i / 201 % 8 < 6 && len >= 4)	/* a right type in most, the full word of it */
			memcpy(buf, (uint8_t[4]){(uint8_t)(i / 201 % 8)}, 4);
		/* A refused one tells of an ICMP answer to an earlier one. */
		if (send(fd, buf, len, 0) >= 0)
			sent++;
		else
			answers += errno == ECONNREFUSED;
		while (receive(fd, buf, 0) >= 0)
			answers++;
	}
	while (receive(fd, buf, QUIET_MS) >= 0)
		answers++;
	printf("%lu sent, %lu answers\n", sent, answers);
	close(fd);
	return answers != 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "echo") == 0)
		echo(argv[2]);
	if (argc == 6 && strcmp(argv[1], "sizes") == 0)
		return sizes(argv[2], argv[3], strtoul(argv[4], NULL, 10), strtoul(argv[5], NULL, 10));
	if (argc == 5 && strcmp(argv[1], "garbage") == 0)
		return garbage(argv[2], argv[3], strtoul(argv[4], NULL, 10));
	fprintf(stderr, "usage: udp echo PORT | sizes ADDRESS PORT FROM TO | garbage ADDRESS PORT COUNT\n");
	return 2;
}
