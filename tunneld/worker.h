/* SPDX-License-Identifier: MIT */
/*
 * A data thread: the two straight lines tun -> seal -> udp and udp -> open -> tun, each run to completion. It sleeps in
 * poll() on its TUN queues, the sockets and the owner's commands; it allocates nothing and takes no lock while packets
 * flow. Everything in this header is called by the OWNER.
 *
 * System calls of the thread, for the sandbox: poll, read, write, writev, sendmsg, sendmmsg, recvmmsg, io_uring_enter,
 * futex, sched_yield; to end: exit, madvise, munmap, rt_sigprocmask. To make and start it, before: mmap, mlock2,
 * madvise, eventfd2, io_uring_setup, io_uring_register, clone3.
 */
#ifndef WORKER_H
#define WORKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crew.h"
#include "judge.h"
#include "lanes.h"
#include "tun.h"
#include "tunnel.h"
#include "udp.h"

enum { WORKER_CONTROL_MAX = 1024 };	/* datagrams the control ring holds */

struct worker_conf {
	struct tnl *tnl;	/* outlives the worker */
	unsigned index;		/* the worker's own tnl_worker() */
	int tun[LANES];		/* its own queues; the caller keeps the descriptors open until worker_stop() */
	unsigned lanes;		/* how many they are, at least 1 */
	uint64_t seed;		/* random */
	struct tun_info info;
	struct udp_info udp;
	int owner_event;	/* eventfd, shared by all workers: see worker_pop_control() */
	uint32_t mtu;		/* of the interface; 0: not known, pads without bound */
	struct crew *crew;	/* whom the worker joins; all of it starts before packets flow, and stops as a whole */
	enum judge_rule share;	/* whether large batches are shared within it */
};

struct worker;

/* A control datagram as it came in; give it to tnl_control(). */
struct worker_dgram {
	struct tnl_path path;
	uint16_t len;
	uint8_t data[TNL_MSG_MAX];
};

/* All its memory is mapped now. NULL with errno set. Those of one crew must all be there before one of them starts,
 * and be freed after all have stopped, since they look at each other. */
struct worker *worker_new(const struct worker_conf *conf);
/* Neither closes the TUN queue nor the sockets. NULL is fine. */
void worker_free(struct worker *w);

/* Starts the thread, all signals blocked, without sockets: nothing is received, what the host sends waits. 0 or a
 * negative errno. */
int worker_start(struct worker *w);
/* Ends and joins the thread. */
void worker_stop(struct worker *w);

/* From its return the worker uses `s` and receives from `old` too (NULL: there are none); it has copied both, and what
 * is in neither is no longer touched, so the caller may close it. `s` NULL: none, the interface is down: packets that
 * wait for a session or in the queue are dropped; what the host sends later waits in the queue for the next sockets.
 * Call it behind tnl_set_up(), then no packet meets a machine that is still down. */
void worker_set_sockets(struct worker *w, const struct udp_socks *s, const struct udp_socks *old);

/* Padding follows the interface's MTU. */
void worker_set_mtu(struct worker *w, uint32_t mtu);

/* On TNL_EV_READY: send what waits for this peer's session. Costs nothing when nothing waits here. */
void worker_ready(struct worker *w, tnl_peer p);

/* On TNL_EV_GAVE_UP and TNL_EV_WIPED: drop what waits for it. */
void worker_drop(struct worker *w, tnl_peer p);

/* The worker writes the eventfd once between two calls of this, however much there is: read the eventfd, call this,
 * then look at everything. */
void worker_listen(struct worker *w);

/* Takes the oldest control datagram; false when there is none. Pop until false, then let tnl_advance() run: the worker
 * writes the eventfd when it has put something in, when tnl_leave() asked for the owner, and when the interface has
 * gone. A full ring drops what comes. */
bool worker_pop_control(struct worker *w, struct worker_dgram *ret);

/* How many wait in the ring, for the rule that makes handshakes cost a cookie. */
unsigned worker_control_depth(const struct worker *w);

/* Does the thread still go round? Ask, and when worker_alive() is true it has done so since; the owner's eventfd is
 * written then. While one question is open no other is asked. */
void worker_ping(struct worker *w);
bool worker_alive(const struct worker *w);

/* It reads many packets in one call where many wait: info.uring allows it, and the kernel does. */
bool worker_has_ring(const struct worker *w);

/* The interface has been removed: reading a queue of it says so. */
bool worker_tun_gone(const struct worker *w);

#endif
