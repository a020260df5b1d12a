/* SPDX-License-Identifier: MIT */
/*
 * The owner's turn: take the news from workers, see whose time has come (WG 6), emit what follows, give back memory. A
 * peer with something to say waits in a queue, so that output in small portions serves all alike. Each step does a
 * slice and leaves the rest to the next turn: when the interface comes up a million peers may have news at once, and
 * all fall due at the same time ever after.
 */
#include "handshake.h"
#include "peer.h"
#include "session.h"

/* ---- News -------------------------------------------------------------------------------------------------------- */

static void take_news(struct tnl *t, struct peer *p, struct tnl_now now)
{
	uint32_t news = atomic_exchange(&p->news, 0);

	if (!p->handle || !atomic_load(&t->up))
		return;
	if (news & NEWS_CONFIRMED && session_confirm(t, p)) {
		atomic_store(&p->waiting, false);
		handshake_complete(t, p, now);
	}
	if (news & NEWS_INITIATE)
		peer_todo(t, p, TODO_INITIATE);
	if (news & NEWS_KEEPALIVE)
		peer_todo(t, p, TODO_KEEPALIVE);
	peer_arm(t, p);
}

static void take_dirty(struct tnl *t, struct tnl_now now)
{
	for (unsigned i = 0; i < SLICE; i++) {
		struct peer *p;

		if (!t->news)
			t->news = atomic_exchange(&t->dirty, 0);
		if (!t->news)
			break;
		p = &t->peer[t->news - 1];
		t->news = p->dirty_next;	/* before take_news(): from then on a worker may push it again */
		take_news(t, p, now);
	}
}

/* ---- Timers ------------------------------------------------------------------------------------------------------ */

/* True and off when the point has come. */
static bool fell_due(tnl_ns *due, tnl_ns now)
{
	if (!*due || now < *due)
		return false;
	*due = 0;
	return true;
}

/* The same for a point that workers set and clear. */
static bool fell_due_shared(_Atomic uint64_t *due, tnl_ns now)
{
	uint64_t at = atomic_load(due);

	return at && now >= at && atomic_compare_exchange_strong(due, &at, 0);
}

static void give_up(struct tnl *t, struct peer *p, tnl_ns now)
{
	atomic_store(&p->passive_due, 0);
	atomic_store(&p->waiting, false);
	peer_event(t, p, TNL_EV_GAVE_UP);
	if (!p->erase_due)
		p->erase_due = now + ERASE_AFTER_TIME;
}

static void retry(struct tnl *t, struct peer *p, tnl_ns now)
{
	if (atomic_exchange(&p->traffic, false))
		p->attempts = 0;
	if (p->attempts > MAX_RETRIES) {
		give_up(t, p, now);
		return;
	}
	p->attempts++;
	peer_path_forget_local(p);
	peer_todo(t, p, TODO_RETRY);
}

/* Three times REJECT_AFTER_TIME after the last session was made nothing may be left of any, WG 6.3. */
static void erase(struct tnl *t, struct peer *p)
{
	if (p->hs_initiated)
		index_release(&t->index, p->hs_index);
	p->hs_initiated = false;
	sodium_memzero(&p->handshake, sizeof(p->handshake));
	session_drop_all(t, p);
	if (!p->retry_due)
		peer_event(t, p, TNL_EV_WIPED);
}

static void run_timers(struct tnl *t, struct peer *p, tnl_ns now)
{
	if (fell_due(&p->retry_due, now))
		retry(t, p, now);
	if (fell_due(&p->erase_due, now))
		erase(t, p);
	if (fell_due_shared(&p->silence_due, now)) {
		peer_path_forget_local(p);
		peer_todo(t, p, TODO_INITIATE);
	}
	if (fell_due_shared(&p->passive_due, now))
		peer_todo(t, p, TODO_KEEPALIVE);
	if (fell_due(&p->confirm_due, now) && p->current && !atomic_load(&p->current->tx_counter))
		peer_todo(t, p, TODO_KEEPALIVE);
	if (p->keepalive_s && now >= atomic_load(&p->traversed) + p->keepalive_s * TNL_SEC) {
		atomic_store(&p->traversed, now);
		peer_todo(t, p, TODO_KEEPALIVE);
	}
	peer_arm(t, p);
}

/* ---- Output ------------------------------------------------------------------------------------------------------ */

/* One thing that p has to say, if it turns out to be sayable. */
static size_t emit(struct tnl *t, struct peer *p, struct tnl_now now, struct tnl_msg *out)
{
	size_t made;

	if (p->todo & TODO_RETRY) {
		p->todo &= (uint8_t)~(TODO_RETRY | TODO_INITIATE);
		made = handshake_initiate(t, p, now, true, out);
		/* A response of ours left a moment ago and may yet be confirmed; if not, this attempt is made then.
		 * With jitter: the other side may be in the same situation, at the same moment. */
		if (!made && now.boot < p->initiate_after)
			p->retry_due = p->initiate_after + random_u32(t) % REKEY_JITTER;
	} else if (p->todo & TODO_INITIATE) {
		p->todo &= (uint8_t)~TODO_INITIATE;
		made = handshake_initiate(t, p, now, false, out);
	} else {
		p->todo &= (uint8_t)~TODO_KEEPALIVE;
		made = handshake_keepalive(t, p, now, out);
		/* Without a session a keepalive is a reason to make one. */
		if (!made)
			peer_todo(t, p, TODO_INITIATE);
	}
	peer_arm(t, p);
	return made;
}

static size_t run_queue(struct tnl *t, struct tnl_now now, struct tnl_msg *out, size_t max)
{
	size_t n = 0;

	for (unsigned i = 0; i < SLICE && t->queue_head && n < max; i++) {
		struct peer *p = &t->peer[t->queue_head - 1];

		t->queue_head = p->queue_next;
		if (!t->queue_head)
			t->queue_tail = 0;
		p->queued = false;
		if (!p->handle || !atomic_load(&t->up)) {
			p->todo = 0;
			continue;
		}
		if (p->todo)
			n += emit(t, p, now, &out[n]);
		peer_todo(t, p, 0);
	}
	return n;
}

/* ---- The turn ---------------------------------------------------------------------------------------------------- */

/* Order matters: `waiting` is set before the workers are asked, so that one who leaves meanwhile tells us. */
static void reclaim(struct tnl *t)
{
	uint64_t oldest;
	uint32_t slice = SLICE;
	bool all;

	t->unreclaimed = false;
	if (!t->session_limbo.first && !t->peer_limbo.first && route_reclaim(t->route, 0)) {
		atomic_store(&t->pins.waiting, false);
		return;
	}
	atomic_store(&t->pins.waiting, true);
	oldest = pin_oldest(&t->pins, &t->worker[0].pin, t->lim.workers, sizeof(t->worker[0]));
	all = session_reclaim(t, oldest, &slice);
	all &= route_reclaim(t->route, oldest);
	all &= peer_reclaim(t, oldest, &slice);
	t->unreclaimed = !slice;
	if (all)
		atomic_store(&t->pins.waiting, false);
}

size_t tnl_advance(struct tnl *t, struct tnl_now now, struct tnl_msg *out, size_t max)
{
	size_t n;

	take_dirty(t, now);
	peer_forget_some(t);
	for (unsigned i = 0; i < SLICE && timer_next(&t->timers) <= now.boot; i++)
		run_timers(t, &t->peer[t->timers.entry[1].slot], now.boot);
	n = run_queue(t, now, out, max);
	reclaim(t);
	return n;
}

tnl_ns tnl_deadline(const struct tnl *t)
{
	if (t->queue_head || t->news || t->forget || t->unreclaimed || atomic_load(&t->dirty))
		return 0;
	return timer_next(&t->timers);
}
