/* SPDX-License-Identifier: MIT */
/* A key that stands in a file of its own (PrivateKeyFile): where it is, what it holds, and what to say if it does not.
 * Whoever opens it has no choice left but how. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "conf_key.h"

enum { DIR_SHOWN = 80 };	/* bytes */

bool conf_beside(const char *conf, const char *path, size_t len, char *dst, size_t max)
{
	const char *slash = strrchr(conf, '/');
	size_t dir = slash && (!len || path[0] != '/') ? (size_t)(slash + 1 - conf) : 0;

	if (dir + len >= max)
		return false;
	memcpy(dst, conf, dir);
	memcpy(dst + dir, path, len);
	dst[dir + len] = 0;
	return true;
}

/* As wg(8) has it for the files that it is given. */
int conf_key_file(const char *text, size_t len, uint8_t ret[TNL_KEY_LEN])
{
	size_t end = len;

	if (len > CONF_KEY_FILE_MAX)
		return -EFBIG;
	while (end && conf_blank(text[end - 1]))
		end--;
	return text_key_from_base64(text, end, ret) ? 0 : -EINVAL;
}

void conf_key_file_wrong(char dst[CONF_KEY_FILE_MESSAGE_MAX], int err, const char *why, const char *conf)
{
	static const char want[] = "a file with one key alone in it, as from genkey";
	const char *slash = conf ? strrchr(conf, '/') : NULL;
	size_t dir = slash && slash > conf ? (size_t)(slash - conf) : 1;

	if (err == -EFBIG || err == -EINVAL)
		snprintf(dst, CONF_KEY_FILE_MESSAGE_MAX, "PrivateKeyFile: the file %s (should be %s)",
			 err == -EFBIG ? "is too long" : "holds no key, or more than one", want);
	else if (err == -ENOTSUP)
		snprintf(dst, CONF_KEY_FILE_MESSAGE_MAX, "PrivateKeyFile: it is no regular file (should be %s)", want);
	else if (conf)
		snprintf(dst, CONF_KEY_FILE_MESSAGE_MAX, "PrivateKeyFile: cannot read it in %.*s: %s (should be %s)",
			 dir < DIR_SHOWN ? (int)dir : DIR_SHOWN, slash ? conf : ".", why, want);
	else
		snprintf(dst, CONF_KEY_FILE_MESSAGE_MAX, "PrivateKeyFile: cannot read it: %s (should be %s)", why,
			 want);
}
