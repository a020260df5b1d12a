/* SPDX-License-Identifier: MIT */
/*
 * The parent asks, the answer leaves at the end of the owner's round: nothing here waits. What the parent does not take
 * is dropped, since it asks again; that it is gone is seen where the channel is read.
 */
#include "report.h"

#include <stdio.h>

#include "log.h"

void report_event(struct report *r, const struct tnl_event *ev)
{
	r->sessions += ev->what == TNL_EV_READY;
	r->gave_up += ev->what == TNL_EV_GAVE_UP;
}

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

void report_round(struct report *r, struct device *d)
{
	uint32_t asked = d->pending.asked;

	d->pending.asked = 0;
	if (asked & 1u << MSG_ASK_STATE)
		send_state(r, d);
}
