/* SPDX-License-Identifier: MIT */
/*
 * Gives an interface COUNT peers with a random key and one allowed address each, in one request over its control
 * socket. The request is made before the clock starts.
 *
 *   peers SOCKET COUNT     prints seconds, or "refused"
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "uapi.h"

enum { KEY = 32, PEER_TEXT = 128, COUNT_MAX = 4000000 };

int main(int argc, char **argv)
{
	unsigned long count = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
	struct text t;
	double seconds;
	int err;

	if (!count || count > COUNT_MAX) {
		fprintf(stderr, "usage: peers SOCKET COUNT\n");
		return 2;
	}
	text_init(&t, (count + 1) * PEER_TEXT);
	text_add(&t, "set=1\n");
	for (unsigned long i = 0; i < count; i++) {
		uint8_t key[KEY];

		if (getrandom(key, sizeof(key), 0) != sizeof(key))
			return EXIT_FAILURE;
		text_add_key(&t, "public_key", key);
		text_add(&t, "allowed_ip=10.%lu.%lu.%lu/32\n", i >> 16 & 255, i >> 8 & 255, i & 255);
	}
	text_add(&t, "\n");
	err = uapi_set(argv[1], &t, &seconds);
	if (err) {
		fprintf(stderr, "peers: %lu peers: %s\n", count, strerror(err < 0 ? -err : err));
		puts("refused");
	} else {
		printf("%.4f\n", seconds);
	}
	return EXIT_SUCCESS;
}
