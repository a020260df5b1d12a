/* SPDX-License-Identifier: MIT */
/* A client of a WireGuard daemon's control socket, and room for what it says. The benchmark's programs end on error. */
#ifndef BENCH_UAPI_H
#define BENCH_UAPI_H

#include <stddef.h>
#include <stdint.h>

/* Text in the making. */
struct text {
	char *data;
	size_t len, max;
};

/* `max` bytes, all of them touched, so that writing to it costs no page faults. */
void text_init(struct text *t, size_t max);
void text_add(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void text_add_key(struct text *t, const char *name, const uint8_t key[32]);

/* Sends a whole set request to the socket and waits for the answer: its errno, 0 for success. *seconds: how long both
 * took. */
int uapi_set(const char *socket, const struct text *t, double *seconds);

#endif
