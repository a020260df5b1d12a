/* SPDX-License-Identifier: MIT */
#include "pool.h"

#include <errno.h>

bool pool_start(struct pool *p, const struct worker_conf *conf, const int *tun, unsigned count)
{
	struct worker_conf one = *conf;
	int err;

	*p = (struct pool) { .count = 0 };
	for (unsigned i = 0; i < count && i < POOL_MAX; i++) {
		one.index = i;
		one.tun = tun[i];
		p->worker[i] = worker_start(&one);
		if (!p->worker[i]) {
			err = errno;
			pool_stop(p);
			errno = err;
			return false;
		}
		p->count++;
	}
	return true;
}

void pool_stop(struct pool *p)
{
	for (unsigned i = 0; i < p->count; i++)
		worker_stop(p->worker[i]);
	p->count = 0;
}

void pool_set_sockets(struct pool *p, const struct udp_socks *s)
{
	for (unsigned i = 0; i < p->count; i++)
		worker_set_sockets(p->worker[i], s ? &s[i] : NULL);
}

void pool_set_mtu(struct pool *p, uint32_t mtu)
{
	for (unsigned i = 0; i < p->count; i++)
		worker_set_mtu(p->worker[i], mtu);
}

void pool_ready(struct pool *p, tnl_peer peer)
{
	for (unsigned i = 0; i < p->count; i++)
		worker_ready(p->worker[i], peer);
}

void pool_drop(struct pool *p, tnl_peer peer)
{
	for (unsigned i = 0; i < p->count; i++)
		worker_drop(p->worker[i], peer);
}

bool pool_pop_control(struct pool *p, struct worker_dgram *ret)
{
	for (unsigned i = 0; i < p->count; i++) {
		p->turn = p->turn + 1 < p->count ? p->turn + 1 : 0;
		if (worker_pop_control(p->worker[p->turn], ret))
			return true;
	}
	return false;
}

unsigned pool_control_depth(const struct pool *p)
{
	unsigned depth = 0;

	for (unsigned i = 0; i < p->count; i++)
		depth += worker_control_depth(p->worker[i]);
	return depth;
}

bool pool_tun_gone(const struct pool *p)
{
	for (unsigned i = 0; i < p->count; i++)
		if (worker_tun_gone(p->worker[i]))
			return true;
	return false;
}
