/* SPDX-License-Identifier: MIT */
/*
 * Nothing is copied: datagrams are opened where they were received, and what is joined is written out of there by
 * writev(). So all that was received in one call has to be written before the next call.
 */
#include "rx.h"

#include <string.h>

#include "ecn.h"
#include "worker.h"

static void write_out(struct rx *r)
{
	for (uint32_t i = 0; i < r->gro.count; i++) {
		struct gro_super *s = gro_finish(&r->gro, i);

		/* An error (the interface is down) loses this packet and means nothing more. */
		tun_write(r->tun, r->info, &s->hdr, s->iov, s->count);
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

/* pkt[0..n), all of the message `in`. */
static void take(struct rx *r, tnl_ns now, const struct udp_in *in, struct tnl_pkt *pkt, uint32_t n)
{
	struct tnl_run run;

	for (uint32_t k; n > 0; pkt += k, n -= k) {
		k = tnl_rx_begin(r->core, now, pkt, n, &run);
		if (run.key) {
			for (uint32_t i = 0; i < k; i++)
				tnl_rx_open(r->core, &run, &pkt[i]);
			tnl_rx_end(r->core, now, &run, &in->path, pkt);
		}
		for (uint32_t i = 0; i < k; i++) {
			if (pkt[i].verdict == TNL_PASS)
				to_host(r, &pkt[i], in->tos);
			else if (pkt[i].verdict == TNL_CONTROL)
				to_owner(r, &pkt[i], &in->path);
		}
	}
}

void rx_round(struct rx *r, int fd, tnl_ns now)
{
	unsigned got = udp_recv_batch(fd, r->in, RX_MESSAGES);

	for (unsigned m = 0; m < got; m++) {
		const struct udp_in *in = &r->in[m];
		uint32_t at = 0, n = 0;

		/* A datagram of no bytes is one too. */
		do {
			uint32_t len = in->len - at < in->segment ? in->len - at : in->segment;

			r->pkt[n++] = (struct tnl_pkt) { .data = in->buf + at, .len = len };
			at += len;
			if (n == RX_PACKETS || at == in->len) {
				take(r, now, in, r->pkt, n);
				n = 0;
			}
		} while (at < in->len);
	}
	write_out(r);
}
