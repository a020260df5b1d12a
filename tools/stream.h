/* SPDX-License-Identifier: MIT */
/* As many bytes as pass by one TCP connection in a time. */
#ifndef STREAM_H
#define STREAM_H

#include "cable.h"

#include <stdint.h>

struct stream {
	uint64_t bytes, ns;	/* that have arrived, and the time since the connection */
};

/* From one host to an address of the other, for ms milliseconds; each() is told once a second of that second alone.
 * Leaves this process on `from`. 0 or a negative errno; -ETIMEDOUT: nothing arrives. */
int stream_run(const struct host *from, const struct host *to, const char *addr, unsigned ms,
	       void (*each)(void *ctx, const struct stream *s), void *ctx, struct stream *ret);

#endif
