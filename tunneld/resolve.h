/* SPDX-License-Identifier: MIT */
/* Names of endpoints, before privileges and network views are settled. */
#ifndef RESOLVE_H
#define RESOLVE_H

#include "tunnel.h"

/* Tries for about ten seconds when the name server does not answer, since at boot it may come up with us. NULL: *ret is
 * the address with the port (host order); else why not, in words. */
const char *resolve_endpoint(const char *host, uint16_t port, struct tnl_addr *ret);

#endif
