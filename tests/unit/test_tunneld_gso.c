/* SPDX-License-Identifier: MIT */
/* Splitting against packets that were built one by one. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "../../tunneld/gso.h"
#include "packets.h"
#include "split.h"
#include "suite.h"

static const struct packet tcp4 = {
	.proto = 6, .ttl = 64, .id = 7, .df = true, .flags = 0x10, .sport = 1000, .window = 500, .seq = 0xfffffe00,
	.ack = 99, .options = 12, .payload = 100,
};

static struct virtio_net_hdr header(const struct packet *p, uint32_t mss)
{
	uint8_t type = p->proto == 17 ? VIRTIO_NET_HDR_GSO_UDP_L4 :
		       p->v6 ? VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4;

	return (struct virtio_net_hdr) {
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .gso_type = type, .gso_size = (uint16_t)mss,
		.csum_start = p->v6 ? 40 : 20, .csum_offset = p->proto == 6 ? 16 : 6, .hdr_len = 1,
	};
}

/* What segment i has to be. */
static struct packet segment_of(const struct packet *p, uint32_t mss, uint32_t i)
{
	struct packet s = *p;
	bool last = (i + 1) * mss >= p->payload;

	s.id = (uint16_t)(p->id + i);
	s.seq += i * mss;
	s.from += i * mss;
	s.payload = last ? p->payload - i * mss : mss;
	if (!last)
		s.flags &= (uint8_t)~0x09;	/* FIN, PSH */
	if (i > 0)
		s.flags &= (uint8_t)~0x80;	/* CWR */
	return s;
}

/* What the slow model makes of it. */
static void check_model(const struct virtio_net_hdr *h, const uint8_t *pkt, size_t len)
{
	static uint8_t want[PACKETS_MAX + 1], got[PACKETS_MAX + 1];
	struct gso g;

	ck_assert(gso_parse(h, pkt, len, &g));
	for (uint32_t i = 0; i < g.count; i++) {
		ck_assert_uint_eq(split(h, pkt, len, i, want), gso_len(&g, i));
		gso_segment(&g, i, got);
		ck_assert_mem_eq(got, want, gso_len(&g, i));
	}
	ck_assert_uint_eq(split(h, pkt, len, g.count, want), 0);
}

static void check_split(const struct packet *p, uint32_t mss)
{
	static uint8_t super[PACKETS_MAX + 1], want[PACKETS_MAX + 1], got[PACKETS_MAX + 1];
	struct virtio_net_hdr h = header(p, mss);
	size_t len = packet_make(p, super);
	struct gso g;

	memset(super + h.csum_start + h.csum_offset, 0x5a, 2);
	ck_assert(gso_parse(&h, super, len, &g));
	ck_assert_uint_eq(g.count, (p->payload + mss - 1) / mss);
	for (uint32_t i = 0; i < g.count; i++) {
		struct packet s = segment_of(p, mss, i);
		size_t want_len = packet_make(&s, want);

		ck_assert_uint_eq(gso_len(&g, i), want_len);
		gso_segment(&g, i, got);
		ck_assert_msg(memcmp(got, want, want_len) == 0, "segment %u of %u", i, g.count);
		ck_assert_ptr_null(packet_fault(got, want_len));
	}
	check_model(&h, super, len);
}

START_TEST(tcp_is_split_with_its_flags)
{
	struct packet p = tcp4;

	p.flags = 0x99;	/* CWR, ACK, PSH, FIN */
	p.payload = 3 * 1368 + 1;
	check_split(&p, 1368);
	p.payload = 3 * 1368;
	check_split(&p, 1368);
	p.payload = 1;
	check_split(&p, 1368);
	p.v6 = true;
	p.payload = 65535 - 72;
	check_split(&p, 1348);
}
END_TEST

START_TEST(udp_is_split)
{
	struct packet p = { .proto = 17, .ttl = 3, .tos = 2, .id = 65535, .sport = 53, .payload = 1001 };

	check_split(&p, 100);
	p.v6 = true;
	check_split(&p, 1);
}
END_TEST

START_TEST(random_supers_are_split)
{
	uint32_t state = 20;

	for (unsigned i = 0; i < 3000; i++) {
		struct packet p = {
			.v6 = packet_random(&state) & 1,
			.df = packet_random(&state) & 1,
			.proto = packet_random(&state) & 1 ? 6 : 17,
			.tos = (uint8_t)packet_random(&state),
			.ttl = (uint8_t)packet_random(&state),
			.flags = (uint8_t)packet_random(&state),
			.id = (uint16_t)packet_random(&state),
			.seq = packet_random(&state),
			.ack = packet_random(&state),
			.sport = (uint16_t)packet_random(&state),
			.options = packet_random(&state) % 11 * 4,
			.from = packet_random(&state),
			.payload = 1 + packet_random(&state) % 9000,
		};

		check_split(&p, 1 + p.payload / (1 + packet_random(&state) % 64) + packet_random(&state) % 100);
	}
}
END_TEST

START_TEST(headers_between_ip_and_transport_are_kept)
{
	struct packet p = { .v6 = true, .proto = 17, .ttl = 9, .payload = 50 };
	uint8_t plain[200], super[200], got[200];
	struct virtio_net_hdr h = header(&p, 20);
	size_t len = packet_make(&p, plain);
	struct gso g;

	memcpy(super, plain, 40);
	memset(super + 40, 0, 8);
	super[6] = 60;	/* destination options, 8 bytes, then UDP */
	super[40] = 17;
	memcpy(super + 48, plain + 40, len - 40);
	ck_assert(gso_parse(&h, super, len + 8, &g));
	ck_assert_uint_eq(g.count, 3);
	gso_segment(&g, 2, got);
	ck_assert_uint_eq(gso_len(&g, 2), 48 + 8 + 10);
	ck_assert_uint_eq(got[5], 8 + 8 + 10);
	ck_assert_mem_eq(got + 56, super + 56 + 40, 10);
	/* Without the options it is a packet like any other. */
	memmove(got + 40, got + 48, 18);
	got[5] = 18;
	got[6] = 17;
	ck_assert_ptr_null(packet_fault(got, 58));
}
END_TEST

static uint32_t add16(uint32_t sum, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i += 2)
		sum += (uint32_t)p[i] << 8 | p[i + 1];
	return (sum & 0xffff) + (sum >> 16);
}

/* A routing header, and a source route in IPv4: the address of the pseudo-header is not that of the IP header, and only
 * the kernel's sum tells. */
START_TEST(addresses_behind_the_header_count)
{
	for (unsigned v6 = 0; v6 < 2; v6++) {
		struct packet p = { .v6 = v6, .proto = v6 ? 6 : 17, .ttl = 9, .flags = 0x10, .payload = 50 };
		uint8_t plain[200], super[200], got[200];
		struct virtio_net_hdr h = header(&p, 20);
		size_t len = packet_make(&p, plain), ip = h.csum_start, l4 = ip + 24;
		size_t dst = v6 ? 24 : 16, alen = v6 ? 16 : 4;
		uint32_t sum;
		struct gso g;

		memcpy(super, plain, ip);
		memset(super + ip, 0, 24);
		memcpy(super + l4, plain + ip, len - ip);
		if (v6) {	/* type 2, one address */
			super[6] = 43;
			memcpy(super + ip, (uint8_t[4]) { 6, 2, 2, 1 }, 4);
		} else {
			super[0] = 0x4b;
			super[3] = (uint8_t)(super[3] + 24);
			memcpy(super + ip, (uint8_t[4]) { 131, 23, 4, 0 }, 4);
		}
		super[dst] ^= 0x55;	/* the first hop */
		h.csum_start = (uint16_t)l4;
		/* The sum is that of the address where it ends, which is in `plain`. */
		sum = p.proto + (uint32_t)(len - ip);
		sum = add16(sum, plain + dst - alen, 2 * alen);
		super[l4 + h.csum_offset] = (uint8_t)(sum >> 8);
		super[l4 + h.csum_offset + 1] = (uint8_t)sum;
		ck_assert(gso_parse(&h, super, len + 24, &g));
		ck_assert_uint_eq(g.count, 3);
		check_model(&h, super, len + 24);
		for (uint32_t i = 0; i < 3; i++) {
			uint8_t end[200];
			size_t end_len = gso_len(&g, i) - 24;

			/* As it is where it ends: the last address in the header, the route gone. */
			gso_segment(&g, i, got);
			memcpy(end, plain, ip);
			memcpy(end + ip, got + l4, end_len - ip);
			end[v6 ? 5 : 3] = (uint8_t)(end_len - (v6 ? 40 : 0));
			if (!v6) {
				memset(end + 10, 0, 2);
				sum = ~add16(add16(0, end, 20), end, 0);
				end[10] = (uint8_t)(sum >> 8);
				end[11] = (uint8_t)sum;
			}
			ck_assert_ptr_null(packet_fault(end, end_len));
		}
	}
}
END_TEST

START_TEST(single_packets_pass_and_are_trimmed)
{
	static const struct virtio_net_hdr none;
	uint8_t pkt[300], got[300];
	struct packet p = tcp4;
	struct gso g;

	for (unsigned v6 = 0; v6 < 2; v6++) {
		size_t len;

		p.v6 = v6;
		len = packet_make(&p, pkt);
		ck_assert(gso_parse(&none, pkt, len + 5, &g));
		ck_assert_uint_eq(g.count, 1);
		ck_assert_uint_eq(gso_len(&g, 0), len);
		gso_segment(&g, 0, got);
		ck_assert_mem_eq(got, pkt, len);
		ck_assert(!gso_parse(&none, pkt, len - 1, &g));
	}
}
END_TEST

START_TEST(checksums_are_finished)
{
	uint8_t pkt[300], want[300], got[300];

	for (uint32_t payload = 0; payload < 200; payload++) {
		struct packet p = {
			.proto = payload & 1 ? 6 : 17, .v6 = payload & 2, .ttl = 1, .flags = 2, .payload = payload
		};
		struct virtio_net_hdr h = header(&p, 0);
		size_t len = packet_make(&p, want), at = h.csum_start + h.csum_offset;
		uint32_t pseudo = p.proto + (uint32_t)(len - h.csum_start);
		struct gso g;

		h.gso_type = VIRTIO_NET_HDR_GSO_NONE;
		memcpy(pkt, want, len);
		for (size_t i = p.v6 ? 8 : 12; i < h.csum_start; i += 2)
			pseudo += (uint32_t)(pkt[i] << 8 | pkt[i + 1]);
		pseudo = (pseudo & 0xffff) + (pseudo >> 16);
		pkt[at] = (uint8_t)(pseudo >> 8);
		pkt[at + 1] = (uint8_t)pseudo;
		ck_assert(gso_parse(&h, pkt, len, &g));
		gso_segment(&g, 0, got);
		ck_assert_mem_eq(got, want, len);
		check_model(&h, pkt, len);
	}
}
END_TEST

/* A sum of zero is written as 0xffff: the payload is made so that it comes out as that. */
START_TEST(udp_has_no_sum_of_zero)
{
	struct packet p = { .proto = 17, .ttl = 1, .payload = 4 };
	struct virtio_net_hdr h = header(&p, 2);
	uint8_t pkt[64], got[64];
	size_t len = packet_make(&p, pkt);
	struct gso g;

	ck_assert(gso_parse(&h, pkt, len, &g));
	memset(pkt + 28, 0, 4);
	gso_segment(&g, 0, got);
	/* Now the payload takes what was left of the sum. */
	memcpy(pkt + 28, got + 26, 2);
	gso_segment(&g, 0, got);
	ck_assert_uint_eq(got[26] << 8 | got[27], 0xffff);
}
END_TEST

static bool parses(const struct packet *p, struct virtio_net_hdr h, int at, uint8_t value, size_t cut)
{
	uint8_t pkt[300];
	size_t len = packet_make(p, pkt);
	struct gso g;

	if (at >= 0)
		pkt[at] = value;
	return gso_parse(&h, pkt, len - cut, &g);
}

START_TEST(what_makes_no_sense_is_refused)
{
	struct packet p = tcp4;
	struct virtio_net_hdr h = header(&p, 10), odd = h;

	ck_assert(parses(&p, h, -1, 0, 0));
	ck_assert(!parses(&p, h, 0, 0x55, 0));		/* version 5 */
	ck_assert(!parses(&p, h, 0, 0x44, 0));		/* IPv4 header too short */
	ck_assert(!parses(&p, h, 0, 0x4f, 100 + 12));	/* and longer than the packet */
	ck_assert(!parses(&p, h, 0, 0x65, 0));		/* IPv6 under an IPv4 type */
	ck_assert(!parses(&p, h, 6, 0x20, 0));		/* a fragment */
	ck_assert(!parses(&p, h, 9, 17, 0));		/* UDP under a TCP type */
	ck_assert(!parses(&p, h, 32, 0x40, 0));		/* TCP header too short */
	ck_assert(!parses(&p, h, -1, 0, 100));		/* no payload */
	ck_assert(!parses(&p, h, -1, 0, 132 - 19));
	odd.gso_size = 0;
	ck_assert(!parses(&p, odd, -1, 0, 0));
	odd.gso_size = 65535;
	ck_assert(!parses(&p, odd, -1, 0, 0));
	odd = h;
	odd.gso_type = 77;
	ck_assert(!parses(&p, odd, -1, 0, 0));
	odd.gso_type = VIRTIO_NET_HDR_GSO_UDP;
	ck_assert(!parses(&p, odd, -1, 0, 0));
	odd.gso_type = VIRTIO_NET_HDR_GSO_NONE;
	ck_assert(parses(&p, odd, -1, 0, 0));
	odd.csum_offset = 65535;
	ck_assert(!parses(&p, odd, -1, 0, 0));
	odd = (struct virtio_net_hdr) { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = 2 };
	ck_assert(!parses(&p, odd, -1, 0, 0));
	odd.csum_start = 151;
	ck_assert(!parses(&p, odd, -1, 0, 0));
}
END_TEST

/* For the sanitizers: headers and packets of any bytes stay within what was given. */
START_TEST(any_bytes_stay_within_bounds)
{
	static const uint8_t types[] = { 0, 1, 4, 5, 0x81, 3 };
	uint32_t state = 5;

	for (unsigned i = 0; i < 20000; i++) {
		size_t len = packet_random(&state) % 400;
		uint8_t *pkt = malloc(len ? len : 1);
		struct virtio_net_hdr h = {
			.flags = packet_random(&state) & 1,
			.gso_type = types[packet_random(&state) % sizeof(types)],
			.gso_size = (uint16_t)(packet_random(&state) % 300),
			.csum_start = (uint16_t)(packet_random(&state) % 80),
			.csum_offset = (uint16_t)(packet_random(&state) % 40),
		};
		struct gso g;

		for (size_t k = 0; k < len; k++)
			pkt[k] = (uint8_t)packet_random(&state);
		if (len > 9) {
			pkt[0] = packet_random(&state) & 1 ? 0x45 : 0x60;
			pkt[6] = packet_random(&state) & 1 ? 0 : 6;
			pkt[9] = packet_random(&state) & 1 ? 6 : 17;
			pkt[2] = pkt[4] = 0;
		}
		if (gso_parse(&h, pkt, len, &g)) {
			for (uint32_t k = 0; k < g.count; k++) {
				uint8_t *got = malloc(gso_len(&g, k));

				gso_segment(&g, k, got);
				free(got);
			}
		}
		free(pkt);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("gso");
	TCase *t = tcase_create("gso");

	tcase_add_test(t, tcp_is_split_with_its_flags);
	tcase_add_test(t, udp_is_split);
	tcase_add_test(t, random_supers_are_split);
	tcase_add_test(t, headers_between_ip_and_transport_are_kept);
	tcase_add_test(t, addresses_behind_the_header_count);
	tcase_add_test(t, single_packets_pass_and_are_trimmed);
	tcase_add_test(t, checksums_are_finished);
	tcase_add_test(t, udp_has_no_sum_of_zero);
	tcase_add_test(t, what_makes_no_sense_is_refused);
	tcase_add_test(t, any_bytes_stay_within_bounds);
	suite_add_tcase(s, t);
	return suite_run(s);
}
