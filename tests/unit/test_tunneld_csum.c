/* SPDX-License-Identifier: MIT */
/* The Internet checksum against the example of RFC 1071 and a sum made byte by byte. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "../../tunneld/csum.h"
#include "packets.h"
#include "suite.h"

static uint16_t slow(const uint8_t *p, size_t len)
{
	uint32_t s = 0;

	for (size_t i = 0; i < len; i++) {
		s += i % 2 ? p[i] : (uint32_t)p[i] << 8;
		s = (s & 0xffff) + (s >> 16);
	}
	return (uint16_t)s;
}

/* As it lies in memory. */
static uint16_t stored(uint16_t sum)
{
	uint8_t field[2];

	csum_put(field, sum);
	return (uint16_t)(field[0] << 8 | field[1]);
}

START_TEST(rfc_1071_example)
{
	static const uint8_t bytes[] = { 0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7 };

	ck_assert_uint_eq(stored(csum_partial(csum_add(0, bytes, sizeof(bytes)))), 0xddf2);
	ck_assert_uint_eq(stored(csum_fold(csum_add(0, bytes, sizeof(bytes)))), 0x220d);
}
END_TEST

START_TEST(agrees_with_slow_sum_at_any_length_and_alignment)
{
	static uint8_t mem[8 + 300];
	uint32_t state = 1;

	for (size_t i = 0; i < sizeof(mem); i++)
		mem[i] = (uint8_t)packet_random(&state);
	for (size_t at = 0; at < 8; at++)
		for (size_t len = 1; len <= 300; len++)
			ck_assert_msg(stored(csum_partial(csum_add(0, mem + at, len))) == slow(mem + at, len),
				      "%zu+%zu", at, len);
}
END_TEST

START_TEST(copy_copies_and_sums)
{
	static uint8_t src[8 + 600], dst[8 + 600 + 8];
	uint32_t state = 3;

	for (size_t i = 0; i < sizeof(src); i++)
		src[i] = packet_random(&state) % 4 ? (uint8_t)packet_random(&state) : 0xff;
	for (size_t at = 0; at < 8; at++) {
		for (size_t len = 0; len <= 600; len++) {
			memset(dst, 0xa5, sizeof(dst));
			ck_assert_uint_eq(stored(csum_partial(csum_copy(0, dst + at, src + 7 - at, len))),
					  slow(src + 7 - at, len));
			ck_assert_mem_eq(dst + at, src + 7 - at, len);
			for (size_t i = 0; i < 8; i++)
				ck_assert_uint_eq(dst[at + len + i], 0xa5);
		}
	}
	memset(src, 0xff, sizeof(src));
	ck_assert_uint_eq(stored(csum_partial(csum_copy(77, dst, src, 600))), stored(csum_partial(77)));
}
END_TEST

START_TEST(carries_of_the_largest_packet_are_kept)
{
	static uint8_t mem[65535];

	memset(mem, 0xff, sizeof(mem));
	ck_assert_uint_eq(stored(csum_partial(csum_add(0, mem, sizeof(mem)))), slow(mem, sizeof(mem)));
	ck_assert_uint_eq(stored(csum_partial(csum_add(csum_add(0, mem, 65534), mem, 1))), slow(mem, sizeof(mem)));
}
END_TEST

START_TEST(whole_packets_sum_up)
{
	struct packet p = { .proto = 6, .ttl = 64, .flags = 0x10, .seq = 1, .payload = 777 };
	uint8_t pkt[2000];

	for (unsigned i = 0; i < 4; i++) {
		size_t len, head;

		p.v6 = i & 1;
		p.proto = i & 2 ? 17 : 6;
		len = packet_make(&p, pkt);
		head = p.v6 ? 40 : 20;
		ck_assert_uint_eq(csum_fold(csum_add(csum_pseudo(pkt, p.proto, (uint32_t)(len - head)), pkt + head,
						     len - head)), 0);
		pkt[8] ^= 1;
		if (p.v6)
			continue;
		csum_ip4(pkt, 20);
		ck_assert_ptr_null(packet_fault(pkt, len));
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("csum");
	TCase *t = tcase_create("csum");

	tcase_add_test(t, rfc_1071_example);
	tcase_add_test(t, agrees_with_slow_sum_at_any_length_and_alignment);
	tcase_add_test(t, copy_copies_and_sums);
	tcase_add_test(t, carries_of_the_largest_packet_are_kept);
	tcase_add_test(t, whole_packets_sum_up);
	suite_add_tcase(s, t);
	return suite_run(s);
}
