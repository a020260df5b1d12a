/* SPDX-License-Identifier: MIT */
/*
 * What a super-packet stands for, the slow and obvious way: field by field out of the RFCs and the virtio
 * specification, a byte at a time, sharing nothing with the code under test. For unit tests and fuzz targets.
 */
#ifndef SPLIT_H
#define SPLIT_H

#include <stddef.h>
#include <stdint.h>

#include "../../tunneld/vnet.h"

/* Writes packet i of it to dst, 65535 bytes. Returns its length; 0: there are not so many, or it is nothing that can be
 * split. A packet that is none of many is packet 0, whole, without what is behind the length that it states. */
size_t split(const struct virtio_net_hdr *h, const uint8_t *pkt, size_t len, uint32_t i, uint8_t *dst);

#endif
