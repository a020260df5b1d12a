/* SPDX-License-Identifier: MIT */
#include "node.h"

#include <stdlib.h>
#include <string.h>

#include "wire.h"

enum { TOS_HANDSHAKE = 0x88, ROUNDS_MAX = 8, LOAD_HELD = 1 };

/* Wall time starts in 2023. */
#define WALL_START (UINT64_C(1700000000) * TNL_SEC)

struct tnl_now node_now(const struct node *n)
{
	return (struct tnl_now){ sim.now + n->boot_offset, WALL_START + sim.now + (uint64_t)n->wall_offset };
}

tnl_ns node_next(const struct node *n)
{
	tnl_ns deadline = tnl_deadline(n->t), at;

	if (deadline == TNL_NEVER)
		return TNL_NEVER;
	at = deadline > n->boot_offset ? deadline - n->boot_offset : 0;
	return at < n->asleep_until ? n->asleep_until : at;
}

/* ---- Output ------------------------------------------------------------------------------------------------------ */

/* The address that the kernel would send from. */
static const struct tnl_addr *source(struct node *n, const struct tnl_path *path, tnl_peer handle)
{
	const struct tnl_addr *mine = &n->addr[path->remote.family == 6];

	if (path->local.family && (path->local.family != mine->family || path->local.port ||
				   memcmp(path->local.ip, mine->ip, sizeof(mine->ip)))) {
		if (path->local.family != path->remote.family)
			fail("node %d: source and destination of different families", n->id);
		if (handle)
			tnl_forget_source(n->t, handle);	/* EADDRNOTAVAIL: it has moved */
	}
	return mine;
}

/* peer -1: a cookie reply. */
static void emit(struct node *n, int peer, const struct tnl_path *path, const uint8_t *data, size_t len)
{
	tnl_ns boot = node_now(n).boot;

	if (!path->remote.family || !path->remote.port)
		fail("node %d sends to no address", n->id);
	if (!n->up && !n->oracle->late)
		fail("node %d sends while it is down", n->id);
	if (peer >= 0)
		oracle_wire(n->oracle, n->id, peer, boot, data, len);
	else if (len != COOKIE_LEN || get_le32(data) != WIRE_COOKIE)
		fail("node %d sends to nobody, and it is no cookie", n->id);
	n->emitted++;
	if (peer >= 0)
		n->peer[peer].emitted = sim.now;
	trace("node %d: -> %d type %u, %zu bytes, index %08x counter %lu", n->id, peer, data[0], len,
	      get_le32(data + 4), data[0] == WIRE_DATA ? (unsigned long)get_le64(data + 8) : 0);
	if (net_stranger(&path->remote))
		oracle_stranger(n->oracle, n->id, 0, data, len);
	net_send(n->net, source(n, path, peer >= 0 ? n->peer[peer].handle : 0), &path->remote, data, len);
}

static void emit_msg(struct node *n, const struct tnl_msg *m)
{
	int peer = node_peer(n, m->peer);

	if (peer < 0 && m->peer)
		fail("node %d sends for dead peer %08x", n->id, m->peer);
	if (m->tos != (m->data[0] == WIRE_INITIATION || m->data[0] == WIRE_RESPONSE ? TOS_HANDSHAKE : 0))
		fail("node %d sends type %u with TOS %02x", n->id, m->data[0], m->tos);
	emit(n, peer, &m->path, m->data, m->len);
}

/* ---- TUN to network ---------------------------------------------------------------------------------------------- */

/* The newest 128 wait. */
static void stage(struct peer_view *v, const uint32_t *id, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		if (v->count == STAGED_MAX) {
			v->first = (v->first + 1) % STAGED_MAX;
			v->count--;
		}
		v->staged[(v->first + v->count++) % STAGED_MAX] = id[i];
	}
}

/* The slots of a run lie one right behind the other, as those of a datagram that the kernel cuts up. */
static void seal(struct node *n, struct tnl_worker *w, const struct tnl_run *run, int peer, const uint32_t *id)
{
	uint8_t slots[BATCH_MAX * DGRAM_MAX], *slot = slots;
	struct tnl_pkt pkt[BATCH_MAX];
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < run->count; i++) {
		pkt[i].data = slot;
		pkt[i].len = (uint32_t)oracle_write(n->oracle, id[i], slot + TNL_HEAD);
		slot += tnl_tx_len(pkt[i].len, MTU);
		if (slot < pkt[i].data + TNL_HEAD + pkt[i].len + TNL_TAG)
			fail("node %d has no room for %u bytes", n->id, pkt[i].len);
	}
	tnl_tx_seal_run(w, run, 0, pkt, run->count, MTU);
	for (uint32_t i = 0; i < run->count; i++) {
		if (n->net->weather.loss && rng_percent(&n->net->rng, 2))
			continue;	/* the kernel had no buffer: costs the counter only */
		if (pkt[i].data + pkt[i].len != (i + 1 < run->count ? pkt[i + 1].data : slot))
			fail("node %d seals into %u bytes", n->id, pkt[i].len);
		if (get_le64(pkt[i].data + DATA_COUNTER) != run->counter + i)
			fail("node %d seals with another counter than it reserved", n->id);
		oracle_sealed(n->oracle, id[i], peer);
		emit(n, peer, &run->path, pkt[i].data, pkt[i].len);
		bytes += pkt[i].len;
	}
	tnl_tx_end(w, node_now(n).boot, run, bytes);
}

static void begun(struct node *n, struct tnl_worker *w, const struct tnl_run *run, int owner, const uint32_t *id,
		  void (*between)(struct node *n))
{
	int peer = node_peer(n, run->peer);

	if (peer < 0 || peer != owner)
		fail("node %d routes packet %u to %d instead of %d", n->id, id[0], peer, owner);
	net_train(n->net, rng_percent(&n->net->rng, 60));
	if (between) {
		trace("node %d: change under an open run", n->id);
		between(n);
		n->oracle->late = true;
	}
	seal(n, w, run, peer, id);
	n->oracle->late = false;
	net_train(n->net, false);
}

void node_offer(struct node *n, const uint32_t *id, uint32_t count, void (*between)(struct node *n))
{
	const struct inner *p = &n->oracle->inner[id[0] - 1];
	struct tnl_worker *w = between ? n->slow : n->worker;
	int owner = node_route(n, p->family, p->dst);
	uint8_t head[DGRAM_MAX];
	size_t len = oracle_write(n->oracle, id[0], head);
	enum tnl_verdict verdict;
	struct tnl_run run = { 0 };

	tnl_enter(w);
	verdict = tnl_tx_begin(w, node_now(n).boot, head, rng_percent(&n->net->rng, 50) ? len : 40, count, &run);
	trace("node %d: offers packets %u..%u for %d: verdict %d", n->id, id[0], id[count - 1], owner, verdict);
	if (verdict == TNL_PASS)
		begun(n, w, &run, owner, id, between);
	else if (verdict == TNL_WAIT && node_peer(n, run.peer) == owner && owner >= 0)
		stage(&n->peer[owner], id, count);
	else if (!(verdict == TNL_DROP_NOROUTE && owner < 0) && !(verdict == TNL_DROP_DOWN && !n->up) &&
		 !(verdict == TNL_DROP_NOPATH && owner >= 0))
		fail("node %d: verdict %d for packet %u to %d", n->id, verdict, id[0], owner);
	tnl_leave(w);
}

/* Offers again what waits for a peer, packets for the same address in one run. */
static void offer_staged(struct node *n, int peer)
{
	struct peer_view *v = &n->peer[peer];
	uint32_t waiting = v->count;

	while (waiting) {
		uint32_t id[BATCH_MAX], count = 0;

		do {
			id[count] = v->staged[v->first];
			if (count && memcmp(n->oracle->inner[id[count] - 1].dst, n->oracle->inner[id[0] - 1].dst, 16))
				break;
			count++;
			v->first = (v->first + 1) % STAGED_MAX;
			v->count--;
		} while (count < waiting && count < BATCH_MAX);
		waiting -= count;
		node_offer(n, id, count, NULL);
	}
}

/* ---- The owner's turn -------------------------------------------------------------------------------------------- */

static void take_events(struct node *n)
{
	struct tnl_event e;

	for (int i = 0; tnl_event(n->t, &e); i++) {
		int peer = node_peer(n, e.peer);

		if (i > 4 * NODES_MAX)
			fail("node %d: endless events", n->id);
		trace("node %d: event %d of %d", n->id, e.what, peer);
		if (peer < 0)
			continue;
		if (e.what == TNL_EV_READY) {
			offer_staged(n, peer);
			continue;
		}
		n->peer[peer].count = 0;
		if (e.what == TNL_EV_WIPED)
			oracle_dropped(n->oracle, n->id, peer);
	}
}

void node_settle(struct node *n)
{
	struct tnl_msg out[4];
	struct tnl_now now = node_now(n);
	size_t count;

	for (int round = 0; round < ROUNDS_MAX; round++) {
		take_events(n);
		do {
			count = tnl_advance(n->t, now, out, 4);
			if (n->advances++ > 1000000)
				fail("node %d: advance does not end", n->id);
			take_events(n);
			for (size_t i = 0; i < count; i++)
				emit_msg(n, &out[i]);
		} while (count == 4);
		if (tnl_deadline(n->t) > now.boot) {
			oracle_keys(n->oracle, n->id, now.boot);
			return;
		}
	}
	fail("node %d spins: deadline %lu, now %lu", n->id, (unsigned long)tnl_deadline(n->t), (unsigned long)now.boot);
}

/* ---- Network to TUN ---------------------------------------------------------------------------------------------- */

static void delivered(struct node *n, const struct tnl_pkt *pkt, int peer)
{
	uint32_t id = oracle_delivered(n->oracle, n->id, peer, pkt->data, pkt->len);
	const struct inner *p = &n->oracle->inner[id - 1];

	if (node_route(n, p->family, p->src) != peer)
		fail("node %d delivered packet %u from %d, whose source belongs to %d", n->id, id, peer,
		     node_route(n, p->family, p->src));
	trace("node %d: delivered packet %u of %d", n->id, id, peer);
}

/* What may be said of a datagram, given all that is known of it. True: it was authentic. */
static bool judge(struct node *n, const struct dgram *d, const struct tnl_pkt *pkt, int peer)
{
	tnl_ns boot = node_now(n).boot;

	switch (pkt->verdict) {
	case TNL_PASS:
	case TNL_EMPTY:
	case TNL_DROP_SOURCE:
	case TNL_DROP_INNER:
		oracle_accepted(n->oracle, n->id, peer, boot, d->data, d->genuine);
		if (pkt->verdict == TNL_PASS)
			delivered(n, pkt, peer);
		if (pkt->verdict == TNL_DROP_INNER)
			fail("node %d says that datagram %u holds no whole packet", n->id, d->origin);
		return true;
	case TNL_DROP_EXPIRED:
		if (d->genuine)
			oracle_expired(n->oracle, n->id, boot, d->data);
		return false;
	case TNL_DROP_REPLAY:
		oracle_replayed(n->oracle, n->id, d->data);
		return false;
	case TNL_DROP_DOWN:
		if (n->up)
			fail("node %d says that it is down", n->id);
		return false;
	case TNL_CONTROL:
	case TNL_DROP_MAC1:
	case TNL_DROP_INDEX:
		return false;
	case TNL_DROP_SHORT:
	case TNL_DROP_TYPE:
	case TNL_DROP_AUTH:
		if (!d->genuine)
			return false;
		/* fall through */
	default:
		fail("node %d: verdict %u for datagram %u", n->id, pkt->verdict, d->origin);
	}
}

/* The workers' part. Returns how many of the batch were authentic; leaves verdicts in pkt. */
static uint32_t open_batch(struct node *n, struct dgram *const *batch, struct tnl_pkt *pkt, uint32_t count)
{
	struct tnl_path from = { .remote = batch[0]->src, .local = batch[0]->dst };
	uint32_t authentic = 0, k;

	from.local.port = 0;
	from.local.scope = from.local.family == 4;	/* the interface */
	tnl_enter(n->worker);
	for (uint32_t i = 0; i < count; i += k) {
		uint8_t copy[BATCH_MAX][TNL_HEAD];
		struct tnl_run run;

		k = tnl_rx_begin(n->worker, node_now(n).boot, pkt + i, count - i, &run);
		if (!k || k > count - i)
			fail("node %d: a run of %u of %u", n->id, k, count - i);
		for (uint32_t j = i; j < i + k; j++)
			memcpy(copy[j], batch[j]->data, batch[j]->len < TNL_HEAD ? batch[j]->len : TNL_HEAD);
		if (run.key) {
			tnl_rx_open_run(n->worker, &run, pkt + i, k);
			tnl_rx_end(n->worker, node_now(n).boot, &run, &from, pkt + i);
		}
		for (uint32_t j = i; j < i + k; j++) {
			if (run.key)
				memcpy(batch[j]->data, copy[j], TNL_HEAD);
			trace("node %d: <- %u%s type %u: verdict %u", n->id, batch[j]->origin,
			      batch[j]->genuine ? "" : " forged", batch[j]->len ? batch[j]->data[0] : 0,
			      pkt[j].verdict);
			authentic += judge(n, batch[j], pkt + j, run.key ? node_peer(n, run.peer) : -1);
		}
	}
	tnl_leave(n->worker);
	return authentic;
}

static bool under_load(const struct node *n)
{
	return n->busy || sim.now < n->busy_until;
}

/* The owner's part of one handshake message. */
static void control(struct node *n, const struct dgram *d)
{
	struct tnl_path from = { .remote = d->src, .local = d->dst };
	struct tnl_now now = node_now(n);
	struct tnl_msg out;

	from.local.port = 0;
	from.local.scope = from.local.family == 4;
	if (d->genuine)
		oracle_arrives(n->oracle, n->id, now.boot, d->data, d->len);
	if (n->busy)
		n->busy_until = sim.now + LOAD_HELD * TNL_SEC;
	if (!tnl_control(n->t, now, &from, d->data, d->len, n->busy, &out))
		return;
	if (memcmp(&out.path.remote, &d->src, sizeof(d->src)))
		fail("node %d answers to another address", n->id);
	if (out.len > d->len)
		fail("node %d answers %u bytes with %u", n->id, d->len, out.len);
	if (out.data[0] == WIRE_COOKIE) {
		if (!under_load(n))
			fail("node %d sends a cookie without load", n->id);
	} else {
		if (!d->genuine)
			fail("node %d answers a forged message", n->id);
		oracle_answered(n->oracle, n->id, out.peer, d->origin);
	}
	emit_msg(n, &out);
}

/* How many peers are believed to be at this address. */
static int located(const struct node *n, const struct tnl_addr *a)
{
	struct tnl_stat s;
	int count = 0;

	for (int i = 0; i < n->nodes; i++)
		count += n->peer[i].handle && !tnl_peer_stat(n->t, n->peer[i].handle, &s) &&
			 !memcmp(&s.path.remote, a, sizeof(*a));
	return count;
}

void node_receive(struct node *n, struct dgram *const *batch, uint32_t count)
{
	struct tnl_pkt pkt[BATCH_MAX];
	uint32_t authentic, controls = 0;
	bool forged = true;
	uint64_t emitted;
	int there;

	if (n->asleep_until > sim.now)
		return;
	node_settle(n);		/* what is sent from now on is sent because of this batch */
	there = located(n, &batch[0]->src);
	for (uint32_t i = 0; i < count; i++) {
		pkt[i] = (struct tnl_pkt){ .data = batch[i]->data, .len = batch[i]->len };
		forged = forged && !batch[i]->genuine;
		if (net_stranger(&batch[i]->src))
			oracle_stranger(n->oracle, n->id, batch[i]->len, NULL, 0);
	}
	emitted = n->emitted;
	authentic = open_batch(n, batch, pkt, count);
	for (uint32_t i = 0; i < count; i++) {
		if (pkt[i].verdict == TNL_CONTROL) {
			control(n, batch[i]);
			controls++;
		}
	}
	if (forged || (!controls && !authentic)) {
		uint64_t cookies = n->emitted - emitted;

		node_settle(n);
		if (n->emitted - emitted != cookies)
			fail("node %d was made to send by something not authentic", n->id);
		if (located(n, &batch[0]->src) != there)
			fail("something not authentic moved an endpoint of node %d", n->id);
	} else {
		node_settle(n);
	}
}
