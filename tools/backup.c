/* SPDX-License-Identifier: MIT */
/*
 * backup and restore. A restore that finds nothing writes the configuration last: before that rename there is no
 * interface. One that replaces what is there has several renames to do; so that a kill between them leaves no mixture
 * for good, the archive itself is kept first, as ETC/tunneld/.IF.restore, and is taken away last: whoever takes the
 * interface's lock next, and the next start, finishes the work. Later it must not be done: it would undo what was
 * changed since.
 */
#include "archive.h"
#include "deliver.h"
#include "out.h"
#include "pending.h"
#include "restore.h"
#include "store.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int write_out(const struct ctx *c, const char *text, size_t len)
{
	const char *to = c->val[OPT_OUTPUT];
	struct stat st;
	int code;

	if (to && strcmp(to, "-")) {
		code = deliver_check_file(c, to, true);
		return code ? code : deliver_write_file(c, to, text, len);
	}
	if (!to && isatty(STDOUT_FILENO))
		return cmd_fail(c, CMD_USAGE, "it holds private keys: not onto a terminal (use -o FILE)");
	if (!fstat(STDOUT_FILENO, &st) && S_ISREG(st.st_mode) && st.st_mode & S_IRWXO)
		cmd_note(c, "warning: standard output is a file that everybody can read (use umask 077, or -o FILE)");
	fwrite(text, 1, len, stdout);
	putchar('\n');
	return cmd_end(c, CMD_DONE);
}

int cmd_backup(struct ctx *c)
{
	struct archive a = { .count = 0 };
	struct iface f = { .lock = -1 };
	char *text = NULL;
	size_t len = 0;
	int code = iface_find(c, c->word[0], IFACE_CONFIGURED_FIRST, &f);

	/* Under the lock: no change of several files is seen half done. */
	if (!code && !(code = iface_lock(c, &f)))
		code = archive_collect(c, &f, &a);
	if (!code)
		code = archive_collect_key(c, &f, &a);
	if (!code && !(text = archive_text(&a, &len)))
		code = cmd_fail(c, CMD_FAILED, "%s", strerror(ENOMEM));
	if (!code)
		code = write_out(c, text, len);
	store_free(text, len);
	archive_free(&a);
	if (f.lock >= 0)
		close(f.lock);
	return code;
}

/* ---- Restore ----------------------------------------------------------------------------------------------------- */

static bool journal_path(const struct ctx *c, const struct iface *f, char ret[PATH_MAX])
{
	return snprintf(ret, PATH_MAX, "%s/tunneld/.%s.restore", iface_etc_dir(c), f->name) < PATH_MAX;
}

static int make_directories(const struct ctx *c)
{
	const char *const base[] = { iface_etc_dir(c), cmd_has(c, OPT_VAR) ? c->val[OPT_VAR] : "/var/lib" };
	char dir[PATH_MAX];

	for (size_t i = 0; i < 2; i++) {
		snprintf(dir, sizeof(dir), "%s/tunneld", base[i]);
		if ((mkdir(base[i], 0755) && errno != EEXIST) || (mkdir(dir, 0755) && errno != EEXIST))
			return -errno;
	}
	return 0;
}

static bool same_on_disk(const char *path, const struct archive_file *file)
{
	char *text;
	size_t len;
	bool same;

	if (store_read(path, &text, &len))
		return false;
	same = len == file->len && !memcmp(text, file->data, len);
	store_free(text, len);
	return same;
}

/* Takes away what is there and is not in the archive. */
static int remove_others(const struct ctx *c, const struct iface *f, const struct archive *now,
			 const struct archive *a)
{
	char path[PATH_MAX];
	int err = 0;

	for (size_t i = 0; i < now->count && !err; i++)
		if (!archive_find(a, now->file[i].name) && archive_path(c, f, now->file[i].name, path))
			err = store_remove(path);
	return err == -ENOENT ? 0 : err;
}

/* The key's file, as it is. */
enum key_state { KEY_THERE, KEY_MISSING, KEY_ANOTHER };

static enum key_state key_state(const struct ctx *c, const struct iface *f, const struct archive *a,
				char ret[PATH_MAX])
{
	struct keyfile k;

	if (!archive_find(a, "key"))
		return KEY_THERE;
	if (!archive_key_path(c, f, a, &k, ret))
		return KEY_MISSING;
	if (archive_key_is(a, ret))
		return KEY_THERE;
	return access(ret, F_OK) ? KEY_MISSING : KEY_ANOTHER;
}

static int write_key(const struct ctx *c, const struct iface *f, const struct archive *a,
		     const struct archive_file *key)
{
	char path[PATH_MAX] = "";
	bool there = key_state(c, f, a, path) == KEY_THERE;

	if (!*path)
		return -ENAMETOOLONG;
	return there ? 0 : store_write(path, key->data, key->len);
}

/* Where the daemon would look for the key is no place of ours: somebody has to do the rest. */
static void tell_key(const struct ctx *c, const struct iface *f, const struct archive *a)
{
	struct keyfile k;
	char path[PATH_MAX];

	if (archive_find(a, "key") && archive_key_path(c, f, a, &k, path) && strcmp(k.path, path))
		cmd_note(c, "PrivateKeyFile names no file in %s/tunneld: its key is in %s (put it where line %u says, "
			 "or write there: PrivateKeyFile = %s.key)", iface_etc_dir(c), path, k.line, f->name);
}

static int write_files(const struct ctx *c, const struct iface *f, const struct archive *a, bool conf)
{
	char path[PATH_MAX];
	int err = 0;

	for (size_t i = 0; i < a->count && !err; i++) {
		const struct archive_file *file = &a->file[i];

		if (!strcmp(file->name, "conf") != conf)
			continue;
		if (!strcmp(file->name, "key"))
			err = write_key(c, f, a, file);
		else if (!archive_path(c, f, file->name, path))
			err = -ENAMETOOLONG;
		else if (!same_on_disk(path, file))
			err = store_write(path, file->data, file->len);
	}
	return err;
}

/* All of it; said again after a kill it does the rest. */
static int put_back(const struct ctx *c, const struct iface *f, const struct archive *now, const struct archive *a)
{
	int err = write_files(c, f, a, false);

	if (!err)
		err = remove_others(c, f, now, a);
	return err ? err : write_files(c, f, a, true);
}

bool restore_is(const struct ctx *c, const struct iface *f)
{
	char path[PATH_MAX];

	return journal_path(c, f, path) && !access(path, F_OK);
}

int restore_finish(const struct ctx *c, struct iface *f)
{
	struct archive a = { .count = 0 }, now = { .count = 0 };
	char path[PATH_MAX], *text;
	const char *why;
	size_t len;
	int err = -ENAMETOOLONG, code = 0;

	if (!restore_is(c, f))
		return 0;
	if (!journal_path(c, f, path) || (err = store_read(path, &text, &len)))
		return cmd_fail(c, iface_code(err), "%s: cannot finish the restore: %s", path, strerror(-err));
	why = archive_parse(text, len, &a);
	store_free(text, len);
	if (why)
		code = cmd_fail(c, CMD_FAILED, "%s: %s (remove it, and restore again)", path, why);
	if (!code)
		code = archive_collect_rest(c, f, &now);
	err = code ? 0 : put_back(c, f, &now, &a);
	if (!err && !code)
		err = store_remove(path);
	if (err)
		code = cmd_fail(c, iface_code(err), "%s: cannot finish the restore: %s", path, strerror(-err));
	if (!code && archive_path(c, f, "conf", f->conf))
		f->foreign = false;
	if (!code)
		tell_key(c, f, &a);
	archive_free(&a);
	archive_free(&now);
	return code;
}

static bool same(const struct archive_file *x, const struct archive_file *y)
{
	return x && y && x->len == y->len && !memcmp(x->data, y->data, x->len);
}

/* How many files there are to write or to take away, but for the key's. *lost: what they are now is nowhere else. */
static size_t differences(const struct archive *now, const struct archive *a, bool *lost)
{
	size_t count = 0, replaced = 0;

	for (size_t i = 0; i < a->count; i++)
		count += strcmp(a->file[i].name, "key") && !same(&a->file[i], archive_find(now, a->file[i].name));
	for (size_t i = 0; i < now->count; i++) {
		const struct archive_file *then = archive_find(a, now->file[i].name);

		count += !then;
		replaced += !same(&now->file[i], then);
	}
	*lost = replaced != 0;
	return count;
}

static int report(const struct ctx *c, const struct iface *f, const struct archive *a, size_t changed)
{
	if (cmd_has(c, OPT_DRY_RUN))
		printf("would restore %s: %zu of %zu files differ\n", f->name, changed, a->count);
	else if (cmd_has(c, OPT_JSON))
		out_json(stdout, json_pack("{s:i, s:s, s:b, s:I, s:I}", "v", 1, "interface", f->name, "changed",
					   changed > 0, "files", (json_int_t)a->count, "written", (json_int_t)changed));
	else if (!cmd_has(c, OPT_QUIET))
		printf("%s: %s, %zu files%s\n", f->name, changed ? "restored" : "already so", a->count,
		       changed && f->running ? " (use: tunctl reload)" : "");
	return CMD_DONE;
}

static int restore(const struct ctx *c, struct iface *f, const struct archive *a, const char *text, size_t len)
{
	struct archive now = { .count = 0 };
	char path[PATH_MAX], key[PATH_MAX];
	bool there = false;
	enum key_state state = key_state(c, f, a, key);
	int code = archive_collect_rest(c, f, &now), err = 0;
	size_t changed = code ? 0 : differences(&now, a, &there) + (state != KEY_THERE);

	/* Without a configuration there is no interface; but peers of one that was would be let in with the others. */
	there |= archive_find(&now, "conf") != NULL;
	if (!code && changed && pending_is(f))
		code = cmd_fail(c, CMD_CONFLICT, "a configuration is on trial (use: tunctl confirm %s, or tunctl "
				"rollback %s)", f->name, f->name);
	if (!code && changed && there && !cmd_has(c, OPT_FORCE))
		code = cmd_fail(c, CMD_CONFLICT, "%s is there and differs in %zu of its files (use --force to "
				"replace it)", f->name, changed);
	/* It may be another interface's, and there is no second copy. */
	if (!code && state == KEY_ANOTHER && !cmd_has(c, OPT_FORCE))
		code = cmd_fail(c, CMD_CONFLICT, "%s holds another key (move it away, or use --force to replace it)",
				key);
	if (!code && changed && !cmd_has(c, OPT_DRY_RUN)) {
		err = journal_path(c, f, path) ? 0 : -ENAMETOOLONG;
		if (!err && there)
			err = store_write(path, text, len);
		if (!err)
			err = put_back(c, f, &now, a);
		if (!err && there)
			err = store_remove(path);
	}
	if (err)
		code = cmd_fail(c, iface_code(err), "%s: %s", f->name, strerror(-err));
	archive_free(&now);
	if (!code && !cmd_has(c, OPT_DRY_RUN))
		tell_key(c, f, a);
	return code ? code : report(c, f, a, changed);
}

int cmd_restore(struct ctx *c)
{
	struct archive a = { .count = 0 };
	struct iface f = { .lock = -1 };
	const char *name = c->val[OPT_INTERFACE], *why;
	char *text = NULL;
	size_t len = 0;
	int err = store_read_any(c->word[0], &text, &len), code = 0;

	if (err)
		code = cmd_fail(c, err == -EACCES ? CMD_PERM : CMD_USAGE, "%s: %s", c->word[0], strerror(-err));
	if (!code && (why = archive_parse(text, len, &a)))
		code = cmd_fail(c, CMD_USAGE, "%s: %s", c->word[0], why);
	if (!code)
		code = iface_find(c, name ? name : a.interface, IFACE_CONFIGURED_FIRST, &f);
	if (!code && !cmd_has(c, OPT_DRY_RUN)) {
		err = make_directories(c);
		code = err ? cmd_fail(c, iface_code(err), "%s", strerror(-err)) : iface_lock(c, &f);
	}
	if (!code)
		code = restore(c, &f, &a, text, len);
	store_free(text, len);
	archive_free(&a);
	if (f.lock >= 0)
		close(f.lock);
	return code;
}
