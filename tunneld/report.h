/* SPDX-License-Identifier: MIT */
/*
 * What the engine counts and tells its parent, for operators to see. Neither keys nor addresses but the public keys of
 * peers. OWNER only.
 */
#ifndef REPORT_H
#define REPORT_H

#include <stdbool.h>

#include "device.h"

/* All zero at the start. */
struct report {
	uint64_t read, loaded, answered;	/* handshake datagrams, see struct msg_state */
	uint64_t sessions, gave_up;
};

/* An event of the protocol machine, as it comes. */
void report_event(struct report *r, const struct tnl_event *ev);

/* Answers what the parent has asked for since the last call. */
void report_round(struct report *r, struct device *d);

#endif
