/* SPDX-License-Identifier: MIT */
/*
 * What a whole request does to the device. A set arrives here complete and well-formed, is checked against what could
 * still refuse it (the port, the limits), and only then takes effect. Sets and gets are done in slices of a few
 * milliseconds, since handshakes must not wait for a million peers. The caller finishes one before it begins the next,
 * or a get would see half of a set. OWNER only.
 */
#ifndef APPLY_H
#define APPLY_H

#include <stddef.h>

#include "device.h"
#include "uapi.h"

/* A set under way: { .ops, .count } are the lines between "set=1" and the blank line, the caller's. */
struct apply_set {
	const struct uapi_op *ops;
	size_t count;
	int err;	/* once it is done: 0, or a negative errno and nothing has changed: -EADDRINUSE the port is
			 * taken, -ENOSPC a limit, -EPERM the mark */
	size_t at;	/* private, from here */
	tnl_peer peer;
	bool begun, removing;
};

/* One slice. True: it is done. */
bool apply_set(struct device *d, struct apply_set *s);

/* An answer to "get=1" under way: { .ops, .count } are the lines between that and the blank line, the caller's. */
struct apply_get {
	const struct uapi_op *ops;
	size_t count;
	size_t at;	/* private, from here: so many of them are done */
	unsigned stage;
	tnl_peer peer;
	uint32_t cursor;
};

/* Appends what fits, of one slice. True: that was all of it. o->max - o->len must be APPLY_GET_MIN at least for any
 * progress. It holds keys. */
enum { APPLY_GET_MIN = 4096 };
bool apply_get(const struct device *d, struct apply_get *g, struct uapi_out *o);

/* Wipes, then frees. NULL is fine. */
void apply_free(void *p, size_t len);

#endif
