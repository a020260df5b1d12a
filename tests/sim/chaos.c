/* SPDX-License-Identifier: MIT */
/* What goes wrong in the first age of a world, one thing at a time. */
#include <string.h>

#include "world.h"

/* For what happens between begin and seal: the callback has room for a node only. */
static struct world *here;

static struct pair *any_pair(struct world *w, int *a, int *b)
{
	struct pair *p = &w->pair[rng_below(&w->rng, (uint32_t)w->pairs)];
	bool swap = rng_percent(&w->rng, 50);

	*a = swap ? p->server : p->client;
	*b = swap ? p->client : p->server;
	return p;
}

static struct node *any_node(struct world *w)
{
	return &w->node[rng_below(&w->rng, (uint32_t)w->nodes)];
}

static uint32_t any_count(struct world *w)
{
	return 1 + rng_below(&w->rng, rng_percent(&w->rng, 20) ? BATCH_MAX : 3);
}

/* ---- Traffic */

static void burst(struct world *w)
{
	int a, b;

	any_pair(w, &a, &b);
	world_offer(w, a, b, any_count(w), rng_percent(&w->rng, 30), NULL);
	if (rng_percent(&w->rng, 40))
		world_offer(w, b, a, any_count(w), false, NULL);	/* both at once */
}

static void flow(struct world *w)
{
	struct flow *f = &w->flow[rng_below(&w->rng, FLOWS_MAX)];

	any_pair(w, &f->from, &f->to);
	f->next = sim.now;
	f->every = (200 + rng_below(&w->rng, 8000)) * TNL_MS;
	f->until = sim.now + (10 + rng_below(&w->rng, 300)) * TNL_SEC;
}

/* More than waits for a session. */
static void overflow(struct world *w)
{
	int a, b;

	any_pair(w, &a, &b);
	for (int i = 0; i < 10; i++)
		world_offer(w, a, b, BATCH_MAX, false, NULL);
}

/* ---- The network */

static void weather(struct world *w)
{
	struct weather *v = &w->net.weather;

	v->delay = rng_below(&w->rng, 300) * TNL_MS;
	v->jitter = rng_below(&w->rng, rng_percent(&w->rng, 10) ? 200000 : 300) * TNL_MS;
	v->loss = rng_percent(&w->rng, 50) ? rng_below(&w->rng, 60) : 1;
	v->duplicate = rng_below(&w->rng, 30);
	v->corrupt = rng_below(&w->rng, 20);
	trace("weather: delay %lu ms + %lu ms, loss %u, duplicate %u, corrupt %u", (unsigned long)(v->delay / TNL_MS),
	      (unsigned long)(v->jitter / TNL_MS), v->loss, v->duplicate, v->corrupt);
}

static void partition(struct world *w)
{
	bool whole = rng_percent(&w->rng, 50);

	for (int i = 0; i < w->nodes; i++)
		w->node[i].group = whole ? 0 : rng_below(&w->rng, 2);
	trace(whole ? "the network is whole" : "the network is in parts");
}

static void roam(struct world *w)
{
	struct node *n = any_node(w);

	world_address(w, n);
	if (rng_percent(&w->rng, 30))
		tnl_forget_source(n->t, 0);
	trace("node %d: roams", n->id);
}

/* ---- Clocks */

static void wall_jump(struct world *w)
{
	struct node *n = any_node(w);
	int64_t second = (int64_t)TNL_SEC;

	n->wall_offset += ((int64_t)rng_below(&w->rng, 200000) - 100000) * second;
	if (n->wall_offset > n->wall_best)
		n->wall_best = n->wall_offset;
	trace("node %d: wall clock is off by %ld s", n->id, (long)(n->wall_offset / second));
}

static void suspend(struct world *w)
{
	struct node *n = any_node(w);

	n->asleep_until = sim.now + (1 + rng_below(&w->rng, rng_percent(&w->rng, 50) ? 20 : 900)) * TNL_SEC;
	trace("node %d: sleeps until %lu s", n->id, (unsigned long)(n->asleep_until / TNL_SEC));
}

static void silence(struct world *w)
{
	world_until(w, sim.now + (100 + rng_below(&w->rng, 600)) * TNL_SEC);
}

static void load(struct world *w)
{
	struct node *n = any_node(w);

	n->busy = !n->busy;
	n->was_busy = true;
	trace("node %d: %s", n->id, n->busy ? "busy" : "at ease");
}

/* ---- Configuration */

static void readd(struct world *w)
{
	int a, b;
	struct pair *p = any_pair(w, &a, &b);

	if (w->node[a].peer[b].handle)
		node_del_peer(&w->node[a], b);
	if (rng_percent(&w->rng, 80))
		world_connect(w, p, a, b);
	if (rng_percent(&w->rng, 30)) {
		if (w->node[b].peer[a].handle)
			node_del_peer(&w->node[b], a);
		world_connect(w, p, b, a);
	}
}

/* A floating prefix, or an address out of another peer's, goes to a peer. */
static void move_prefix(struct world *w)
{
	uint8_t whose = (uint8_t)(rng_below(&w->rng, (uint32_t)w->nodes) + 1);
	const struct tnl_addr choice[] = {
		{ { 10, 9, (uint8_t)rng_below(&w->rng, 4) }, 0, 0, 4, 0 },
		{ { 10, 0, 0, whose }, 0, 0, 4, 0 },
		{ { 0xfd, [15] = whose }, 0, 0, 6, 0 },
		{ { 10, 1, whose, (uint8_t)rng_below(&w->rng, 256) }, 0, 0, 4, 0 },
	};
	static const unsigned bits[] = { 24, 32, 128, 28 };
	uint32_t i = rng_below(&w->rng, 4);
	struct tnl_addr net = choice[i];
	int a, b;

	any_pair(w, &a, &b);
	if (!w->node[a].peer[b].handle || w->node[a].routes >= ROUTES_MAX - 8)
		return;
	if (i == 3)
		net.ip[3] &= 0xf0;
	if (rng_percent(&w->rng, 30))
		node_del_route(&w->node[a], b, &net, bits[i]);
	else
		node_set_route(&w->node[a], b, &net, bits[i]);
	node_check_routes(&w->node[a]);
}

/* Others learn of it at once, later, or only when the network heals. */
static void rename_node(struct world *w)
{
	struct node *n = any_node(w);
	uint8_t private[TNL_KEY_LEN];

	if (rng_percent(&w->rng, 20)) {
		memcpy(private, n->private, sizeof(private));
		if (tnl_set_identity(n->t, 0, private))		/* the same again: changes nothing */
			fail("node %d: set_identity", n->id);
		return;
	}
	rng_fill(&w->rng, private, sizeof(private));
	node_set_private(n, private);
	node_settle(n);
	for (int i = 0; i < w->pairs; i++) {
		struct pair *p = &w->pair[i];

		if ((p->server == n->id || p->client == n->id) && rng_percent(&w->rng, 70))
			world_connect(w, p, p->server == n->id ? p->client : p->server, n->id);
	}
}

static void up_down(struct world *w)
{
	struct node *n = any_node(w);

	if (n->up)
		node_set_up(n, false);
	if (rng_percent(&w->rng, 60))
		node_set_up(n, true);
}

static void change_psk(struct world *w)
{
	int a, b;
	struct pair *p = any_pair(w, &a, &b);

	p->psk = rng_below(&w->rng, 4);
	world_connect(w, p, a, b);
	if (rng_percent(&w->rng, 60))
		world_connect(w, p, b, a);
}

static void change_keepalive(struct world *w)
{
	uint32_t seconds = rng_percent(&w->rng, 50) ? 0 : rng_below(&w->rng, 200);
	struct tnl_peer_conf conf = { .keepalive_s = (uint16_t)seconds };
	int a, b;

	any_pair(w, &a, &b);
	if (w->node[a].peer[b].handle)
		node_set_peer(&w->node[a], b, &conf, TNL_SET_KEEPALIVE);
}

static void tell_endpoint(struct world *w)
{
	struct tnl_peer_conf conf = { 0 };
	int a, b;

	any_pair(w, &a, &b);
	conf.remote = *world_locate(w, b);
	if (rng_percent(&w->rng, 10))
		memset(&conf.remote, 0, sizeof(conf.remote));
	if (w->node[a].peer[b].handle)
		node_set_peer(&w->node[a], b, &conf, TNL_SET_ENDPOINT);
}

/* ---- Between begin and seal */

static void pull_the_rug(struct node *n)
{
	int a, b;
	struct pair *p = any_pair(here, &a, &b);
	uint8_t private[TNL_KEY_LEN];

	switch (rng_below(&here->rng, 4)) {
	case 0:
		for (int i = 0; i < n->nodes; i++)
			if (n->peer[i].handle)
				node_del_peer(n, i);
		break;
	case 1:
		node_set_up(n, false);
		break;
	case 2:
		rng_fill(&here->rng, private, sizeof(private));
		node_set_private(n, private);
		break;
	default:
		if (a == n->id)
			world_connect(here, p, a, b);
	}
	node_settle(n);
	if (rng_percent(&here->rng, 50) && !n->up)
		node_set_up(n, true);
}

static void race(struct world *w)
{
	int a, b;

	here = w;
	any_pair(w, &a, &b);
	world_offer(w, a, b, any_count(w), false, pull_the_rug);
}

/* ---- All of it */

static const struct {
	uint32_t weight;
	void (*strike)(struct world *w);
} strikes[] = {
	{ 30, burst }, { 10, flow }, { 1, overflow }, { 6, weather }, { 4, partition }, { 8, roam }, { 4, wall_jump },
	{ 3, suspend }, { 2, silence }, { 4, load }, { 4, readd }, { 6, move_prefix }, { 2, rename_node },
	{ 3, up_down }, { 3, change_psk }, { 4, change_keepalive }, { 4, tell_endpoint }, { 3, race }, { 16, attack },
};

tnl_ns chaos_strike(struct world *w)
{
	uint32_t total = 0, at, pace = rng_below(&w->rng, 100);
	size_t i;

	for (i = 0; i < sizeof(strikes) / sizeof(strikes[0]); i++)
		total += strikes[i].weight;
	at = rng_below(&w->rng, total);
	for (i = 0; at >= strikes[i].weight; i++)
		at -= strikes[i].weight;
	strikes[i].strike(w);
	for (int n = 0; n < w->nodes; n++)
		if (w->node[n].asleep_until <= sim.now)
			node_settle(&w->node[n]);
	if (pace < 50)
		return rng_below(&w->rng, 2000) * TNL_MS;
	return rng_below(&w->rng, pace < 95 ? 20000 : 130000) * TNL_MS;
}
