/* SPDX-License-Identifier: MIT */
/* Parts of what the control socket answers. NULL: no memory, which jansson passes on to the whole. */
#ifndef TOLD_H
#define TOLD_H

#include <jansson.h>
#include <time.h>

#include "tunnel.h"

json_t *told_time(const struct timespec *at);		/* "2026-11-24T10:00:00.123Z" */
json_t *told_error(int code, const char *why);		/* a whole answer */
json_t *told_packets(const uint64_t verdict[TNL_VERDICTS]);	/* by name */

#endif
