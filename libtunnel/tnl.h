/* SPDX-License-Identifier: MIT */
/*
 * The private structs of the machine. Each field says who writes it: "owner" means the owner's thread alone and nobody
 * else reads it; "published" that the owner writes and workers read; "workers" that any worker may write, always
 * atomically.
 *
 * How news travels. A worker never touches slow state. It sets bits in peer->news and, when there were none, pushes the
 * peer onto tnl->dirty; tnl_leave() then tells its caller to wake the owner, which takes the whole list with one
 * exchange. The points in time at which a timer of WG 6 falls due are atomics of the peer; a worker bothers the owner
 * about a new one only if the owner would not look at the peer in time anyway (peer->armed), so steady traffic wakes
 * nobody.
 */
#ifndef TNL_H
#define TNL_H

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>

#include <sodium.h>

#include "aead.h"
#include "cookie.h"
#include "index.h"
#include "ip.h"
#include "limit.h"
#include "noise.h"
#include "pin.h"
#include "replay.h"
#include "route.h"
#include "timer.h"
#include "tunnel.h"
#include "wire.h"

/* WG 6.1. */
#define REKEY_AFTER_MESSAGES (UINT64_C(1) << 60)
#define REJECT_AFTER_MESSAGES (UINT64_MAX - (UINT64_C(1) << 13))
#define REKEY_AFTER_TIME (120 * TNL_SEC)
#define REJECT_AFTER_TIME (180 * TNL_SEC)
#define REKEY_TIMEOUT (5 * TNL_SEC)
#define KEEPALIVE_TIMEOUT (10 * TNL_SEC)
#define ERASE_AFTER_TIME (3 * REJECT_AFTER_TIME)
/* What the paper leaves to the implementation; the values are those that other implementations expect. */
#define REKEY_ON_RECEIVE_TIME (REJECT_AFTER_TIME - KEEPALIVE_TIMEOUT - REKEY_TIMEOUT)
#define SILENCE_TIMEOUT (KEEPALIVE_TIMEOUT + REKEY_TIMEOUT)
#define REKEY_JITTER (333 * (TNL_SEC / 1000))
#define MAX_RETRIES 18			/* REKEY_ATTEMPT_TIME / REKEY_TIMEOUT */
#define INITIATION_SPACING (TNL_SEC / 50)
#define COOKIE_SECRET_TIME (120 * TNL_SEC)
#define COOKIE_USE_TIME (115 * TNL_SEC)
#define LOAD_HOLD_TIME TNL_SEC
/* How long the caller may take to offer again what waited before we confirm the session with a keepalive ourselves. */
#define CONFIRM_TIME (20 * (TNL_SEC / 1000))

/* More than this in one run could let reservations that race past REJECT_AFTER_MESSAGES wrap the counter: workers
 * check, then add, so at most TNL_RUN_MAX * WORKERS_MAX counters lie beyond the limit. */
enum { WORKERS_MAX = 64 };
_Static_assert(TNL_RUN_MAX * WORKERS_MAX <= 1 << 13, "a counter could wrap");

enum { TOS_HANDSHAKE = 0x88 };	/* AF41, as the kernel marks initiations and responses */

/* One pair of transport keys, WG 5.4.5. */
struct tnl_session {
	/* Constant from the publication of the session until its grace period is over. */
	struct peer *peer;
	tnl_ns birth;
	uint32_t local_index, remote_index;
	bool initiator;
	uint8_t send[TNL_KEY_LEN], receive[TNL_KEY_LEN];

	_Alignas(64) _Atomic uint64_t tx_counter;	/* workers: the next to be used */
	_Alignas(64) _Atomic bool confirmed;		/* workers: an authentic packet came */
	_Atomic bool rekey_asked;			/* workers: the late rekey happens once a session */
	_Atomic(struct tnl_session *) before;		/* owner: seals instead until this one is confirmed; or NULL */
	struct replay replay;				/* workers */

	bool send_dead;					/* owner: made under an identity that we gave up */
	uint32_t next;					/* owner: link in limbo or in the free list, number + 1 */
	uint64_t tag;					/* owner: epoch of retirement */
};

/* peer->news. */
enum {
	NEWS_CONFIRMED = 1,	/* the next session carried its first authentic packet */
	NEWS_INITIATE = 2,	/* a session is wanted: there is none, or it is due for renewal */
	NEWS_TIMER = 4,		/* a timer falls due before the owner would look */
	NEWS_KEEPALIVE = 8,	/* say something now */
};

/* peer->todo: what tnl_advance() has still to emit. */
enum { TODO_INITIATE = 1, TODO_RETRY = 2, TODO_KEEPALIVE = 4 };

enum { PATH_WORDS = sizeof(struct tnl_path) / 8 };
_Static_assert(sizeof(struct tnl_path) == 48, "a path is copied in words and compared as memory");

struct peer {
	/* One line that every packet reads. */
	_Alignas(64) _Atomic(struct tnl_session *) tx;	/* published, see session_sending() */
	_Atomic uint32_t path_seq;			/* odd while path is written */
	_Atomic tnl_peer handle;			/* published; 0: the slot is free */
	_Atomic uint64_t path[PATH_WORDS];		/* under path_seq, by whoever sees the peer move */

	/* Written by workers, at most once a run each. */
	_Alignas(64) _Atomic uint64_t tx_bytes, rx_bytes;
	_Atomic uint64_t silence_due;	/* sent content and heard nothing: initiate then; 0 off */
	_Atomic uint64_t passive_due;	/* received content and sent nothing: keepalive then; 0 off */
	_Atomic uint64_t traversed;	/* last authentic packet in either direction */
	_Atomic uint32_t news;
	uint32_t dirty_next; /* link in tnl->dirty: who pushes writes, the owner reads after taking the list */
	_Atomic bool waiting;		/* the caller keeps packets back for this peer */
	_Atomic bool traffic;		/* packets were offered while a handshake was under way */

	/* Published for workers. */
	_Alignas(64) _Atomic uint64_t armed;	/* when the owner will look next */
	_Atomic uint64_t initiate_after;	/* before this no initiation may leave, so none need be asked for */
	_Atomic uint64_t silence_timeout;	/* with this peer's jitter */

	/* Owner. */
	struct tnl_session *previous, *current, *next;
	uint8_t remote_static[TNL_KEY_LEN];
	uint8_t psk[TNL_KEY_LEN];
	uint8_t static_static[TNL_KEY_LEN];	/* with identity static_static_with - 1; computed at first use */
	uint8_t newest_timestamp[TIMESTAMP_LEN];	/* greatest ever accepted, WG 5.1 */
	uint8_t static_static_with;
	uint8_t hs_identity;
	bool hs_initiated;			/* handshake is valid: an own initiation waits for its response */
	struct noise_handshake handshake;
	uint32_t hs_index;
	uint32_t attempts;
	tnl_ns initiation_consumed;		/* when the last one was */
	tnl_ns retry_due, erase_due, confirm_due;	/* 0 off */
	tnl_ns handshake_wall;
	tnl_ns stamp_wall;			/* of our last initiation: the next has a greater one */
	uint8_t last_mac1[MAC_LEN];		/* of our last handshake message; a cookie reply is bound to it */
	bool last_mac1_set;
	uint8_t cookie[COOKIE_SIZE];
	tnl_ns cookie_time;			/* 0: none */
	uint16_t keepalive_s;
	uint8_t todo, events;
	bool queued, event_queued;
	uint32_t slot, generation;
	uint32_t queue_next, event_next, limbo_next;	/* slot + 1; 0 ends */
	uint64_t limbo_tag;
};

struct tnl_worker {
	_Alignas(64) struct pin pin;
	struct tnl *t;
	struct aead *aead;
	bool news;					/* since enter */
	_Atomic uint64_t count[TNL_VERDICTS];		/* this worker writes, anybody reads */
};

/* Of the peer in the same slot: its place in the table by public key. Apart from the peers, so that a walk along a
 * chain stays within few pages. */
struct chain {
	uint32_t hash, next;	/* next: slot + 1; 0 ends */
};

/* A list to which is added at its end; number + 1, 0 is nobody. */
struct line {
	uint32_t first, last;
};

enum { SLICE = 1024 };	/* peers or sessions: what a step of a turn does at most, about a millisecond */
enum { BUCKETS_FIRST = 64 };
enum { MAC1_WORDS = COOKIE_KEY_LEN / 8 };

struct tnl {
	struct tnl_env env;
	struct tnl_limits lim;
	struct tnl_worker *worker;
	struct peer *peer;
	struct tnl_session *session;
	struct route *route;
	struct index index;
	struct pin_domain pins;
	_Atomic bool up;				/* published */

	/* Published: mac1 keys (hashes of public keys, no secret) of the identities whose bit is set. */
	_Atomic uint32_t mac1_seq;
	_Atomic uint32_t mac1_set;
	_Atomic uint64_t mac1_key[TNL_IDENTITIES][MAC1_WORDS];

	_Alignas(64) _Atomic uint32_t dirty;		/* workers push peers (slot + 1), the owner takes all */

	/* Owner. */
	_Alignas(64) struct noise_identity identity[TNL_IDENTITIES];
	uint8_t reply_key[TNL_IDENTITIES][COOKIE_KEY_LEN];
	uint8_t cookie_secret[32];
	tnl_ns cookie_secret_born;			/* 0: none yet */
	tnl_ns load_until;
	struct limit limit;
	struct timer_heap timers;
	uint8_t hash_key[crypto_shorthash_KEYBYTES];
	uint32_t *bucket;				/* public key -> peer, see bucket_of() */
	struct chain *chain;				/* by slot */
	uint32_t buckets, bucket_half;			/* in use; the power of two in that */
	uint32_t peer_high, peer_free, session_high, session_free;	/* slots used so far; lists of number + 1 */
	struct line peer_limbo, session_limbo;		/* removed, oldest first */
	uint32_t forget, forget_at;			/* whose source is to be forgotten: so many slots from there */
	uint32_t news;					/* taken from dirty, not looked at yet */
	bool unreclaimed;				/* more than a slice was nobody's any more */
	uint32_t queue_head, queue_tail, event_head, event_tail;
};

/* Age with an owner's clock that may be a little ahead of a worker's. */
static inline bool older_than(tnl_ns birth, tnl_ns now, tnl_ns age)
{
	return now > birth && now - birth >= age;
}

static inline uint32_t random_u32(struct tnl *t)
{
	uint32_t r;

	t->env.random(t->env.ctx, &r, sizeof(r));
	return r;
}

#endif
