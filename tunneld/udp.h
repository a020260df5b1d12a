/* SPDX-License-Identifier: MIT */
/*
 * The UDP sockets, one a family on the same port, and what the kernel tells beside a datagram: the address it was sent
 * to (the sticky source of the answer), its ECN bits, and how many datagrams of one size it put into one buffer (GRO).
 * Sending is the mirror image. All functions may be called from any thread; a socket may be shared.
 */
#ifndef UDP_H
#define UDP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "refused.h"
#include "tunnel.h"

enum {
	UDP_BUF_LEN = 65536,	/* bytes of a receive buffer: a smaller one loses coalesced datagrams whole */
	UDP_GSO_BYTES = 65507,	/* most bytes in one message; more: EMSGSIZE */
	UDP_GSO_SEGS = 64,	/* most datagrams in one message; newer kernels take 128 */
	UDP_BATCH = 64,		/* most messages in one call */
	UDP_SOCKBUF = 16 << 20,	/* bytes asked for both buffers: a super-packet fills a third of the kernel's default */
};

/* flags of udp_probe() and udp_open(): what is not to be used */
enum {
	UDP_NO_GSO = 1,	/* udp_probe() only: sending has no setting on the socket, see struct udp_gso */
	UDP_NO_GRO = 2,
};

/* What the kernel granted. */
struct udp_info {
	bool gso;	/* UDP_SEGMENT: one message of many datagrams of one size */
	bool gro;	/* UDP_GRO: the same on receipt */
	uint32_t rcvbuf, sndbuf;	/* bytes; asked for: UDP_SOCKBUF */
};

/* -1: that family is not available. */
struct udp_socks {
	int fd4, fd6;
	uint16_t port;	/* host order */
};

/* An UDP socket of either family, for questions only: it has no port. Or -1. */
int udp_any(void);
/* Finds out, with a socket of its own, what those of udp_open() will have. All zero: there are no sockets. */
void udp_probe(unsigned flags, struct udp_info *ret);

/* Opens and binds to all addresses of both families, or of the one that exists. port 0: the kernel chooses, ret->port
 * tells. The mark is set before the first datagram can leave; 0: none. Descriptors are non-blocking, close-on-exec and
 * the caller's.
 * -EADDRINUSE; -EPERM, -EACCES: mark or low port without the capability; -EAFNOSUPPORT: no family at all. */
int udp_open(uint16_t port, uint32_t fwmark, unsigned flags, struct udp_socks *ret);

/* The same for `count` pairs on one port, for a thread each: the kernel gives every sender always the same one of them
 * (SO_REUSEPORT). Which families there are is the same for all. Nobody who was there before is joined: -EADDRINUSE. */
int udp_open_group(uint16_t port, uint32_t fwmark, unsigned flags, unsigned count, struct udp_socks *ret);

/* Closes what is open and sets both to -1. */
void udp_close(struct udp_socks *s);

/* 0 removes the mark of a socket. Needs CAP_NET_ADMIN. */
int udp_set_mark(int fd, uint32_t fwmark);

/* Sends one datagram, from path->local if that is set. When the kernel refuses that source it is sent again without.
 * 0: sent; 1: sent, but the source was refused: tnl_forget_source(); negative errno: this datagram is lost, nothing
 * else follows from it (-EDESTADDRREQ: no remote; -EAFNOSUPPORT: no socket of that family). */
int udp_send(const struct udp_socks *s, const struct tnl_path *path, const void *data, size_t len, uint8_t tos);

/* ---- Addresses --------------------------------------------------------------------------------------------------- */

/* ret: the address as sockaddr_in or sockaddr_in6. Returns its length; 0 for family 0. */
socklen_t udp_sockaddr(const struct tnl_addr *a, struct sockaddr_storage *ret);
/* The other way round. Unused bytes become zero; the scope is kept for link-local addresses only. False, and *ret all
 * zero: neither IPv4 nor IPv6, or too short. */
bool udp_addr(const struct sockaddr *sa, socklen_t len, struct tnl_addr *ret);

/* ---- Batches. WORKER --------------------------------------------------------------------------------------------- */

/* One message to send: len bytes at data, cut into datagrams of `segment` bytes of which the last may be shorter, at
 * most UDP_GSO_BYTES and UDP_GSO_SEGS. */
struct udp_out {
	const struct tnl_path *path;
	const uint8_t *data;
	uint32_t len;
	uint16_t segment;
	uint8_t tos;
	uint8_t hops;	/* it may make so many; 0: the system's own choice */
	bool refused;	/* out: the source address was refused, tnl_forget_source() */
	uint32_t sent;	/* out: bytes the kernel took */
};

/* Where messages of many datagrams may go as they are. Of one worker. All zero: nowhere, each datagram goes alone. */
struct udp_gso {
	bool on;	/* the caller's: the kernel has it, and it is not switched off */
	struct refused refused;
};

/* Sends out[0..n) in order, n <= UDP_BATCH. A message that is refused as a whole (EMSGSIZE, EINVAL: a datagram is
 * larger than the path's MTU; EIO: the device computes no checksums) is sent datagram by datagram, and so are the next
 * ones like it to that address, until it is tried again. What cannot be sent is dropped. */
void udp_send_batch(const struct udp_socks *s, struct udp_gso *gso, struct udp_out *out, unsigned n);

/* One received message: len bytes at buf (UDP_BUF_LEN of them, the caller's), to be cut into datagrams of `segment`. */
struct udp_in {
	uint8_t *buf;
	uint32_t len;
	uint32_t segment;	/* at least 1 */
	uint8_t tos;
	struct tnl_path path;	/* remote: the sender; local: where it was sent to */
};

/* Fills in[0..n), n <= UDP_BATCH, from one of the two sockets. Returns how many, 0 when nothing is there. */
unsigned udp_recv_batch(int fd, struct udp_in *in, unsigned n);

#endif
