/* SPDX-License-Identifier: MIT */
#include "keep.h"

#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <unistd.h>

static bool path_of(const struct iface *f, const char *name, char ret[PATH_MAX])
{
	return snprintf(ret, PATH_MAX, "%s/%s.key", f->dir, name) < PATH_MAX;
}

int keep_save(const struct iface *f, const char *name, const uint8_t private[TNL_KEY_LEN])
{
	char path[PATH_MAX], text[TEXT_BASE64_KEY + 1];
	int err;

	if (!path_of(f, name, path))
		return -ENAMETOOLONG;
	text_key_to_base64(text, private);
	strcat(text, "\n");
	err = store_write(path, text, strlen(text));
	sodium_memzero(text, sizeof(text));
	return err;
}

int keep_load(const struct iface *f, const struct peer *p, uint8_t ret[TNL_KEY_LEN])
{
	uint8_t public[TNL_KEY_LEN];
	char path[PATH_MAX];
	int fd, err;

	if (!p->name[0])
		return -ENOENT;
	if (!path_of(f, p->name, path))
		return -ENAMETOOLONG;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	err = keytext_read(fd, ret);
	close(fd);
	if (err)
		return err;
	crypto_scalarmult_base(public, ret);
	if (!memcmp(public, p->key, sizeof(public)))
		return 0;
	sodium_memzero(ret, TNL_KEY_LEN);
	return -ENOENT;
}

int keep_rename(const struct iface *f, const char *from, const char *to)
{
	char old[PATH_MAX], new[PATH_MAX];

	if (!path_of(f, from, old) || !path_of(f, to, new))
		return -ENAMETOOLONG;
	return rename(old, new) ? -errno : 0;
}

int keep_remove(const struct iface *f, const char *name)
{
	char path[PATH_MAX];
	int err;

	if (!path_of(f, name, path))
		return -ENAMETOOLONG;
	err = store_remove(path);
	return err == -ENOENT ? 0 : err;
}
