/* SPDX-License-Identifier: MIT */
/* ICMP echo requests and their answers, over IPv4 and IPv6. Needs CAP_NET_RAW. */
#ifndef PING_H
#define PING_H

#include <stdint.h>

enum { PING_MAX = 1000 };

struct ping {
	unsigned sent, answered;
	uint32_t median_us, longest_us;		/* of those that were answered; 0: none */
};

/* Sends `count` requests, at most PING_MAX, one every interval_ms, and waits for answers until wait_ms after the last.
 * to: an address, no name. 0 or a negative errno. */
int ping_run(const char *to, unsigned count, unsigned interval_ms, unsigned wait_ms, struct ping *ret);

#endif
