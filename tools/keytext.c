/* SPDX-License-Identifier: MIT */
#include "keytext.h"

#include <ctype.h>
#include <errno.h>
#include <sodium.h>
#include <string.h>
#include <unistd.h>

/* Reads until n bytes or the end; the count, or -errno. */
static ssize_t read_full(int fd, char *dst, size_t n)
{
	size_t have = 0;

	while (have < n) {
		ssize_t got = read(fd, dst + have, n - have);

		if (got < 0 && errno != EINTR)
			return -errno;
		if (!got)
			break;
		have += got > 0 ? (size_t)got : 0;
	}
	return (ssize_t)have;
}

int keytext_read(int fd, uint8_t ret[TNL_KEY_LEN])
{
	char text[TEXT_BASE64_KEY - 1], c;
	ssize_t got = read_full(fd, text, sizeof(text));
	int err = got < 0 ? (int)got : 0;

	if (!err && !text_key_from_base64(text, (size_t)got, ret))
		err = -EINVAL;
	sodium_memzero(text, sizeof(text));
	while (!err && (got = read_full(fd, &c, 1)))
		if (got < 0 || !isspace((unsigned char)c))
			err = got < 0 ? (int)got : -E2BIG;
	if (err)
		sodium_memzero(ret, TNL_KEY_LEN);
	return err;
}

const char *keytext_why(int err)
{
	if (err == -EINVAL)
		return "not a key (44 characters of base64, as genkey prints them)";
	if (err == -E2BIG)
		return "something follows the key";
	return strerror(-err);
}

void keytext_new_private(uint8_t ret[TNL_KEY_LEN])
{
	randombytes_buf(ret, TNL_KEY_LEN);
	ret[0] &= 248;
	ret[31] = (uint8_t)((ret[31] & 127) | 64);
}
