/* SPDX-License-Identifier: MIT */
/*
 * peer remove: a peer with a file of its own loses that file, one in the main file is cut out of it, every byte
 * around it untouched. The interface forgets it first: were the file gone first and the rest cut short, its name would
 * be gone, too, and the same said again would find nobody.
 *
 * Where the same key stands in another file, too, the interface has one peer for both. It is then what the other file
 * says, as it would be after a reload, and its sessions go on.
 */
#include "change.h"
#include "client.h"
#include "conf.h"
#include "follow.h"
#include "keep.h"
#include "out.h"
#include "store.h"
#include "view.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int cut_out(const struct iface *f, const uint8_t key[TNL_KEY_LEN])
{
	struct conf_edit edit = { .dst = NULL, .max = 0 };
	size_t len, edited_len;
	char *text, *edited;
	int err = store_read(f->conf, &text, &len);

	if (err)
		return err;
	edited = malloc(len + 1);
	err = edited ? conf_edit_remove_peer(text, len, key, &edit) : -ENOMEM;
	if (!err) {
		edited_len = conf_edit_apply(text, len, &edit, edited, len);
		err = edited_len > len ? -ENOSPC : store_write(f->conf, edited, edited_len);
	}
	store_free(text, len);
	store_free(edited, edited ? len : 0);
	return err;
}

static int unsave(const struct ctx *c, const struct change *ch, const struct peer *p)
{
	char path[PATH_MAX], clean[PATH_MAX];
	int err;

	if (!change_saved_path(ch, p, path))
		return cmd_fail(c, CMD_FAILED, "the path of the file is too long");
	err = p->own_file ? store_remove(path) : cut_out(&ch->iface, p->key);
	if (!err && p->own_file && !p->file)
		err = keep_remove(&ch->iface, p->name);
	return err ? cmd_fail(c, iface_code(err), "%s: %s", view_clean(path, clean, sizeof(clean)), strerror(-err)) : 0;
}

/* Said before the interface forgets the peer, whose sessions nobody could bring back. */
static int can_unsave(const struct ctx *c, const struct change *ch, const struct peer *p)
{
	char dir[PATH_MAX];

	strcpy(dir, p->own_file ? ch->iface.dir : ch->iface.conf);
	if (!p->own_file)
		*strrchr(dir, '/') = 0;
	return access(dir, W_OK) ? cmd_fail(c, iface_code(-errno), "%s: %s", dir, strerror(errno)) : 0;
}

static int report(const struct ctx *c, const struct change *ch, const char *name, bool changed)
{
	if (cmd_has(c, OPT_JSON))
		out_json(stdout, json_pack("{s:i, s:s, s:b, s:s}", "v", 1, "interface", ch->iface.name, "changed",
					   changed, "name", name));
	else if (changed && !cmd_has(c, OPT_QUIET))
		printf("%s: removed\n", name);
	else if (!changed)
		cmd_note(c, "%s has no peer \"%s\", nothing to remove", ch->iface.name, name);
	return CMD_DONE;
}

static int unroute(const struct ctx *c, const struct change *ch, enum follow routes, const char *name)
{
	char why[FOLLOW_WHY];

	if (!follow(c, ch, routes, why))
		return cmd_fail(c, CMD_NOTLIVE, "\"%s\" is removed, but its routes are still there: %s", name, why);
	return report(c, ch, name, true);
}

static void print_plan(const struct change *ch, const struct peer *p, const char *name)
{
	char path[PATH_MAX], clean[PATH_MAX];

	if (ch->save && p->saved && p->own_file && change_saved_path(ch, p, path))
		printf("would remove: %s\n", view_clean(path, clean, sizeof(clean)));
	else if (ch->save && p->saved)
		printf("would cut out of %s: %s\n", ch->iface.conf, name);
	if (ch->live && p->live)
		printf("would remove from %s: %s\n", ch->iface.name, name);
}

static const struct peer *find_twin(const struct change *ch, const struct peer *p)
{
	for (size_t i = 0; i < ch->roster.count; i++) {
		const struct peer *t = &ch->roster.peer[i];

		if (t != p && t->saved && !t->disabled && !memcmp(t->key, p->key, sizeof(t->key)))
			return t;
	}
	return NULL;
}

/* What is live may be what p's file says: the other one is read once more, by itself. */
static int twin_live(const struct ctx *c, struct change *ch, const struct peer *p, enum follow *routes)
{
	struct roster files = { 0 };
	int code = roster_load_files(c, &ch->iface, false, &files), err = code ? -EIO : 0;
	struct peer *twin = code ? NULL : roster_by_key(&files, p->key);
	enum follow more = twin ? follow_look(ch, twin) : FOLLOW_NOTHING;

	if (twin)
		err = change_go_live(c, ch, twin);
	*routes = more > *routes ? more : *routes;
	roster_free(&files);
	return err;
}

static int leave_twin(const struct ctx *c, struct change *ch, const struct peer *p, const struct peer *twin,
		      const char *name)
{
	char left[IFACE_PEER_NAME_MAX + 1];
	enum follow routes = follow_look(ch, p);
	int code = unsave(c, ch, p), err;

	if (code)
		return code;
	peer_label(twin, left);
	err = ch->live ? twin_live(c, ch, p, &routes) : 0;
	if (err)
		return cmd_fail(c, CMD_NOTLIVE, "\"%s\" is removed, but \"%s\" of the same key is not live: %s", name,
				left, strerror(-err));
	cmd_note(c, "\"%s\" has the same key and is still there", left);
	return unroute(c, ch, routes, name);
}

static int take_away(const struct ctx *c, struct change *ch, struct peer *p, const char *name, bool save, bool live)
{
	int code, err = live ? client_peer_remove(ch->iface.sock, p->key) : 0;

	if (err)
		return cmd_fail(c, iface_code(err), "\"%s\" is still there: %s", name, strerror(-err));
	if (!save || !(code = unsave(c, ch, p)))
		return unroute(c, ch, follow_look(ch, p), name);
	if (live)
		change_go_live(c, ch, p);
	return code;
}

static int remove_peer(const struct ctx *c, struct change *ch)
{
	char name[IFACE_PEER_NAME_MAX + 1];
	const struct peer *twin;
	struct peer *p;
	int code, err = roster_find(&ch->roster, c->word[0], &p);
	bool save, live;

	if (err == -ENOTUNIQ)
		return cmd_fail(c, CMD_NOENT, "\"%s\" begins several keys of %s (give more of it)", c->word[0],
				ch->iface.name);
	save = !err && ch->save && p->saved;
	live = !err && ch->live && p->live;
	if (!save && !live)
		return report(c, ch, c->word[0], false);
	peer_label(p, name);
	if (save && !p->own_file && ch->iface.foreign)
		return cmd_fail(c, CMD_PERM, "\"%s\" is in %s, which is not ours to write (use --runtime)", name,
				ch->iface.conf);
	if (cmd_has(c, OPT_DRY_RUN)) {
		print_plan(ch, p, name);
		return CMD_DONE;
	}
	if (save && (code = can_unsave(c, ch, p)))
		return code;
	twin = save ? find_twin(ch, p) : NULL;
	return twin ? leave_twin(c, ch, p, twin, name) : take_away(c, ch, p, name, save, live);
}

int cmd_peer_remove(struct ctx *c)
{
	struct change ch;
	int code = change_begin(c, &ch);

	if (!code)
		code = remove_peer(c, &ch);
	change_end(&ch);
	return code;
}
