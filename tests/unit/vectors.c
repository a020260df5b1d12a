/* SPDX-License-Identifier: MIT */
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "suite.h"
#include "vectors.h"

enum { VECTOR_MAX = 4096 };

json_t *vectors_load(const char *name)
{
	char path[256];
	json_error_t err;
	json_t *root;

	snprintf(path, sizeof(path), "tests/vectors/%s", name);
	root = json_load_file(path, JSON_DECODE_INT_AS_REAL, &err);
	ck_assert_msg(root != NULL, "%s:%d: %s", path, err.line, err.text);
	return root;
}

json_t *vectors_get(const json_t *object, const char *name)
{
	json_t *member = json_object_get(object, name);

	ck_assert_msg(member != NULL, "the vectors have no \"%s\"", name);
	return member;
}

size_t vectors_hex(const json_t *string, uint8_t *dst, size_t max)
{
	const char *text = json_string_value(string);
	size_t len = 0;

	ck_assert_ptr_nonnull(text);
	ck_assert_int_eq(sodium_hex2bin(dst, max, text, strlen(text), NULL, &len, NULL), 0);
	ck_assert_uint_eq(2 * len, strlen(text));
	return len;
}

void vectors_bytes(const json_t *object, const char *name, uint8_t *dst, size_t len)
{
	ck_assert_msg(vectors_hex(vectors_get(object, name), dst, len) == len, "\"%s\" has another length", name);
}

void vectors_equal(const json_t *object, const char *name, const uint8_t *bytes, size_t len)
{
	uint8_t want[VECTOR_MAX];

	ck_assert_uint_le(len, sizeof(want));
	vectors_bytes(object, name, want, len);
	ck_assert_msg(!memcmp(bytes, want, len), "\"%s\" differs", name);
}
