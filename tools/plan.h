/* SPDX-License-Identifier: MIT */
/* Which networks a new server gets. Pure; knows no files and no sockets. */
#ifndef PLAN_H
#define PLAN_H

#include "pick.h"

/* The first of taken[0..count) that overlaps n; NULL: none. One of less than four
 * bits is a way to the world, not a place, and is passed over. */
const struct net *plan_clash(const struct net *n, const struct net *taken, size_t count);

/* A /24 for a tunnel that overlaps nothing taken, as its first address: of 10.0.0.0/8, or when that is taken of the
 * other private networks, or of 100.64.0.0/10. `seed` says where to begin, so that two servers do not get the same and
 * a client can use both. False: all is taken. */
bool plan_ipv4(const struct net *taken, size_t count, uint32_t seed, struct net *ret);
/* A /64 of a network of its own by RFC 4193 3.2, as its first address; `id` is the 40 random bits of that. */
bool plan_ipv6(const struct net *taken, size_t count, const uint8_t id[5], struct net *ret);

/* Can be reached from anywhere: neither private, shared (RFC 6598), link-local nor loopback. */
bool plan_public(const struct tnl_addr *a);

#endif
