/* SPDX-License-Identifier: MIT */
/*
 * Our own datagrams that the host sends back into the interface. For one peer's inside another peer's that is what
 * somebody may want: a tunnel in a tunnel. But when the endpoints of two peers lie in each other's networks, by mistake
 * or because somebody forged where he is, one packet would go round for ever and grow, and take all of a worker's time.
 * So a datagram with one of ours in it gets fewer hops than that one has, and the third such is the last.
 */
#ifndef NEST_H
#define NEST_H

#include <stdbool.h>
#include <stdint.h>

#include "tunnel.h"

/* For both: an IP packet of len bytes, its IP header whole; port: ours. Fragments but the first are not recognised:
 * sealed, they are a datagram that is. */

/* To this very endpoint: the route to the endpoint leads into the tunnel, and no tunnel is meant by that. */
bool nest_loops(const uint8_t *pkt, uint32_t len, uint16_t port, const struct tnl_addr *remote);

/* The hops that a datagram with this packet in it may make, 0: as many as others; negative: it may not leave. */
int nest_hops(const uint8_t *pkt, uint32_t len, uint16_t port);

#endif
