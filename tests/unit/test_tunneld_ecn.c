/* SPDX-License-Identifier: MIT */
/* Congestion marks against the vectors, in both families. */
#include <check.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "../../tunneld/ecn.h"
#include "packets.h"
#include "suite.h"

static json_t *vectors(const char *name)
{
	json_t *root = json_load_file("tests/vectors/ecn.json", 0, NULL), *list;

	ck_assert_ptr_nonnull(root);
	list = json_incref(json_object_get(root, name));
	json_decref(root);
	ck_assert_uint_gt(json_array_size(list), 0);
	return list;
}

static unsigned value(const json_t *v, const char *name)
{
	return (unsigned)json_integer_value(json_object_get(v, name));
}

START_TEST(outer_bits_agree_with_vectors)
{
	json_t *list = vectors("encapsulate"), *v;
	size_t i;

	json_array_foreach(list, i, v) {
		for (unsigned v6 = 0; v6 < 2; v6++) {
			struct packet p = { .v6 = v6, .proto = 17, .tos = (uint8_t)(0xb8 | value(v, "inner")) };
			uint8_t pkt[100];

			packet_make(&p, pkt);
			ck_assert_uint_eq(ecn_outer(pkt), value(v, "outer"));
		}
	}
	json_decref(list);
}
END_TEST

START_TEST(inner_bits_agree_with_vectors)
{
	json_t *list = vectors("decapsulate"), *v;
	size_t i;

	json_array_foreach(list, i, v) {
		for (unsigned v6 = 0; v6 < 2; v6++) {
			struct packet p = {
				.v6 = v6, .proto = 17, .payload = 9, .tos = (uint8_t)(0xb8 | value(v, "inner")),
			};
			uint8_t pkt[100], want[100];
			size_t len = packet_make(&p, pkt);

			p.tos = (uint8_t)(0xb8 | value(v, "result"));
			packet_make(&p, want);
			ecn_inner((uint8_t)(0x24 | value(v, "outer")), pkt);
			ck_assert_mem_eq(pkt, want, len);
		}
	}
	json_decref(list);
}
END_TEST

/* A header length that is a lie must not lead beyond the packet, and a sum that was wrong is not for us to mend. */
START_TEST(a_hostile_header_is_marked_and_no_more)
{
	struct packet p = { .proto = 17, .tos = 2 };
	uint8_t pkt[100], good[100];

	packet_make(&p, good);
	for (uint8_t words = 0; words < 16; words++) {
		uint8_t sums[2][2];

		for (unsigned behind = 0; behind < 2; behind++) {
			memset(pkt, behind ? 0xa5 : 0, sizeof(pkt));
			memcpy(pkt, good, 20);
			pkt[0] = 0x40 | words;
			ecn_inner(3, pkt);
			ck_assert_uint_eq(pkt[1], 3);
			memcpy(sums[behind], pkt + 10, 2);
		}
		ck_assert_mem_eq(sums[0], sums[1], 2);
	}
	memcpy(pkt, good, 28);
	pkt[8] ^= 0x55;
	ecn_inner(3, pkt);
	pkt[8] ^= 0x55;
	ck_assert_ptr_null(packet_fault(pkt, 28));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ecn");
	TCase *t = tcase_create("ecn");

	tcase_add_test(t, outer_bits_agree_with_vectors);
	tcase_add_test(t, inner_bits_agree_with_vectors);
	tcase_add_test(t, a_hostile_header_is_marked_and_no_more);
	suite_add_tcase(s, t);
	return suite_run(s);
}
