/* SPDX-License-Identifier: MIT */
/*
 * What is set on a socket, and why: IP_PKTINFO, IPV6_RECVPKTINFO tell where a datagram was sent to, so that the answer
 * can come from there; IP_RECVTOS, IPV6_RECVTCLASS carry ECN; UDP_GRO joins what arrives; path MTU discovery never sets
 * DF (IPv4) and never lets a large datagram be refused (IPv6), so it is fragmented instead; the flow label stays 0.
 * IP_RECVERR stays off: ICMP errors must not come back as errors of later calls.
 *
 * A source that the kernel refuses (the address is gone, the interface is gone) must not cost the datagram: it is sent
 * again without, and the caller is told to forget it.
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

static void set_buffer(int fd, int force, int plain)
{
	if (set(fd, SOL_SOCKET, force, UDP_SOCKBUF) != 0)
		set(fd, SOL_SOCKET, plain, UDP_SOCKBUF);
}

int udp_set_mark(int fd, uint32_t fwmark)
{
	return setsockopt(fd, SOL_SOCKET, SO_MARK, &fwmark, sizeof(fwmark)) != 0 ? -errno : 0;
}

static int set_options(int fd, int family, uint32_t fwmark)
{
	int r = 0;

	if (family == AF_INET) {
		if (!r)
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
	set(fd, IPPROTO_UDP, UDP_GRO, 1);
	set_buffer(fd, SO_RCVBUFFORCE, SO_RCVBUF);
	set_buffer(fd, SO_SNDBUFFORCE, SO_SNDBUF);
	return r;
}

/* The descriptor. -EAFNOSUPPORT or -EADDRNOTAVAIL: there is no such family here. */
static int open_one(int family, uint16_t port, uint32_t fwmark, bool joins)
{
	struct tnl_addr any = { .family = family == AF_INET ? 4 : 6, .port = port };
	union any_addr at;
	socklen_t len = to_sockaddr(&any, &at);
	int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_UDP), r;

	if (fd < 0)
		return -errno;
	r = set_options(fd, family, fwmark);
	if (r == 0 && joins)
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
static int open_both(uint16_t port, uint32_t fwmark, struct udp_socks *s)
{
	s->fd4 = open_one(AF_INET, port, fwmark, false);
	if (s->fd4 < 0 && !no_family(s->fd4))
		return s->fd4;
	s->port = s->fd4 < 0 ? port : port_of(s->fd4);
	s->fd6 = open_one(AF_INET6, s->port, fwmark, false);
	if (s->fd6 >= 0) {
		s->port = port_of(s->fd6);
		return 0;
	}
	if (no_family(s->fd6))
		return s->fd4 < 0 ? -EAFNOSUPPORT : 0;
	return s->fd6;
}

int udp_open(uint16_t port, uint32_t fwmark, struct udp_socks *ret)
{
	struct udp_socks s;
	int r;

	/* A number the kernel chose for IPv4 may be taken in IPv6: choose again. */
	for (unsigned i = 0; i < PORT_TRIES; i++) {
		s = (struct udp_socks) { -1, -1, 0 };
		r = open_both(port, fwmark, &s);
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

/* The first pair was bound alone, so the port was nobody else's. Only then is it opened to others of our user, and
 * those are ours: a second daemon begins by binding alone, too. */
static int open_more(const struct udp_socks *first, uint32_t fwmark, struct udp_socks *ret)
{
	struct udp_socks s = { -1, -1, first->port };
	int r = 0;

	if (first->fd4 >= 0) {
		s.fd4 = open_one(AF_INET, s.port, fwmark, true);
		r = s.fd4 < 0 ? s.fd4 : 0;
	}
	if (r == 0 && first->fd6 >= 0) {
		s.fd6 = open_one(AF_INET6, s.port, fwmark, true);
		r = s.fd6 < 0 ? s.fd6 : 0;
	}
	if (r != 0)
		udp_close(&s);
	else
		*ret = s;
	return r;
}

int udp_open_group(uint16_t port, uint32_t fwmark, unsigned count, struct udp_socks *ret)
{
	int r = udp_open(port, fwmark, &ret[0]);

	if (r != 0 || count <= 1)
		return r;
	for (unsigned i = 1; i < count; i++)
		ret[i] = (struct udp_socks) { -1, -1, 0 };
	if (ret[0].fd4 >= 0)
		r = set(ret[0].fd4, SOL_SOCKET, SO_REUSEPORT, 1);
	if (r == 0 && ret[0].fd6 >= 0)
		r = set(ret[0].fd6, SOL_SOCKET, SO_REUSEPORT, 1);
	for (unsigned i = 1; r == 0 && i < count; i++)
		r = open_more(&ret[0], fwmark, &ret[i]);
	for (unsigned i = 0; r != 0 && i < count; i++)
		udp_close(&ret[i]);
	return r;
}

/* ---- Sending ----------------------------------------------------------------------------------------------------- */

/* Everything one message needs beside its bytes. */
struct out_head {
	union any_addr to;
	struct iovec iov;
	union {
		struct cmsghdr align;
		uint8_t buf[CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(int)) +
			    CMSG_SPACE(sizeof(uint16_t))];
	} ctl;
};

static void add_ctl(struct msghdr *m, int level, int type, const void *data, size_t len)
{
	struct cmsghdr *c = (struct cmsghdr *)((uint8_t *)m->msg_control + m->msg_controllen);

	c->cmsg_level = level;
	c->cmsg_type = type;
	c->cmsg_len = CMSG_LEN(len);
	memcpy(CMSG_DATA(c), data, len);
	m->msg_controllen += CMSG_SPACE(len);
}

static void add_source(struct msghdr *m, const struct tnl_addr *local)
{
	if (local->family == 4) {
		struct in_pktinfo info = { .ipi_ifindex = (int)local->scope };

		memcpy(&info.ipi_spec_dst, local->ip, 4);
		add_ctl(m, IPPROTO_IP, IP_PKTINFO, &info, sizeof(info));
	} else {
		struct in6_pktinfo info = { .ipi6_ifindex = local->scope };

		memcpy(&info.ipi6_addr, local->ip, 16);
		add_ctl(m, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof(info));
	}
}

/* segment 0: one datagram. sourced: from path->local. */
static void fill(struct msghdr *m, struct out_head *h, const struct tnl_path *path, const uint8_t *data, size_t len,
		 uint16_t segment, uint8_t tos, bool sourced)
{
	int tos_int = tos;
	bool v4 = path->remote.family == 4;

	h->iov = (struct iovec) { (void *)data, len };
	*m = (struct msghdr) {
		.msg_name = &h->to, .msg_namelen = to_sockaddr(&path->remote, &h->to),
		.msg_iov = &h->iov, .msg_iovlen = 1, .msg_control = &h->ctl,
	};
	memset(&h->ctl, 0, sizeof(h->ctl));
	if (sourced && path->local.family == path->remote.family)
		add_source(m, &path->local);
	if (tos != 0)
		add_ctl(m, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_TOS : IPV6_TCLASS, &tos_int, sizeof(tos_int));
	if (segment != 0)
		add_ctl(m, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof(segment));
	if (m->msg_controllen == 0)
		m->msg_control = NULL;
}

static int socket_for(const struct udp_socks *s, const struct tnl_path *path)
{
	switch (path->remote.family) {
	case 4:
		return s->fd4;
	case 6:
		return s->fd6;
	}
	return -1;
}

/* What the kernel says to a source it will not use. */
static bool blames_source(int err, const struct tnl_path *path)
{
	return path->local.family == path->remote.family &&
	       (err == EINVAL || err == EADDRNOTAVAIL || err == ENODEV || err == ENETUNREACH || err == EHOSTUNREACH);
}

int udp_send(const struct udp_socks *s, const struct tnl_path *path, const void *data, size_t len, uint8_t tos)
{
	int fd = socket_for(s, path);
	struct out_head head;
	struct msghdr m;

	if (fd < 0)
		return path->remote.family == 0 ? -EDESTADDRREQ : -EAFNOSUPPORT;
	fill(&m, &head, path, data, len, 0, tos, true);
	if (sendmsg(fd, &m, MSG_NOSIGNAL) >= 0)
		return 0;
	if (!blames_source(errno, path))
		return -errno;
	fill(&m, &head, path, data, len, 0, tos, false);
	return sendmsg(fd, &m, MSG_NOSIGNAL) >= 0 ? 1 : -errno;
}

/* The message could not be sent as it is; try what is left: without its source, then in single datagrams. */
static void send_again(const struct udp_socks *s, int fd, struct udp_out *o, int err)
{
	struct tnl_path path = *o->path;
	struct out_head head;
	struct msghdr m;

	if (blames_source(err, &path)) {
		fill(&m, &head, &path, o->data, o->len, o->segment < o->len ? o->segment : 0, o->tos, false);
		if (sendmsg(fd, &m, MSG_NOSIGNAL) >= 0) {
			o->refused = true;
			o->sent = o->len;
			return;
		}
		err = errno;
	}
	if (o->segment >= o->len || (err != EMSGSIZE && err != EIO && err != EINVAL))
		return;
	for (uint32_t at = 0, part; at < o->len; at += part) {
		int r;

		part = o->len - at < o->segment ? o->len - at : o->segment;
		r = udp_send(s, &path, o->data + at, part, o->tos);
		if (r >= 0)
			o->sent += part;
		if (r == 1) {
			o->refused = true;
			path.local.family = 0;
		}
	}
}

void udp_send_batch(const struct udp_socks *s, struct udp_out *out, unsigned n)
{
	struct out_head head[UDP_BATCH];
	struct mmsghdr m[UDP_BATCH];

	for (unsigned i = 0; i < n; i++) {
		out[i].refused = false;
		out[i].sent = 0;
		fill(&m[i].msg_hdr, &head[i], out[i].path, out[i].data, out[i].len,
		     out[i].segment < out[i].len ? out[i].segment : 0, out[i].tos, true);
	}
	for (unsigned i = 0, run; i < n; i += run) {
		int fd = socket_for(s, out[i].path), done;

		for (run = 1; i + run < n && socket_for(s, out[i + run].path) == fd; run++)
			;
		if (fd < 0)
			continue;
		done = sendmmsg(fd, m + i, run, MSG_NOSIGNAL);
		if (done <= 0) {
			/* The error is the first message's; the others are still to be tried. */
			send_again(s, fd, &out[i], errno);
			done = 0;
			run = 1;
			continue;
		}
		run = (unsigned)done;
		for (unsigned k = i; k < i + run; k++)
			out[k].sent = out[k].len;
	}
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
