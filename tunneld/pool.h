/* SPDX-License-Identifier: MIT */
/* The data workers of a device as one. Each has its own TUN queues and its own pair of sockets. OWNER only. */
#ifndef POOL_H
#define POOL_H

#include <stdbool.h>

#include "worker.h"

enum { POOL_MAX = CREW_MAX };	/* workers; more would share memory bandwidth, not add any */

struct pool {
	struct worker *worker[POOL_MAX];
	struct crew crew;
	unsigned count;
	unsigned turn;	/* whose control ring is looked at first */
};

/* Starts `count` workers, numbered from 0, with conf->lanes of the queues tun[] each. conf is what they share; its tun
 * and index are filled in here, as is its crew. False with errno set, and none is left. */
bool pool_start(struct pool *p, const struct worker_conf *conf, const int *tun, unsigned count);
void pool_stop(struct pool *p);

/* As worker_set_sockets(), all of them; s, old: a pair for each worker, or NULL. */
void pool_set_sockets(struct pool *p, const struct udp_socks *s, const struct udp_socks *old);
void pool_set_mtu(struct pool *p, uint32_t mtu);
/* Those who keep packets back for this peer send or drop them. */
void pool_ready(struct pool *p, tnl_peer peer);
void pool_drop(struct pool *p, tnl_peer peer);

/* As worker_listen(), all of them. */
void pool_listen(struct pool *p);
/* The next control datagram, of each worker in turn; false: there is none. */
bool pool_pop_control(struct pool *p, struct worker_dgram *ret);
/* How many wait in all the rings. */
unsigned pool_control_depth(const struct pool *p);
/* As worker_ping() and worker_alive(), of all. */
void pool_ping(struct pool *p);
bool pool_alive(const struct pool *p);
bool pool_tun_gone(const struct pool *p);
/* As worker_has_ring(), of all. */
bool pool_has_rings(const struct pool *p);

#endif
