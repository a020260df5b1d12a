/* SPDX-License-Identifier: MIT */
/*
 * What a whole request does to the device. A set arrives here complete and well-formed, is checked against what could
 * still refuse it (the port, the limits), and only then takes effect. OWNER only.
 */
#ifndef APPLY_H
#define APPLY_H

#include <stddef.h>

#include "device.h"
#include "uapi.h"

/* ops: the lines between "set=1" and the blank line. 0, or a negative errno and nothing has changed: -EADDRINUSE the
 * port is taken, -ENOSPC a limit, -EPERM the mark. */
int apply_set(struct device *d, const struct uapi_op *ops, size_t count);

/* The answer to "get=1", all of it, of one moment. Heap memory of *ret_max bytes, of which *ret_len are used; it holds
 * keys, so the caller gives it to apply_free(). NULL: no memory, or it would be more than max bytes. */
char *apply_get(const struct device *d, size_t max, size_t *ret_len, size_t *ret_max);

/* Wipes, then frees. NULL is fine. */
void apply_free(void *p, size_t len);

#endif
