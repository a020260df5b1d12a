/* SPDX-License-Identifier: MIT */
/*
 * Nothing is copied: datagrams are opened where they were received, and what is joined is written out of there by
 * writev(). So all that was received in one call has to be written before the next call.
 *
 * Three steps: messages are cut into runs; runs are opened, each touching nothing but its own bytes, so by several
 * threads if that is quicker; and then settled and written, in the order in which they came.
 */
#include "rx.h"

#include <string.h>

#include "clock.h"
#include "ecn.h"
#include "worker.h"

/* An error (the interface is down) loses a packet and means nothing more. */
static void write_out(struct rx *r)
{
	for (uint32_t i = 0; i < r->gro.count; i++) {
		struct gro_super *s = gro_finish(&r->gro, i);
		int fd = lanes_choose(r->lanes, s->iov[1].iov_base, (uint32_t)s->iov[1].iov_len);

		tun_write(fd, r->info, &s->hdr, s->iov, s->count);
	}
	gro_reset(&r->gro);
}

static void to_host(struct rx *r, struct tnl_pkt *p, uint8_t outer_tos)
{
	ecn_inner(outer_tos, p->data);
	if (gro_add(&r->gro, p->data, p->len))
		return;
	write_out(r);
	gro_add(&r->gro, p->data, p->len);
}

static void to_owner(struct rx *r, const struct tnl_pkt *p, const struct tnl_path *path)
{
	struct worker_dgram *d = p->len <= TNL_MSG_MAX ? ring_reserve(r->control) : NULL;

	if (!d)
		return;
	d->path = *path;
	d->len = (uint16_t)p->len;
	memcpy(d->data, p->data, p->len);
	ring_put(r->control);
	r->told = true;
}

static void open_job(struct tnl_worker *core, void *arg)
{
	struct rx_job *j = arg;

	tnl_rx_open_run(core, &j->run, j->pkt, j->n);
}

static void settle(struct rx *r, struct rx_job *j, tnl_ns now)
{
	tnl_rx_end(r->core, now, &j->run, &j->in->path, j->pkt);
	for (uint32_t i = 0; i < j->n; i++)
		if (j->pkt[i].verdict == TNL_PASS)
			to_host(r, &j->pkt[i], j->in->tos);
}

/* Opens and settles what was collected. */
static void work_off(struct rx *r, tnl_ns now, bool shared)
{
	if (shared && r->jobs > 1) {
		crew_run(r->crew, open_job, r->job, sizeof(r->job[0]), r->jobs);
	} else {
		for (uint32_t i = 0; i < r->jobs; i++)
			open_job(r->core, &r->job[i]);
	}
	for (uint32_t i = 0; i < r->jobs; i++)
		settle(r, &r->job[i], now);
	r->jobs = 0;
}

/* The packets from `first` on, all of the message `in`: whose are they? */
static void sort(struct rx *r, tnl_ns now, const struct udp_in *in, uint32_t first, bool shared)
{
	struct tnl_pkt *pkt = &r->pkt[first];
	uint32_t n = r->packets - first, k;

	for (; n > 0; pkt += k, n -= k) {
		struct rx_job *j = &r->job[r->jobs];

		k = tnl_rx_begin(r->core, now, pkt, n, &j->run);
		if (j->run.key) {
			j->pkt = pkt;
			j->n = k;
			j->in = in;
			if (++r->jobs == RX_JOBS)
				work_off(r, now, shared);
			continue;
		}
		for (uint32_t i = 0; i < k; i++)
			if (pkt[i].verdict == TNL_CONTROL)
				to_owner(r, &pkt[i], &in->path);
	}
}

static void cut(struct rx *r, tnl_ns now, const struct udp_in *in, bool shared)
{
	uint32_t at = 0, first = r->packets;

	/* A datagram of no bytes is one too. */
	do {
		uint32_t len = in->len - at < in->segment ? in->len - at : in->segment;

		r->pkt[r->packets++] = (struct tnl_pkt) { .data = in->buf + at, .len = len };
		at += len;
		if (r->packets == RX_PACKETS) {
			sort(r, now, in, first, shared);
			work_off(r, now, shared);
			r->packets = first = 0;
		}
	} while (at < in->len);
	sort(r, now, in, first, shared);
}

void rx_round(struct rx *r, int fd, tnl_ns now)
{
	unsigned got = udp_recv_batch(fd, r->in, RX_MESSAGES);
	bool full = got == RX_MESSAGES && r->crew->crew->count > 1;
	bool shared = full && judge_shares(&r->judge, now);
	uint64_t bytes = 0;
	tnl_ns begin = full ? clock_boot() : 0;

	for (unsigned m = 0; m < got; m++) {
		bytes += r->in[m].len;
		cut(r, now, &r->in[m], shared);
	}
	work_off(r, now, shared);
	r->packets = 0;
	write_out(r);
	if (full && bytes >= RX_MESSAGES * UDP_BUF_LEN / 2)
		judge_report(&r->judge, shared, bytes, clock_boot() - begin);
}
