/* SPDX-License-Identifier: MIT */
#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Opening a directory of root's does not fail like this: somebody else has made something there, or has just taken it
 * away. EACCES: where a service manager runs us, root may not look into what is another's. */
static bool foreign(int err)
{
	return err == ENOTDIR || err == ELOOP || err == ENOENT || err == EACCES;
}

/* The place may be one where everybody can make a directory, as /run/lock is: who did so before us could hold the lock
 * for ever, or take its file away under us. Root moves what is not his out of the way. */
static int open_lock_directory(const char *dir)
{
	enum { TRIES = 16 };
	char aside[PATH_MAX];
	struct stat st;

	for (unsigned i = 0; i < TRIES; i++) {
		int fd;

		if (mkdir(dir, 0755) && errno != EEXIST)
			return -errno;
		fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0 && (geteuid() != 0 || !foreign(errno)))
			return -errno;
		if (fd >= 0 && !fstat(fd, &st) && (st.st_uid == 0 || geteuid() != 0))
			return fd;
		if (fd >= 0)
			close(fd);
		if ((size_t)snprintf(aside, sizeof(aside), "%s.%08x", dir, randombytes_random()) >= sizeof(aside))
			return -ENAMETOOLONG;
		if (rename(dir, aside) && errno != ENOENT)
			return -errno;
	}
	return -EPERM;
}

int store_lock(const char *dir, const char *ifname, unsigned wait_ms, int *ret)
{
	enum { STEP_MS = 20 };
	char name[NAME_MAX + 1];
	int at, fd, err = 0;

	if ((size_t)snprintf(name, sizeof(name), "%s.lock", ifname) >= sizeof(name))
		return -ENAMETOOLONG;
	at = open_lock_directory(dir);
	if (at < 0)
		return at;
	fd = openat(at, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		err = -errno;
	close(at);
	if (err)
		return err;
	for (unsigned waited = 0;; waited += STEP_MS) {
		if (!flock(fd, LOCK_EX | LOCK_NB)) {
			*ret = fd;
			return 0;
		}
		if (errno != EWOULDBLOCK && errno != EINTR) {
			err = -errno;
			break;
		}
		if (waited >= wait_ms) {
			err = -EBUSY;
			break;
		}
		nanosleep(&(struct timespec){ .tv_nsec = STEP_MS * 1000000L }, NULL);
	}
	close(fd);
	return err;
}

static int write_full(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t done = write(fd, data, len);

		if (done < 0 && errno != EINTR)
			return -errno;
		if (done > 0) {
			data += done;
			len -= (size_t)done;
		}
	}
	return 0;
}

/* Opens the directory of path; *base points into path. */
static int open_directory(const char *path, bool make, const char **base)
{
	const char *slash = strrchr(path, '/');
	char dir[PATH_MAX] = ".";
	int fd;

	if (slash) {
		if ((size_t)(slash - path) >= sizeof(dir))
			return -ENAMETOOLONG;
		memcpy(dir, path, (size_t)(slash - path));
		dir[slash - path] = 0;
		if (slash == path)
			strcpy(dir, "/");
	}
	*base = slash ? slash + 1 : path;
	if (make && mkdir(dir, 0700) && errno != EEXIST)
		return -errno;
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* The temporary file has one fixed name, so that what a crash left is taken away by the next write. The interface's
 * lock keeps two writers apart. */
static int write_temporary(int dir, const char *temporary, const void *data, size_t len)
{
	int fd, err;

	if (unlinkat(dir, temporary, 0) && errno != ENOENT)
		return -errno;
	fd = openat(dir, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	err = write_full(fd, data, len);
	if (!err && fsync(fd))
		err = -errno;
	if (close(fd) && !err)
		err = -errno;
	return err;
}

int store_write(const char *path, const void *data, size_t len)
{
	char temporary[NAME_MAX + 1];
	const char *base;
	int dir = open_directory(path, true, &base), err;

	if (dir < 0)
		return dir;
	if ((size_t)snprintf(temporary, sizeof(temporary), ".%s.new", base) >= sizeof(temporary)) {
		close(dir);
		return -ENAMETOOLONG;
	}
	err = write_temporary(dir, temporary, data, len);
	if (!err && renameat(dir, temporary, dir, base))
		err = -errno;
	if (err)
		unlinkat(dir, temporary, 0);
	else if (fsync(dir))
		err = -errno;
	close(dir);
	return err;
}

int store_remove(const char *path)
{
	const char *base;
	int dir = open_directory(path, false, &base), err = 0;

	if (dir < 0)
		return dir;
	if (unlinkat(dir, base, 0) || fsync(dir))
		err = -errno;
	close(dir);
	return err;
}

int store_rename(const char *from, const char *to)
{
	const char *base, *slash = strrchr(to, '/');
	int dir = open_directory(from, false, &base), err = 0;

	if (dir < 0)
		return dir;
	if (renameat2(dir, base, dir, slash ? slash + 1 : to, RENAME_NOREPLACE) || fsync(dir))
		err = -errno;
	close(dir);
	return err;
}

/* Until the end, into a buffer that doubles: a pipe does not say how much there will be. */
static int read_all(int fd, size_t room, char **ret, size_t *len)
{
	char *data = malloc(room + 1), *more;
	size_t have = 0;
	int err = data ? 0 : -ENOMEM;

	while (!err) {
		ssize_t got = read(fd, data + have, room - have);

		if (got < 0 && errno != EINTR)
			err = -errno;
		if (!got)
			break;
		have += got > 0 ? (size_t)got : 0;
		if (have > STORE_FILE_MAX)
			err = -EFBIG;
		if (err || have < room)
			continue;
		more = malloc(2 * room + 1);
		if (!more) {
			err = -ENOMEM;
			break;
		}
		memcpy(more, data, have);
		store_free(data, have);
		data = more;
		room *= 2;
	}
	if (err) {
		store_free(data, have);
		return err;
	}
	data[have] = 0;
	*ret = data;
	*len = have;
	return 0;
}

int store_read(const char *path, char **ret, size_t *len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), err = 0;
	struct stat st;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st))
		err = -errno;
	else if (!S_ISREG(st.st_mode))
		err = S_ISDIR(st.st_mode) ? -EISDIR : -ENOTSUP;
	else if (st.st_size > STORE_FILE_MAX)
		err = -EFBIG;
	else
		err = read_all(fd, (size_t)st.st_size + 1, ret, len);
	close(fd);
	return err;
}

int store_read_any(const char *path, char **ret, size_t *len)
{
	enum { ROOM = 64 << 10 };
	bool is_stdin = !strcmp(path, "-");
	int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC), err;

	if (fd < 0)
		return -errno;
	err = read_all(fd, ROOM, ret, len);
	if (!is_stdin)
		close(fd);
	return err;
}

void store_free(char *data, size_t len)
{
	if (data)
		sodium_memzero(data, len);
	free(data);
}
