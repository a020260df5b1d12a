/* SPDX-License-Identifier: MIT */
/*
 * A packet is read, split straight into slots that lie one behind the other in the arena, and sealed there. Datagrams
 * that follow one another under one key, to one address, with one TOS and of one length (the last may be shorter) are
 * one message for the kernel to cut up (UDP_SEGMENT): all of a super-packet, or many small packets read one by one.
 *
 * A run is begun for each read and settled once per message, with the newest run in it.
 *
 * While packets wait for a peer's session, none may overtake them. So if a packet could go but others wait (the owner's
 * word that the session is ready has not come yet), those go first, and this one takes a new counter behind theirs.
 */
#include "tx.h"

#include <errno.h>
#include <string.h>

#include "be.h"
#include "ecn.h"
#include "gso.h"

static void flush(struct tx *x)
{
	udp_send_batch(&x->socks, &x->gso, x->out, x->count);
	for (uint32_t i = 0; i < x->count; i++) {
		if (x->out[i].refused)
			tnl_forget_source(x->tnl, x->run[i].peer);
		if (x->out[i].sent > 0)
			tnl_tx_end(x->core, x->now, &x->run[i], x->out[i].sent);
	}
	x->count = x->bytes = 0;
	arena_reset(&x->arena);
}

/* Room for a packet of `inner` bytes, sealed. */
static uint8_t *next_slot(struct tx *x, size_t inner)
{
	size_t len = tnl_tx_len(inner, x->mtu);

	if (x->count == UDP_BATCH || !arena_next(&x->arena, len))
		flush(x);
	return arena_next(&x->arena, len);
}

/* The last message may grow by this datagram. */
static bool extends(const struct tx *x, const struct tnl_run *run, uint32_t len, uint8_t tos)
{
	const struct udp_out *o = &x->out[x->count - 1];
	const struct tnl_run *r = &x->run[x->count - 1];

	return r->key == run->key && o->tos == tos && len <= o->segment && o->len % o->segment == 0 &&
	       o->len / o->segment < UDP_GSO_SEGS && o->len + len <= UDP_GSO_BYTES &&
	       memcmp(&r->path, &run->path, sizeof(r->path)) == 0;
}

/* Seals the packet at slot + TNL_HEAD as the i-th of run and adds it to the batch. */
static void add(struct tx *x, const struct tnl_run *run, uint32_t i, uint8_t *slot, size_t inner)
{
	uint8_t tos = ecn_outer(slot + TNL_HEAD);
	uint32_t len = (uint32_t)tnl_tx_seal(x->core, run, i, slot, inner, x->mtu);

	arena_take(&x->arena, len);
	x->bytes += len;
	if (x->count > 0 && extends(x, run, len, tos)) {
		x->out[x->count - 1].len += len;
		x->run[x->count - 1] = *run;
		return;
	}
	x->run[x->count] = *run;
	x->out[x->count] = (struct udp_out) {
		.path = &x->run[x->count].path, .data = slot, .len = len, .segment = (uint16_t)len, .tos = tos,
	};
	x->count++;
}

static void drain(struct tx *x, tnl_peer p)
{
	const uint8_t *waiting;
	struct tnl_run run;
	size_t len;

	/* At most STAGE_PER_PEER turns. A packet whose route is gone, or leads to another who has no session, is lost.
	 */
	while ((waiting = stage_peek(x->stage, p, &len)) != NULL) {
		size_t seen = len < STAGE_BLOCK ? len : STAGE_BLOCK;
		enum tnl_verdict v = tnl_tx_begin(x->core, x->now, waiting, seen, 1, &run);
		uint8_t *slot = next_slot(x, len);

		if (v == TNL_WAIT && run.peer == p)
			return;
		stage_pop(x->stage, p, slot + TNL_HEAD);
		if (v == TNL_PASS)
			add(x, &run, 0, slot, len);
	}
}

/* To be called whenever packets have left the stage. */
static void publish_holds(struct tx *x)
{
	if (stage_empty(x->stage) && atomic_load_explicit(x->holds, memory_order_relaxed))
		atomic_store_explicit(x->holds, false, memory_order_relaxed);
}

void tx_ready(struct tx *x, tnl_ns now, tnl_peer p)
{
	x->now = now;
	drain(x, p);
	flush(x);
	publish_holds(x);
}

void tx_drop(struct tx *x, tnl_peer p)
{
	if (p)
		stage_drop(x->stage, p);
	else
		stage_clear(x->stage);
	publish_holds(x);
}

/* Packets [from, from + n) of g. The owner tells of a session only those who are known to hold something, so who begins
 * to has to look once more: the session may have come in between. */
static void hold(struct tx *x, tnl_peer p, const struct gso *g, uint32_t from, uint32_t n)
{
	for (uint32_t i = from; i < from + n; i++) {
		gso_segment(g, i, x->plain);
		stage_push(x->stage, p, x->plain, gso_len(g, i));
	}
	if (atomic_load_explicit(x->holds, memory_order_relaxed))
		return;
	atomic_store(x->holds, true);
#ifndef __SANITIZE_THREAD__	/* see pin_enter() */
	atomic_thread_fence(memory_order_seq_cst);
#endif
	drain(x, p);
}

/* The UDP header of a packet, also of the first fragment of one: IPv6 has a header of its own for that, in front of it.
 * NULL: there is none. */
static const uint8_t *udp_header(const struct gso *g)
{
	const uint8_t *pkt = g->pkt;
	uint32_t at = g->v6 ? IP6_HEAD : (pkt[0] & 15) * 4u;
	uint8_t proto = pkt[g->v6 ? IP6_NEXT : IP4_PROTO];

	if (g->v6 && proto == PROTO_FRAGMENT && at + IP6_FRAGMENT <= g->len && be16_get(pkt + at + 2) >> 3 == 0) {
		proto = pkt[at];
		at += IP6_FRAGMENT;
	}
	return proto == PROTO_UDP && at + UDP_HEAD <= g->len ? pkt + at : NULL;
}

/* Our own datagram to this very endpoint: the route to the endpoint leads into the tunnel, and sealing it again would
 * go on for ever. Later fragments are not recognised; sealed, they are a datagram that is. */
static bool loops(const struct tx *x, const struct gso *g, const struct tnl_addr *remote)
{
	const uint8_t *udp = udp_header(g);

	return udp && remote->family == (g->v6 ? 6 : 4) && be16_get(udp + UDP_DPORT) == remote->port &&
	       be16_get(udp + UDP_SPORT) == x->socks.port &&
	       memcmp(g->pkt + (g->v6 ? IP6_DST : IP4_DST), remote->ip, g->v6 ? 16 : 4) == 0;
}

static void refuse(struct tx *x, const struct gso *g)
{
	static const struct virtio_net_hdr none;
	struct iovec iov[2];
	uint8_t answer[ICMP_MAX];
	size_t len = icmp_unreachable(g->pkt, g->len, answer);

	if (len == 0 || !icmp_allow(&x->icmp, x->now))
		return;
	iov[1] = (struct iovec) { answer, len };
	tun_write(x->tun, x->info, &none, iov, 2);
}

static void send_run(struct tx *x, const struct tnl_run *run, const struct gso *g, uint32_t from)
{
	if (loops(x, g, &run->path.remote))
		return;
	for (uint32_t i = 0; i < run->count; i++) {
		uint32_t len = gso_len(g, from + i);
		uint8_t *slot = next_slot(x, len);

		gso_segment(g, from + i, slot + TNL_HEAD);
		add(x, run, i, slot, len);
	}
}

/* False: nobody takes it. */
static bool offer_run(struct tx *x, const struct gso *g, uint32_t from, uint32_t n)
{
	struct tnl_run run;
	enum tnl_verdict v = tnl_tx_begin(x->core, x->now, g->pkt, g->len, n, &run);

	if (v == TNL_PASS && !stage_empty(x->stage) && stage_count(x->stage, run.peer) > 0) {
		drain(x, run.peer);
		v = tnl_tx_begin(x->core, x->now, g->pkt, g->len, n, &run);
	}
	if (v == TNL_PASS)
		send_run(x, &run, g, from);
	else if (v == TNL_WAIT)
		hold(x, run.peer, g, from, n);
	return v != TNL_DROP_NOROUTE && v != TNL_DROP_NOPATH;
}

static void offer(struct tx *x, const struct gso *g)
{
	/* At an interface MTU near 65535 a packet may be larger than what a datagram can carry. */
	if (tnl_tx_len(gso_len(g, 0), x->mtu) > UDP_GSO_BYTES)
		return;
	for (uint32_t from = 0, n; from < g->count; from += n) {
		n = g->count - from < TX_RUN ? g->count - from : TX_RUN;
		if (!offer_run(x, g, from, n)) {
			refuse(x, g);
			return;
		}
	}
}

void tx_round(struct tx *x, tnl_ns now)
{
	struct virtio_net_hdr hdr;
	struct gso g;
	size_t bytes = 0;

	x->now = now;
	for (unsigned i = 0; i < TX_ROUND_READS && bytes < TX_ROUND_BYTES; i++) {
		ssize_t n = tun_read(x->tun, x->info, &hdr, x->packet);

		if (n < 0) {
			x->gone = n == -EBADFD;
			break;
		}
		bytes += (size_t)n;
		if (gso_parse(&hdr, x->packet, (size_t)n, &g))
			offer(x, &g);
		if (x->bytes >= TX_FLUSH_BYTES)
			flush(x);
	}
	flush(x);
	publish_holds(x);
}
