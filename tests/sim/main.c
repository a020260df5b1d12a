/* SPDX-License-Identifier: MIT */
/*
 * sim [-v] [-n nodes] [first [count [stride]]]: runs the worlds of `count` seeds, `stride` apart. A violated invariant
 * ends it with status 1 and the seed; the same seed is the same world, step for step.
 */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "world.h"

int main(int argc, char **argv)
{
	uint64_t number[3] = { 1, 1, 1 };	/* first, count, stride */
	uint32_t size = 0;
	int opt;

	if (sodium_init() < 0)
		return EXIT_FAILURE;
	while ((opt = getopt(argc, argv, "vn:")) != -1) {
		if (opt == 'v') {
			sim.verbose = true;
		} else if (opt == 'n') {
			size = (uint32_t)strtoul(optarg, NULL, 0);
		} else {
			fprintf(stderr, "usage: sim [-v] [-n nodes] [first [count [stride]]]\n");
			return EXIT_FAILURE;
		}
	}
	for (int i = 0; i < 3 && optind + i < argc; i++)
		number[i] = strtoull(argv[optind + i], NULL, 0);
	if (size > NODES_MAX || size == 1) {
		fprintf(stderr, "sim: 2 to %d nodes\n", NODES_MAX);
		return EXIT_FAILURE;
	}
	for (uint64_t i = 0; i < number[1]; i++)
		world_run(number[0] + i * number[2], size);
	printf("sim: %lu worlds from seed %lu, all invariants held\n", (unsigned long)number[1],
	       (unsigned long)number[0]);
	return EXIT_SUCCESS;
}
