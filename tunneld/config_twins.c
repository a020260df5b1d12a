/* SPDX-License-Identifier: MIT */
/* One key in two [Peer] sections is one peer, of which the last section is what counts. wg-quick takes such a file, so
 * it is no error here; but nobody means it. Which sections they are is left to check, which has the time. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "log.h"

static int by_key(const void *a, const void *b)
{
	const struct uapi_op *const *x = a, *const *y = b;

	return memcmp((*x)->key, (*y)->key, sizeof((*x)->key));
}

size_t config_twins(const struct config *c)
{
	const struct uapi_op **peers = calloc(c->op_count + 1, sizeof(const struct uapi_op *));
	size_t count = 0, twins = 0;

	if (!peers)
		die("out of memory");
	for (size_t i = 0; i < c->op_count; i++)
		if (c->ops[i].what == UAPI_PEER)
			peers[count++] = &c->ops[i];
	qsort(peers, count, sizeof(const struct uapi_op *), by_key);
	for (size_t i = 1; i < count; i++)
		twins += !by_key(&peers[i - 1], &peers[i]);
	free(peers);
	return twins;
}
