/* SPDX-License-Identifier: MIT */
/*
 * peer enable, peer disable, peer kick. A disabled peer keeps its place in the file, with a line "Enabled = false", and
 * its addresses stay its own; it is not live. Enabling takes the line away, so that the file is as it was before. Kick
 * touches only what is live: the sessions end, the peer stays and may come back at once.
 */
#include "client.h"
#include "edit.h"
#include "follow.h"
#include "out.h"

#include <string.h>

static int report(const struct ctx *c, const struct change *ch, const char *name, bool changed, const char *what)
{
	json_t *o;

	if (cmd_has(c, OPT_JSON)) {
		o = json_pack("{s:i, s:s, s:b, s:s}", "v", 1, "interface", ch->iface.name, "changed", changed, "name",
			      name);
		if (c->cmd->run != cmd_peer_kick)
			json_object_set_new(o, "enabled", json_boolean(c->cmd->run == cmd_peer_enable));
		out_json(stdout, o);
	} else if (!cmd_has(c, OPT_QUIET)) {
		printf("%s: %s%s\n", name, changed ? "" : "already ", what);
	}
	return CMD_DONE;
}

static void print_plan(const struct change *ch, const char *file, bool live, const char *what, const char *name)
{
	if (file)
		printf("would write: %s\n", file);
	if (live)
		printf("would %s %s: %s\n", what, ch->iface.name, name);
	if (!file && !live)
		printf("nothing to do: %s is so\n", name);
}

static int settle_live(const struct ctx *c, const struct change *ch, const struct edit *e, const struct peer *p,
		       bool saved, int err)
{
	char name[IFACE_PEER_NAME_MAX + 1], why[FOLLOW_WHY];

	peer_label(p, name);
	if (!err && follow(c, ch, follow_look(ch, p), why))
		return 0;
	if (!err && c->cmd->run == cmd_peer_disable)
		return cmd_fail(c, CMD_NOTLIVE, "\"%s\" is disabled, but its routes are still there: %s", name, why);
	if (!err) {
		client_peer_remove(ch->iface.sock, p->key);
		return edit_not_routed(c, e, name, why);
	}
	if (saved)
		return edit_not_live(c, e, name, err);
	return cmd_fail(c, iface_code(err), "the daemon refuses: %s", strerror(-err));
}

/* on: the peer is to be enabled. */
static int turn(const struct ctx *c, struct change *ch, struct edit *e, bool on)
{
	char name[IFACE_PEER_NAME_MAX + 1];
	struct peer *p;
	int code = change_find(c, ch, c->word[0], &p), err = 0;
	bool save, live;

	if (code)
		return code;
	peer_label(p, name);
	save = ch->save && p->disabled == on;
	live = ch->live && p->live != on;
	if (save && (code = edit_begin(c, ch, p, e)))
		return code;
	if (save && (code = edit_set(c, e, CONF_ENABLED, on ? NULL : "false")))
		return code;
	if (cmd_has(c, OPT_DRY_RUN)) {
		print_plan(ch, save ? e->path : NULL, live, on ? "add to" : "remove from", name);
		return CMD_DONE;
	}
	if (save && (code = edit_save(c, e)))
		return code;
	if (live)
		err = on ? change_go_live(c, ch, p) : client_peer_remove(ch->iface.sock, p->key);
	code = save || live ? settle_live(c, ch, e, p, save, err) : 0;
	return code ? code : report(c, ch, name, save || live, on ? "enabled" : "disabled");
}

static int turn_peer(struct ctx *c, bool on)
{
	struct edit e = { .path = "" };
	struct change ch;
	int code = change_begin(c, &ch);

	if (!code)
		code = turn(c, &ch, &e, on);
	edit_end(&e);
	change_end(&ch);
	return code;
}

int cmd_peer_enable(struct ctx *c)
{
	return turn_peer(c, true);
}

int cmd_peer_disable(struct ctx *c)
{
	return turn_peer(c, false);
}

static int kick(const struct ctx *c, const struct change *ch)
{
	char name[IFACE_PEER_NAME_MAX + 1];
	struct peer *p;
	int code = change_find(c, ch, c->word[0], &p), err;

	if (code)
		return code;
	peer_label(p, name);
	if (cmd_has(c, OPT_DRY_RUN)) {
		print_plan(ch, NULL, p->live, "end the sessions in", name);
		return CMD_DONE;
	}
	err = p->live ? client_peer_kick(ch->iface.sock, p) : 0;
	if (err)
		return cmd_fail(c, iface_code(err), "the daemon refuses: %s", strerror(-err));
	return report(c, ch, name, p->live, p->live ? "sessions ended" : "not live");
}

int cmd_peer_kick(struct ctx *c)
{
	struct change ch;
	int code = change_begin(c, &ch);

	if (!code)
		code = kick(c, &ch);
	change_end(&ch);
	return code;
}
