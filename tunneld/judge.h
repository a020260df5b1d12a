/* SPDX-License-Identifier: MIT */
/*
 * Whether a worker's large batches are better shared with others or done alone. That depends on what waking a thread
 * costs here, on how many processors are idle and on who else wants them, so it is tried: some batches each way, then
 * the faster way for a while. Pure; times come from the caller.
 */
#ifndef JUDGE_H
#define JUDGE_H

#include <stdbool.h>
#include <stdint.h>

#include "tunnel.h"

enum judge_rule { JUDGE_AUTO, JUDGE_NEVER, JUDGE_ALWAYS };

enum {
	JUDGE_TRIAL = 32,	/* batches each way */
	JUDGE_GAIN = 10,	/* per cent that sharing must win: it takes others' time */
};
#define JUDGE_HOLD (2 * TNL_SEC)	/* between two trials */

struct judge {
	enum judge_rule rule;
	bool shares;			/* the verdict */
	unsigned batches;		/* of the trial so far; beyond 2 * JUDGE_TRIAL: there is none */
	tnl_ns next_trial;
	uint64_t bytes[2], took[2];	/* alone, shared */
};

/* Shall the batch that begins now be shared? */
bool judge_shares(struct judge *j, tnl_ns now);
/* It was as judge_shares() said, had so many bytes and took so long. Only full batches, which do not wait for anything
 * but the processor. */
void judge_report(struct judge *j, bool shared, uint64_t bytes, tnl_ns took);

#endif
