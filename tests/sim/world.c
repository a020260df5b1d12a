/* SPDX-License-Identifier: MIT */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	STEPS_MAX = 3000000,
	HEAL_S = 30,		/* 15.3 s to notice a session that only one side has, 5.3 s between tries, twice */
	SETTLE_S = 30,		/* until the last passive keepalive and the last retry */
	QUIET_S = 600,
	DEAF_S = 12,
	REVIVE_S = 7,
	TRIES = 20,
	GIVE_UP_S = 16 + 102,
};

/* ---- Time -------------------------------------------------------------------------------------------------------- */

static struct node *at_address(struct world *w, const struct tnl_addr *a)
{
	for (int i = 0; i < w->nodes; i++)
		if (!memcmp(&w->node[i].addr[a->family == 6], a, sizeof(*a)))
			return &w->node[i];
	return NULL;
}

static void deliver(struct world *w)
{
	struct dgram *batch[BATCH_MAX];
	uint32_t count = 0;
	struct node *to, *from;

	do {
		batch[count++] = net_receive(&w->net);
	} while (count < BATCH_MAX && net_next(&w->net) <= sim.now &&
		 !memcmp(&net_peek(&w->net)->src, &batch[0]->src, sizeof(batch[0]->src)) &&
		 !memcmp(&net_peek(&w->net)->dst, &batch[0]->dst, sizeof(batch[0]->dst)));
	to = at_address(w, &batch[0]->dst);
	from = at_address(w, &batch[0]->src);
	if (to && (!from || from->group == to->group))
		node_receive(to, batch, count);
	for (uint32_t i = 0; i < count; i++)
		free(batch[i]);
}

static tnl_ns earliest(const struct world *w, tnl_ns at)
{
	tnl_ns next = net_next(&w->net);

	at = next < at ? next : at;
	for (int i = 0; i < FLOWS_MAX; i++)
		at = w->flow[i].every && w->flow[i].next < at ? w->flow[i].next : at;
	for (int i = 0; i < w->nodes; i++) {
		next = node_next(&w->node[i]);
		at = next < at ? next : at;
	}
	return at;
}

static void run_flows(struct world *w)
{
	for (int i = 0; i < FLOWS_MAX; i++) {
		struct flow *f = &w->flow[i];

		if (!f->every || f->next > sim.now)
			continue;
		world_offer(w, f->from, f->to, 1 + rng_below(&w->rng, 3), false, NULL);
		f->next = sim.now + f->every;
		if (f->next >= f->until)
			f->every = 0;
	}
}

void world_until(struct world *w, tnl_ns until)
{
	tnl_ns at;

	while ((at = earliest(w, until)) <= until) {
		if (at > sim.now)
			sim.now = at;
		if (sim.step++ > STEPS_MAX)
			fail("the world does not end");
		for (int i = 0; i < w->nodes; i++)
			if (node_next(&w->node[i]) <= sim.now)
				node_settle(&w->node[i]);
		while (net_next(&w->net) <= sim.now)
			deliver(w);
		run_flows(w);
		if (sim.now >= until)
			break;
	}
}

/* ---- Addresses and packets --------------------------------------------------------------------------------------- */

/* Nobody has ever had these. */
void world_address(struct world *w, struct node *n)
{
	uint16_t port = (uint16_t)(1024 + rng_below(&w->rng, 60000));
	uint8_t net = (uint8_t)rng_below(&w->rng, 256), host = (uint8_t)(n->id + 1);

	n->addr[0] = (struct tnl_addr){ { 198, 18, net, host }, 0, port, 4, 0 };
	n->addr[1] = (struct tnl_addr){ { 0x20, 0x01, 0x0d, 0xb8, [14] = net, [15] = host }, 0, port, 6, 0 };
}

const struct tnl_addr *world_locate(struct world *w, int node)
{
	return &w->node[node].addr[rng_below(&w->rng, 2)];
}

/* One of a node's own inner addresses, always the host address when plain. */
static void inner_address(struct world *w, int node, uint8_t family, bool plain, uint8_t *ret)
{
	uint8_t host = (uint8_t)(node + 1);

	memset(ret, 0, 16);
	if (family == 4) {
		memcpy(ret, (const uint8_t[]){ 10, 0, 0, host }, 4);
		if (!plain && rng_percent(&w->rng, 50))
			memcpy(ret, (const uint8_t[]){ 10, 1, host, (uint8_t)rng_below(&w->rng, 256) }, 4);
		if (!plain && rng_percent(&w->rng, 20))
			memcpy(ret, (const uint8_t[]){ 10, 9, (uint8_t)rng_below(&w->rng, 4), 1 }, 4);
	} else {
		memcpy(ret, (const uint8_t[]){ 0xfd, [15] = host }, 16);
		if (!plain && rng_percent(&w->rng, 50))
			memcpy(ret, (const uint8_t[]){ 0xfd, 0, 0, 1, 0, host, [15] = 9 }, 16);
	}
}

uint32_t world_offer(struct world *w, int from, int to, uint32_t count, bool spoof, void (*between)(struct node *n))
{
	uint8_t family = rng_percent(&w->rng, 50) ? 4 : 6, src[16], dst[16];
	uint32_t id[BATCH_MAX], last;

	inner_address(w, spoof ? (int)rng_below(&w->rng, (uint32_t)w->nodes) : from, family, !spoof, src);
	inner_address(w, to, family, !spoof, dst);
	for (uint32_t i = 0; i < count; i++) {
		uint32_t payload = rng_percent(&w->rng, 90) ? rng_below(&w->rng, 100) : rng_below(&w->rng, MTU - 44);

		id[i] = oracle_packet(&w->oracle, from, family, src, dst, payload);
	}
	last = id[count - 1];
	if (w->node[from].asleep_until > sim.now)
		return last;
	node_offer(&w->node[from], id, count, between);
	node_settle(&w->node[from]);
	return last;
}

/* ---- Configuration ----------------------------------------------------------------------------------------------- */

static void base_routes(struct world *w, struct node *n, int peer)
{
	uint8_t host = (uint8_t)(peer + 1);
	const struct tnl_addr net[] = {
		{ { 10, 0, 0, host }, 0, 0, 4, 0 }, { { 10, 1, host, 99 }, 0, 0, 4, 0 },
		{ { 0xfd, [15] = host }, 0, 0, 6, 0 }, { { 0xfd, 0, 0, 1, 0, host }, 0, 0, 6, 0 },
		{ .family = 4 }, { .family = 6 },
	};
	static const unsigned bits[] = { 32, 24, 128, 48, 0, 0 };

	for (int i = 0; i < (peer == 0 && w->default_route ? 6 : 4); i++)
		node_set_route(n, peer, &net[i], bits[i]);
}

static void psk_of(const struct pair *p, uint8_t *ret)
{
	struct rng r = { sim.seed ^ ((uint64_t)p->psk << 32 | (uint64_t)p->server << 16 | (uint64_t)p->client) };

	memset(ret, 0, TNL_KEY_LEN);
	if (p->psk)
		rng_fill(&r, ret, TNL_KEY_LEN);
}

void world_connect(struct world *w, struct pair *p, int a, int b)
{
	struct node *n = &w->node[a];
	struct peer_view *v = &n->peer[b];
	struct tnl_peer_conf conf = { 0 };

	n->asleep_until = 0;	/* whoever configures it wakes it */
	if (v->handle && memcmp(v->public, w->node[b].public, TNL_KEY_LEN))
		node_del_peer(n, b);
	if (!v->handle)
		node_add_peer(n, &w->node[b]);
	psk_of(p, conf.psk);
	node_set_peer(n, b, &conf, TNL_SET_PSK);
	base_routes(w, n, b);
}

static void place_endpoint(struct world *w, int a, int b)
{
	struct tnl_peer_conf conf = { .remote = *world_locate(w, b) };

	node_set_peer(&w->node[a], b, &conf, TNL_SET_ENDPOINT);
}

/* Two nodes, a mesh of some, or a star of many. */
static void populate(struct world *w, uint32_t size)
{
	uint32_t kind = rng_below(&w->rng, 100);
	bool star = kind >= 85;

	if (size)
		w->nodes = (int)size;
	else if (kind < 60)
		w->nodes = 2;
	else
		w->nodes = 3 + (int)rng_below(&w->rng, kind < 85 ? 3 : kind < 98 ? 8 : NODES_MAX - 2);
	star = star || w->nodes > 6;
	w->default_route = rng_percent(&w->rng, 50);
	w->node = calloc((size_t)w->nodes, sizeof(w->node[0]));
	if (!w->node)
		abort();
	for (int i = 0; i < w->nodes; i++) {
		uint8_t private[TNL_KEY_LEN];

		rng_fill(&w->rng, private, sizeof(private));
		node_init(&w->node[i], i, w->nodes, &w->net, &w->oracle, rng_next(&w->rng));
		node_set_private(&w->node[i], private);
		world_address(w, &w->node[i]);
		for (int j = 0; j < (star && i ? 1 : i); j++)
			w->pair[w->pairs++] = (struct pair){ .server = j, .client = i, .psk = rng_below(&w->rng, 2) };
	}
	for (int i = 0; i < w->pairs; i++) {
		struct pair *p = &w->pair[i];
		struct tnl_peer_conf conf = { .keepalive_s = (uint16_t)(1 + rng_below(&w->rng, 60)) };

		world_connect(w, p, p->server, p->client);
		world_connect(w, p, p->client, p->server);
		place_endpoint(w, p->client, p->server);
		if (rng_percent(&w->rng, 30))
			node_set_peer(&w->node[p->client], p->server, &conf, TNL_SET_KEEPALIVE);
	}
	for (int i = 0; i < w->nodes; i++)
		node_set_up(&w->node[i], true);
}

/* ---- Ages -------------------------------------------------------------------------------------------------------- */

static void chaos(struct world *w)
{
	uint32_t strikes = 15 + rng_below(&w->rng, w->nodes > 10 ? 30 : 50);

	w->net.weather = (struct weather){ .delay = 10 * TNL_MS, .jitter = 10 * TNL_MS };
	for (; strikes; strikes--)
		world_until(w, sim.now + chaos_strike(w));
}

/* Everything is as it should be again, and the nodes are told so. What was on its way is lost. */
static void calm(struct world *w)
{
	struct weather fair = { .delay = TNL_MS };

	trace("the network heals");
	w->net.weather = fair;
	net_clear(&w->net);
	memset(w->flow, 0, sizeof(w->flow));
	for (int i = 0; i < w->nodes; i++) {
		struct node *n = &w->node[i];

		n->asleep_until = 0;
		n->group = 0;
		n->busy = false;
		if (!n->up)
			node_set_up(n, true);
		node_settle(n);
	}
	world_until(w, sim.now + 6 * TNL_SEC);
	for (int i = 0; i < w->pairs; i++) {
		struct pair *p = &w->pair[i];

		world_connect(w, p, p->server, p->client);
		world_connect(w, p, p->client, p->server);
		place_endpoint(w, p->client, p->server);
		node_check_routes(&w->node[p->server]);
	}
	/* By WG 5.1 a clock that went back locks a node out if it no longer knows what it said before. */
	for (int i = 0; i < w->nodes; i++)
		if (w->node[i].forgetful)
			w->node[i].wall_offset = w->node[i].wall_best;
}

static bool arrived(struct world *w, const struct pair *p)
{
	for (uint32_t id = p->first; id && id <= p->last; id++) {
		const struct inner *in = &w->oracle.inner[id - 1];

		if (in->from == p->client && in->to == p->server && in->delivered)
			return true;
	}
	return false;
}

/* Clients speak until they are heard. */
static void heal(struct world *w)
{
	tnl_ns end = sim.now + HEAL_S * TNL_SEC;
	int down = w->pairs;

	for (int i = 0; i < w->pairs; i++)
		w->pair[i].first = 0;
	while (down) {
		down = 0;
		for (int i = 0; i < w->pairs; i++) {
			struct pair *p = &w->pair[i];

			p->up = p->up || arrived(w, p);
			if (p->up)
				continue;
			if (sim.now > end)
				fail("no session from %d to %d within %d s", p->client, p->server, HEAL_S);
			p->last = world_offer(w, p->client, p->server, 1, false, NULL);
			p->first = p->first ? p->first : p->last;
			down++;
		}
		world_until(w, sim.now + 500 * TNL_MS);
	}
}

/* Packets both ways, and each arrives within a second. */
static void converse(struct world *w)
{
	uint32_t first = w->oracle.inners;

	for (int i = 0; i < w->pairs; i++) {
		world_offer(w, w->pair[i].client, w->pair[i].server, 3, false, NULL);
		world_offer(w, w->pair[i].server, w->pair[i].client, 3, false, NULL);
	}
	world_until(w, sim.now + TNL_SEC);
	for (uint32_t i = first; i < w->oracle.inners; i++)
		if (!w->oracle.inner[i].delivered)
			fail("packet %u from %d to %d was lost on a healthy network", i + 1, w->oracle.inner[i].from,
			     w->oracle.inner[i].to);
}

/* Two nodes without persistent keepalives, for long: they have no secrets but their configuration. */
static void check_erased(const struct world *w)
{
	if (w->oracle.derived[0][1] || w->oracle.derived[1][0])
		fail("an idle tunnel still has keys");
	node_check_erased(&w->node[0]);
	node_check_erased(&w->node[1]);
}

/* Nobody speaks; who has no persistent keepalive is not heard, and all keys of such pairs go. */
static void quiet(struct world *w)
{
	tnl_ns start;

	trace("silence");
	world_until(w, sim.now + SETTLE_S * TNL_SEC);
	start = sim.now;
	world_until(w, sim.now + QUIET_S * TNL_SEC);
	for (int i = 0; i < w->pairs; i++) {
		const struct pair *p = &w->pair[i];
		const struct peer_view *s = &w->node[p->client].peer[p->server];
		const struct peer_view *c = &w->node[p->server].peer[p->client];

		if (s->keepalive_s || c->keepalive_s)
			continue;
		if (s->emitted > start || c->emitted > start)
			fail("the idle tunnel of %d and %d is not silent", p->client, p->server);
		if (w->oracle.derived[p->client][p->server] || w->oracle.derived[p->server][p->client])
			fail("%d and %d still have keys", p->client, p->server);
		if (w->nodes == 2)
			check_erased(w);
	}
}

static void separate(struct world *w, bool apart)
{
	for (int i = 0; i < w->nodes; i++)
		w->node[i].group = apart ? (uint32_t)i : 0;
}

/* Servers speak first, once, to where they last heard their clients, and nobody can hear them for a while: they have to
 * try again by themselves. What was sent on a session that still lived is lost. */
static void revive(struct world *w)
{
	uint32_t first = w->oracle.inners;
	bool *waits;

	separate(w, true);
	for (int i = 0; i < w->pairs; i++)
		world_offer(w, w->pair[i].server, w->pair[i].client, 2, false, NULL);
	world_until(w, sim.now + DEAF_S * TNL_SEC);
	waits = calloc(w->oracle.inners - first, sizeof(waits[0]));
	if (!waits)
		abort();
	for (uint32_t i = first; i < w->oracle.inners; i++)
		waits[i - first] = !w->oracle.inner[i].sealed;
	separate(w, false);
	world_until(w, sim.now + REVIVE_S * TNL_SEC);
	for (uint32_t i = first; i < w->oracle.inners; i++)
		if (waits[i - first] && !w->oracle.inner[i].delivered)
			fail("packet %u from %d was %s after the silence", i + 1, w->oracle.inner[i].from,
			     w->oracle.inner[i].sealed ? "lost" : "not even sent");
	free(waits);
}

/* The other one never answers again: 15.3 s of silence are noticed, then come 20 tries, WG 6.4, then nothing, and what
 * the last of them left behind goes too. */
static void abandon(struct world *w)
{
	uint64_t before = w->oracle.initiations, emitted;

	if (w->nodes > 2 || w->node[0].peer[1].keepalive_s || w->node[1].peer[0].keepalive_s)
		return;
	separate(w, true);
	world_offer(w, 0, 1, 1, false, NULL);
	world_until(w, sim.now + GIVE_UP_S * TNL_SEC);
	if (w->oracle.initiations - before != TRIES)
		fail("%lu initiations to a dead peer", (unsigned long)(w->oracle.initiations - before));
	emitted = w->node[0].emitted + w->node[1].emitted;
	world_until(w, sim.now + QUIET_S * TNL_SEC);
	if (w->node[0].emitted + w->node[1].emitted != emitted)
		fail("somebody still speaks to a dead peer");
	check_erased(w);
}

void world_run(uint64_t seed, uint32_t size)
{
	struct world *w = calloc(1, sizeof(*w));

	if (!w)
		abort();
	sim = (struct sim){ .seed = seed, .now = 1000 * TNL_SEC, .verbose = sim.verbose };
	w->rng.state = seed;
	net_init(&w->net, rng_next(&w->rng));
	oracle_init(&w->oracle);
	populate(w, size);
	chaos(w);
	calm(w);
	heal(w);
	world_until(w, sim.now + 6 * TNL_SEC);
	converse(w);
	if (rng_percent(&w->rng, 50)) {
		quiet(w);
		revive(w);
		abandon(w);
	}
	trace("%lu packets sealed, %lu delivered, %lu sessions", (unsigned long)w->oracle.sealed,
	      (unsigned long)w->oracle.delivered, (unsigned long)w->oracle.sessions);
	for (int i = 0; i < w->nodes; i++)
		node_end(&w->node[i]);
	free(w->node);
	net_free(&w->net);
	oracle_free(&w->oracle);
	free(w);
}
