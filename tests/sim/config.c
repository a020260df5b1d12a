/* SPDX-License-Identifier: MIT */
/* A node's configuration: told to libtunnel and to our own slow tables, and read back. */
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "node.h"

static void env_random(void *ctx, void *dst, size_t len)
{
	struct node *n = ctx;

	rng_fill(&n->rng, dst, len);
	if (len == TNL_KEY_LEN)
		memcpy(n->drawn[n->draws++ % DRAWN_MAX], dst, len);
}

void node_init(struct node *n, int id, int nodes, struct net *net, struct oracle *oracle, uint64_t seed)
{
	uint32_t most = 2 * (uint32_t)nodes + 2;	/* all may be removed and added while an open run pins them */
	struct tnl_limits lim = { .peers = most, .sessions = 3 * most, .prefixes = ROUTES_MAX, .workers = 2 };
	struct tnl_env env = { .ctx = n, .random = env_random };

	*n = (struct node){ .id = id, .nodes = nodes, .net = net, .oracle = oracle, .rng = { seed } };
	n->mem_len = tnl_footprint(&lim);
	n->mem = n->mem_len ? aligned_alloc(64, (n->mem_len + 63) / 64 * 64) : NULL;
	if (!n->mem)
		fail("no footprint");
	memset(n->mem, 0, n->mem_len);
	n->boot_offset = (1 + rng_next(&n->rng) % 1000000) * TNL_SEC;
	n->t = tnl_init(n->mem, &lim, &env);
	if (!n->t)
		fail("no init");
	n->draws = 0;
	memset(n->drawn, 0, sizeof(n->drawn));
	n->worker = tnl_worker(n->t, 0);
	n->slow = tnl_worker(n->t, 1);
}

/* Without the ends, which clamping changes. */
static void search(const struct node *n, const uint8_t *key, const char *what)
{
	static const uint8_t none[TNL_KEY_LEN];

	if (memcmp(key, none, sizeof(none)) && memmem(n->mem, n->mem_len, key + 1, TNL_KEY_LEN - 2))
		fail("node %d: %s left in memory", n->id, what);
}

void node_check_erased(const struct node *n)
{
	for (uint32_t i = 0; i < DRAWN_MAX && !n->was_busy; i++)
		search(n, n->drawn[i], "an ephemeral key");
}

void node_end(struct node *n)
{
	tnl_wipe(n->t);
	search(n, n->private, "the private key");
	for (int i = 0; i < n->nodes; i++)
		search(n, n->peer[i].psk, "a preshared key");
	free(n->mem);
}

void node_set_private(struct node *n, const uint8_t private[TNL_KEY_LEN])
{
	uint8_t back[TNL_KEY_LEN];

	memcpy(n->private, private, TNL_KEY_LEN);
	n->private[0] &= 248;
	n->private[31] = (uint8_t)((n->private[31] & 127) | 64);
	crypto_scalarmult_base(n->public, n->private);
	if (tnl_set_identity(n->t, 0, private) || tnl_identity(n->t, 0, back) || memcmp(back, n->private, TNL_KEY_LEN))
		fail("node %d: set_identity", n->id);
	oracle_renamed(n->oracle, n->id);
	trace("node %d: new identity", n->id);
}

void node_set_up(struct node *n, bool up)
{
	tnl_set_up(n->t, node_now(n), up);
	n->up = up;
	if (!up) {
		oracle_dropped(n->oracle, n->id, -1);
		for (int i = 0; i < n->nodes; i++)
			n->peer[i].count = 0;
	}
	trace("node %d: %s", n->id, up ? "up" : "down");
}

int node_peer(const struct node *n, tnl_peer handle)
{
	for (int i = 0; handle && i < n->nodes; i++)
		if (n->peer[i].handle == handle)
			return i;
	return -1;
}

void node_add_peer(struct node *n, const struct node *peer)
{
	struct peer_view *v = &n->peer[peer->id];
	tnl_peer again;
	int err = tnl_peer_add(n->t, peer->public, &v->handle);

	if (err || !v->handle)
		fail("node %d: cannot add peer %d: %s", n->id, peer->id, strerror(-err));
	if (tnl_peer_add(n->t, peer->public, &again) != -EEXIST || again != v->handle ||
	    tnl_peer_find(n->t, peer->public) != v->handle)
		fail("node %d: peer %d is there, but not found", n->id, peer->id);
	memcpy(v->public, peer->public, TNL_KEY_LEN);
	trace("node %d: peer %d added as %08x", n->id, peer->id, v->handle);
}

void node_del_peer(struct node *n, int peer)
{
	struct peer_view *v = &n->peer[peer];
	struct tnl_stat stat;
	uint32_t keep = 0;

	if (tnl_peer_del(n->t, v->handle) || tnl_peer_stat(n->t, v->handle, &stat) != -ENOENT)
		fail("node %d: cannot remove peer %d", n->id, peer);
	for (uint32_t i = 0; i < n->routes; i++)
		if (n->route[i].peer != peer)
			n->route[keep++] = n->route[i];
	n->routes = keep;
	*v = (struct peer_view){ 0 };
	n->forgetful = true;
	oracle_dropped(n->oracle, n->id, peer);
	trace("node %d: peer %d removed", n->id, peer);
}

void node_set_peer(struct node *n, int peer, const struct tnl_peer_conf *conf, unsigned which)
{
	struct peer_view *v = &n->peer[peer];
	struct tnl_peer_conf back;

	if (tnl_peer_set(n->t, node_now(n), v->handle, conf, which))
		fail("node %d: cannot set peer %d", n->id, peer);
	if (which & TNL_SET_PSK)
		memcpy(v->psk, conf->psk, TNL_KEY_LEN);
	if (which & TNL_SET_KEEPALIVE)
		v->keepalive_s = conf->keepalive_s;
	if (tnl_peer_get(n->t, v->handle, NULL, &back) || memcmp(back.psk, v->psk, TNL_KEY_LEN) ||
	    back.keepalive_s != v->keepalive_s ||
	    (which & TNL_SET_ENDPOINT && memcmp(&back.remote, &conf->remote, sizeof(back.remote))))
		fail("node %d: peer %d is not what was set", n->id, peer);
	trace("node %d: peer %d set (%x)", n->id, peer, which);
}

static bool holds(const struct tnl_addr *net, unsigned bits, uint8_t family, const uint8_t *ip)
{
	if (net->family != family || memcmp(net->ip, ip, bits / 8))
		return false;
	return bits % 8 == 0 || !((net->ip[bits / 8] ^ ip[bits / 8]) & 0xff00 >> bits % 8);
}

static uint32_t route_find(const struct node *n, const struct tnl_addr *net, unsigned bits)
{
	uint32_t i = 0;

	for (; i < n->routes; i++)
		if (n->route[i].bits == bits && holds(net, bits, n->route[i].net.family, n->route[i].net.ip))
			break;
	return i;
}

void node_set_route(struct node *n, int peer, const struct tnl_addr *net, unsigned bits)
{
	uint32_t i = route_find(n, net, bits);

	if (i == ROUTES_MAX || tnl_route_set(n->t, net, bits, n->peer[peer].handle))
		fail("node %d: cannot give peer %d a prefix", n->id, peer);
	n->route[i] = (struct route_view){ *net, bits, peer };
	n->routes += i == n->routes;
	trace("node %d: peer %d gets %u.%u.%u.%u/%u (%u)", n->id, peer, net->ip[0], net->ip[1], net->ip[2], net->ip[3],
	      bits, net->family);
}

void node_del_route(struct node *n, int peer, const struct tnl_addr *net, unsigned bits)
{
	uint32_t i = route_find(n, net, bits);
	bool there = i < n->routes && n->route[i].peer == peer;

	if (tnl_route_del(n->t, net, bits, n->peer[peer].handle) != (there ? 0 : -ENOENT))
		fail("node %d: a prefix of peer %d was %sthere", n->id, peer, there ? "" : "not ");
	if (there)
		n->route[i] = n->route[--n->routes];
}

int node_route(const struct node *n, uint8_t family, const uint8_t *ip)
{
	int best = -1, peer = -1;

	for (uint32_t i = 0; i < n->routes; i++) {
		const struct route_view *r = &n->route[i];

		if ((int)r->bits > best && holds(&r->net, r->bits, family, ip)) {
			best = (int)r->bits;
			peer = r->peer;
		}
	}
	return peer;
}

void node_check_routes(const struct node *n)
{
	uint32_t count = 0;

	for (int peer = 0; peer < n->nodes; peer++) {
		struct tnl_addr net;
		uint32_t cursor = 0, i;
		unsigned bits;

		while (n->peer[peer].handle && tnl_route_next(n->t, n->peer[peer].handle, &cursor, &net, &bits)) {
			i = route_find(n, &net, bits);
			if (i == n->routes || n->route[i].peer != peer)
				fail("node %d lists a prefix for peer %d that is not its", n->id, peer);
			if (count++ > n->routes)
				break;
		}
	}
	if (count != n->routes)
		fail("node %d lists %u prefixes and has %u", n->id, count, n->routes);
}
