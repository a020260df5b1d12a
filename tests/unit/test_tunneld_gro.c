/* SPDX-License-Identifier: MIT */
/* Joining: a table of what may follow what. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../tunneld/gro.h"
#include "packets.h"
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

/* How many supers the n packets become. */
static uint32_t joined(const struct packet *p, unsigned n)
{
	gro_init(&gro, true, true);
	for (unsigned i = 0; i < n; i++)
		ck_assert(gro_add(&gro, mem[i], (uint32_t)packet_make(&p[i], mem[i])));
	return gro.count;
}

static bool joins(struct packet a, struct packet b)
{
	return joined((struct packet[]) { a, b }, 2) == 1;
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

START_TEST(what_follows_is_joined)
{
	const struct packet *base[] = { &tcp4, &udp4 };

	for (unsigned i = 0; i < 4; i++) {
		struct packet a = *base[i / 2], b;

		a.v6 = i % 2;
		b = next(&a);
		ck_assert(joins(a, b));
		b.payload = 1;
		ck_assert(joins(a, b));
		b.payload = MSS + 1;
		ck_assert(!joins(a, b));
		b = next(&a);
		b.tos ^= 1;
		ck_assert(!joins(a, b));
		b = next(&a);
		b.ttl--;
		ck_assert(!joins(a, b));
		b = next(&a);
		b.sport++;
		ck_assert(!joins(a, b));
		b = next(&a);
		b.v6 = !a.v6;
		ck_assert(!joins(a, b));
	}
}
END_TEST

START_TEST(tcp_that_differs_is_not)
{
	struct packet b = next(&tcp4);

	b.seq++;
	ck_assert(!joins(tcp4, b));
	b.seq -= 2;
	ck_assert(!joins(tcp4, b));
	b = next(&tcp4);
	b.ack++;
	ck_assert(!joins(tcp4, b));
	b = next(&tcp4);
	b.window++;
	ck_assert(!joins(tcp4, b));
	b = next(&tcp4);
	b.options = 8;
	ck_assert(!joins(tcp4, b));
	b = next(&tcp4);
	b.payload = 0;
	ck_assert(!joins(tcp4, b));
	/* FIN, SYN, RST, no ACK, URG, ECE in one only, CWR */
	for (unsigned i = 0; i < 7; i++) {
		static const uint8_t flags[] = { 0x11, 0x12, 0x14, 0x00, 0x30, 0x50, 0x90 };
		struct packet a = tcp4;

		b = next(&tcp4);
		b.flags = flags[i];
		ck_assert(!joins(tcp4, b));
		a.flags = flags[i];
		ck_assert_msg(joins(a, b) == (flags[i] == 0x50), "both %02x", flags[i]);
	}
}
END_TEST

START_TEST(options_are_compared_by_content)
{
	struct packet b = next(&tcp4);

	gro_init(&gro, true, true);
	gro_add(&gro, mem[0], (uint32_t)packet_make(&tcp4, mem[0]));
	packet_make(&b, mem[1]);
	mem[1][45] ^= 1;
	gro_add(&gro, mem[1], 52 + MSS);
	ck_assert_uint_eq(gro.count, 2);
}
END_TEST

START_TEST(ids_follow_on_or_stay)
{
	struct packet p[3] = { tcp4, next(&tcp4) };

	p[1].id++;
	ck_assert(!joins(p[0], p[1]));
	p[1].id = p[0].id;
	ck_assert(joins(p[0], p[1]));
	p[0].df = p[1].df = false;
	ck_assert(!joins(p[0], p[1]));
	p[1].id++;
	ck_assert(joins(p[0], p[1]));
	p[1].df = true;
	ck_assert(!joins(p[0], p[1]));
	/* One manner to the end. */
	p[0].df = p[1].df = true;
	p[2] = next(&p[1]);
	ck_assert_uint_eq(joined(p, 3), 1);
	p[1].id = p[2].id = p[0].id;
	ck_assert_uint_eq(joined(p, 3), 1);
	p[2].id = (uint16_t)(p[0].id + 2);
	ck_assert_uint_eq(joined(p, 3), 2);
	p[1].id = (uint16_t)(p[0].id + 1);
	p[2].id = p[0].id;
	ck_assert_uint_eq(joined(p, 3), 2);
}
END_TEST

START_TEST(short_segment_and_push_end_a_super)
{
	struct packet p[3] = { tcp4, next(&tcp4) };

	p[1].payload = MSS - 1;
	p[2] = next(&p[1]);
	p[2].payload = MSS - 1;
	ck_assert_uint_eq(joined(p, 3), 2);
	p[1].payload = MSS;
	p[1].flags |= 8;
	p[2] = next(&p[1]);
	ck_assert_uint_eq(joined(p, 3), 2);
	ck_assert_uint_eq(((uint8_t *)gro.super[0].iov[1].iov_base)[33], 0x18);
	p[0].flags |= 8;
	ck_assert_uint_eq(joined(p, 3), 3);
}
END_TEST

START_TEST(fragments_and_ip_options_stay_alone)
{
	for (unsigned i = 0; i < 3; i++) {
		gro_init(&gro, true, true);
		for (unsigned k = 0; k < 2; k++) {
			struct packet p = udp4;
			size_t len;

			p.id = (uint16_t)(p.id + k);
			len = packet_make(&p, mem[k]);
			if (i == 0)
				mem[k][6] = 0x20;
			else if (i == 1)
				mem[k][7] = 1;
			else
				mem[k][0] = 0x46;
			ck_assert(gro_add(&gro, mem[k], (uint32_t)len));
		}
		ck_assert_uint_eq(gro.count, 2);
	}
}
END_TEST

/* Joined it would get a right one, and nobody would drop it. */
START_TEST(wrong_header_sum_stays_as_it_is)
{
	for (unsigned wrong = 0; wrong < 2; wrong++) {
		struct packet b = next(&tcp4);

		gro_init(&gro, true, true);
		packet_make(&tcp4, mem[0]);
		packet_make(&b, mem[1]);
		mem[wrong][11] ^= 1;
		gro_add(&gro, mem[0], 52 + MSS);
		gro_add(&gro, mem[1], 52 + MSS);
		ck_assert_uint_eq(gro.count, 2);
		ck_assert_str_eq(packet_fault(gro_finish(&gro, wrong)->iov[1].iov_base, 52 + MSS), "IPv4 header sum");
	}
}
END_TEST

/* A fragment, and a packet with an extension header, between two that follow one another: whose are they? */
START_TEST(nothing_overtakes_what_hides_its_ports)
{
	for (unsigned v6 = 0; v6 < 2; v6++) {
		struct packet a = udp4, b;
		size_t len;

		a.v6 = v6;
		b = next(&a);
		gro_init(&gro, true, true);
		gro_add(&gro, mem[0], (uint32_t)packet_make(&a, mem[0]));
		len = packet_make(&b, mem[1]);
		if (v6)
			mem[1][6] = 60;
		else
			mem[1][6] = 0x20;
		gro_add(&gro, mem[1], (uint32_t)len);
		gro_add(&gro, mem[2], (uint32_t)packet_make(&b, mem[2]));
		ck_assert_uint_eq(gro.count, 3);
		/* What has no ports at all is in nobody's way. */
		a.proto = 50;
		gro_add(&gro, mem[3], (uint32_t)packet_make(&a, mem[3]));
		b = next(&b);
		gro_add(&gro, mem[4], (uint32_t)packet_make(&b, mem[4]));
		ck_assert_uint_eq(gro.count, 4);
	}
}
END_TEST

START_TEST(udp_without_sum_stays_alone)
{
	gro_init(&gro, true, true);
	for (unsigned k = 0; k < 2; k++) {
		struct packet p = udp4;
		size_t len;

		p.id = (uint16_t)(p.id + k);
		len = packet_make(&p, mem[k]);
		mem[k][26] = mem[k][27] = 0;
		ck_assert(gro_add(&gro, mem[k], (uint32_t)len));
	}
	ck_assert_uint_eq(gro.count, 2);
}
END_TEST

START_TEST(kinds_that_are_off_stay_alone)
{
	const struct packet *base[] = { &tcp4, &udp4 };

	for (unsigned i = 0; i < 2; i++) {
		struct packet b = next(base[i]);

		gro_init(&gro, i == 1, i == 0);
		gro_add(&gro, mem[0], (uint32_t)packet_make(base[i], mem[0]));
		gro_add(&gro, mem[1], (uint32_t)packet_make(&b, mem[1]));
		ck_assert_uint_eq(gro.count, 2);
	}
}
END_TEST

/* A bare ACK comes between: what follows must not go in front of it. */
START_TEST(nothing_overtakes_within_a_flow)
{
	struct packet p[3] = { tcp4, next(&tcp4), next(&tcp4) };

	p[1].payload = 0;
	ck_assert_uint_eq(joined(p, 3), 3);
}
END_TEST

START_TEST(flows_are_joined_side_by_side)
{
	struct packet p[8];

	for (unsigned i = 0; i < 8; i++) {
		p[i] = i < 2 ? tcp4 : next(&p[i - 2]);
		p[i].sport = (uint16_t)(1000 + i % 2);
	}
	ck_assert_uint_eq(joined(p, 8), 2);
	ck_assert_uint_eq(gro.super[0].count, 5);
}
END_TEST

START_TEST(super_is_ready_for_the_kernel)
{
	struct packet p[4] = { tcp4 };
	static uint8_t flat[65536];
	struct gro_super *s;

	for (unsigned i = 1; i < 4; i++)
		p[i] = next(&p[i - 1]);
	p[3].payload = 5;
	ck_assert_uint_eq(joined(p, 4), 1);
	s = gro_finish(&gro, 0);
	ck_assert_uint_eq(s->hdr.flags, VIRTIO_NET_HDR_F_NEEDS_CSUM);
	ck_assert_uint_eq(s->hdr.gso_type, VIRTIO_NET_HDR_GSO_TCPV4);
	ck_assert_uint_eq(s->hdr.gso_size, MSS);
	ck_assert_uint_eq(s->hdr.hdr_len, 52);
	ck_assert_uint_eq(s->hdr.csum_start, 20);
	ck_assert_uint_eq(s->hdr.csum_offset, 16);
	ck_assert_uint_eq(flatten(s, flat), 52 + 3 * MSS + 5);
	ck_assert_uint_eq(flat[2] << 8 | flat[3], 52 + 3 * MSS + 5);
	/* 0a000001 + 0a000002 + 6 + length of the transport part */
	ck_assert_uint_eq(flat[36] << 8 | flat[37], 0x0a00 + 1 + 0x0a00 + 2 + 6 + 32 + 3 * MSS + 5);
	/* A lone packet goes out as it came. */
	ck_assert_uint_eq(joined(p, 1), 1);
	s = gro_finish(&gro, 0);
	ck_assert_uint_eq(s->hdr.flags | s->hdr.gso_type, 0);
	ck_assert_ptr_null(packet_fault(s->iov[1].iov_base, s->iov[1].iov_len));
}
END_TEST

START_TEST(length_and_count_have_limits)
{
	struct packet p = tcp4;

	gro_init(&gro, true, true);
	p.payload = 1900;
	for (unsigned i = 0; i < 40; i++, p = next(&p))
		ck_assert(gro_add(&gro, mem[i], (uint32_t)packet_make(&p, mem[i])));
	ck_assert_uint_eq(gro.count, 2);
	ck_assert_uint_eq(gro.super[0].len, 52 + 34 * 1900);	/* one more would be above 65535 */
	gro_reset(&gro);
	p.payload = 10;
	for (unsigned i = 0; i < GRO_SEGS + 1; i++, p = next(&p))
		ck_assert(gro_add(&gro, mem[i], (uint32_t)packet_make(&p, mem[i])));
	ck_assert_uint_eq(gro.count, 2);
}
END_TEST

START_TEST(full_takes_no_more_but_joins)
{
	struct packet p = udp4, q;

	gro_init(&gro, true, true);
	for (unsigned i = 0; i < GRO_SUPERS; i++) {
		p.sport++;
		ck_assert(gro_add(&gro, mem[i], (uint32_t)packet_make(&p, mem[i])));
	}
	q = next(&p);
	ck_assert(gro_add(&gro, mem[GRO_SUPERS], (uint32_t)packet_make(&q, mem[GRO_SUPERS])));
	p.sport++;
	ck_assert(!gro_add(&gro, mem[GRO_SUPERS + 1], (uint32_t)packet_make(&p, mem[GRO_SUPERS + 1])));
	gro_reset(&gro);
	ck_assert(gro_add(&gro, mem[0], (uint32_t)packet_make(&p, mem[0])));
}
END_TEST

/* For the sanitizers; whole packets by their IP header, and nothing more. */
START_TEST(any_transport_bytes_stay_within_bounds)
{
	uint32_t state = 9;

	for (unsigned turn = 0; turn < 300; turn++) {
		uint8_t *pkt[64];

		gro_init(&gro, true, true);
		for (unsigned i = 0; i < 64; i++) {
			bool v6 = packet_random(&state) & 1;
			size_t head = v6 ? 40 : 20, len = head + packet_random(&state) % 40;

			pkt[i] = malloc(len);
			memset(pkt[i], 0, head);
			for (size_t k = head; k < len; k++)
				pkt[i][k] = (uint8_t)(packet_random(&state) % 3 * 0x50);
			pkt[i][0] = v6 ? 0x60 : packet_random(&state) % 4 || len < 60 ? 0x45 : 0x4f;
			pkt[i][v6 ? 5 : 3] = (uint8_t)(v6 ? len - 40 : len);
			pkt[i][v6 ? 6 : 9] = packet_random(&state) & 1 ? 6 : 17;
			ck_assert(gro_add(&gro, pkt[i], (uint32_t)len));
		}
		for (uint32_t i = 0; i < gro.count; i++)
			gro_finish(&gro, i);
		for (unsigned i = 0; i < 64; i++)
			free(pkt[i]);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("gro");
	TCase *t = tcase_create("gro");

	tcase_add_test(t, what_follows_is_joined);
	tcase_add_test(t, tcp_that_differs_is_not);
	tcase_add_test(t, options_are_compared_by_content);
	tcase_add_test(t, ids_follow_on_or_stay);
	tcase_add_test(t, short_segment_and_push_end_a_super);
	tcase_add_test(t, fragments_and_ip_options_stay_alone);
	tcase_add_test(t, wrong_header_sum_stays_as_it_is);
	tcase_add_test(t, nothing_overtakes_what_hides_its_ports);
	tcase_add_test(t, udp_without_sum_stays_alone);
	tcase_add_test(t, kinds_that_are_off_stay_alone);
	tcase_add_test(t, nothing_overtakes_within_a_flow);
	tcase_add_test(t, flows_are_joined_side_by_side);
	tcase_add_test(t, super_is_ready_for_the_kernel);
	tcase_add_test(t, length_and_count_have_limits);
	tcase_add_test(t, full_takes_no_more_but_joins);
	tcase_add_test(t, any_transport_bytes_stay_within_bounds);
	suite_add_tcase(s, t);
	return suite_run(s);
}
