/* SPDX-License-Identifier: MIT */
/*
 * import: configurations of wg-quick, PiVPN and wg-easy into ETC/tunneld. All of them are read, converted and judged
 * before the first is written, and nothing is written if one of them is bad or would replace what is there. What it
 * reads it leaves as it is.
 */
#include "convert.h"
#include "iface.h"
#include "lint.h"
#include "out.h"
#include "store.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SOURCES_MAX = 256 };

struct source {
	char path[PATH_MAX];
	struct iface iface;	/* where it goes */
	struct convert text;
	bool write;		/* else it is there already */
};

struct import {
	const struct ctx *c;
	struct source *list;
	size_t count;
};

static bool ends_in(const char *text, const char *suffix)
{
	size_t len = strlen(text), cut = strlen(suffix);

	return len > cut && !strcmp(text + len - cut, suffix);
}

/* ---- Reading ----------------------------------------------------------------------------------------------------- */

/* wg-easy's other file, beside the configuration or the only one. */
static int read_easy(struct import *m, struct source *s, const char *path)
{
	json_error_t error;
	const char *why;
	json_t *o;
	char *text;
	size_t len;
	int err = store_read(path, &text, &len);

	if (err == -ENOENT && s->text.len)
		return 0;
	if (err)
		return cmd_fail(m->c, err == -EACCES ? CMD_PERM : CMD_USAGE, "%s: %s", path, strerror(-err));
	o = json_loadb(text, len, 0, &error);
	store_free(text, len);
	if (!o)
		return cmd_fail(m->c, CMD_USAGE, "%s:%d:%d: no JSON", path, error.line, error.column);
	why = convert_easy(&s->text, o);
	json_decref(o);
	return why ? cmd_fail(m->c, CMD_USAGE, "%s: %s", path, why) : 0;
}

static int read_source(struct import *m, struct source *s)
{
	char easy[PATH_MAX + 8], *text;
	size_t len;
	int err;

	if (ends_in(s->path, ".json"))
		return read_easy(m, s, s->path);
	err = store_read(s->path, &text, &len);
	if (err)
		return cmd_fail(m->c, err == -EACCES ? CMD_PERM : CMD_USAGE, "%s: %s", s->path, strerror(-err));
	convert_text(&s->text, text, len);
	store_free(text, len);
	snprintf(easy, sizeof(easy), "%.*s.json", (int)(strlen(s->path) - strlen(".conf")), s->path);
	return ends_in(s->path, ".conf") ? read_easy(m, s, easy) : 0;
}

static int judge(struct import *m, struct source *s)
{
	struct lint l;
	char *text;
	size_t len;
	int code = 0, err;

	lint_text(s->path, s->text.text ? s->text.text : "", s->text.len, s->iface.conf, "", &l);
	if (l.errors || !l.has_interface) {
		lint_print(&l, stderr);
		code = cmd_fail(m->c, CMD_USAGE, "%s has errors, nothing is imported", s->path);
	}
	lint_free(&l);
	if (code)
		return code;
	err = store_read(s->iface.conf, &text, &len);
	s->write = err == -ENOENT;
	if (err && err != -ENOENT)
		return cmd_fail(m->c, iface_code(err), "%s: %s", s->iface.conf, strerror(-err));
	if (!err && (len != s->text.len || memcmp(text, s->text.text, len)))
		code = cmd_fail(m->c, CMD_CONFLICT, "%s exists and says something else, nothing is imported",
				s->iface.conf);
	if (!err)
		store_free(text, len);
	return code;
}

static int add_source(struct import *m, const char *path)
{
	const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
	char name[NAME_MAX + 1];
	struct source *s = &m->list[m->count];
	int code;

	if (m->count == SOURCES_MAX)
		return cmd_fail(m->c, CMD_USAGE, "more than %d configurations", SOURCES_MAX);
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(base, "."), base);
	snprintf(s->path, sizeof(s->path), "%s", path);
	m->count++;
	code = iface_paths(m->c, cmd_has(m->c, OPT_INTERFACE) ? m->c->val[OPT_INTERFACE] : name, &s->iface);
	if (code)
		return code;
	snprintf(s->iface.conf, sizeof(s->iface.conf), "%s/tunneld/%s.conf", iface_etc_dir(m->c), s->iface.name);
	code = read_source(m, s);
	return code ? code : judge(m, s);
}

static int is_conf(const struct dirent *e)
{
	return e->d_name[0] != '.' && ends_in(e->d_name, ".conf");
}

static int add_directory(struct import *m, const char *dir)
{
	struct dirent **list;
	int count = scandir(dir, &list, is_conf, alphasort), code = 0;

	if (count < 0)
		return cmd_fail(m->c, errno == EACCES ? CMD_PERM : CMD_USAGE, "%s: %s", dir, strerror(errno));
	if (!count)
		code = cmd_fail(m->c, CMD_NOENT, "%s holds no *.conf", dir);
	for (int i = 0; i < count; i++) {
		char path[PATH_MAX + NAME_MAX];

		snprintf(path, sizeof(path), "%s/%s", dir, list[i]->d_name);
		free(list[i]);
		code = code ? code : strlen(path) < PATH_MAX ? add_source(m, path)
							      : cmd_fail(m->c, CMD_USAGE, "%s: too long", dir);
	}
	free(list);
	return code;
}

/* ---- Writing ----------------------------------------------------------------------------------------------------- */

static int write_source(struct import *m, struct source *s)
{
	char dir[PATH_MAX];
	int code, err;

	if (!s->write)
		return 0;
	snprintf(dir, sizeof(dir), "%s/tunneld", iface_etc_dir(m->c));
	if (mkdir(dir, 0755) && errno != EEXIST)
		return cmd_fail(m->c, iface_code(-errno), "%s: %s", dir, strerror(errno));
	if ((code = iface_lock(m->c, &s->iface)))
		return code;
	/* Somebody may have been faster. */
	err = access(s->iface.conf, F_OK) ? store_write(s->iface.conf, s->text.text, s->text.len) : -EEXIST;
	close(s->iface.lock);
	return err ? cmd_fail(m->c, err == -EEXIST ? CMD_CONFLICT : iface_code(err), "%s: %s", s->iface.conf,
			      strerror(-err)) : 0;
}

static void report(const struct import *m)
{
	bool dry = cmd_has(m->c, OPT_DRY_RUN), json = cmd_has(m->c, OPT_JSON) && !dry;
	json_t *list = json_array();

	for (size_t i = 0; i < m->count; i++) {
		const struct source *s = &m->list[i];
		const char *what = !s->write ? "already there" : dry ? "would be imported" : "imported";

		json_array_append_new(list, json_pack("{s:s, s:s, s:b, s:I, s:I, s:I}", "interface", s->iface.name,
						      "from", s->path, "changed", s->write, "peers",
						      (json_int_t)s->text.peers, "named", (json_int_t)s->text.named,
						      "disabled", (json_int_t)s->text.disabled));
		if (!json && (dry || !cmd_has(m->c, OPT_QUIET)))
			printf("%s: %s from %s: %zu peers, %zu of them named, %zu disabled\n", s->iface.name, what,
			       s->path, s->text.peers, s->text.named, s->text.disabled);
	}
	if (json)
		out_json(stdout, json_pack("{s:i, s:O}", "v", 1, "interfaces", list));
	json_decref(list);
}

int cmd_import(struct ctx *c)
{
	struct import m = { .c = c, .list = calloc(SOURCES_MAX, sizeof(*m.list)) };
	const char *path = c->word[0];
	struct stat st;
	int code = m.list ? 0 : cmd_fail(c, CMD_FAILED, "%s", strerror(ENOMEM));

	if (!code && stat(path, &st))
		code = cmd_fail(c, errno == EACCES ? CMD_PERM : CMD_USAGE, "%s: %s", path, strerror(errno));
	if (!code && S_ISDIR(st.st_mode) && cmd_has(c, OPT_INTERFACE))
		code = cmd_fail(c, CMD_USAGE, "-i goes with a file, not with a directory");
	if (!code)
		code = S_ISDIR(st.st_mode) ? add_directory(&m, path) : add_source(&m, path);
	for (size_t i = 0; i < m.count && !code && !cmd_has(c, OPT_DRY_RUN); i++)
		code = write_source(&m, &m.list[i]);
	if (!code)
		report(&m);
	for (size_t i = 0; i < m.count; i++)
		convert_free(&m.list[i].text);
	free(m.list);
	return code;
}
