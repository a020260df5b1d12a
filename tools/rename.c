/* SPDX-License-Identifier: MIT */
/*
 * peer rename. A name lives in a file alone: a peer's own file is renamed, one in the main file gets another Name line.
 * The running interface knows no names.
 */
#include "edit.h"
#include "keep.h"
#include "out.h"
#include "store.h"
#include "view.h"

#include <errno.h>
#include <string.h>

static int report(const struct ctx *c, const struct change *ch, const char *was, bool changed)
{
	const char *name = c->word[1];

	if (cmd_has(c, OPT_JSON))
		out_json(stdout, json_pack("{s:i, s:s, s:b, s:s, s:s}", "v", 1, "interface", ch->iface.name, "changed",
					   changed, "was", was, "name", name));
	else if (!cmd_has(c, OPT_QUIET))
		printf("%s: %s\n", name, changed ? "renamed" : "already has this name");
	return CMD_DONE;
}

/* A file whose name cannot be a peer's has no kept key beside it. */
static int rename_both(const struct change *ch, const struct peer *p, const char *name, const char *from,
		       const char *to)
{
	int err = p->file ? -ENOENT : keep_rename(&ch->iface, p->name, name);
	bool kept = !err;

	/* The kept key goes first: cut short between the two, the same said again goes on from there. */
	if (!err || err == -ENOENT)
		err = store_rename(from, to);
	if (err && kept)
		keep_rename(&ch->iface, name, p->name);
	return err;
}

static int rename_file(const struct ctx *c, const struct change *ch, const struct peer *p)
{
	char from[PATH_MAX], to[PATH_MAX], clean[PATH_MAX], was[IFACE_PEER_NAME_MAX + 1];
	int err;

	if (!change_saved_path(ch, p, from) || !change_peer_path(ch, c->word[1], to))
		return cmd_fail(c, CMD_FAILED, "the path of the file is too long");
	if (cmd_has(c, OPT_DRY_RUN)) {
		printf("would rename: %s to %s\n", view_clean(from, clean, sizeof(clean)), to);
		return CMD_DONE;
	}
	err = rename_both(ch, p, c->word[1], from, to);
	if (err == -EEXIST)
		return cmd_fail(c, CMD_CONFLICT, "%s exists (choose another name)", to);
	if (err)
		return cmd_fail(c, iface_code(err), "%s: %s", to, strerror(-err));
	return report(c, ch, peer_label(p, was), true);
}

static int rename_in_main_file(const struct ctx *c, const struct change *ch, struct edit *e, const struct peer *p)
{
	char was[IFACE_PEER_NAME_MAX + 1];
	int code = edit_begin(c, ch, p, e);

	if (!code)
		code = edit_set(c, e, CONF_NAME, c->word[1]);
	if (code)
		return code;
	if (cmd_has(c, OPT_DRY_RUN)) {
		printf("would write: %s\n", e->path);
		return CMD_DONE;
	}
	code = edit_save(c, e);
	return code ? code : report(c, ch, peer_label(p, was), true);
}

static int rename_peer(const struct ctx *c, const struct change *ch, struct edit *e)
{
	const char *to = c->word[1];
	struct peer *p, *other = roster_by_name(&ch->roster, to);
	int code;

	/* Said again, it is done. */
	if (other && roster_find(&ch->roster, c->word[0], &p) == -ENOENT)
		return report(c, ch, c->word[0], false);
	code = change_find(c, ch, c->word[0], &p);
	if (code)
		return code;
	if (other == p)
		return report(c, ch, to, false);
	if (other)
		return cmd_fail(c, CMD_CONFLICT, "there is a peer \"%s\" (choose another name)", to);
	if (!p->saved)
		return cmd_fail(c, CMD_NOENT, "\"%s\" is in no file, and only files hold names (use: tunctl peer add)",
				c->word[0]);
	return p->own_file ? rename_file(c, ch, p) : rename_in_main_file(c, ch, e, p);
}

int cmd_peer_rename(struct ctx *c)
{
	struct edit e = { .path = "" };
	struct change ch = { .iface.lock = -1 };
	int code = iface_new_peer_name(c, c->word[1]);

	c->val[OPT_OFFLINE] = "";	/* the daemon need not run */
	if (!code && !(code = change_begin(c, &ch)))
		code = rename_peer(c, &ch, &e);
	edit_end(&e);
	change_end(&ch);
	return code;
}
