/* SPDX-License-Identifier: MIT */
/*
 * What must hold for any bytes in either direction of the UAPI: every way to cut them gives the same operations and
 * errors, and an operation that is written is read back as itself.
 */
#ifndef UAPI_DIFF_H
#define UAPI_DIFF_H

#include "../../libtunnel/uapi.h"

/* data[0] seeds the cuts, the rest is text. Aborts if something does not hold. */
void uapi_diff(enum uapi_mode mode, const uint8_t *data, size_t size);

#endif
