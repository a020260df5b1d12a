/* SPDX-License-Identifier: MIT */
/*
 *   micro [PREFIX...]     the figures whose names begin so; without, all
 */
#include "micro.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#if __has_include(<valgrind/callgrind.h>)
#include <valgrind/callgrind.h>
#else
#define RUNNING_ON_VALGRIND 0
#define CALLGRIND_TOGGLE_COLLECT ((void)0)
#define CALLGRIND_DUMP_STATS_AT(text) ((void)(text))
#endif

#include "aead.h"

static char **wanted;

bool micro_wanted(const char *prefix)
{
	if (!*wanted)
		return true;
	for (char **w = wanted; *w; w++) {
		size_t len = strlen(*w) < strlen(prefix) ? strlen(*w) : strlen(prefix);

		if (!memcmp(*w, prefix, len))
			return true;
	}
	return false;
}

bool micro_counting(void)
{
	return RUNNING_ON_VALGRIND;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* The first lap fills what is filled once. The dump says whose it is. */
static void count_lap(const char *name, void (*lap)(void *arg), void *arg, unsigned count)
{
	char text[128];

	snprintf(text, sizeof(text), "%s %u", name, count);
	lap(arg);
	CALLGRIND_TOGGLE_COLLECT;
	lap(arg);
	CALLGRIND_TOGGLE_COLLECT;
	CALLGRIND_DUMP_STATS_AT(text);
}

static bool is_wanted(const char *name)
{
	for (char **w = wanted; *w; w++)
		if (!strncmp(*w, name, strlen(*w)))
			return true;
	return !*wanted;
}

void micro_run(const char *name, void (*lap)(void *arg), void *arg, unsigned count)
{
	double best = 1e300;

	if (!is_wanted(name))
		return;
	if (micro_counting()) {
		count_lap(name, lap, arg, count);
		return;
	}
	for (int i = 0; i < MICRO_LAPS; i++) {
		double begin = now(), took;

		lap(arg);
		took = now() - begin;
		best = took < best ? took : best;
	}
	printf("%s\t%.1f\tns\n", name, best / count);
	fflush(stdout);
}

void micro_value(const char *name, double value, const char *unit)
{
	if (is_wanted(name) && !micro_counting())
		printf("%s\t%.1f\t%s\n", name, value, unit);
}

void *micro_memory(size_t len)
{
	void *mem = aligned_alloc(64, (len + 63) / 64 * 64);

	assert(mem);
	return memset(mem, 0, len);
}

uint64_t micro_random(void)
{
	static uint64_t s = 88172645463325252;

	s ^= s << 13;
	s ^= s >> 7;
	s ^= s << 17;
	return s;
}

int main(int argc, char **argv)
{
	wanted = argv + (argc > 0);
	if (!aead_init_all())
		return EXIT_FAILURE;
	micro_aead();
	micro_packets();
	micro_window();
	micro_route();
	micro_handshake();
	micro_peer();
	return EXIT_SUCCESS;
}
