/* SPDX-License-Identifier: MIT */
#include "ping.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { DATA = 48, NO_ANSWER = 0 };
_Static_assert(ICMP_ECHO < 256 && ICMP6_ECHO_REQUEST < 256, "types are bytes");

/* The same for both families, RFC 792 and RFC 4443. */
struct echo {
	uint8_t type, code;
	uint16_t sum, id, seq;
	uint8_t data[DATA];
};

struct run {
	int fd, family;
	struct sockaddr_storage to;
	socklen_t to_len;
	uint16_t id;
	unsigned sent, answered;
	int64_t sent_us[PING_MAX];
	uint32_t took_us[PING_MAX];	/* NO_ANSWER, or at least 1 */
};

static int64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * INT64_C(1000000) + ts.tv_nsec / 1000;
}

/* RFC 1071. That of ICMPv6 is left to the kernel, which knows the addresses. */
static uint16_t checksum(const struct echo *e)
{
	uint16_t word[sizeof(*e) / 2];
	uint32_t sum = 0;

	memcpy(word, e, sizeof(word));
	for (size_t i = 0; i < sizeof(word) / sizeof(word[0]); i++)
		sum += word[i];
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~(sum + (sum >> 16));
}

/* Not connected: what routers on the way say is no error of ours, the request is just lost. 0 or a negative errno. */
static int open_socket(struct run *r, const char *to)
{
	const struct addrinfo hints = { .ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_RAW };
	struct addrinfo *ai;

	if (getaddrinfo(to, NULL, &hints, &ai))
		return -EINVAL;
	r->family = ai->ai_family;
	r->to_len = ai->ai_addrlen;
	memcpy(&r->to, ai->ai_addr, ai->ai_addrlen);
	freeaddrinfo(ai);
	r->fd = socket(r->family, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
		       r->family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6);
	return r->fd < 0 ? -errno : 0;
}

static int send_one(struct run *r)
{
	struct echo e = { .type = r->family == AF_INET ? ICMP_ECHO : ICMP6_ECHO_REQUEST, .id = r->id,
			  .seq = htons((uint16_t)r->sent) };

	if (r->family == AF_INET)
		e.sum = checksum(&e);
	r->sent_us[r->sent++] = now_us();
	/* A queue that is full has lost it, as any other on the way may. */
	if (sendto(r->fd, &e, sizeof(e), 0, (const struct sockaddr *)&r->to, r->to_len) < 0 && errno != ENOBUFS &&
	    errno != EAGAIN)
		return -errno;
	return 0;
}

static void take_answers(struct run *r)
{
	uint8_t packet[256];
	struct echo e;
	ssize_t n;

	while ((n = recv(r->fd, packet, sizeof(packet), 0)) > 0) {
		/* Only IPv4 comes with its header. */
		size_t off = r->family == AF_INET ? (packet[0] & 15u) * 4 : 0;
		unsigned seq;

		if ((size_t)n < off + sizeof(e))
			continue;
		memcpy(&e, packet + off, sizeof(e));
		seq = ntohs(e.seq);
		if (e.type != (r->family == AF_INET ? ICMP_ECHOREPLY : ICMP6_ECHO_REPLY) || e.id != r->id ||
		    seq >= r->sent || r->took_us[seq] != NO_ANSWER)
			continue;
		r->took_us[seq] = (uint32_t)(now_us() - r->sent_us[seq]) + 1;
		r->answered++;
	}
}

static void wait_until(const struct run *r, int64_t when)
{
	struct pollfd p = { .fd = r->fd, .events = POLLIN };
	int64_t left = when - now_us();
	struct timespec ts = { .tv_sec = left / 1000000, .tv_nsec = left % 1000000 * 1000 };

	if (left > 0)
		ppoll(&p, 1, &ts, NULL);
}

static int by_size(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void sum_up(struct run *r, struct ping *ret)
{
	size_t lost = r->sent - r->answered;

	*ret = (struct ping){ .sent = r->sent, .answered = r->answered };
	qsort(r->took_us, r->sent, sizeof(r->took_us[0]), by_size);	/* those without an answer first */
	if (r->answered) {
		ret->median_us = r->took_us[lost + (r->answered - 1) / 2];
		ret->longest_us = r->took_us[r->sent - 1];
	}
}

int ping_run(const char *to, unsigned count, unsigned interval_ms, unsigned wait_ms, struct ping *ret)
{
	struct run r = { .id = (uint16_t)randombytes_uniform(65536) };
	int64_t begin = now_us(), interval = interval_ms * INT64_C(1000), now;
	int err = count > PING_MAX ? -EINVAL : open_socket(&r, to);

	if (err)
		return err;
	while (!err && r.sent < count) {
		if (now_us() >= begin + r.sent * interval)
			err = send_one(&r);
		take_answers(&r);
		if (r.sent < count)
			wait_until(&r, begin + r.sent * interval);
	}
	for (now = now_us(); !err && r.answered < count && now_us() < now + wait_ms * INT64_C(1000); take_answers(&r))
		wait_until(&r, now + wait_ms * INT64_C(1000));
	close(r.fd);
	if (!err)
		sum_up(&r, ret);
	return err;
}
