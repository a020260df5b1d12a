/* SPDX-License-Identifier: MIT */
/* Configuration: can it be read by us, by nobody else, and is it what runs? */
#include "doctor.h"

#include "view.h"

#include <dirent.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum doctor_result doctor_config(struct doctor *d)
{
	char first[DOCTOR_TEXT];

	if (!d->f.conf[0])
		return doctor_say(d, DOCTOR_SKIPPED, "there is no configuration file");
	if (!d->files.errors)
		return doctor_say(d, DOCTOR_GOOD, "the configuration has no error");
	snprintf(first, sizeof(first), "%s", d->files.first);
	return doctor_count_of(d, DOCTOR_PROBLEM, d->files.errors, first);
}

/* ---- Every file -------------------------------------------------------------------------------------------------- */

struct walk {
	bool (*bad)(const char *name, const struct stat *st);
	char first[DOCTOR_TEXT];
	size_t count;
};

static void look_at(struct walk *w, const char *path, const char *name)
{
	struct stat st;

	if (stat(path, &st) || !w->bad(name, &st))
		return;
	if (!w->count++)
		view_clean(path, w->first, sizeof(w->first));
}

/* The main file and that of its key, the directory of peers, and all that is in it. What is another program's is its
 * business. */
static void look_at_all(const struct doctor *d, struct walk *w)
{
	DIR *dir = opendir(d->f.dir);
	struct dirent *e;

	if (d->f.conf[0] && !d->f.foreign)
		look_at(w, d->f.conf, ".");
	if (d->saved.key_file.path[0] && !d->f.foreign)
		look_at(w, d->saved.key_file.path, ".");
	if (dir)
		look_at(w, d->f.dir, ".");
	while (dir && (e = readdir(dir))) {
		char path[PATH_MAX + NAME_MAX + 2];

		snprintf(path, sizeof(path), "%s/%s", d->f.dir, e->d_name);
		if (e->d_name[0] != '.')
			look_at(w, path, e->d_name);
	}
	if (dir)
		closedir(dir);
}

static bool open_to_others(const char *name, const struct stat *st)
{
	(void)name;
	/* A directory may be searched: its files are closed by themselves. */
	return st->st_mode & (S_ISDIR(st->st_mode) ? S_IWGRP | S_IWOTH : S_IRWXG | S_IRWXO);
}

/* Files of a peer, and what has no name there. */
static bool is_ours(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot && (!dot[1] || !strcmp(dot, ".peer") || !strcmp(dot, ".key"));
}

static bool ours_open_to_others(const char *name, const struct stat *st)
{
	return is_ours(name) && open_to_others(name, st);
}

/* What else lies in the directory may be a copy of a key, unless nobody gets there. */
enum doctor_result doctor_mode(struct doctor *d)
{
	struct stat dir;
	bool closed = !stat(d->f.dir, &dir) && !(dir.st_mode & (S_IRWXG | S_IRWXO));
	struct walk w = { .bad = closed ? ours_open_to_others : open_to_others };
	char first[DOCTOR_TEXT];

	look_at_all(d, &w);
	snprintf(first, sizeof(first), "%.200s is open to other users", w.first);
	return w.count ? doctor_count_of(d, DOCTOR_PROBLEM, w.count, first)
		       : doctor_say(d, DOCTOR_GOOD, "files with keys are closed to other users");
}

static bool not_ours(const char *name, const struct stat *st)
{
	(void)name;
	return st->st_uid != 0 && st->st_uid != geteuid();
}

enum doctor_result doctor_owner(struct doctor *d)
{
	struct walk w = { .bad = not_ours };
	char first[DOCTOR_TEXT];

	look_at_all(d, &w);
	snprintf(first, sizeof(first), "%.200s belongs to another user", w.first);
	return w.count ? doctor_count_of(d, DOCTOR_PROBLEM, w.count, first)
		       : doctor_say(d, DOCTOR_GOOD, "files belong to root");
}

static bool can_name(const char *name)
{
	char peer[IFACE_PEER_NAME_MAX + 2];

	snprintf(peer, sizeof(peer), "%.*s", (int)(strrchr(name, '.') - name), name);
	return iface_peer_name_ok(peer);
}

static bool is_peer(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot && !strcmp(dot, ".peer");
}

static bool ignored(const char *name, const struct stat *st)
{
	if (!S_ISREG(st->st_mode) || !strcmp(name, "."))
		return false;
	return !is_ours(name) || (!is_peer(name) && !can_name(name));
}

/* The daemon reads it, and so do we. */
static bool nameless(const char *name, const struct stat *st)
{
	return S_ISREG(st->st_mode) && is_peer(name) && !can_name(name);
}

enum doctor_result doctor_names(struct doctor *d)
{
	struct walk w = { .bad = ignored }, n = { .bad = nameless };
	char first[DOCTOR_TEXT];

	look_at_all(d, &w);
	look_at_all(d, &n);
	if (w.count)
		snprintf(first, sizeof(first), "%.200s is ignored: no name of a peer", w.first);
	else
		snprintf(first, sizeof(first), "%.180s counts, but gives its peer no name", n.first);
	return w.count + n.count ? doctor_count_of(d, DOCTOR_WARNING, w.count + n.count, first)
				 : doctor_say(d, DOCTOR_GOOD, "every file of a peer is read");
}

enum doctor_result doctor_twofold(struct doctor *d)
{
	const char *etc = cmd_has(d->c, OPT_ETC) ? d->c->val[OPT_ETC] : "/etc";
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/wireguard/%s.conf", etc, d->f.name);
	if (d->f.conf[0] && !d->f.foreign && !access(path, F_OK))
		return doctor_say(d, DOCTOR_WARNING, "%.180s exists too, and is not what we read", path);
	return doctor_say(d, DOCTOR_GOOD, "there is one configuration");
}

/* ---- File and truth ---------------------------------------------------------------------------------------------- */

static bool stands_twice(const struct roster *r, size_t i)
{
	const uint8_t *key = r->peer[i].key;

	return (i && !memcmp(key, r->peer[i - 1].key, TNL_KEY_LEN)) ||
	       (i + 1 < r->count && !memcmp(key, r->peer[i + 1].key, TNL_KEY_LEN));
}

enum doctor_result doctor_differs(struct doctor *d)
{
	char name[IFACE_PEER_NAME_MAX + 1], first[DOCTOR_TEXT] = "";
	size_t count = 0;

	if (!d->answers || !d->f.conf[0])
		return doctor_say(d, DOCTOR_SKIPPED, "no file, or nothing that runs, to compare");
	if (d->saved.has_key && (!d->r.has_key || memcmp(d->saved.public, d->r.public, TNL_KEY_LEN)) && !count++)
		snprintf(first, sizeof(first), "the interface runs with another private key than the file's");
	if (d->saved.port && d->saved.port != d->r.port && !count++)
		snprintf(first, sizeof(first), "the file says port %u, live is %u", d->saved.port, d->r.port);
	for (size_t i = 0; i < d->r.count; i++) {
		const struct peer *p = &d->r.peer[i];

		if (stands_twice(&d->r, i))	/* and is live once */
			continue;
		if ((p->saved && !p->disabled) != p->live && !count++)
			snprintf(first, sizeof(first), "peer \"%s\" is %s", peer_label(p, name),
				 !p->live ? "in a file, but not live" :
				 p->saved ? "disabled, but live" : "live, but in no file");
	}
	return count ? doctor_count_of(d, DOCTOR_WARNING, count, first)
		     : doctor_say(d, DOCTOR_GOOD, "what runs is what the files say");
}

enum doctor_result doctor_any_port(struct doctor *d)
{
	bool waits = false;

	for (size_t i = 0; i < d->saved.count; i++)
		waits = waits || !d->saved.peer[i].host;
	if (!d->f.conf[0] || !waits)
		return doctor_say(d, DOCTOR_SKIPPED, "no peer has to find us");
	if (!d->files.port)
		return doctor_say(d, DOCTOR_PROBLEM, "peers have to find us, but each start takes another port");
	return doctor_say(d, DOCTOR_GOOD, "the port stays the same");
}
