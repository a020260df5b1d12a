/* SPDX-License-Identifier: MIT */
/*
 * A batch is made in three steps. Packets are read and offered to the machine, which gives each super-packet a run, and
 * each run a place in the arena for its datagrams, one behind the other; runs are then split and sealed into their
 * places, by several threads if that is quicker; and all is sent. Datagrams that follow one another under one key, to
 * one address, with one TOS and of one length (the last may be shorter) are one message for the kernel to cut up
 * (UDP_SEGMENT): all of a super-packet, or many small packets read one by one. A batch ends when it is as large as the
 * cache likes.
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
#include "clock.h"
#include "ecn.h"
#include "gso.h"
#include "nest.h"

static void seal_job(struct tnl_worker *core, void *arg)
{
	const struct tx_job *j = arg;
	struct tnl_pkt pkt[TX_CHUNK];
	uint8_t *slot = j->slot;

	for (uint32_t i = 0, n; i < j->run.count; i += n) {
		for (n = 0; n < TX_CHUNK && i + n < j->run.count; n++) {
			uint32_t len = gso_len(&j->from, j->first + i + n);

			if (j->from.pkt)
				gso_segment(&j->from, j->first + i + n, slot + TNL_HEAD);
			pkt[n] = (struct tnl_pkt) { .data = slot, .len = len };
			slot += tnl_tx_len(len, j->mtu);
		}
		tnl_tx_seal_run(core, &j->run, i, pkt, n, j->mtu);
	}
}

static void seal_all(struct tx *x)
{
	if (x->shared && x->jobs > 1) {
		crew_run(x->crew, seal_job, x->job, sizeof(x->job[0]), x->jobs);
		return;
	}
	for (uint32_t i = 0; i < x->jobs; i++)
		seal_job(x->core, &x->job[i]);
}

/* Ends the batch. */
static void flush(struct tx *x)
{
	seal_all(x);
	udp_send_batch(&x->socks, &x->gso, x->out, x->messages);
	for (uint32_t i = 0; i < x->messages; i++) {
		if (x->out[i].refused)
			tnl_forget_source(x->tnl, x->run[i].peer);
		if (x->out[i].sent > 0)
			tnl_tx_end(x->core, x->now, &x->run[i], x->out[i].sent);
	}
	x->reads = x->jobs = x->messages = x->bytes = 0;
	x->flushes++;
	arena_reset(&x->arena);
	arena_reset(&x->in);
}

/* What the inner packet says about the header of the datagram that carries it. */
struct outer {
	uint8_t tos, hops;
};

/* False: it may not leave. */
static bool outer_of(const struct tx *x, const uint8_t *pkt, uint32_t len, struct outer *ret)
{
	int hops = nest_hops(pkt, len, x->socks.port);

	*ret = (struct outer) { .tos = ecn_outer(pkt), .hops = hops > 0 ? (uint8_t)hops : 0 };
	return hops >= 0;
}

/* The last message may grow by this datagram. */
static bool extends(const struct tx *x, const struct tnl_run *run, uint32_t len, struct outer outer)
{
	const struct udp_out *o = &x->out[x->messages - 1];
	const struct tnl_run *r = &x->run[x->messages - 1];

	return r->key == run->key && o->tos == outer.tos && o->hops == outer.hops && len <= o->segment &&
	       o->len % o->segment == 0 && o->len / o->segment < UDP_GSO_SEGS && o->len + len <= UDP_GSO_BYTES &&
	       memcmp(&r->path, &run->path, sizeof(r->path)) == 0;
}

/* The datagram of len bytes at data will be part of the batch. */
static void address(struct tx *x, const struct tnl_run *run, const uint8_t *data, uint32_t len,
		    struct outer outer)
{
	if (x->messages > 0 && extends(x, run, len, outer)) {
		x->out[x->messages - 1].len += len;
		x->run[x->messages - 1] = *run;
		return;
	}
	x->run[x->messages] = *run;
	x->out[x->messages] = (struct udp_out) {
		.path = &x->run[x->messages].path, .data = data, .len = len, .segment = (uint16_t)len,
		.tos = outer.tos, .hops = outer.hops,
	};
	x->messages++;
}

/* Of packets [first, first + n) of g when they are datagrams: all are as long as the first, but for the last. */
static size_t sealed_len(const struct tx *x, const struct gso *g, uint32_t first, uint32_t n)
{
	return (n - 1) * tnl_tx_len(gso_len(g, first), x->mtu) + tnl_tx_len(gso_len(g, first + n - 1), x->mtu);
}

/* Room for a run of so many bytes sealed, and for the messages that it can make: one that its first datagram begins,
 * one more when it is longer than a message may be, and one for a last of another length. */
static uint8_t *make_room(struct tx *x, size_t sealed)
{
	if (x->jobs == TX_JOBS || x->messages + 3 > UDP_BATCH || !arena_next(&x->arena, sealed))
		flush(x);
	return arena_next(&x->arena, sealed);
}

/* Packets [first, first + run->count) of g, which have room at `slot`, become part of the batch. */
static void add(struct tx *x, const struct tnl_run *run, const struct gso *g, uint32_t first, uint8_t *slot,
		struct outer outer)
{
	size_t all = 0;

	x->job[x->jobs++] = (struct tx_job) {
		.run = *run, .from = *g, .first = first, .mtu = x->mtu, .slot = slot,
	};
	for (uint32_t i = 0; i < run->count; i++) {
		uint32_t len = (uint32_t)tnl_tx_len(gso_len(g, first + i), x->mtu);

		address(x, run, slot + all, len, outer);
		all += len;
	}
	arena_take(&x->arena, all);
	x->bytes += (uint32_t)all;
}

static void drain(struct tx *x, tnl_peer p)
{
	const uint8_t *waiting;
	struct outer outer;
	struct tnl_run run;
	size_t len;

	/* At most STAGE_PER_PEER turns. A packet whose route is gone, or leads to another who has no session, is lost.
	 */
	while ((waiting = stage_peek(x->stage, p, &len)) != NULL) {
		struct gso g = { .len = (uint32_t)len, .head = (uint32_t)len, .count = 1 };
		size_t seen = len < STAGE_BLOCK ? len : STAGE_BLOCK;
		enum tnl_verdict v = tnl_tx_begin(x->core, x->now, waiting, seen, 1, &run);
		uint8_t *slot;

		if (v == TNL_WAIT && run.peer == p)
			return;
		slot = make_room(x, tnl_tx_len(len, x->mtu));
		stage_pop(x->stage, p, slot + TNL_HEAD);
		if (v == TNL_PASS && outer_of(x, slot + TNL_HEAD, (uint32_t)len, &outer))
			add(x, &run, &g, 0, slot, outer);
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

static void refuse(struct tx *x, const struct gso *g)
{
	static const struct virtio_net_hdr none;
	struct iovec iov[2];
	uint8_t answer[ICMP_MAX];
	size_t len = icmp_unreachable(g->pkt, g->len, answer);

	if (len == 0 || !icmp_allow(&x->icmp, x->now))
		return;
	iov[1] = (struct iovec) { answer, len };
	tun_write(x->lanes->fd[0], x->info, &none, iov, 2);
}

static void send_run(struct tx *x, const struct tnl_run *run, const struct gso *g, uint32_t from)
{
	struct outer outer;

	/* Sealing our own datagram again and again would go on for ever. */
	if (nest_loops(g->pkt, g->len, x->socks.port, &run->path.remote) || !outer_of(x, g->pkt, g->len, &outer))
		return;
	add(x, run, g, from, make_room(x, sealed_len(x, g, from, run->count)), outer);
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

/* A packet was read. */
static void take(struct tx *x, const struct virtio_net_hdr *hdr, const uint8_t *buf, size_t n)
{
	struct gso g;

	if (gso_parse(hdr, buf, n, &g)) {
		lanes_weigh(x->lanes, x->now, buf, (uint32_t)n);
		offer(x, &g);
	}
	x->round_reads++;
	x->round_bytes += n > 0 ? n : 1;
}

/* Makes sure that the batch has room for one packet more. */
static void flush_full(struct tx *x)
{
	if ((x->bytes >= TX_BATCH_BYTES && !x->shared) || x->reads == TX_READS)
		flush(x);
}

/* One packet of a lane. False: nothing there, or the interface is gone. */
static bool read_one(struct tx *x, unsigned lane)
{
	uint8_t *buf = arena_next(&x->in, TX_SLOT) + TUN_LINE;	/* TX_IN is what a round reads at most, and a slot */
	uint32_t jobs = x->jobs, flushes = x->flushes;
	struct virtio_net_hdr hdr;
	ssize_t n = tun_read(x->lanes->fd[lane], x->info, &hdr, buf);

	if (n < 0) {
		x->gone |= n == -EBADFD;
		return false;
	}
	take(x, &hdr, buf, (size_t)n);
	/* The packet stays while a run is to be made from it. If a batch ended meanwhile, the next one begins at the
	 * front again and does not know of this. */
	if (x->flushes != flushes) {
		flush(x);
	} else if (x->jobs > jobs) {
		x->reads++;
		arena_take(&x->in, TUN_LINE + ((size_t)n + TUN_LINE - 1) / TUN_LINE * TUN_LINE);
	}
	flush_full(x);
	return true;
}

/* Many of a lane in one call. False: fewer than that were there. */
static bool read_many(struct tx *x, unsigned lane)
{
	const struct tun_ring *ring = x->ring;
	uint8_t *mem = x->slots + x->slots_used * (size_t)TUN_RING_SLOT, *buf;
	uint32_t before = x->round_reads;
	struct virtio_net_hdr hdr;

	if (!tun_ring_read(x->ring, x->lanes->fd[lane], mem))
		x->ring = NULL;
	for (uint32_t i = 0; i < TUN_RING_READS; i++) {
		ssize_t n = tun_ring_packet(ring, mem, i, &hdr, &buf);

		if (n >= 0)
			take(x, &hdr, buf, (size_t)n);
		x->gone |= n == -EBADFD;
		flush_full(x);
	}
	/* If a batch ended meanwhile, the next one has some of these packets. */
	x->slots_used += TUN_RING_READS;
	if (x->slots_used == TX_SLOTS) {
		flush(x);
		x->slots_used = 0;
	}
	return x->round_reads - before == TUN_RING_READS;
}

/* A lane's turn. True: it is empty now. */
static bool read_lane(struct tx *x, unsigned lane)
{
	uint32_t reads = x->round_reads, bit = 1u << lane;
	size_t bytes = x->round_bytes;
	bool more = true;

	while (more && x->round_reads - reads < TX_TURN_READS && x->round_bytes - bytes < TX_TURN_BYTES)
		more = x->ring && x->many & bit ? read_many(x, lane) : read_one(x, lane);
	if (x->round_reads - reads >= TX_MANY)
		x->many |= bit;
	else
		x->many &= ~bit;
	return !more;
}

/* Lane 0 goes first; after that all take turns, and the next round goes on where this one ended. */
static void read_lanes(struct tx *x, unsigned ready)
{
	if (ready & 1 && read_lane(x, 0))
		ready &= ~1u;
	while (ready && x->round_reads < TX_ROUND_READS && x->round_bytes < TX_ROUND_BYTES) {
		x->turn = (x->turn + 1) % x->lanes->count;
		if (ready >> x->turn & 1 && read_lane(x, x->turn))
			ready &= ~(1u << x->turn);
	}
}

void tx_round(struct tx *x, tnl_ns now, unsigned ready)
{
	/* After a full round comes another, as a rule. */
	bool judged = x->full && x->crew->crew->count > 1;
	tnl_ns begin = judged ? clock_boot() : 0;

	x->now = now;
	x->round_reads = 0;
	x->round_bytes = 0;
	/* In a shared round the batch is all that fits: the more runs, the more threads have something to do. */
	x->shared = judged && judge_shares(&x->judge, begin);
	read_lanes(x, ready);
	flush(x);
	x->slots_used = 0;
	publish_holds(x);
	x->full = x->round_bytes >= TX_ROUND_BYTES;
	x->crowded = x->round_reads >= TX_CROWD;
	if (judged && x->full)
		judge_report(&x->judge, x->shared, x->round_bytes, clock_boot() - begin);
}
