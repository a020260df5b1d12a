/* SPDX-License-Identifier: MIT */
/* Waiting packets against a model: an array of arrays. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "../../tunneld/stage.h"
#include "packets.h"
#include "suite.h"

static struct stage *stage;
static uint8_t buf[65536];

static void setup(void)
{
	size_t len = (stage_footprint() + 63) / 64 * 64;
	void *mem = aligned_alloc(64, len);

	ck_assert_ptr_nonnull(mem);
	memset(mem, 0, len);
	stage = stage_init(mem);
}

static void teardown(void)
{
	free(stage);
}

/* A packet says in every byte and in its length which one it is. */
static size_t len_of(uint32_t serial)
{
	return 1 + serial * 7919 % 5000;
}

static void push(tnl_peer p, uint32_t serial, size_t len)
{
	memset(buf, (int)serial, len);
	memcpy(buf, &serial, len < 4 ? len : 4);
	stage_push(stage, p, buf, len);
}

static void expect(tnl_peer p, uint32_t serial, size_t len)
{
	const uint8_t *head;
	size_t got, wrong = 0;

	head = stage_peek(stage, p, &got);
	ck_assert_ptr_nonnull(head);
	ck_assert_uint_eq(got, len);
	ck_assert_mem_eq(head, &serial, len < 4 ? len : 4);
	buf[len] = (uint8_t)~serial;
	stage_pop(stage, p, buf);
	ck_assert_mem_eq(buf, &serial, len < 4 ? len : 4);
	for (size_t i = 4; i < len; i++)
		wrong += buf[i] != (uint8_t)serial;
	ck_assert_uint_eq(wrong, 0);
	ck_assert_uint_eq(buf[len], (uint8_t)~serial);
}

START_TEST(newest_128_are_kept_in_order)
{
	ck_assert(stage_empty(stage));
	for (uint32_t i = 0; i < 300; i++)
		push(9, i, len_of(i));
	ck_assert_uint_eq(stage_count(stage, 9), STAGE_PER_PEER);
	for (uint32_t i = 300 - STAGE_PER_PEER; i < 300; i++)
		expect(9, i, len_of(i));
	ck_assert_ptr_null(stage_peek(stage, 9, &(size_t){ 0 }));
	ck_assert(stage_empty(stage));
}
END_TEST

START_TEST(sizes_around_blocks_survive)
{
	static const size_t sizes[] = { 1,     2,    STAGE_BLOCK - 1, STAGE_BLOCK, STAGE_BLOCK + 1, 2 * STAGE_BLOCK,
					65534, 65535 };

	for (uint32_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		push(1, i, sizes[i]);
	for (uint32_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		expect(1, i, sizes[i]);
}
END_TEST

START_TEST(drop_touches_one_peer_and_clear_all)
{
	for (uint32_t i = 0; i < 30; i++)
		push(1 + i % 3, i, 100);
	stage_drop(stage, 2);
	stage_drop(stage, 2);
	stage_drop(stage, 77);
	ck_assert_uint_eq(stage_count(stage, 2), 0);
	ck_assert_uint_eq(stage_count(stage, 1), 10);
	expect(3, 2, 100);
	stage_clear(stage);
	ck_assert(stage_empty(stage));
	ck_assert_uint_eq(stage_count(stage, 1), 0);
}
END_TEST

/* More dead peers than there are blocks: one who has little waiting keeps it, since others have more. */
START_TEST(flood_to_others_costs_a_modest_peer_nothing)
{
	for (uint32_t i = 0; i < 3; i++)
		push(5, i, 1000);
	for (uint32_t i = 0; i < 3 * STAGE_BLOCKS; i++)
		push(100 + i % 100, i, 1400);
	for (uint32_t i = 0; i < 3; i++)
		expect(5, i, 1000);
	/* One fat packet that needs many blocks finds them too. */
	push(6, 1, 65535);
	expect(6, 1, 65535);
}
END_TEST

START_TEST(every_peer_waiting_is_survived)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < 3 * STAGE_BLOCKS; i++) {
		push(1 + i, i, 64);
		kept += stage_count(stage, 1 + i);
	}
	ck_assert_uint_eq(kept, 3 * STAGE_BLOCKS);
	expect(3 * STAGE_BLOCKS, 3 * STAGE_BLOCKS - 1, 64);
	stage_clear(stage);
	for (uint32_t i = 0; i < STAGE_BLOCKS; i++)
		push(1 + i, i, 64);
	for (uint32_t i = 0; i < STAGE_BLOCKS; i++)
		expect(1 + i, i, 64);
	ck_assert(stage_empty(stage));
}
END_TEST

enum { PEERS = 8 };

START_TEST(agrees_with_model)
{
	static uint32_t model[PEERS][STAGE_PER_PEER];
	unsigned count[PEERS] = { 0 };
	uint32_t state = 3, serial = 0;

	for (unsigned turn = 0; turn < 20000; turn++) {
		unsigned k = packet_random(&state) % PEERS;
		tnl_peer p = (tnl_peer)(k * 4096 + 1);

		switch (packet_random(&state) % 8) {
		case 0:
			if (packet_random(&state) % 32 == 0) {
				stage_drop(stage, p);
				count[k] = 0;
			}
			break;
		case 1: case 2: case 3:
			if (count[k] > 0) {
				expect(p, model[k][0], len_of(model[k][0]));
				memmove(model[k], model[k] + 1, --count[k] * sizeof(model[k][0]));
			}
			break;
		default:
			push(p, serial, len_of(serial));
			if (count[k] == STAGE_PER_PEER)
				memmove(model[k], model[k] + 1, --count[k] * sizeof(model[k][0]));
			model[k][count[k]++] = serial++;
		}
		ck_assert_uint_eq(stage_count(stage, p), count[k]);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("stage");
	TCase *t = tcase_create("stage");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, newest_128_are_kept_in_order);
	tcase_add_test(t, sizes_around_blocks_survive);
	tcase_add_test(t, drop_touches_one_peer_and_clear_all);
	tcase_add_test(t, flood_to_others_costs_a_modest_peer_nothing);
	tcase_add_test(t, every_peer_waiting_is_survived);
	tcase_add_test(t, agrees_with_model);
	suite_add_tcase(s, t);
	return suite_run(s);
}
