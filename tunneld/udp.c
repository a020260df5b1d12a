/* SPDX-License-Identifier: MIT */
/*
 * What is set on a socket, and why: IP_PKTINFO, IPV6_RECVPKTINFO tell where a datagram was sent to, so that the answer
 * can come from there; IP_RECVTOS, IPV6_RECVTCLASS carry ECN; UDP_GRO joins what arrives; path MTU discovery never sets
 * DF (IPv4) and never lets a large datagram be refused (IPv6), so it is fragmented instead; the flow label stays 0.
 * IP_RECVERR stays off: ICMP errors must not come back as errors of later calls. Sending is in udp_send.c.
 */
#include "udp.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <string.h>
#include <unistd.h>

#ifndef UDP_GRO
#define UDP_GRO 104
#endif
#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef IPV6_AUTOFLOWLABEL
#define IPV6_AUTOFLOWLABEL 70
#endif

enum { PORT_TRIES = 16 };
enum { UDP_JOINS = 1 << 8 };	/* beside the flags: others are on this port already */

union any_addr {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	struct sockaddr_storage storage;
};

/* ---- Addresses --------------------------------------------------------------------------------------------------- */

static socklen_t to_sockaddr(const struct tnl_addr *a, union any_addr *ret)
{
	memset(ret, 0, sizeof(struct sockaddr_in6));
	switch (a->family) {
	case 4:
		ret->in.sin_family = AF_INET;
		ret->in.sin_port = htons(a->port);
		memcpy(&ret->in.sin_addr, a->ip, 4);
		return sizeof(ret->in);
	case 6:
		ret->in6.sin6_family = AF_INET6;
		ret->in6.sin6_port = htons(a->port);
		memcpy(&ret->in6.sin6_addr, a->ip, 16);
		ret->in6.sin6_scope_id = a->scope;
		return sizeof(ret->in6);
	}
	return 0;
}

socklen_t udp_sockaddr(const struct tnl_addr *a, struct sockaddr_storage *ret)
{
	return to_sockaddr(a, (union any_addr *)ret);
}

bool udp_addr(const struct sockaddr *sa, socklen_t len, struct tnl_addr *ret)
{
	const struct sockaddr_in *in = (const void *)sa;
	const struct sockaddr_in6 *in6 = (const void *)sa;

	memset(ret, 0, sizeof(*ret));
	if (len >= sizeof(*in) && sa->sa_family == AF_INET) {
		ret->family = 4;
		ret->port = ntohs(in->sin_port);
		memcpy(ret->ip, &in->sin_addr, 4);
		return true;
	}
	if (len >= sizeof(*in6) && sa->sa_family == AF_INET6) {
		ret->family = 6;
		ret->port = ntohs(in6->sin6_port);
		memcpy(ret->ip, &in6->sin6_addr, 16);
		if (IN6_IS_ADDR_LINKLOCAL(&in6->sin6_addr))
			ret->scope = in6->sin6_scope_id;
		return true;
	}
	return false;
}

/* ---- Life -------------------------------------------------------------------------------------------------------- */

static int set(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value)) != 0 ? -errno : 0;
}

static void set_buffers(int fd)
{
	if (set(fd, SOL_SOCKET, SO_RCVBUFFORCE, UDP_SOCKBUF) != 0)
		set(fd, SOL_SOCKET, SO_RCVBUF, UDP_SOCKBUF);
	if (set(fd, SOL_SOCKET, SO_SNDBUFFORCE, UDP_SOCKBUF) != 0)
		set(fd, SOL_SOCKET, SO_SNDBUF, UDP_SOCKBUF);
}

int udp_set_mark(int fd, uint32_t fwmark)
{
	return setsockopt(fd, SOL_SOCKET, SO_MARK, &fwmark, sizeof(fwmark)) != 0 ? -errno : 0;
}

static int set_options(int fd, int family, uint32_t fwmark, unsigned flags)
{
	int r;

	if (family == AF_INET) {
		r = set(fd, IPPROTO_IP, IP_PKTINFO, 1);
		if (!r)
			r = set(fd, IPPROTO_IP, IP_RECVTOS, 1);
		if (!r)
			r = set(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT);
	} else {
		r = set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
		if (!r)
			r = set(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
		if (!r)
			r = set(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, 1);
		if (!r)
			r = set(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_WANT);
		if (!r)
			r = set(fd, IPPROTO_IPV6, IPV6_AUTOFLOWLABEL, 0);
	}
	if (!r && fwmark != 0)
		r = udp_set_mark(fd, fwmark);
	/* Linux 5.0; without it datagrams come one by one. */
	if (!(flags & UDP_NO_GRO))
		set(fd, IPPROTO_UDP, UDP_GRO, 1);
	set_buffers(fd);
	return r;
}

/* The descriptor. -EAFNOSUPPORT or -EADDRNOTAVAIL: there is no such family here. */
static int open_one(int family, uint16_t port, uint32_t fwmark, unsigned flags)
{
	struct tnl_addr any = { .family = family == AF_INET ? 4 : 6, .port = port };
	union any_addr at;
	socklen_t len = to_sockaddr(&any, &at);
	int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_UDP), r;

	if (fd < 0)
		return -errno;
	r = set_options(fd, family, fwmark, flags);
	if (r == 0 && (flags & UDP_JOINS))
		r = set(fd, SOL_SOCKET, SO_REUSEPORT, 1);
	if (r == 0 && bind(fd, &at.sa, len) != 0)
		r = -errno;
	if (r == 0)
		return fd;
	close(fd);
	return r;
}

static bool no_family(int r)
{
	return r == -EAFNOSUPPORT || r == -EADDRNOTAVAIL || r == -EPROTONOSUPPORT;
}

static uint16_t port_of(int fd)
{
	union any_addr at = { 0 };
	socklen_t len = sizeof(at);
	struct tnl_addr a;

	return getsockname(fd, &at.sa, &len) == 0 && udp_addr(&at.sa, len, &a) ? a.port : 0;
}

/* IPv4 leads; IPv6 follows on its number, or goes alone. */
static int open_both(uint16_t port, uint32_t fwmark, unsigned flags, struct udp_socks *s)
{
	s->fd4 = open_one(AF_INET, port, fwmark, flags);
	if (s->fd4 < 0 && !no_family(s->fd4))
		return s->fd4;
	s->port = s->fd4 < 0 ? port : port_of(s->fd4);
	s->fd6 = open_one(AF_INET6, s->port, fwmark, flags);
	if (s->fd6 >= 0) {
		s->port = port_of(s->fd6);
		return 0;
	}
	if (no_family(s->fd6))
		return s->fd4 < 0 ? -EAFNOSUPPORT : 0;
	return s->fd6;
}

int udp_open(uint16_t port, uint32_t fwmark, unsigned flags, struct udp_socks *ret)
{
	struct udp_socks s;
	int r;

	/* A number the kernel chose for IPv4 may be taken in IPv6: choose again. */
	for (unsigned i = 0; i < PORT_TRIES; i++) {
		s = (struct udp_socks) { -1, -1, 0 };
		r = open_both(port, fwmark, flags, &s);
		if (r == 0)
			break;
		udp_close(&s);
		if (port != 0 || r != -EADDRINUSE)
			break;
	}
	if (r != 0)
		return r;
	s.fd4 = s.fd4 < 0 ? -1 : s.fd4;
	s.fd6 = s.fd6 < 0 ? -1 : s.fd6;
	*ret = s;
	return 0;
}

void udp_close(struct udp_socks *s)
{
	if (s->fd4 >= 0)
		close(s->fd4);
	if (s->fd6 >= 0)
		close(s->fd6);
	s->fd4 = s->fd6 = -1;
}

/* As the caller of setsockopt() counts: the kernel doubles it for its own overhead. */
static uint32_t buffer_of(int fd, int name)
{
	int value = 0;
	socklen_t len = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, name, &value, &len) == 0 && value > 0 ? (uint32_t)value / 2 : 0;
}

int udp_any(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_UDP);

	return fd >= 0 ? fd : socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_UDP);
}

void udp_probe(unsigned flags, struct udp_info *ret)
{
	int fd = udp_any();

	*ret = (struct udp_info) { 0 };
	if (fd < 0)
		return;
	ret->gso = !(flags & UDP_NO_GSO) && set(fd, IPPROTO_UDP, UDP_SEGMENT, 0) == 0;
	ret->gro = !(flags & UDP_NO_GRO) && set(fd, IPPROTO_UDP, UDP_GRO, 1) == 0;
	set_buffers(fd);
	ret->rcvbuf = buffer_of(fd, SO_RCVBUF);
	ret->sndbuf = buffer_of(fd, SO_SNDBUF);
	close(fd);
}

/* The first pair was bound alone, so the port was nobody else's. Only then is it opened to others of our user, and
 * those are ours: a second daemon begins by binding alone, too. */
static int open_more(const struct udp_socks *first, uint32_t fwmark, unsigned flags, struct udp_socks *ret)
{
	struct udp_socks s = { -1, -1, first->port };
	int r = 0;

	if (first->fd4 >= 0) {
		s.fd4 = open_one(AF_INET, s.port, fwmark, flags | UDP_JOINS);
		r = s.fd4 < 0 ? s.fd4 : 0;
	}
	if (r == 0 && first->fd6 >= 0) {
		s.fd6 = open_one(AF_INET6, s.port, fwmark, flags | UDP_JOINS);
		r = s.fd6 < 0 ? s.fd6 : 0;
	}
	if (r != 0)
		udp_close(&s);
	else
		*ret = s;
	return r;
}

int udp_open_group(uint16_t port, uint32_t fwmark, unsigned flags, unsigned count, struct udp_socks *ret)
{
	int r = udp_open(port, fwmark, flags, &ret[0]);

	if (r != 0 || count <= 1)
		return r;
	for (unsigned i = 1; i < count; i++)
		ret[i] = (struct udp_socks) { -1, -1, 0 };
	if (ret[0].fd4 >= 0)
		r = set(ret[0].fd4, SOL_SOCKET, SO_REUSEPORT, 1);
	if (r == 0 && ret[0].fd6 >= 0)
		r = set(ret[0].fd6, SOL_SOCKET, SO_REUSEPORT, 1);
	for (unsigned i = 1; r == 0 && i < count; i++)
		r = open_more(&ret[0], fwmark, flags, &ret[i]);
	for (unsigned i = 0; r != 0 && i < count; i++)
		udp_close(&ret[i]);
	return r;
}

/* ---- Receiving --------------------------------------------------------------------------------------------------- */

struct in_head {
	union any_addr from;
	struct iovec iov;
	union {
		struct cmsghdr align;
		uint8_t buf[CMSG_SPACE(sizeof(struct in6_pktinfo)) + 2 * CMSG_SPACE(sizeof(int))];
	} ctl;
};

static void read_ctl(const struct cmsghdr *c, struct udp_in *in)
{
	const uint8_t *data = CMSG_DATA(c);
	size_t len = c->cmsg_len - CMSG_LEN(0);
	struct in_pktinfo info4;
	struct in6_pktinfo info6;
	int value;

	if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS && len >= 1) {
		in->tos = *data;
	} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_TCLASS && len >= sizeof(value)) {
		memcpy(&value, data, sizeof(value));
		in->tos = (uint8_t)value;
	} else if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_GRO && len >= sizeof(value)) {
		memcpy(&value, data, sizeof(value));
		if (value > 0 && value <= 65535)
			in->segment = (uint32_t)value;
	} else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO && len >= sizeof(info4)) {
		memcpy(&info4, data, sizeof(info4));
		in->path.local.family = 4;
		in->path.local.scope = (uint32_t)info4.ipi_ifindex;
		memcpy(in->path.local.ip, &info4.ipi_spec_dst, 4);
	} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO && len >= sizeof(info6)) {
		memcpy(&info6, data, sizeof(info6));
		/* What was sent to a group is not answered from it. */
		if (IN6_IS_ADDR_MULTICAST(&info6.ipi6_addr))
			return;
		in->path.local.family = 6;
		memcpy(in->path.local.ip, &info6.ipi6_addr, 16);
		if (IN6_IS_ADDR_LINKLOCAL(&info6.ipi6_addr))
			in->path.local.scope = info6.ipi6_ifindex;
	}
}

unsigned udp_recv_batch(int fd, struct udp_in *in, unsigned n)
{
	struct in_head head[UDP_BATCH];
	struct mmsghdr m[UDP_BATCH];
	int got;

	for (unsigned i = 0; i < n; i++) {
		head[i].iov = (struct iovec) { in[i].buf, UDP_BUF_LEN };
		m[i].msg_hdr = (struct msghdr) {
			.msg_name = &head[i].from, .msg_namelen = sizeof(head[i].from),
			.msg_iov = &head[i].iov, .msg_iovlen = 1,
			.msg_control = &head[i].ctl, .msg_controllen = sizeof(head[i].ctl),
		};
	}
	got = recvmmsg(fd, m, n, MSG_DONTWAIT, NULL);
	for (int i = 0; i < got; i++) {
		struct msghdr *h = &m[i].msg_hdr;

		memset(&in[i].path, 0, sizeof(in[i].path));
		in[i].len = m[i].msg_len;
		in[i].segment = m[i].msg_len > 0 ? m[i].msg_len : 1;
		in[i].tos = 0;
		udp_addr(&head[i].from.sa, h->msg_namelen, &in[i].path.remote);
		for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c))
			read_ctl(c, &in[i]);
	}
	return got > 0 ? (unsigned)got : 0;
}
