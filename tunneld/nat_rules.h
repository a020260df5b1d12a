/* SPDX-License-Identifier: MIT */
/* What is in our table, as the messages of one transaction. Pure but for the heap. Private to nat*.c and tests. */
#ifndef NAT_RULES_H
#define NAT_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plan.h"

enum {
	NAT_TABLE_MAX = 32,		/* bytes of the table's name, with its NUL */
	NAT_MESSAGE_MAX = 2048,		/* bytes of one message */
};

#define NAT_KILL_CHAIN "kill-output"	/* the chain that is there when there is a kill switch */

/* Messages one behind the other, each to be acknowledged, between a begin and an end. */
struct nat_batch {
	char *bytes;
	size_t len, room;
	uint32_t seq;		/* of the next message; the first has 1 */
	uint32_t rules;		/* how many there will be in the table */
	bool failed;		/* no memory or no room: not to be sent */
};

void nat_table_name(char dst[NAT_TABLE_MAX], const char *ifname);

/* Builds what replaces the table by the one that p wants; p NULL: what removes it. 0 or -ENOMEM. */
int nat_rules_build(struct nat_batch *ret, const char *ifname, const struct plan *p);
void nat_batch_free(struct nat_batch *b);

#endif
