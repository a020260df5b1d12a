/* SPDX-License-Identifier: MIT */
/*
 * Threads offer the same counters to one window at once, each in its own order. While all counters lie within the
 * window each must be accepted exactly once in all; while the window moves on, no more than once. Best under TSan.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay.h"

enum { THREADS = 4, ROUNDS = 3000, STILL = REPLAY_WINDOW, MOVING = 200000, BEHIND = 9000 };

static struct replay window;
static _Atomic unsigned taken[MOVING + BEHIND];
static pthread_barrier_t begin, end;
static unsigned bad;

static void offer(uint64_t counter)
{
	if (replay_accept(&window, counter))
		atomic_fetch_add_explicit(&taken[counter], 1, memory_order_relaxed);
}

/* In every other round all go forwards, side by side; else also backwards, from the middle, and in strides: 5 and 8128
 * have no common factor. */
static uint64_t order(unsigned round, unsigned thread, uint64_t i)
{
	switch (round % 2 ? thread : 0) {
	case 0:
		return i;
	case 1:
		return STILL - 1 - i;
	case 2:
		return (i + STILL / 2) % STILL;
	default:
		return i * 5 % STILL;
	}
}

static void *work(void *arg)
{
	unsigned thread = (unsigned)(uintptr_t)arg;

	for (unsigned round = 0; round < ROUNDS; round++) {
		pthread_barrier_wait(&begin);
		for (uint64_t i = 0; i < STILL; i++)
			offer(order(round, thread, i));
		pthread_barrier_wait(&end);
	}
	pthread_barrier_wait(&begin);
	/* Each also looks back, to the edge of the window and beyond, where slots change hands. */
	for (uint64_t i = 0; i < MOVING; i++) {
		offer(BEHIND + i);
		offer(BEHIND + i - (i * 37 + thread * 11) % BEHIND);
	}
	pthread_barrier_wait(&end);
	return NULL;
}

static void expect(uint64_t count, bool exactly)
{
	unsigned more = 0, less = 0;

	for (uint64_t c = 0; c < count; c++) {
		more += taken[c] > 1;
		less += taken[c] < 1;
	}
	if (more || (exactly && less)) {
		printf("FAILED: %u counters accepted twice, %u never\n", more, less);
		bad++;
	}
	memset(taken, 0, sizeof(taken));
	memset(&window, 0, sizeof(window));
}

int main(void)
{
	pthread_t thread[THREADS];

	pthread_barrier_init(&begin, NULL, THREADS + 1);
	pthread_barrier_init(&end, NULL, THREADS + 1);
	for (uintptr_t i = 0; i < THREADS; i++)
		if (pthread_create(&thread[i], NULL, work, (void *)i))
			return EXIT_FAILURE;
	for (unsigned round = 0; round <= ROUNDS; round++) {
		pthread_barrier_wait(&begin);
		pthread_barrier_wait(&end);
		if (round < ROUNDS)
			expect(STILL, true);
		else
			expect(MOVING + BEHIND, false);
	}
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	printf("%u passed, %u failed: race_replay\n", ROUNDS + 1 - bad, bad);
	return bad ? EXIT_FAILURE : EXIT_SUCCESS;
}
