/* SPDX-License-Identifier: MIT */
/*
 * Remembers where the kernel would not cut a message into datagrams, so that it is not asked in vain for every message:
 * the device computes no checksums (EIO), or a datagram is larger than the path's MTU (EMSGSIZE, EINVAL), and then only
 * datagrams of that size and more are meant. Routes and MTUs change, so it is tried again after a while: 16 messages,
 * then 32, up to 4096. All zero is empty. Pure; one thread.
 */
#ifndef REFUSED_H
#define REFUSED_H

#include <stdbool.h>
#include <stdint.h>

#include "tunnel.h"

enum { REFUSED_SLOTS = 64, REFUSED_FIRST = 16, REFUSED_MOST = 4096 };

struct refused {
	uint32_t count;		/* slots in use; while there are none, asking costs nothing */
	struct {
		struct tnl_addr to;	/* family 0: free; its port does not matter */
		uint16_t least;		/* bytes of the smallest datagram refused; 0: whatever its size */
		uint16_t left, step;	/* messages until the next try, and what that was at first */
	} slot[REFUSED_SLOTS];
};

/* A message of datagrams of this size to this address: true, send them one by one. False: try it, and tell the
 * outcome. */
bool refused_skip(struct refused *r, const struct tnl_addr *to, uint16_t size);

/* It was refused: datagrams of `least` bytes and more. */
void refused_add(struct refused *r, const struct tnl_addr *to, uint16_t least);

/* It was taken. */
void refused_del(struct refused *r, const struct tnl_addr *to, uint16_t size);

#endif
