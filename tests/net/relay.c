/* SPDX-License-Identifier: MIT */
/*
 * A bad stretch of network between two UDP sockets.
 *
 *   relay PORT ADDRESS TO [lose=N] [late=N] [mark=N] [seed=N]
 *
 * What comes to PORT of the loopback goes on to port TO of ADDRESS, and back to whoever sent last. Of each thousand
 * datagrams it loses, lets some others overtake, or marks (congestion experienced, where the sender is capable of it)
 * so many. Datagrams of one length and mark that come together leave together, as one message (UDP_SEGMENT), so that
 * they also arrive joined where the receiver's kernel joins. On SIGTERM it prints how many it has lost, delayed and
 * marked.
 */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

enum {
	DATAGRAM = 65536,
	TOGETHER = 32,		/* datagrams in one message, at most */
	OVERTAKING = 4,		/* how many pass one that is late */
	BUFFER = 8 << 20,
	ECN = 3, CE = 3,
};

struct datagram {
	uint8_t data[DATAGRAM];
	size_t len;
	int tos;
};

/* One direction. */
struct way {
	int from, to;
	struct sockaddr_storage peer;	/* of `to` */
	socklen_t peer_len;		/* 0: connected */
	struct datagram late;		/* len 0: none */
	unsigned passed;		/* by others since */
	uint8_t run[DATAGRAM];		/* datagrams of one length and mark */
	size_t run_len, segment;
	int run_tos;
};

static unsigned long lose, late, mark, seed = 1, lost, delayed, marked;
static volatile sig_atomic_t ended;

static void on_end(int sig)
{
	(void)sig;
	ended = 1;
}

static void die(const char *what)
{
	perror(what);
	exit(2);
}

static bool chance(unsigned long of_thousand)
{
	seed = (seed * 6364136223846793005ul + 1442695040888963407ul);
	return (seed >> 33) % 1000 < of_thousand;
}

static void send_out(struct way *w, const uint8_t *data, size_t len, size_t segment, int tos)
{
	struct iovec iov = { (void *)data, len };
	union {
		struct cmsghdr align;
		uint8_t buf[2 * CMSG_SPACE(sizeof(int))];
	} ctl = { 0 };
	struct msghdr m = {
		.msg_name = w->peer_len ? &w->peer : NULL, .msg_namelen = w->peer_len, .msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = &ctl, .msg_controllen = sizeof(ctl),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	struct sockaddr_storage own = { 0 };
	socklen_t own_len = sizeof(own);
	uint16_t cut = (uint16_t)segment;

	getsockname(w->to, (struct sockaddr *)&own, &own_len);
	c->cmsg_level = own.ss_family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6;
	c->cmsg_type = own.ss_family == AF_INET ? IP_TOS : IPV6_TCLASS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &tos, sizeof(tos));
	m.msg_controllen = CMSG_SPACE(sizeof(int));
	if (segment < len) {
		c = (struct cmsghdr *)(ctl.buf + m.msg_controllen);
		c->cmsg_level = IPPROTO_UDP;
		c->cmsg_type = UDP_SEGMENT;
		c->cmsg_len = CMSG_LEN(sizeof(cut));
		memcpy(CMSG_DATA(c), &cut, sizeof(cut));
		m.msg_controllen += CMSG_SPACE(sizeof(cut));
	}
	if (sendmsg(w->to, &m, MSG_NOSIGNAL) >= 0 || segment >= len)
		return;
	/* Larger than the path's MTU: fragments, one datagram after the other. */
	for (size_t at = 0, part; at < len; at += part) {
		part = len - at < segment ? len - at : segment;
		send_out(w, data + at, part, part, tos);
	}
}

static void flush(struct way *w)
{
	if (w->run_len)
		send_out(w, w->run, w->run_len, w->segment, w->run_tos);
	w->run_len = 0;
}

static void put(struct way *w, const struct datagram *d)
{
	if (w->run_len && (d->len > w->segment || d->tos != w->run_tos || w->run_len % w->segment ||
			   w->run_len / w->segment == TOGETHER || w->run_len + d->len > 65000))
		flush(w);
	if (!w->run_len) {
		w->segment = d->len;
		w->run_tos = d->tos;
	}
	memcpy(w->run + w->run_len, d->data, d->len);
	w->run_len += d->len;
}

static void pass(struct way *w, struct datagram *d)
{
	if (chance(lose)) {
		lost++;
		return;
	}
	if ((d->tos & ECN) && chance(mark)) {
		d->tos |= CE;
		marked++;
	}
	if (!w->late.len && chance(late)) {
		w->late = *d;
		w->passed = 0;
		delayed++;
		return;
	}
	put(w, d);
	if (w->late.len && ++w->passed >= OVERTAKING) {
		put(w, &w->late);
		w->late.len = 0;
	}
}

static bool receive(int fd, struct datagram *d, struct sockaddr_storage *from, socklen_t *from_len)
{
	struct iovec iov = { d->data, sizeof(d->data) };
	union {
		struct cmsghdr align;
		uint8_t buf[2 * CMSG_SPACE(sizeof(int))];
	} ctl;
	struct msghdr m = {
		.msg_name = from, .msg_namelen = sizeof(*from), .msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = &ctl, .msg_controllen = sizeof(ctl),
	};
	ssize_t n = recvmsg(fd, &m, MSG_DONTWAIT);

	if (n <= 0)
		return false;
	d->len = (size_t)n;
	d->tos = 0;
	*from_len = m.msg_namelen;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS)
			d->tos = *CMSG_DATA(c);
		else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_TCLASS)
			memcpy(&d->tos, CMSG_DATA(c), sizeof(d->tos));
	}
	return true;
}

/* Everything that has come this way; who sent it is where `back` leads, unless that is fixed. */
static void carry(struct way *w, struct way *back)
{
	static struct datagram d;
	struct sockaddr_storage from;
	socklen_t from_len;

	while (receive(w->from, &d, &from, &from_len)) {
		if (back) {
			back->peer = from;
			back->peer_len = from_len;
		}
		pass(w, &d);
	}
	flush(w);
}

static int open_socket(const char *address, const char *port, bool here)
{
	struct addrinfo hints = { .ai_socktype = SOCK_DGRAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV }, *ai;
	int fd, on = 1, size = BUFFER;

	if (getaddrinfo(address, port, &hints, &ai) != 0) {
		fprintf(stderr, "relay: not an address and a port: %s %s\n", address, port);
		exit(2);
	}
	fd = socket(ai->ai_family, ai->ai_socktype, 0);
	if (fd < 0 || (here ? bind : connect)(fd, ai->ai_addr, ai->ai_addrlen) != 0)
		die("relay: socket");
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) != 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (ai->ai_family == AF_INET)
		setsockopt(fd, IPPROTO_IP, IP_RECVTOS, &on, sizeof(on));
	else
		setsockopt(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, &on, sizeof(on));
	on = IP_PMTUDISC_DONT;
	if (ai->ai_family == AF_INET)
		setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &on, sizeof(on));
	freeaddrinfo(ai);
	return fd;
}

static void read_option(const char *text)
{
	const struct {
		const char *name;
		unsigned long *value;
	} options[] = { { "lose=", &lose }, { "late=", &late }, { "mark=", &mark }, { "seed=", &seed } };

	for (unsigned i = 0; i < 4; i++) {
		if (strncmp(text, options[i].name, 5) == 0) {
			*options[i].value = strtoul(text + 5, NULL, 10);
			return;
		}
	}
	fprintf(stderr, "relay: lose=N, late=N, mark=N or seed=N: %s\n", text);
	exit(2);
}

int main(int argc, char **argv)
{
	static struct way there, back;
	struct sigaction act = { .sa_handler = on_end };

	if (argc < 4) {
		fprintf(stderr, "usage: relay PORT ADDRESS TO [lose=N] [late=N] [mark=N] [seed=N]\n");
		return 2;
	}
	for (int i = 4; i < argc; i++)
		read_option(argv[i]);
	sigaction(SIGTERM, &act, NULL);
	there.from = back.to = open_socket(strchr(argv[2], ':') ? "::1" : "127.0.0.1", argv[1], true);
	there.to = back.from = open_socket(argv[2], argv[3], false);
	while (!ended) {
		struct pollfd p[2] = { { .fd = there.from, .events = POLLIN }, { .fd = back.from, .events = POLLIN } };

		if (poll(p, 2, -1) < 0)
			continue;
		if (p[0].revents)
			carry(&there, &back);
		if (p[1].revents)
			carry(&back, NULL);
	}
	printf("lost %lu, delayed %lu, marked %lu\n", lost, delayed, marked);
	return 0;
}
