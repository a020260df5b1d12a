/* SPDX-License-Identifier: MIT */
/*
 * The parent asks, the answer leaves at the end of the owner's round: nothing here waits. What the parent does not take
 * is dropped, since it asks again; that it is gone is seen where the channel is read.
 */
#include "report.h"

#include <stdio.h>
#include <string.h>

#include "log.h"
#include "presence.h"

enum {
	EVENTS_RATE = 50,	/* told in a second, on average, */
	EVENTS_BURST = 200,	/* and so many at once: the channel holds them */
	LOOKS = 512,		/* peers whose place is looked up at a time */
};
#define EVENT_COST (TNL_SEC / EVENTS_RATE)

bool report_start(struct report *r, struct device *d)
{
	r->device = d;
	r->look = TNL_NEVER;
	r->presence = presence_new(d->limits.peers);
	return r->presence != NULL;
}

/* ---- Events ------------------------------------------------------------------------------------------------------ */

/* A flood of handshakes is no flood of messages: what is beyond the rate is counted and told with the next one. */
static bool may_speak(struct report *r)
{
	tnl_ns now = device_now().boot, least = now > EVENTS_BURST * EVENT_COST ? now - EVENTS_BURST * EVENT_COST : 0;

	if (r->spoken < least)
		r->spoken = least;
	if (r->spoken + EVENT_COST > now)
		return false;
	r->spoken += EVENT_COST;
	return true;
}

static void tell(void *ctx, enum msg_event_what what, const uint8_t key[TNL_KEY_LEN])
{
	struct report *r = ctx;
	struct msg m = {.type = MSG_EVENT, .body.event = {.what = what, .lost = r->lost}};

	if (!r->told)
		return;
	memcpy(m.body.event.key, key, TNL_KEY_LEN);
	if (may_speak(r) && msg_send(r->device->channel, &m) == 0)
		r->lost = 0;
	else
		r->lost++;
}

void report_event(struct report *r, const struct tnl_event *ev)
{
	struct tnl *t = r->device->tnl;
	uint8_t key[TNL_KEY_LEN];
	struct tnl_stat stat;

	r->sessions += ev->what == TNL_EV_READY;
	r->gave_up += ev->what == TNL_EV_GAVE_UP;
	if (ev->what == TNL_EV_WIPED)
		presence_wiped(r->presence, ev->peer, tell, r);
	else if (ev->what == TNL_EV_READY && !tnl_peer_get(t, ev->peer, key, NULL) &&
		 !tnl_peer_stat(t, ev->peer, &stat))
		presence_ready(r->presence, device_now().boot, ev->peer, key, &stat.path.remote, tell, r);
}

/* Workers follow a peer that roams without a word to us, and a word would cost them. So we look, while somebody wants
 * to know, at some of those who are there, once a second. */
static void look_around(struct report *r, tnl_ns now)
{
	struct tnl_stat stat;

	for (unsigned i = 0; i < LOOKS; i++) {
		r->looked = presence_next(r->presence, r->looked);
		if (!r->looked)
			break;
		if (!tnl_peer_stat(r->device->tnl, r->looked, &stat))
			presence_seen(r->presence, r->looked, &stat.path.remote, tell, r);
	}
	r->look = now + TNL_SEC;
}

/* ---- Answers ----------------------------------------------------------------------------------------------------- */

static void send_state(const struct report *r, const struct device *d)
{
	struct msg m = {.type = MSG_STATE};
	struct msg_state *s = &m.body.state;

	snprintf(s->cipher, sizeof(s->cipher), "%s", tnl_cipher());
	s->workers = d->pool.count;
	s->fwmark = d->fwmark;
	s->port = d->port;
	s->up = d->up;
	s->open = d->socks[0].fd4 >= 0 || d->socks[0].fd6 >= 0;
	for (unsigned i = 0; i < d->limits.workers; i++) {
		uint64_t count[TNL_VERDICTS];

		tnl_counts(tnl_worker(d->tnl, i), count);
		for (unsigned v = 0; v < TNL_VERDICTS; v++)
			s->verdict[v] += count[v];
	}
	s->handshakes_read = r->read;
	s->handshakes_loaded = r->loaded;
	s->handshakes_answered = r->answered;
	s->sessions = r->sessions;
	s->gave_up = r->gave_up;
	if (msg_send(d->channel, &m) < 0)
		log_debug("the parent does not take the state: %m");
}

static void answer_alive(struct report *r)
{
	if (!r->asked_alive || !pool_alive(&r->device->pool))
		return;
	r->asked_alive = false;
	if (msg_send(r->device->channel, &(struct msg){.type = MSG_ALIVE}) < 0)
		log_debug("the parent does not take that all is well: %m");
}

void report_round(struct report *r)
{
	uint32_t asked = r->device->pending.asked;
	tnl_ns now = device_now().boot;

	r->device->pending.asked = 0;
	if (asked & 1u << MSG_ASK_STATE)
		send_state(r, r->device);
	if (asked & 1u << MSG_ASK_ALIVE) {
		r->asked_alive = true;
		pool_ping(&r->device->pool);
	}
	if (asked & (1u << MSG_ASK_EVENTS | 1u << MSG_ASK_SILENCE)) {
		/* Both in one round: who has gone has been replaced. */
		r->told = asked & 1u << MSG_ASK_EVENTS;
		r->look = r->told ? now : TNL_NEVER;
		r->looked = 0;
		r->lost = 0;
	}
	answer_alive(r);
	presence_advance(r->presence, now, tell, r);
	if (r->look <= now)
		look_around(r, now);
}

tnl_ns report_deadline(const struct report *r)
{
	tnl_ns gone = presence_deadline(r->presence);

	return r->look < gone ? r->look : gone;
}
