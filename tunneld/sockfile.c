/* SPDX-License-Identifier: MIT */
/*
 * The socket is bound and listens under a name that no tool looks at, then takes its place by rename(). The order at
 * the end keeps a predecessor from unlinking its successor's file: the file goes while the listener still answers, and
 * a successor renames its own into place only once nobody answers.
 */
#include "sockfile.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum {
	BACKLOG = 128,
	WAIT_STEP_MS = 20,
	WAIT_STEPS = 100,
};

static void set_address(struct sockaddr_un *un, const char *path)
{
	memset(un, 0, sizeof(*un));
	un->sun_family = AF_UNIX;
	snprintf(un->sun_path, sizeof(un->sun_path), "%s", path);
}

/* Does somebody listen there? A full backlog is somebody, too, and so is whoever does not want us. */
static bool alive(const char *path)
{
	struct sockaddr_un un;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool ret;

	if (fd < 0)
		return false;
	set_address(&un, path);
	ret = connect(fd, (struct sockaddr *)&un, sizeof(un)) == 0 || errno == EAGAIN || errno == EACCES;
	close(fd);
	return ret;
}

static bool wait_for_predecessor(const char *path)
{
	for (unsigned i = 0; i < WAIT_STEPS; i++) {
		const struct timespec step = {.tv_nsec = WAIT_STEP_MS * 1000000L};

		if (!alive(path))
			return true;
		nanosleep(&step, NULL);
	}
	return false;
}

static int make_directory(const char *dir)
{
	mode_t old = umask(022);
	int ret = mkdir(dir, 0755) < 0 && errno != EEXIST ? -errno : 0;

	umask(old);
	return ret;
}

/* Listens at `birth` and moves it to its place. */
static int listen_and_rename(struct sockfile *s, const char *birth)
{
	struct sockaddr_un un;
	struct stat st;

	set_address(&un, birth);
	unlink(birth);	/* of a process that had our number before and was killed */
	if (bind(s->listener, (struct sockaddr *)&un, sizeof(un)) < 0)
		return -errno;
	if (chmod(birth, geteuid() ? 0660 : 0600) < 0 || listen(s->listener, BACKLOG) < 0 || stat(birth, &st) < 0 ||
	    rename(birth, s->path) < 0) {
		int err = -errno;

		unlink(birth);
		return err;
	}
	s->dev = st.st_dev;
	s->ino = st.st_ino;
	return 0;
}

int sockfile_create(struct sockfile *s, const char *dir, const char *ifname, bool watch)
{
	char birth[sizeof(s->path) + 16];
	int err = make_directory(dir);

	*s = (struct sockfile){.listener = -1, .watch = -1};
	snprintf(s->path, sizeof(s->path), "%s/%s.sock", dir, ifname);
	snprintf(birth, sizeof(birth), "%s.%d", s->path, (int)getpid());
	if (err < 0)
		return err;
	if (!wait_for_predecessor(s->path))
		return -EADDRINUSE;
	s->watch = watch ? inotify_init1(IN_CLOEXEC | IN_NONBLOCK) : -1;
	s->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s->listener < 0 ||
	    (watch && inotify_add_watch(s->watch, dir, IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF |
						       IN_MOVE_SELF) < 0))
		err = -errno;
	else
		err = listen_and_rename(s, birth);
	if (err < 0)
		sockfile_remove(s);
	return err;
}

void sockfile_clear(const char *dir, const char *ifname)
{
	struct sockfile s;

	snprintf(s.path, sizeof(s.path), "%s/%s.sock", dir, ifname);
	if (!alive(s.path))
		unlink(s.path);
}

static bool ours(const struct sockfile *s)
{
	struct stat st;

	return s->ino && lstat(s->path, &st) == 0 && st.st_dev == s->dev && st.st_ino == s->ino;
}

bool sockfile_check(struct sockfile *s)
{
	char buf[4096];

	while (read(s->watch, buf, sizeof(buf)) > 0)
		;
	return ours(s);
}

void sockfile_remove(struct sockfile *s)
{
	if (ours(s))
		unlink(s->path);
	if (s->listener >= 0)
		close(s->listener);
	if (s->watch >= 0)
		close(s->watch);
	*s = (struct sockfile){.listener = -1, .watch = -1};
}
