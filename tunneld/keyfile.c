/* SPDX-License-Identifier: MIT */
#include "keyfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A device or a FIFO is not even opened: that may do something, or wait. Links are followed: whoever rolls secrets out
 * sets them anew. */
static int open_regular(const char *path, struct stat *st)
{
	int fd;

	if (stat(path, st) < 0)
		return -errno;
	if (!S_ISREG(st->st_mode))
		return -ENOTSUP;
	fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, st) == 0 && S_ISREG(st->st_mode))
		return fd;
	close(fd);	/* it was another one a moment ago */
	return -ENOTSUP;
}

/* What stat says of the size is no bound: files of /proc have none and no end either. */
static int read_key(int fd, uint8_t ret[TNL_KEY_LEN])
{
	char text[CONF_KEY_FILE_MAX + 1];
	size_t len = 0;
	ssize_t n = 1;
	int err;

	while (len < sizeof(text) && n) {
		n = read(fd, text + len, sizeof(text) - len);
		if (n < 0 && errno != EINTR)
			break;
		len += n > 0 ? (size_t)n : 0;
	}
	err = n < 0 ? -errno : conf_key_file(text, len, ret);
	sodium_memzero(text, sizeof(text));
	return err;
}

bool keyfile_read(const char *conf, const struct conf_item *at, uint8_t ret[TNL_KEY_LEN],
		  char message[CONF_KEY_FILE_MESSAGE_MAX])
{
	bool beside = at->text[0] != '/';
	char path[PATH_MAX];
	struct stat st;
	int fd = -ENAMETOOLONG, err;

	message[0] = 0;
	if (conf_beside(conf, at->text, at->text_len, path, sizeof(path)))
		fd = open_regular(path, &st);
	err = fd < 0 ? fd : read_key(fd, ret);
	if (fd >= 0)
		close(fd);
	if (err)
		conf_key_file_wrong(message, err, strerror(-err), beside ? conf : NULL);
	else if (st.st_mode & (S_IRWXG | S_IRWXO))
		snprintf(message, CONF_KEY_FILE_MESSAGE_MAX,
			 "PrivateKeyFile: others may read the key (use: chmod 600 %.150s)", path);
	return !err;
}

bool keyfile_away(const char *conf, const struct conf_item *at)
{
	static const char credentials[] = "/run/credentials/";
	char path[PATH_MAX];

	return conf_beside(conf, at->text, at->text_len, path, sizeof(path)) &&
	       !strncmp(path, credentials, sizeof(credentials) - 1) && access(path, F_OK) && errno == ENOENT;
}
