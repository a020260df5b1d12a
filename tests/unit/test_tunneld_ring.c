/* SPDX-License-Identifier: MIT */
/* The ring alone, and between two threads. */
#include <check.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>

#include "../../tunneld/ring.h"
#include "suite.h"

enum { COUNT = 8, MANY = 200000 };

struct element {
	uint64_t serial, again;
};

static struct element mem[COUNT];
static struct ring ring;

static bool put(uint64_t serial)
{
	struct element *e = ring_reserve(&ring);

	if (!e)
		return false;
	e->serial = e->again = serial;
	ring_put(&ring);
	return true;
}

START_TEST(keeps_order_and_refuses_when_full)
{
	uint64_t in = 0, out = 0;

	ring_init(&ring, mem, COUNT, sizeof(mem[0]));
	atomic_store(&ring.head, UINT32_MAX - 11);	/* the counters wrap on the way */
	atomic_store(&ring.tail, UINT32_MAX - 11);
	for (unsigned turn = 0; turn < 10; turn++) {
		ck_assert_ptr_null(ring_peek(&ring));
		for (unsigned i = 0; i < COUNT; i++) {
			ck_assert_uint_eq(ring_depth(&ring), i);
			ck_assert(put(in++));
		}
		ck_assert(!put(99));
		for (unsigned i = 0; i < COUNT; i++) {
			ck_assert_uint_eq(((struct element *)ring_peek(&ring))->serial, out++);
			ring_take(&ring);
		}
	}
}
END_TEST

static void *putter(void *arg)
{
	(void)arg;
	for (uint64_t i = 0; i < MANY;)
		if (put(i))
			i++;
		else
			sched_yield();
	return NULL;
}

START_TEST(two_threads_lose_and_tear_nothing)
{
	pthread_t thread;
	uint64_t wrong = 0;

	ring_init(&ring, mem, COUNT, sizeof(mem[0]));
	ck_assert_int_eq(pthread_create(&thread, NULL, putter, NULL), 0);
	for (uint64_t i = 0; i < MANY;) {
		const struct element *e = ring_peek(&ring);

		if (!e) {
			sched_yield();
			continue;
		}
		wrong += e->serial != i || e->again != i;
		ring_take(&ring);
		i++;
	}
	pthread_join(thread, NULL);
	ck_assert_uint_eq(wrong, 0);
	ck_assert_uint_eq(ring_depth(&ring), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ring");
	TCase *t = tcase_create("ring");

	tcase_add_test(t, keeps_order_and_refuses_when_full);
	tcase_add_test(t, two_threads_lose_and_tear_nothing);
	suite_add_tcase(s, t);
	return suite_run(s);
}
