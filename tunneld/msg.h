/* SPDX-License-Identifier: MIT */
/*
 * What the parent and the engine say to each other over a SOCK_SEQPACKET pair: one message a packet, a type, a body of
 * fixed size, the descriptors that belong to it. The engine handles bytes from the network and may have been taken
 * over, so the parent judges what it gets by the table in msg.c: an unknown type, a type that flows the other way,
 * another length, a descriptor too many or a field out of range is -EPROTO, and the parent then ends the engine.
 */
#ifndef MSG_H
#define MSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/if.h>

#include "pool.h"
#include "tun.h"
#include "udp.h"

enum { MSG_FDS = 2 * POOL_MAX };	/* descriptors in one message, at most */

enum msg_type {
	/* parent -> engine */
	MSG_START = 1,	/* the first: fd[0] listening UAPI socket, then a TUN queue for each worker */
	MSG_LINK,	/* the interface went up or down, or has another MTU */
	MSG_ROUTES,	/* addresses or routes changed: forget cached sources */
	MSG_DETACH,	/* the caller may go: standard streams to /dev/null, lines to the system log */
	MSG_STOP,	/* wipe everything and exit with status 0 */
	MSG_SOCKETS,	/* the answer to MSG_OPEN: with error 0 a pair for each worker, of the families there are, IPv4
			 * before IPv6 */
	MSG_DONE,	/* the answer to MSG_MARK */
	/* engine -> parent */
	MSG_READY,	/* once: privileges are gone, clients are served. No answer */
	MSG_OPEN,	/* open UDP sockets; the parent keeps no copy. Answered by MSG_SOCKETS */
	MSG_MARK,	/* set SO_MARK on the sockets that come along. Answered by MSG_DONE */
	MSG_TYPES
};

enum msg_side { MSG_FROM_PARENT, MSG_FROM_ENGINE };

struct msg_start {
	char name[IFNAMSIZ];
	struct tun_info tun;
	struct udp_info udp;
};

struct msg_link {
	uint32_t mtu;
	uint8_t up, zero[3];
};

struct msg_sockets {
	int32_t error;		/* 0 or a negative errno */
	uint16_t port;		/* host order, the one that was bound */
	uint8_t has4, has6;	/* which families there are */
};

struct msg_done {
	int32_t error;		/* 0 or a negative errno */
};

struct msg_open {
	uint32_t fwmark;	/* 0: none */
	uint16_t port, zero;	/* host order; 0: the kernel chooses */
};

struct msg_mark {
	uint32_t fwmark;
};

struct msg {
	uint32_t type;
	union msg_body {
		struct msg_start start;
		struct msg_link link;
		struct msg_sockets sockets;
		struct msg_done done;
		struct msg_open open;
		struct msg_mark mark;
	} body;
	unsigned fds;		/* how many of fd[] are there; whoever has the struct owns them */
	int fd[MSG_FDS];
};

/* Sends type and body; fds are borrowed. 0 or a negative errno; -EAGAIN: the other side does not read. */
int msg_send(int channel, const struct msg *m);

/* Receives one message that came from `side`. 1: *ret is filled and its descriptors (close-on-exec) are the caller's.
 * 0: the other side is gone. -EAGAIN: nothing there. -EPROTO: see above, nothing is left open. */
int msg_recv(int channel, enum msg_side side, struct msg *ret);

/* The judgement alone, without a socket: len bytes at data, fds descriptors came along. 0 or -EPROTO; the descriptors'
 * numbers are not filled in. */
int msg_parse(enum msg_side side, const void *data, size_t len, unsigned fds, struct msg *ret);

#endif
