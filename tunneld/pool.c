/* SPDX-License-Identifier: MIT */
#include "pool.h"

#include <errno.h>
#include <string.h>

static int start_all(struct pool *p)
{
	int err = 0;

	for (; p->count < p->crew.count && !err; p->count++)
		err = worker_start(p->worker[p->count]);
	if (err)
		p->count--;
	return err;
}

bool pool_start(struct pool *p, const struct worker_conf *conf, const int *tun, unsigned count)
{
	struct worker_conf one = *conf;
	int err = 0;

	*p = (struct pool) { .count = 0 };
	for (unsigned i = 0; i < count && i < POOL_MAX && !err; i++) {
		one.index = i;
		memcpy(one.tun, tun + i * conf->lanes, conf->lanes * sizeof(one.tun[0]));
		one.crew = &p->crew;
		p->worker[i] = worker_new(&one);
		err = p->worker[i] ? 0 : -errno;
	}
	if (!err)
		err = start_all(p);
	if (err)
		pool_stop(p);
	errno = -err;
	return !err;
}

void pool_stop(struct pool *p)
{
	for (unsigned i = 0; i < p->count; i++)
		worker_stop(p->worker[i]);
	for (unsigned i = 0; i < p->crew.count; i++)
		worker_free(p->worker[i]);
	p->count = p->crew.count = 0;
}

void pool_set_sockets(struct pool *p, const struct udp_socks *s, const struct udp_socks *old)
{
	for (unsigned i = 0; i < p->count; i++)
		worker_set_sockets(p->worker[i], s ? &s[i] : NULL, old ? &old[i] : NULL);
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

void pool_listen(struct pool *p)
{
	for (unsigned i = 0; i < p->count; i++)
		worker_listen(p->worker[i]);
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

void pool_ping(struct pool *p)
{
	for (unsigned i = 0; i < p->count; i++)
		worker_ping(p->worker[i]);
}

bool pool_alive(const struct pool *p)
{
	for (unsigned i = 0; i < p->count; i++)
		if (!worker_alive(p->worker[i]))
			return false;
	return true;
}

bool pool_has_rings(const struct pool *p)
{
	for (unsigned i = 0; i < p->count; i++)
		if (!worker_has_ring(p->worker[i]))
			return false;
	return p->count > 0;
}
