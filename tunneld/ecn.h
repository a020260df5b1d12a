/* SPDX-License-Identifier: MIT */
/*
 * Explicit congestion notification through the tunnel, RFC 6040 as the kernel's WireGuard does it: the inner bits go
 * out in the clear, CE as ECT(0); a mark set on the way comes in. Nothing else of TOS or traffic class passes. Pure.
 */
#ifndef ECN_H
#define ECN_H

#include <stdint.h>

/* Outer TOS or traffic class for an inner packet; at least its first two bytes are there. */
uint8_t ecn_outer(const uint8_t *pkt);

/* Carries the outer bits over to a whole inner packet, its IPv4 header sum included. */
void ecn_inner(uint8_t outer_tos, uint8_t *pkt);

#endif
