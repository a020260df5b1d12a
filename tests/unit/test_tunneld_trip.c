/* SPDX-License-Identifier: MIT */
/*
 * Round trips. Random traffic, joined and split again, is what it was, in the same order within each flow;
 * super-packets, split and joined again, too. What splitting does is also held against the slow model.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "../../tunneld/gro.h"
#include "../../tunneld/gso.h"
#include "packets.h"
#include "split.h"
#include "suite.h"

enum { MSS = 100, SLOT = 2048 };

static struct gro gro;
static uint8_t mem[512][SLOT];

static const struct packet tcp4 = {
	.proto = 6, .ttl = 64, .tos = 2, .id = 7, .df = true, .flags = 0x10, .sport = 1000, .window = 500, .seq = 5000,
	.ack = 99, .options = 12, .payload = MSS,
};
static const struct packet udp4 = { .proto = 17, .ttl = 64, .id = 65535, .sport = 53, .payload = MSS };

/* The segment that follows p. */
static struct packet next(const struct packet *p)
{
	struct packet n = *p;

	n.seq += p->payload;
	n.from += p->payload;
	n.id++;
	return n;
}

/* All bytes of a super in one piece. */
static size_t flatten(const struct gro_super *s, uint8_t *dst)
{
	size_t len = 0;

	for (uint32_t i = 1; i < s->count; i++) {
		memcpy(dst + len, s->iov[i].iov_base, s->iov[i].iov_len);
		len += s->iov[i].iov_len;
	}
	ck_assert_uint_eq(len, s->len);
	return len;
}

enum { FLOWS = 5, COUNT = 300 };

/* A packet of flow f that now and then does what ends a super. */
static struct packet random_packet(struct packet *flow, uint32_t *state)
{
	struct packet p = *flow;

	switch (packet_random(state) % 24) {
	case 0: p.payload = packet_random(state) % MSS; break;
	case 1: p.flags = (uint8_t)packet_random(state); break;
	case 2: p.seq += 3; break;
	case 3: p.ack++; break;
	case 4: p.tos ^= 3; break;
	case 5: p.flags |= 8; break;
	case 6: p.id = (uint16_t)(p.id + 5); break;
	}
	*flow = next(&p);
	flow->payload = MSS;
	flow->flags = 0x10;
	return p;
}

/* Takes the joined packets out, splits them, and compares each flow with what went in, in order. */
static unsigned compare(const struct packet *in, const unsigned *flow_of, unsigned count)
{
	static uint8_t flat[PACKETS_MAX + 1], want[SLOT], got[SLOT];
	unsigned at[FLOWS] = { 0 }, seen = 0;

	for (uint32_t i = 0; i < gro.count; i++) {
		struct gro_super *s = gro_finish(&gro, i);
		size_t len = flatten(s, flat);
		struct gso g;

		ck_assert(gso_parse(&s->hdr, flat, len, &g));
		ck_assert_uint_eq(g.count, s->count - 1);
		for (uint32_t k = 0; k < g.count; k++, seen++) {
			unsigned flow, n;
			size_t want_len;

			gso_segment(&g, k, got);
			ck_assert_uint_eq(split(&s->hdr, flat, len, k, want), gso_len(&g, k));
			ck_assert_mem_eq(got, want, gso_len(&g, k));
			flow = (unsigned)(got[g.v6 ? 41 : 21] - 100);
			ck_assert_uint_lt(flow, FLOWS);
			for (n = at[flow]; n < count && flow_of[n] != flow; n++)
				;
			ck_assert_uint_lt(n, count);
			at[flow] = n + 1;
			want_len = packet_make(&in[n], want);
			ck_assert_uint_eq(gso_len(&g, k), want_len);
			ck_assert_mem_eq(got, want, want_len);
		}
	}
	gro_reset(&gro);
	return seen;
}

START_TEST(joined_and_split_again_is_what_it_was)
{
	static struct packet in[COUNT];
	static unsigned flow_of[COUNT];
	uint32_t state = 77, supers = 0, total = 0;

	gro_init(&gro, true, true);
	for (unsigned turn = 0; turn < 100; turn++) {
		struct packet flow[FLOWS];
		unsigned done = 0, from = 0;

		for (unsigned f = 0; f < FLOWS; f++) {
			flow[f] = f % 2 ? udp4 : tcp4;
			flow[f].v6 = f == 2 || f == 3;
			flow[f].df = f == 0;
			flow[f].sport = (uint16_t)(256 + 100 + f);
			flow[f].seq = packet_random(&state);
		}
		for (unsigned i = 0; i < COUNT; i++) {
			size_t len;

			/* Runs of one flow, as they come. */
			flow_of[i] =
				i > 0 && packet_random(&state) % 4 ? flow_of[i - 1] : packet_random(&state) % FLOWS;
			in[i] = random_packet(&flow[flow_of[i]], &state);
			len = packet_make(&in[i], mem[i]);
			if (!gro_add(&gro, mem[i], (uint32_t)len)) {
				supers += gro.count;
				done += compare(in + from, flow_of + from, i - from);
				from = i;
				ck_assert(gro_add(&gro, mem[i], (uint32_t)len));
			}
		}
		supers += gro.count;
		done += compare(in + from, flow_of + from, COUNT - from);
		ck_assert_uint_eq(done, COUNT);
		total += COUNT;
	}
	/* It has not just passed everything through. */
	ck_assert_uint_lt(supers, total / 2);
}
END_TEST

/* Without its payload. */
static struct packet random_flow(uint32_t *state)
{
	return (struct packet) {
		.v6 = packet_random(state) & 1,
		.df = packet_random(state) & 1,
		.proto = packet_random(state) & 1 ? 6 : 17,
		.tos = (uint8_t)packet_random(state),
		.ttl = (uint8_t)packet_random(state),
		.flags = packet_random(state) & 1 ? 0x10 : 0x18,
		.id = (uint16_t)packet_random(state),
		.seq = packet_random(state),
		.ack = packet_random(state),
		.sport = (uint16_t)packet_random(state),
		.options = packet_random(state) % 11 * 4,
		.from = packet_random(state),
	};
}

/* A super-packet as a kernel makes one, cut and joined: the same bytes behind the same header. */
START_TEST(split_and_joined_again_is_what_it_was)
{
	static uint8_t super[PACKETS_MAX + 1], flat[PACKETS_MAX + 1], whole[PACKETS_MAX + 1], cut[GRO_SEGS][SLOT];
	uint32_t state = 31;

	for (unsigned turn = 0; turn < 2000; turn++) {
		struct packet p = random_flow(&state);
		uint32_t mss = 1 + packet_random(&state) % 900, count = 2 + packet_random(&state) % (GRO_SEGS - 1);
		struct virtio_net_hdr h = {
			.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .gso_size = (uint16_t)mss,
			.gso_type = p.proto == 17 ? VIRTIO_NET_HDR_GSO_UDP_L4 :
				    p.v6 ? VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4,
			.csum_start = p.v6 ? 40 : 20, .csum_offset = p.proto == 6 ? 16 : 6,
		};
		struct gro_super *s;
		size_t len;
		struct gso g;

		p.payload = mss * (count - 1) + 1 + packet_random(&state) % mss;
		h.hdr_len = (uint16_t)(h.csum_start + (p.proto == 6 ? 20 + p.options : 8));
		len = packet_make(&p, super);
		ck_assert(gso_parse(&h, super, len, &g));
		ck_assert_uint_eq(g.count, count);
		gro_init(&gro, true, true);
		for (uint32_t i = 0; i < count; i++) {
			gso_segment(&g, i, cut[i]);
			ck_assert(gro_add(&gro, cut[i], gso_len(&g, i)));
		}
		ck_assert_uint_eq(gro.count, 1);
		s = gro_finish(&gro, 0);
		ck_assert_mem_eq(&s->hdr, &h, sizeof(h));
		ck_assert_uint_eq(flatten(s, flat), len);
		/* The sum is not made but prepared: adding the rest up must give what is right. */
		ck_assert_uint_eq(split(&(struct virtio_net_hdr) {
			.flags = h.flags, .csum_start = h.csum_start, .csum_offset = h.csum_offset
		}, flat, len, 0, whole), len);
		if (p.proto == 6 && super[h.csum_start + 16] == 0 && super[h.csum_start + 17] == 0)
			memset(super + h.csum_start + 16, 0xff, 2);	/* the other zero */
		ck_assert_mem_eq(whole, super, len);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("trip");
	TCase *t = tcase_create("trip");

	tcase_add_test(t, joined_and_split_again_is_what_it_was);
	tcase_add_test(t, split_and_joined_again_is_what_it_was);
	suite_add_tcase(s, t);
	return suite_run(s);
}
