/* SPDX-License-Identifier: MIT */
/* The vectors of tests/vectors for unit tests. Whatever is missing or malformed fails the running test. */
#ifndef VECTORS_H
#define VECTORS_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

/* tests/vectors/NAME, from the root of the repository, where make runs. The caller's to json_decref(). Integers become
 * reals, for some counters exceed what jansson calls an integer: those come as strings too. */
json_t *vectors_load(const char *name);

/* Member `name` of an object. Borrowed. */
json_t *vectors_get(const json_t *object, const char *name);

/* A string of hex digits: its bytes into dst, their number returned. */
size_t vectors_hex(const json_t *string, uint8_t *dst, size_t max);

/* Member `name`, hex, of exactly len bytes. */
void vectors_bytes(const json_t *object, const char *name, uint8_t *dst, size_t len);
/* Member `name` is, in hex, exactly these bytes. */
void vectors_equal(const json_t *object, const char *name, const uint8_t *bytes, size_t len);

#endif
