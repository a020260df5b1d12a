/* SPDX-License-Identifier: MIT */
/*
 * The WireGuard protocol as a machine that does no I/O, allocates nothing and takes no lock: bytes, time and randomness
 * go in; bytes, verdicts and one deadline come out. Sections cited as "WG n" are those of the WireGuard paper.
 *
 * Callers are of two kinds. The OWNER is one thread: configuration, handshakes, timers. WORKERS are many: data. A
 * simulator may be both in one thread. Functions that return int give 0 or a negative errno and leave everything as it
 * was on error. Times are nanoseconds of one monotonic clock that counts suspend (CLOCK_BOOTTIME) and must be greater
 * than 0; TNL_NEVER is never.
 */
#ifndef TUNNEL_H
#define TUNNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	TNL_KEY_LEN = 32,	/* bytes: static, preshared or session key */
	TNL_HEAD = 16,		/* bytes before the inner packet in a data message, WG 5.4.6 */
	TNL_TAG = 16,		/* bytes behind the inner packet and its padding, WG 5.4.6 */
	TNL_MSG_MAX = 1500,	/* bytes of a control datagram; bare ones have at most 148, WG 5.4.2 */
	TNL_IDENTITIES = 4,	/* own static keys answered at once; slot 0 is the one that we present */
	TNL_PEERS_MAX = 1 << 20,
	TNL_RUN_MAX = 128,	/* packets of one run */
};

typedef uint64_t tnl_ns;
#define TNL_NEVER UINT64_MAX
#define TNL_SEC UINT64_C(1000000000)

/* A peer's handle: slot and generation. 0 is no peer; the handle of a removed peer is refused with -ENOENT. */
typedef uint32_t tnl_peer;
/* Below limits.peers; no two living peers share one, so it may be the index of a caller's own table. */
static inline uint32_t tnl_slot(tnl_peer p)
{
	return p & (TNL_PEERS_MAX - 1);
}

/* wall: nanoseconds since 1970, UTC. It feeds the TAI64N stamp of initiations and the time of the last handshake. */
struct tnl_now {
	tnl_ns boot, wall;
};

/* family 0: none; 4: ip[0..3], the rest zero; 6: ip[0..15] and for link-local addresses scope, the interface index.
 * port in host order. Unused bytes must be zero: addresses are compared as memory. */
struct tnl_addr {
	uint8_t ip[16];
	uint32_t scope;
	uint16_t port;
	uint8_t family, zero;
};

/* local: the address at which the peer last reached us, to be used as source; family 0: routing picks. For IPv4 its
 * scope is the interface index. Its port is unused and zero. */
struct tnl_path {
	struct tnl_addr remote, local;
};

/* ---- Life -------------------------------------------------------------------------------------------------------- */

/* peers <= TNL_PEERS_MAX; sessions: three per peer that is to be active at once; workers: how many tnl_worker(). */
struct tnl_limits {
	uint32_t peers, sessions, prefixes, workers;
};

/* random() is the only source of entropy and cannot fail; it is called by the owner alone. */
struct tnl_env {
	void *ctx;
	void (*random)(void *ctx, void *dst, size_t len);
};

/* Bytes of the one region that the caller brings; 0 when the limits are out of range. */
size_t tnl_footprint(const struct tnl_limits *lim);

/* The name of the cipher's implementation that serves data on this machine. After tnl_footprint(). */
const char *tnl_cipher(void);
/* For a log: what it uses of the machine and what else there is: "ipsec-mb (AVX512), beside libsodium". */
const char *tnl_ciphers(void);

/* mem: tnl_footprint() zero bytes, 64-byte aligned, the caller's until tnl_wipe() has zeroed what held secrets. Only
 * what is used is touched, so a lazily populated mapping costs what its peers cost. It holds every secret: lock it and
 * keep it out of core dumps. NULL when the limits are out of range. The interface starts down, see tnl_set_up(). */
struct tnl *tnl_init(void *mem, const struct tnl_limits *lim, const struct tnl_env *env);

/* No worker may be between enter and leave, or enter again. */
void tnl_wipe(struct tnl *t);

/* ---- Configuration. OWNER ---------------------------------------------------------------------------------------- */

struct tnl_peer_conf {
	uint8_t psk[TNL_KEY_LEN];	/* all zero: none */
	struct tnl_addr remote;		/* endpoint; family 0: not known */
	uint16_t keepalive_s;		/* 0: off */
};

/* Which fields tnl_peer_set() takes. */
enum { TNL_SET_PSK = 1, TNL_SET_ENDPOINT = 2, TNL_SET_KEEPALIVE = 4 };

struct tnl_stat {
	uint64_t tx_bytes, rx_bytes; /* UDP payload: data, keepalives and handshakes; not cookies, replays, forgeries */
	tnl_ns handshake_wall;		/* when the last session was made, 0: never */
	struct tnl_path path;
};

/* Slot 0 is the key that we present, 1.. are answered too. priv is clamped; NULL or all zero wipes the slot. A new key
 * in slot 0 removes the peer that has the same public key and retires every session for sending (WG: identity change).
 * The same key again changes nothing. -EINVAL: no such slot. */
int tnl_set_identity(struct tnl *t, unsigned slot, const uint8_t priv[TNL_KEY_LEN]);
/* ret: the clamped private key. -ENOENT: the slot is empty. */
int tnl_identity(const struct tnl *t, unsigned slot, uint8_t ret[TNL_KEY_LEN]);

/* The interface is up: peers may speak. Down: handshakes, sessions and timers are erased, nothing is sent or answered.
 * Going up makes peers with a persistent keepalive speak at the next tnl_advance(). */
void tnl_set_up(struct tnl *t, struct tnl_now now, bool up);

/* -EEXIST: there already, and *ret is that peer; -EADDRINUSE: it is our own public key; -ENOSPC: limit. */
int tnl_peer_add(struct tnl *t, const uint8_t pub[TNL_KEY_LEN], tnl_peer *ret);
/* 0: no such peer. */
tnl_peer tnl_peer_find(const struct tnl *t, const uint8_t pub[TNL_KEY_LEN]);
/* `which`: TNL_SET_ bits. An endpoint forgets the cached source. A keepalive interval switched on speaks at once. */
int tnl_peer_set(struct tnl *t, struct tnl_now now, tnl_peer p, const struct tnl_peer_conf *c, unsigned which);
/* Ends sessions, prefixes and timers; the handle is dead and its slot may be used again. */
int tnl_peer_del(struct tnl *t, tnl_peer p);
/* ret_pub and ret may be NULL. */
int tnl_peer_get(const struct tnl *t, tnl_peer p, uint8_t ret_pub[TNL_KEY_LEN], struct tnl_peer_conf *ret);
int tnl_peer_stat(const struct tnl *t, tnl_peer p, struct tnl_stat *ret);
/* p 0: the first; returns 0 when there is no more. Any order, stable while no peer is added or removed. */
tnl_peer tnl_peer_next(const struct tnl *t, tnl_peer p);

/* Allowed IPs. Host bits are cleared; net->port is unused. A prefix belongs to one peer: setting it moves it.
 * -EINVAL: family or bits; -ENOENT: dead peer; -ENOSPC: limit. */
int tnl_route_set(struct tnl *t, const struct tnl_addr *net, unsigned bits, tnl_peer p);
/* Only if p has exactly this prefix; -ENOENT otherwise. */
int tnl_route_del(struct tnl *t, const struct tnl_addr *net, unsigned bits, tnl_peer p);
void tnl_route_clear(struct tnl *t, tnl_peer p);
/* The peer that has exactly this prefix; 0: none. */
tnl_peer tnl_route_owner(const struct tnl *t, const struct tnl_addr *net, unsigned bits);
/* Walks p's prefixes: *cursor 0 at the start; false when there is no more. The order is not defined. */
bool tnl_route_next(const struct tnl *t, tnl_peer p, uint32_t *cursor, struct tnl_addr *net, unsigned *bits);

/* ---- Handshakes and timers. OWNER -------------------------------------------------------------------------------- */

/* A control datagram to send. tos: the outer TOS or traffic class. */
struct tnl_msg {
	struct tnl_path path;
	tnl_peer peer;		/* 0 for answers that belong to nobody (cookie replies) */
	uint16_t len;
	uint8_t tos;
	uint8_t data[TNL_MSG_MAX];
};

struct tnl_event {
	enum {
		TNL_EV_READY,	/* a session can send: offer what TNL_WAIT kept back again */
		TNL_EV_GAVE_UP,	/* no answer for 90 s: drop what waits */
		TNL_EV_WIPED,	/* keys erased and no handshake under way, or the peer is gone: drop what waits */
	} what;
	tnl_peer peer;
};

/* After input drain tnl_event(), offer again what was kept back, then call tnl_advance() until it fills less than max,
 * then sleep until tnl_deadline(). tnl_control() takes one datagram of any bytes and answers with 0 or 1 message; with
 * `busy` (the caller's queue is deep) it answers with cookies and limits sources, WG 5.3. */
size_t tnl_control(struct tnl *t, struct tnl_now now, const struct tnl_path *from, const uint8_t *msg, size_t len,
		   bool busy, struct tnl_msg *out);
size_t tnl_advance(struct tnl *t, struct tnl_now now, struct tnl_msg *out, size_t max);
/* In the past (0) when workers left work, or when there was more than a turn may take. */
tnl_ns tnl_deadline(const struct tnl *t);
bool tnl_event(struct tnl *t, struct tnl_event *ret);

/* Forget the cached local address: the kernel refused it, or routes changed. p 0: of all peers, some now and the others
 * in the next turns of tnl_advance(), OWNER only. Else any thread, and a dead handle is ignored. */
void tnl_forget_source(struct tnl *t, tnl_peer p);

/* ---- Data. WORKERS ----------------------------------------------------------------------------------------------- */

/* A run is what one key does to consecutive packets. What it names stays valid from enter to leave of the worker that
 * began it. `w` is always the calling thread's own. */
enum tnl_verdict {
	TNL_PASS,	/* tx: seal and send. rx: data/len is the inner packet */
	TNL_EMPTY,	/* rx: keepalive, nothing to write */
	TNL_WAIT,	/* tx: no session yet (ret->peer says whose): keep it, offer it again on TNL_EV_READY */
	TNL_CONTROL,	/* rx: mac1 holds, or a cookie for an index of ours: for the owner; may be dropped */
	TNL_DROP_DOWN,	/* the interface is down */
	TNL_DROP_SHORT,	/* no message has this length */
	TNL_DROP_TYPE,
	TNL_DROP_MAC1,
	TNL_DROP_INDEX,	/* no such session */
	TNL_DROP_EXPIRED,	/* session older than REJECT_AFTER_TIME, or counter at its end */
	TNL_DROP_AUTH,
	TNL_DROP_REPLAY,
	TNL_DROP_SOURCE,	/* authentic, but the inner source is not the sender's */
	TNL_DROP_INNER,	/* not a whole IP packet */
	TNL_DROP_NOROUTE,	/* tx: no peer has the destination */
	TNL_DROP_NOPATH,	/* tx: the peer has no endpoint; ret->peer says whose */
	TNL_VERDICTS
};

struct tnl_run {
	struct tnl_session *key;
	tnl_peer peer;
	uint32_t count;
	uint64_t counter;	/* tx: the first of `count` reserved counters */
	struct tnl_path path;	/* tx: where to send */
};

struct tnl_pkt {
	uint8_t *data;
	uint32_t len;
	uint32_t verdict;	/* rx: enum tnl_verdict */
	uint64_t counter;	/* rx: private, between rx_begin and rx_end */
};

struct tnl_worker *tnl_worker(struct tnl *t, unsigned i);	/* one per thread; i < limits.workers */
void tnl_enter(struct tnl_worker *w);
bool tnl_leave(struct tnl_worker *w);	/* true: wake the owner */
/* Packets by verdict since start; any thread. */
void tnl_counts(const struct tnl_worker *w, uint64_t ret[TNL_VERDICTS]);

/* Route the inner packet (its first len bytes; the IP header is enough), reserve `count` (1..TNL_RUN_MAX) counters in
 * one atomic add. PASS, WAIT, or a drop. A run that is never sent costs only its counters. */
enum tnl_verdict tnl_tx_begin(struct tnl_worker *w, tnl_ns now, const uint8_t *inner, size_t len, uint32_t count,
			      struct tnl_run *ret);
/* Bytes on the wire of an inner packet: head, packet padded to 16 but not beyond mtu (0: no bound), tag. */
size_t tnl_tx_len(size_t inner, size_t mtu);
/* In place, the packets [first, first + n) of the run together, which is cheaper than one by one. data: a slot in which
 * the inner packet lies at TNL_HEAD, with room for tnl_tx_len() bytes; len: of the inner packet, becomes tnl_tx_len().
 * Slots may lie one right behind the other. */
void tnl_tx_seal_run(struct tnl_worker *w, const struct tnl_run *run, uint32_t first, struct tnl_pkt *pkt, uint32_t n,
		     size_t mtu);
/* The same for the i-th alone; returns its tnl_tx_len(). */
size_t tnl_tx_seal(struct tnl_worker *w, const struct tnl_run *run, uint32_t i, uint8_t *slot, size_t inner,
		   size_t mtu);
/* bytes: UDP payload handed to the kernel. */
void tnl_tx_end(struct tnl_worker *w, tnl_ns now, const struct tnl_run *run, uint64_t bytes);

/* pkt[0..n), all of one source. Takes the longest prefix that is one run of at most TNL_RUN_MAX; returns its length,
 * >= 1. With ret->key NULL the verdicts are final (CONTROL or a drop); else open, then end. */
uint32_t tnl_rx_begin(struct tnl_worker *w, tnl_ns now, struct tnl_pkt *pkt, uint32_t n, struct tnl_run *ret);
/* In place, n packets of the run together (all of them, or a part that one of several threads takes): authenticate and
 * decrypt. Verdict PASS: data/len is the padded inner packet. */
void tnl_rx_open_run(struct tnl_worker *w, const struct tnl_run *run, struct tnl_pkt *pkt, uint32_t n);
/* The same for one. */
void tnl_rx_open(struct tnl_worker *w, const struct tnl_run *run, struct tnl_pkt *pkt);
/* In arrival order, once per run: window, trim to the IP length, inner source, key confirmation, roaming, stamps. Sets
 * the final verdicts. Authentic packets count even if TNL_DROP_SOURCE or TNL_DROP_INNER. */
void tnl_rx_end(struct tnl_worker *w, tnl_ns now, const struct tnl_run *run, const struct tnl_path *from,
		struct tnl_pkt *pkt);

#endif
