/* SPDX-License-Identifier: MIT */
/* The one clock of the data path and of timers: monotonic, and it goes on while the machine sleeps. */
#ifndef CLOCK_H
#define CLOCK_H

#include <time.h>

#include "tunnel.h"

static inline tnl_ns clock_boot(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (tnl_ns)ts.tv_sec * TNL_SEC + (tnl_ns)ts.tv_nsec;
}

#endif
