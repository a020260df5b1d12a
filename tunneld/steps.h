/* SPDX-License-Identifier: MIT */
/*
 * The two halves of a change from one plan to another, by netlink: what is new is added, then what is old is removed.
 * Private to network.c. PARENT only.
 */
#ifndef STEPS_H
#define STEPS_H

#include <stdint.h>

#include "netlink.h"
#include "plan.h"

struct steps {
	struct netlink *netlink;
	unsigned ifindex;
	uint32_t mtu;		/* that the interface has been given; 0: not yet, and it is down */
};

/* Why something failed: one line without line end. */
struct trouble {
	char what[160];
};

/* Says so and returns err. */
int fail(struct trouble *t, int err, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Adds what `want` has and `have` has not, and brings the interface up. Negative errno: some of it may be there,
 * steps_remove() with the plans exchanged takes it away; the rules are not. */
int steps_add(struct steps *s, const struct plan *have, const struct plan *want, uint32_t mtu, struct trouble *t);
/* Removes what `have` has and `want` has not. */
void steps_remove_rules(struct steps *s, const struct plan *have, const struct plan *want);
void steps_remove(struct steps *s, const struct plan *have, const struct plan *want);

/* Those that a killed predecessor left: they name the table that p is going to use, which is empty. The kernel takes
 * the same rule twice, so each crash would leave another pair. */
void steps_remove_stale_rules(struct steps *s, const struct plan *p);

#endif
