/* SPDX-License-Identifier: MIT */
#include "edit.h"

#include "client.h"
#include "store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int edit_begin(const struct ctx *c, const struct change *ch, const struct peer *p, struct edit *ret)
{
	char name[IFACE_PEER_NAME_MAX + 1];
	int err;

	*ret = (struct edit){ .path = "" };
	memcpy(ret->key, p->key, sizeof(ret->key));
	if (!p->saved)
		return cmd_fail(c, CMD_NOENT, "\"%s\" is in no file, it is only live (use --runtime)",
				peer_label(p, name));
	if (!p->own_file && ch->iface.foreign)
		return cmd_fail(c, CMD_PERM, "\"%s\" is in %s, which is not ours to write (use --runtime)",
				peer_label(p, name), ch->iface.conf);
	if (!change_saved_path(ch, p, ret->path))
		return cmd_fail(c, CMD_FAILED, "the path of the file is too long");
	err = store_read(ret->path, &ret->old, &ret->old_len);
	if (err)
		return cmd_fail(c, iface_code(err), "%s: %s", ret->path, strerror(-err));
	ret->text = malloc(ret->old_len + 1);
	if (!ret->text)
		return cmd_fail(c, CMD_FAILED, "%s", strerror(ENOMEM));
	memcpy(ret->text, ret->old, ret->old_len + 1);
	ret->len = ret->old_len;
	return 0;
}

static bool is_extension(enum conf_key key)
{
	return key >= CONF_NAME;
}

static int why_not(const struct ctx *c, const struct edit *e, enum conf_key key, int err)
{
	switch (err) {
	case -ENOTUNIQ:
		return cmd_fail(c, CMD_FAILED, "%s: %s stands on several lines of the peer (make them one first)",
				e->path, conf_key_name(key));
	case -ENOENT:
		return cmd_fail(c, CMD_FAILED, "%s: the peer is not there any more", e->path);
	default:
		return cmd_fail(c, CMD_FAILED, "%s: cannot write %s: %s", e->path, conf_key_name(key), strerror(-err));
	}
}

int edit_set(const struct ctx *c, struct edit *e, enum conf_key key, const char *value)
{
	const struct conf_pair pair = { .key = key, .value = value, .extension = is_extension(key) };
	struct conf_edit edit = { .max = (value ? strlen(value) : 0) + 64 };	/* the key's name and line ends */
	char *text = NULL;
	size_t len = 0;
	int err;

	edit.dst = malloc(edit.max);
	err = edit.dst ? conf_edit_set(e->text, e->len, e->key, &pair, &edit) : -ENOMEM;
	if (!err) {
		len = conf_edit_apply(e->text, e->len, &edit, NULL, 0);
		text = malloc(len + 1);
		err = text ? 0 : -ENOMEM;
	}
	if (!err) {
		conf_edit_apply(e->text, e->len, &edit, text, len);
		text[len] = 0;
		store_free(e->text, e->len);
		e->text = text;
		e->len = len;
	}
	store_free(edit.dst, edit.dst ? edit.max : 0);
	return err ? why_not(c, e, key, err) : 0;
}

bool edit_changed(const struct edit *e)
{
	return e->len != e->old_len || memcmp(e->text, e->old, e->len);
}

int edit_save(const struct ctx *c, const struct edit *e)
{
	int err = store_write(e->path, e->text, e->len);

	return err ? cmd_fail(c, iface_code(err), "%s: %s", e->path, strerror(-err)) : 0;
}

int edit_not_live(const struct ctx *c, const struct edit *e, const char *name, int err)
{
	if (client_refused(err) && edit_changed(e) && !store_write(e->path, e->old, e->old_len))
		return cmd_fail(c, CMD_FAILED, "the daemon refuses: %s; nothing is changed", strerror(-err));
	return cmd_fail(c, CMD_NOTLIVE, "\"%s\" is saved but not live: %s (say the same again when the daemon is well)",
			name, strerror(-err));
}

int edit_not_routed(const struct ctx *c, const struct edit *e, const char *name, const char *why)
{
	if (!edit_changed(e) || !store_write(e->path, e->old, e->old_len))
		return cmd_fail(c, CMD_FAILED, "%s; nothing is changed", why);
	return cmd_fail(c, CMD_NOTLIVE, "\"%s\" is saved but not live: %s", name, why);
}

void edit_end(struct edit *e)
{
	store_free(e->old, e->old_len);
	store_free(e->text, e->text ? e->len : 0);
	e->old = e->text = NULL;
}
