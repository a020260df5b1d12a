/* SPDX-License-Identifier: MIT */
#include "pending.h"

#include "daemon.h"
#include "guard.h"
#include "store.h"
#include "view.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { RELOAD_WAIT_MS = 150000 };	/* the daemon gives up before: names may take long to resolve */

bool pending_path(const struct iface *f, enum pending_file which, char ret[PATH_MAX])
{
	static const char *const suffix[] = { "before", "old", "rejected" };

	return snprintf(ret, PATH_MAX, "%s.%s", f->conf, suffix[which]) < PATH_MAX;
}

bool pending_is(const struct iface *f)
{
	char before[PATH_MAX];

	return f->conf[0] && !f->foreign && pending_path(f, PENDING_BEFORE, before) && !access(before, F_OK);
}

bool pending_guarded(const struct ctx *c, const struct iface *f)
{
	int lock = guard_lock(c, f, 0);

	if (lock >= 0)
		close(lock);
	return lock == -EBUSY;
}

int pending_begin(const struct iface *f)
{
	char before[PATH_MAX], *text;
	size_t len;
	int err;

	if (!pending_path(f, PENDING_BEFORE, before))
		return -ENAMETOOLONG;
	if (!access(before, F_OK))
		return -EEXIST;
	err = store_read(f->conf, &text, &len);
	if (err)
		return err;
	err = store_write(before, text, len);
	store_free(text, len);
	return err;
}

static int flush_directory(const struct iface *f)
{
	char dir[PATH_MAX];
	int fd, err = 0;

	strcpy(dir, f->conf);
	*strrchr(dir, '/') = 0;
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd))
		err = -errno;
	if (fd >= 0)
		close(fd);
	return err;
}

int pending_confirm(const struct iface *f)
{
	char before[PATH_MAX], old[PATH_MAX], rejected[PATH_MAX];

	if (!pending_path(f, PENDING_BEFORE, before) || !pending_path(f, PENDING_OLD, old) ||
	    !pending_path(f, PENDING_REJECTED, rejected))
		return -ENAMETOOLONG;
	if (rename(before, old))
		return -errno;
	unlink(rejected);
	return flush_directory(f);
}

int pending_roll_back(const struct iface *f)
{
	char before[PATH_MAX], rejected[PATH_MAX];

	if (!pending_path(f, PENDING_BEFORE, before) || !pending_path(f, PENDING_REJECTED, rejected))
		return -ENAMETOOLONG;
	if (access(before, F_OK))
		return -errno;
	/* A second name for it before it loses the first. Without one the way back is open all the same. */
	unlink(rejected);
	if (link(f->conf, rejected))
		rejected[0] = 0;
	if (!rename(before, f->conf))
		return flush_directory(f);
	if (rejected[0] && errno == ENOENT) {	/* confirmed at this very instant */
		unlink(rejected);
		return -ENOENT;
	}
	return -errno;
}

int pending_end_stale(const struct ctx *c, const struct iface *f, bool *rolled)
{
	int err;

	*rolled = false;
	if (!pending_is(f) || pending_guarded(c, f))
		return 0;
	err = pending_roll_back(f);
	*rolled = !err;
	if (!err)
		cmd_note(c, "%s was on trial and was not confirmed: the configuration before it is back", f->conf);
	return err == -ENOENT ? 0 : err;
}

/* "error", or the first of "errors". */
static const char *reason(const json_t *answer)
{
	const json_t *one = json_object_get(answer, "error"), *list = json_object_get(answer, "errors");

	if (!json_is_string(one))
		one = json_array_get(list, 0);
	return json_is_string(one) ? json_string_value(one) : "the daemon does not say why";
}

int pending_reload(const struct iface *f, char why[PENDING_WHY_MAX])
{
	json_t *answer = NULL;
	int err = daemon_ask(f->ctl, "reload", RELOAD_WAIT_MS, &answer), code;

	why[0] = 0;
	if (err) {
		snprintf(why, PENDING_WHY_MAX, "it does not answer: %s", strerror(-err));
		return err == -ETIMEDOUT ? CMD_TIMEOUT : iface_code(err);
	}
	code = json_is_integer(json_object_get(answer, "code"))
		       ? (int)json_integer_value(json_object_get(answer, "code")) : CMD_FAILED;
	if (code)
		view_clean(reason(answer), why, PENDING_WHY_MAX);
	json_decref(answer);
	return code;
}
