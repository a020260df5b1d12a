/* SPDX-License-Identifier: MIT */
/*
 * Ways alternate within a trial, so that what changes meanwhile falls on both. The median would be better against
 * outliers than the mean; but an outlier is also what sharing costs when a helper loses its processor in a job.
 */
#include "judge.h"

#include <string.h>

bool judge_shares(struct judge *j, tnl_ns now)
{
	if (j->rule != JUDGE_AUTO)
		return j->rule == JUDGE_ALWAYS;
	if (j->batches >= 2 * JUDGE_TRIAL && now >= j->next_trial) {
		j->batches = 0;
		memset(j->bytes, 0, sizeof(j->bytes));
		memset(j->took, 0, sizeof(j->took));
	}
	if (j->batches >= 2 * JUDGE_TRIAL)
		return j->shares;
	if (j->batches == 0)
		j->next_trial = now + JUDGE_HOLD;
	return j->batches % 2;
}

void judge_report(struct judge *j, bool shared, uint64_t bytes, tnl_ns took)
{
	if (j->rule != JUDGE_AUTO || j->batches >= 2 * JUDGE_TRIAL)
		return;
	j->bytes[shared] += bytes;
	j->took[shared] += took;
	if (++j->batches < 2 * JUDGE_TRIAL)
		return;
	/* took/bytes shared against took/bytes alone, without dividing. Batches have some 2^18 bytes, trials 2^23. */
	j->shares = (double)j->took[1] * (double)j->bytes[0] * 100 <
		    (double)j->took[0] * (double)j->bytes[1] * (100 - JUDGE_GAIN);
}
