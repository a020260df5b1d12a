/* SPDX-License-Identifier: MIT */
#include "keyfile.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void keyfile_take(struct keyfile *k, const char *conf, const struct conf_item *it)
{
	k->named = true;
	k->beside = it->text[0] != '/';
	k->line = it->line;
	k->column = it->column;
	if (!conf_beside(conf, it->text, it->text_len, k->path, sizeof(k->path)))
		k->path[0] = 0;
}

void keyfile_find(struct keyfile *k, const char *conf, const char *text, size_t len)
{
	struct conf_reader r;
	struct conf_item it;

	*k = (struct keyfile){ .named = false };
	if (conf_reader_init(&r, text, len, ~UINT64_C(0)))
		return;
	while (conf_next(&r, &it) != CONF_END)
		if (it.what == CONF_VALUE && it.key == CONF_PRIVATE_KEY_FILE)
			keyfile_take(k, conf, &it);
	sodium_memzero(&it, sizeof(it));
	sodium_memzero(&r, sizeof(r));
}

/* As the daemon does it: a device or a FIFO is not even opened, a link is followed. */
static int open_regular(const char *path, struct stat *st)
{
	int fd;

	if (!*path)
		return -ENAMETOOLONG;
	if (stat(path, st))
		return -errno;
	if (!S_ISREG(st->st_mode))
		return -ENOTSUP;
	fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (!fstat(fd, st) && S_ISREG(st->st_mode))
		return fd;
	close(fd);	/* it was another one a moment ago */
	return -ENOTSUP;
}

int keyfile_read(const struct keyfile *k, uint8_t ret[TNL_KEY_LEN], bool *shared)
{
	char text[CONF_KEY_FILE_MAX + 1];
	struct stat st;
	size_t len = 0;
	ssize_t got = 1;
	int fd = open_regular(k->path, &st), err;

	if (fd < 0)
		return fd;
	while (len < sizeof(text) && got) {
		got = read(fd, text + len, sizeof(text) - len);
		if (got < 0 && errno != EINTR)
			break;
		len += got > 0 ? (size_t)got : 0;
	}
	err = got < 0 ? -errno : conf_key_file(text, len, ret);
	sodium_memzero(text, sizeof(text));
	close(fd);
	if (!err && shared)
		*shared = st.st_mode & (S_IRWXG | S_IRWXO);
	return err;
}

const char *keyfile_why(const struct keyfile *k, const char *conf, int err, char ret[CONF_KEY_FILE_MESSAGE_MAX])
{
	conf_key_file_wrong(ret, err, strerror(-err), k->beside ? conf : NULL);
	return ret;
}

bool keyfile_away(const struct keyfile *k, int err)
{
	static const char credentials[] = "/run/credentials/";

	return err == -ENOENT && !strncmp(k->path, credentials, sizeof(credentials) - 1);
}
