/* SPDX-License-Identifier: MIT */
/*
 * Taking super-packets of TCP apart (gso) and joining the packets again (gro), for each packet of 1, 8 or 45. Sizes are
 * those of whole packets, timestamps among their options, as most TCP has them.
 */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "../../tunneld/gro.h"
#include "../../tunneld/gso.h"
#include "../unit/packets.h"
#include "micro.h"

enum { LEN_MAX = 1420, RUN_MAX = 45, OPTIONS = 12, HEAD = 20 + 20 + OPTIONS, PACKETS = 45 * 8 * 100, FEW = 45 * 8 };

struct stream {
	struct virtio_net_hdr hdr;
	uint32_t len;			/* of the super-packet */
	unsigned run, packets;
	uint8_t super[PACKETS_MAX];
	uint8_t pkt[RUN_MAX][LEN_MAX], head[HEAD];	/* apart, and what the first began with */
	struct gro gro;
};

static void gso_lap(void *arg)
{
	struct stream *s = arg;

	for (unsigned i = 0; i < s->packets; i += s->run) {
		struct gso g;
		bool parsed = gso_parse(&s->hdr, s->super, s->len, &g);

		assert(parsed && g.count == s->run);
		for (unsigned k = 0; k < g.count; k++)
			gso_segment(&g, k, s->pkt[k]);
	}
}

/* The header of the first is written to, so it needs its bytes anew. */
static void gro_lap(void *arg)
{
	struct stream *s = arg;
	uint32_t len = (s->len - HEAD) / s->run + HEAD;

	for (unsigned i = 0; i < s->packets; i += s->run) {
		memcpy(s->pkt[0], s->head, HEAD);
		for (unsigned k = 0; k < s->run; k++) {
			bool taken = gro_add(&s->gro, s->pkt[k], len);

			assert(taken);
		}
		assert(s->gro.count == 1);
		gro_finish(&s->gro, 0);
		gro_reset(&s->gro);
	}
}

/* As the kernel hands it over. */
static void prepare(struct stream *s, uint32_t size, unsigned run)
{
	struct packet p = {
		.df = true, .proto = 6, .ttl = 64, .flags = 0x10, .sport = 40000, .window = 500, .seq = 1, .ack = 1,
		.options = OPTIONS, .payload = (size - HEAD) * run,
	};

	s->run = run;
	s->len = (uint32_t)packet_make(&p, s->super);
	s->hdr = (struct virtio_net_hdr){
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.gso_type = run > 1 ? VIRTIO_NET_HDR_GSO_TCPV4 : VIRTIO_NET_HDR_GSO_NONE,
		.hdr_len = HEAD,
		.gso_size = run > 1 ? (uint16_t)(size - HEAD) : 0,
		.csum_start = 20,
		.csum_offset = 16,
	};
}

void micro_packets(void)
{
	static const uint32_t sizes[] = { 64, 512, LEN_MAX };
	static const unsigned run[] = { 1, 8, RUN_MAX };
	static struct stream s;
	char name[32];

	s.packets = micro_counting() ? FEW : PACKETS;
	gro_init(&s.gro, true, true);
	for (unsigned i = 0; i < 9; i++) {
		prepare(&s, sizes[i / 3], run[i % 3]);
		snprintf(name, sizeof(name), "gso_%u_x%u", sizes[i / 3], s.run);
		micro_run(name, gso_lap, &s, s.packets);
		gso_lap(&s);
		memcpy(s.head, s.pkt[0], HEAD);
		snprintf(name, sizeof(name), "gro_%u_x%u", sizes[i / 3], s.run);
		micro_run(name, gro_lap, &s, s.packets);
	}
}
