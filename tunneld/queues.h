/* SPDX-License-Identifier: MIT */
/* The interface with all its queues: so many for each worker as there are lanes. */
#ifndef QUEUES_H
#define QUEUES_H

#include <stdbool.h>

#include "pool.h"
#include "tun.h"

struct queues {
	int fd[POOL_MAX * LANES];	/* each worker's, one behind the other; all are the same interface */
	unsigned workers, lanes;	/* 0: none is open */
};

/* Creates the interface with `lanes` queues for each of `workers`. If the kernel gives fewer there are fewer lanes,
 * then fewer workers. flags: of tun_open(), without TUN_QUEUES. False: no interface, and it was logged why. */
bool queues_open(struct queues *q, const char *name, unsigned flags, unsigned workers, unsigned lanes,
		 struct tun_info *ret);

/* How many are open. */
static inline unsigned queues_count(const struct queues *q)
{
	return q->workers * q->lanes;
}

/* The interface goes with the last of them. */
void queues_close(struct queues *q);

#endif
