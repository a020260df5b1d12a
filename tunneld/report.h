/* SPDX-License-Identifier: MIT */
/*
 * What the engine counts and tells its parent, for operators to see. Neither keys nor addresses but the public keys of
 * peers. OWNER only.
 */
#ifndef REPORT_H
#define REPORT_H

#include <stdbool.h>

#include "device.h"
#include "presence.h"

/* All zero at the start. */
struct report {
	uint64_t read, loaded, answered;	/* handshake datagrams, see struct msg_state */
	uint64_t sessions, gave_up;
	struct device *device;			/* private from here */
	struct presence *presence;
	bool asked_alive;			/* by the parent; the workers have been asked, too */
	bool told;				/* events are wanted */
	uint32_t lost;
	tnl_ns spoken;				/* of the rate of events: what has been used up */
	tnl_ns look;				/* when to look again where peers are */
	tnl_peer looked;			/* the last that was looked at */
};

/* Before memory can no longer be had. False with errno set. */
bool report_start(struct report *r, struct device *d);

/* An event of the protocol machine, as it comes. */
void report_event(struct report *r, const struct tnl_event *ev);

/* Answers what the parent has asked for since the last call, and does what time brings. */
void report_round(struct report *r);
/* When to call that at the latest. */
tnl_ns report_deadline(const struct report *r);

#endif
