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
#include "tunnel.h"
#include "udp.h"

/* Descriptors in one message, at most; the kernel takes 253. */
enum { MSG_FDS = 2 + LANES * POOL_MAX };

enum msg_type {
	/* parent -> engine */
	MSG_START = 1,	/* the first: fd[0] listening UAPI socket, fd[1] any socket of the network by which peers are
			 * reached, since the engine itself may live in another, then each worker's TUN queues */
	MSG_LINK,	/* the interface went up or down, or has another MTU */
	MSG_ROUTES,	/* addresses or routes changed: forget cached sources */
	MSG_DETACH,	/* the caller may go: standard streams to /dev/null, lines to the system log */
	MSG_STOP,	/* wipe everything and exit with status 0 */
	MSG_SOCKETS,	/* the answer to MSG_OPEN: with error 0 a pair for each worker, of the families there are, IPv4
			 * before IPv6 */
	MSG_DONE,	/* the answer to MSG_MARK */
	MSG_ASK,	/* tell something about yourself, see enum msg_ask_what */
	/* engine -> parent */
	MSG_READY,	/* once: privileges are gone, clients are served; brings a line for the log. No answer */
	MSG_OPEN,	/* open UDP sockets; the parent keeps no copy. Answered by MSG_SOCKETS */
	MSG_MARK,	/* set SO_MARK on the sockets that come along. Answered by MSG_DONE */
	MSG_STATE,	/* the answer to MSG_ASK for the state */
	MSG_ALIVE,	/* the answer to MSG_ASK for that: owner and every worker have gone round since */
	MSG_EVENT,	/* something happened, between the two MSG_ASKs that switch events on and off. No answer */
	MSG_TYPES
};

enum msg_side { MSG_FROM_PARENT, MSG_FROM_ENGINE };

struct msg_start {
	char name[IFNAMSIZ];
	struct tun_info tun;
	struct udp_info udp;
	uint32_t share;			/* enum judge_rule */
	uint32_t level;			/* enum log_level */
	uint32_t lanes;			/* queues of each worker */
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

enum msg_ask_what { MSG_ASK_STATE, MSG_ASK_ALIVE, MSG_ASK_EVENTS, MSG_ASK_SILENCE, MSG_ASKS };

struct msg_ask {
	uint32_t what;
};

struct msg_done {
	int32_t error;		/* 0 or a negative errno */
};

struct msg_ready {
	char ciphers[96];	/* see tnl_ciphers(): printable */
	uint32_t pid;		/* for the operator's eyes only */
	uint32_t uring;		/* 1: every worker has a ring */
};

struct msg_open {
	uint32_t fwmark;	/* 0: none */
	uint16_t port, zero;	/* host order; 0: the kernel chooses */
};

struct msg_mark {
	uint32_t fwmark;
};

/* What operators are told of the engine: neither keys nor addresses. Counters run since its start. */
struct msg_state {
	char cipher[24];
	uint32_t workers;
	uint32_t fwmark;
	uint16_t port, zero;		/* host order; 0: not chosen yet */
	uint8_t up, open, zero2[2];	/* the interface; its sockets */
	uint64_t verdict[TNL_VERDICTS];	/* packets by enum tnl_verdict */
	uint64_t handshakes_read;	/* datagrams that workers handed to the owner */
	uint64_t handshakes_loaded;	/* of them: met a deep queue, answered with cookies */
	uint64_t handshakes_answered;	/* of them: answered */
	uint64_t sessions;		/* made */
	uint64_t gave_up;		/* attempts to make one that ended without an answer */
};

enum msg_event_what { MSG_EVENT_CONNECT, MSG_EVENT_DISCONNECT, MSG_EVENT_ROAM, MSG_EVENTS };

struct msg_event {
	uint32_t what;
	uint32_t lost;			/* events before this one that were too many */
	uint8_t key[TNL_KEY_LEN];	/* the peer's public key */
};

struct msg {
	uint32_t type;
	union msg_body {
		struct msg_start start;
		struct msg_link link;
		struct msg_sockets sockets;
		struct msg_done done;
		struct msg_ready ready;
		struct msg_open open;
		struct msg_mark mark;
		struct msg_ask ask;
		struct msg_state state;
		struct msg_event event;
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
