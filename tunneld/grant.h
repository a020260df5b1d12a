/* SPDX-License-Identifier: MIT */
/* What the engine asks of the parent because it takes privilege: UDP sockets, and marks on them. PARENT only. */
#ifndef GRANT_H
#define GRANT_H

#include "msg.h"

/* Answer MSG_OPEN with `count` pairs of sockets, flags as of udp_open(), and MSG_MARK; descriptors that came along are
 * closed. *ret_error: how opening ended, 0 or a negative errno, as the engine is told. Return 0, or a negative errno:
 * the engine does not take the answer. */
int grant_sockets(int channel, const struct msg *m, unsigned flags, unsigned count, int *ret_error);
int grant_mark(int channel, const struct msg *m);

#endif
