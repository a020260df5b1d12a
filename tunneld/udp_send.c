/* SPDX-License-Identifier: MIT */
/*
 * Sending. A message of many datagrams goes to the kernel whole (UDP_SEGMENT), or, where the kernel does not cut
 * messages, as so many messages of one datagram; either way up to UDP_BATCH of them in one call. What is refused is
 * tried in another way until there is none left: without its source (the address is gone, the interface is gone; the
 * caller is told to forget it), then in single datagrams, then it is dropped and the next one's turn comes.
 */
#include "udp.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <string.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

/* Everything one message needs beside its bytes. */
struct out_head {
	struct sockaddr_storage to;
	struct iovec iov;
	union {
		struct cmsghdr align;
		uint8_t buf[CMSG_SPACE(sizeof(struct in6_pktinfo)) + 2 * CMSG_SPACE(sizeof(int)) +
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

/* How a message is to leave. */
struct way {
	uint16_t segment;	/* 0: one datagram */
	uint8_t tos, hops;
	bool sourced;		/* from path->local */
};

static void fill(struct msghdr *m, struct out_head *h, const struct tnl_path *path, const uint8_t *data, size_t len,
		 struct way way)
{
	int tos = way.tos, hops = way.hops;
	bool v4 = path->remote.family == 4;

	h->iov = (struct iovec) { (void *)data, len };
	*m = (struct msghdr) {
		.msg_name = &h->to, .msg_namelen = udp_sockaddr(&path->remote, &h->to),
		.msg_iov = &h->iov, .msg_iovlen = 1, .msg_control = &h->ctl,
	};
	memset(&h->ctl, 0, sizeof(h->ctl));
	if (way.sourced && path->local.family == path->remote.family)
		add_source(m, &path->local);
	if (tos != 0)
		add_ctl(m, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_TOS : IPV6_TCLASS, &tos, sizeof(tos));
	if (hops != 0)
		add_ctl(m, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_TTL : IPV6_HOPLIMIT, &hops, sizeof(hops));
	if (way.segment != 0)
		add_ctl(m, IPPROTO_UDP, UDP_SEGMENT, &way.segment, sizeof(way.segment));
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
	fill(&m, &head, path, data, len, (struct way) { .tos = tos, .sourced = true });
	if (sendmsg(fd, &m, MSG_NOSIGNAL) >= 0)
		return 0;
	if (!blames_source(errno, path))
		return -errno;
	fill(&m, &head, path, data, len, (struct way) { .tos = tos });
	return sendmsg(fd, &m, MSG_NOSIGNAL) >= 0 ? 1 : -errno;
}

/* ---- Batches ----------------------------------------------------------------------------------------------------- */

/* How a message of the batch is sent at the moment. */
struct manner {
	bool whole;	/* by UDP_SEGMENT; it begins so if it has several datagrams and this is worth trying */
	bool bare;	/* without its source */
};

struct batch {
	const struct udp_socks *socks;
	struct udp_gso *gso;
	struct udp_out *out;
	unsigned n;
	struct manner manner[UDP_BATCH];
	/* Where the next call begins: bytes [at, len) of out[next] have been neither sent nor dropped. */
	unsigned next;
	uint32_t at;
	/* The call: what it says to the kernel, and of which message each of its parts is. */
	unsigned parts, part_of[UDP_BATCH];
	struct mmsghdr m[UDP_BATCH];
	struct out_head head[UDP_BATCH];
};

/* Bytes of the part that begins at `at`. */
static uint32_t part_len(const struct udp_out *o, const struct manner *how, uint32_t at)
{
	return how->whole || o->len - at < o->segment ? o->len - at : o->segment;
}

/* As many parts as go through one socket in one call. Returns the socket. */
static int prepare(struct batch *b)
{
	int fd = socket_for(b->socks, b->out[b->next].path);
	uint32_t at = b->at;

	b->parts = 0;
	for (unsigned i = b->next; i < b->n && b->parts < UDP_BATCH; at = 0, i++) {
		const struct udp_out *o = &b->out[i];
		const struct manner *how = &b->manner[i];

		if (socket_for(b->socks, o->path) != fd)
			break;
		do {
			uint32_t len = part_len(o, how, at);
			const struct way way = {
				.segment = how->whole ? o->segment : 0, .tos = o->tos, .hops = o->hops,
				.sourced = !how->bare,
			};

			fill(&b->m[b->parts].msg_hdr, &b->head[b->parts], o->path, o->data + at, len, way);
			b->part_of[b->parts++] = i;
			at += len;
		} while (at < o->len && b->parts < UDP_BATCH);
	}
	return fd;
}

/* Goes on behind one part. */
static void pass(struct batch *b, bool sent)
{
	struct udp_out *o = &b->out[b->next];
	const struct manner *how = &b->manner[b->next];
	uint32_t len = part_len(o, how, b->at);

	if (sent) {
		o->sent += len;
		o->refused |= how->bare;
		if (how->whole)
			refused_del(&b->gso->refused, &o->path->remote, o->segment);
	}
	b->at += len;
	if (b->at >= o->len) {
		b->at = 0;
		b->next++;
	}
}

/* The first part was refused. The source is doubted first; if it was not that, it comes back. */
static void change_manner(struct batch *b, int err)
{
	const struct udp_out *o = &b->out[b->next];
	struct manner *how = &b->manner[b->next];

	if (!how->bare && blames_source(err, o->path)) {
		how->bare = true;
	} else if (how->whole && (err == EMSGSIZE || err == EINVAL || err == EIO)) {
		refused_add(&b->gso->refused, &o->path->remote, err == EIO ? 0 : o->segment);
		*how = (struct manner) { 0 };
	} else {
		pass(b, false);
	}
}

void udp_send_batch(const struct udp_socks *s, struct udp_gso *gso, struct udp_out *out, unsigned n)
{
	struct batch b;

	b.socks = s;
	b.gso = gso;
	b.out = out;
	b.n = n;
	b.next = 0;
	b.at = 0;
	for (unsigned i = 0; i < n; i++) {
		out[i].refused = false;
		out[i].sent = 0;
		b.manner[i] = (struct manner) {
			.whole = out[i].segment < out[i].len && gso->on &&
				 !refused_skip(&gso->refused, &out[i].path->remote, out[i].segment),
		};
	}
	while (b.next < n) {
		int fd = prepare(&b), done = fd < 0 ? -1 : sendmmsg(fd, b.m, b.parts, MSG_NOSIGNAL), err = errno;

		/* An error is the first part's; the others are still to be tried. */
		if (fd < 0)
			pass(&b, false);
		else if (done <= 0)
			change_manner(&b, err);
		for (int i = 0; i < done; i++)
			pass(&b, true);
	}
}
