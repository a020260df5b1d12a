/* SPDX-License-Identifier: MIT */
/*
 * peer add: what is asked for is compared with what is, and only the rest is done: first the file, so that what is live
 * is always saved, then the interface. A key that is made here is made before anything is written and printed after all
 * of it. When the daemon refuses, the file is taken away again; when it does not answer, the file stands and the
 * configuration is printed all the same. A file to print it to is written first of all, and what cannot be printed is
 * taken back: a key that was made must not be lost.
 */
#include "change.h"
#include "client.h"
#include "deliver.h"
#include "follow.h"
#include "keep.h"
#include "request.h"
#include "store.h"
#include "view.h"

#include <errno.h>
#include <signal.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct addition {
	struct change ch;
	struct request q;
	struct peer want;
	struct net *taken;		/* no address is picked from these */
	size_t taken_count, taken_room;
	const struct peer *old;		/* NULL: it is new */
	bool made_key;
	uint8_t private[TNL_KEY_LEN];	/* when made_key */
	bool save, live;		/* what is left to do */
	bool secret;			/* and there will be a configuration to give away */
	struct delivery out;
};

/* ---- What it is to be -------------------------------------------------------------------------------------------- */

static int find_old(const struct ctx *c, struct addition *a)
{
	const struct request *q = &a->q;
	const char *different;

	a->old = roster_by_name(&a->ch.roster, q->name);
	if (!a->old && q->has_key)
		a->old = roster_by_key(&a->ch.roster, q->key);
	if (!a->old)
		return 0;
	if (a->old->name[0] && strcmp(a->old->name, q->name))
		return cmd_fail(c, CMD_CONFLICT, "the key already belongs to \"%s\" (use: tunctl peer show %s)",
				a->old->name, a->old->name);
	different = request_differs(q, a->old);
	if (different)
		return cmd_fail(c, CMD_CONFLICT, "\"%s\" exists and has another %s (remove it first)", q->name,
				different);
	return 0;
}

static bool take_net(struct addition *a, const struct net *n)
{
	if (a->taken_count == a->taken_room) {
		size_t room = a->taken_room ? 2 * a->taken_room : 64;
		struct net *list = reallocarray(a->taken, room, sizeof(*list));

		if (!list)
			return false;
		a->taken = list;
		a->taken_room = room;
	}
	a->taken[a->taken_count++] = *n;
	return true;
}

static int take_nets(const struct ctx *c, struct addition *a, bool live_only)
{
	const struct roster *r = &a->ch.roster;
	bool ok = true;

	for (size_t i = 0; i < r->count; i++)
		for (size_t k = 0; ok && (r->peer[i].live || !live_only) && k < r->peer[i].net_count; k++)
			ok = take_net(a, &r->peer[i].net[k]);
	return ok ? 0 : cmd_fail(c, CMD_FAILED, "%s", strerror(ENOMEM));
}

/* Of all that runs only what is asked for need be known: the peer itself, and who has its networks. Beforehand what
 * files say is taken down, for a peer that runs with other networks keeps those of its file, too. */
static int look_at_live(const struct ctx *c, struct addition *a)
{
	const struct request *q = &a->q;
	struct roster *r = &a->ch.roster;
	const struct peer *old = roster_by_name(r, q->name);
	uint8_t key[TNL_KEY_LEN];
	bool has_key = q->has_key || old;
	int code;

	if (!old && q->has_key)
		old = roster_by_key(r, q->key);
	if ((code = change_check_nets(c, &a->ch, q->net, q->net_count, old, "use --ip auto")))
		return code;
	if (q->auto_net && !old && (code = take_nets(c, a, false)))
		return code;
	if (has_key)
		memcpy(key, q->has_key ? q->key : old->key, sizeof(key));
	return roster_join(c, &a->ch.iface, has_key ? key : NULL, q->net, q->net_count, r);
}

/* One address of each network that the interface has, free as far as we know. */
static int pick_nets(const struct ctx *c, struct addition *a)
{
	const struct roster *r = &a->ch.roster;
	struct net got;
	size_t given = a->want.net_count, picked = 0;
	char text[TEXT_ADDR];
	int err = take_nets(c, a, true);

	if (err)
		return err;
	for (size_t i = 0; i < given; i++)
		if (!take_net(a, &a->want.net[i]))
			return cmd_fail(c, CMD_FAILED, "%s", strerror(ENOMEM));
	for (size_t i = 0; !err && i < r->own_count; i++) {
		if (r->own[i].bits + 2 > (r->own[i].addr.family == 4 ? 32 : 128))
			continue;	/* no network, just our address */
		err = pick_address(&r->own[i], a->taken, a->taken_count, &got);
		if (err)
			cmd_fail(c, 0, "no address of %s is free (use --ip)", net_text(&r->own[i], text));
		else
			peer_add_net(&a->want, &got);
		picked++;
	}
	if (!picked)
		return cmd_fail(c, CMD_USAGE, "%s has no network to pick an address from (use --ip)", a->ch.iface.name);
	return err ? CMD_CONFLICT : 0;
}

/* What is free in the files may be taken by a peer that only runs, or runs with other networks than its file has. */
static int pick_free_nets(const struct ctx *c, struct addition *a)
{
	struct peer *w = &a->want;
	struct roster *r = &a->ch.roster;
	size_t given = w->net_count;
	bool taken = false;
	int code = pick_nets(c, a);

	if (code || (code = roster_join(c, &a->ch.iface, NULL, w->net + given, w->net_count - given, r)))
		return code;
	for (size_t i = given; i < w->net_count; i++)
		taken = taken || roster_owner(r, &w->net[i], NULL);
	if (!taken)
		return 0;
	w->net_count = given;
	code = roster_join_all(c, &a->ch.iface, r);
	return code ? code : pick_nets(c, a);
}

static void make_want(struct addition *a)
{
	const struct request *q = &a->q;
	const struct peer *old = a->old;
	struct peer *w = &a->want;

	if (old) {
		*w = *old;
		w->file = NULL;
		w->net = NULL;
		w->net_count = w->net_room = 0;
		for (size_t i = 0; i < old->net_count; i++)
			peer_add_net(w, &old->net[i]);
		w->note = old->note ? strdup(old->note) : NULL;
		w->tags = old->tags ? strdup(old->tags) : NULL;
		w->host = old->host ? strdup(old->host) : NULL;
	} else {
		for (unsigned i = 0; i < q->net_count; i++)
			peer_add_net(w, &q->net[i]);
		w->has_psk = q->psk_how != PSK_LEFT_OUT;
		memcpy(w->psk, q->psk, sizeof(w->psk));
		w->keepalive_s = q->keepalive_s > 0 ? (uint16_t)q->keepalive_s : 0;
	}
	snprintf(w->name, sizeof(w->name), "%s", q->name);
	if (q->note && !w->note)
		w->note = strdup(q->note);
	if (q->has_tags && !w->tags)
		w->tags = strdup(q->tags);
	if (q->host) {
		free(w->host);
		w->host = strdup(q->host);
		snprintf(w->endpoint, sizeof(w->endpoint), "%s", q->endpoint);
	}
}

static void make_key(struct addition *a)
{
	if (a->q.has_key) {
		memcpy(a->want.key, a->q.key, sizeof(a->want.key));
		return;
	}
	a->made_key = true;
	keytext_new_private(a->private);
	crypto_scalarmult_base(a->want.key, a->private);
}

static int decide(const struct ctx *c, struct addition *a)
{
	int code = find_old(c, a);

	if (code || (code = change_check_nets(c, &a->ch, a->q.net, a->q.net_count, a->old, "use --ip auto")))
		return code;
	make_want(a);
	a->save = a->ch.save && !(a->old && a->old->saved);
	a->live = a->ch.live && !(a->old && (a->old->live || a->old->disabled));
	if (a->old)
		return 0;
	make_key(a);
	if (!a->q.has_key && !a->ch.roster.has_key)
		return cmd_fail(c, CMD_USAGE, "%s has no private key to tell a new peer of (use --pubkey)",
				a->ch.iface.name);
	return a->q.auto_net ? pick_free_nets(c, a) : 0;
}

/* ---- Doing it ---------------------------------------------------------------------------------------------------- */

/* ETC/tunneld is missing when the interface is another program's. */
static int make_parent(const struct addition *a)
{
	char parent[PATH_MAX];

	strcpy(parent, a->ch.iface.dir);
	*strrchr(parent, '/') = 0;
	return mkdir(parent, 0755) && errno != EEXIST ? -errno : 0;
}

static int save(const struct ctx *c, const struct addition *a)
{
	char path[PATH_MAX];
	struct page page;
	int err;

	if (!change_peer_path(&a->ch, a->want.name, path) || !page_peer_file(&page, &a->want))
		return cmd_fail(c, CMD_FAILED, "the file of \"%s\" would be too big", a->want.name);
	err = make_parent(a);
	if (!err)
		err = store_write(path, page.text, page.len);
	sodium_memzero(&page, sizeof(page));
	return err ? cmd_fail(c, iface_code(err), "%s: %s", path, strerror(-err)) : 0;
}

/* Takes back what go_live() and save() did. */
static bool unsave(const struct addition *a)
{
	char path[PATH_MAX];

	return a->save && change_peer_path(&a->ch, a->want.name, path) && !store_remove(path);
}

static int go_live(const struct ctx *c, struct addition *a)
{
	int err = change_go_live(c, &a->ch, &a->want);
	char why[FOLLOW_WHY];

	if (!err && follow(c, &a->ch, follow_look(&a->ch, &a->want), why))
		return 0;
	if (!err) {
		client_peer_remove(a->ch.iface.sock, a->want.key);
		if (unsave(a))
			return cmd_fail(c, CMD_FAILED, "%s; nothing is changed", why);
		return cmd_fail(c, CMD_NOTLIVE, "\"%s\" is saved but not live: %s", a->want.name, why);
	}
	if (!a->ch.save)
		return cmd_fail(c, iface_code(err), "the daemon refuses: %s", strerror(-err));
	if (client_refused(err) && unsave(a))
		return cmd_fail(c, CMD_FAILED, "the daemon refuses: %s; nothing is changed", strerror(-err));
	return cmd_fail(c, CMD_NOTLIVE, "\"%s\" is saved but not live: %s (say the same again when the daemon is well)",
			a->want.name, strerror(-err));
}

static void print_plan(const struct addition *a)
{
	char path[PATH_MAX], nets[1024];

	view_nets(&a->want, nets, sizeof(nets));
	if (a->save && change_peer_path(&a->ch, a->want.name, path))
		printf("would write: %s\n", path);
	if (a->live)
		printf("would add to %s: %s, %s\n", a->ch.iface.name, a->want.name, nets);
	if (!a->save && !a->live)
		printf("nothing to do: %s is there%s\n", a->want.name, a->want.disabled ? ", disabled" : "");
}

static void report_json(const struct ctx *c, struct addition *a, bool changed, const struct page *config)
{
	json_t *o;

	o = json_pack("{s:i, s:s, s:b, s:b, s:o}", "v", 1, "interface", a->ch.iface.name, "changed", changed, "live",
		      a->want.live, "peer", view_peer_json(&a->want, (uint64_t)time(NULL), cmd_has(c, OPT_ENDPOINTS)));
	if (config)
		json_object_set_new(o, "config", json_string(config->text));
	out_json(stdout, o);
}

static void unprepare(struct addition *a)
{
	deliver_undo(&a->out);
	if (a->made_key && cmd_has(a->out.c, OPT_KEEP_KEY))
		keep_remove(&a->ch.iface, a->want.name);
}

/* What was to be given away is lost. Only a new peer has such a thing, so there was none of it before. */
static int take_back(const struct ctx *c, struct addition *a)
{
	const char *name = a->want.name;
	char why[FOLLOW_WHY];
	bool gone = true;

	if (a->want.live)
		gone = !client_peer_remove(a->ch.iface.sock, a->want.key);
	if (a->save)
		gone = unsave(a) && gone;
	if (gone && a->want.live && !follow(c, &a->ch, follow_look(&a->ch, &a->want), why))
		cmd_note(c, "\"%s\" is gone, but its routes are still there: %s", name, why);
	unprepare(a);
	return gone ? cmd_fail(c, CMD_FAILED, "standard output: write failed; nothing is changed")
		    : cmd_fail(c, CMD_FAILED, "standard output: write failed; \"%s\" is of no use (remove it)", name);
}

/* 0, or an exit code: what it says is lost, and all is taken back. */
static int report(const struct ctx *c, struct addition *a)
{
	bool changed = a->save || a->live, kept = cmd_has(c, OPT_KEEP_KEY) && a->made_key;
	char nets[1024];

	view_nets(&a->want, nets, sizeof(nets));
	if (a->secret)
		deliver_show(&a->out);
	if (cmd_has(c, OPT_JSON))
		report_json(c, a, changed, a->secret && a->out.text ? &a->out.page : NULL);
	else if (!a->secret && !cmd_has(c, OPT_QUIET))
		printf("%s: %s%s, %s\n", a->want.name, changed ? "added" : "already there",
		       a->want.disabled ? ", disabled" : "", nets);
	if (a->secret && !cmd_flush())
		return take_back(c, a);
	if (a->secret && !cmd_has(c, OPT_JSON))
		cmd_note(c, "\"%s\" has %s; %s", a->want.name, nets,
			 kept ? "its key is kept, see peer export" :
			 a->made_key ? "its private key is stored nowhere else" : "its owner has its private key");
	return 0;
}

/* What must be there before the peer is: its owner's files, its kept key. */
static int prepare(const struct ctx *c, struct addition *a)
{
	struct page_client from = { .peer = &a->want, .private = a->made_key ? a->private : NULL,
				    .server = &a->ch.roster, .address = c->val[OPT_SERVER] };
	int code = a->secret ? deliver_files(&a->out, &from) : 0, err;

	if (code || !a->made_key || !cmd_has(c, OPT_KEEP_KEY))
		return code;
	err = make_parent(a);
	if (!err)
		err = keep_save(&a->ch.iface, a->want.name, a->private);
	if (!err)
		return 0;
	deliver_undo(&a->out);
	return cmd_fail(c, iface_code(err), "%s/%s.key: %s", a->ch.iface.dir, a->want.name, strerror(-err));
}

static bool asks_for_page(const struct ctx *c)
{
	return cmd_has(c, OPT_QR) || cmd_has(c, OPT_PNG) || cmd_has(c, OPT_CONF);
}

static bool is_file(const char *path)
{
	return !path || (strcmp(path, "-") && !access(path, F_OK));
}

/* The key of a peer that is there was made before. A file that is asked for may be there, too; else there is none to
 * be had: what is left to do is done all the same. */
static int no_page(const struct ctx *c, struct addition *a)
{
	const char *name = a->want.name;
	bool kept;

	if (!cmd_has(c, OPT_QR) && is_file(c->val[OPT_CONF]) && is_file(c->val[OPT_PNG]))
		return 0;
	kept = !keep_load(&a->ch.iface, a->old, a->private);
	if (!a->save && !a->live)
		return cmd_fail(c, CMD_CONFLICT, kept ? "\"%s\" is there already (use: tunctl peer export %s)" :
				"\"%s\" is there already, and its private key only with its owner (for a new one: "
				"tunctl peer remove %s)", name, name);
	cmd_note(c, kept ? "\"%s\" has a key already (use: tunctl peer export %s)" :
		 "\"%s\" has a key already, which only its owner has (for a new one: tunctl peer remove %s)", name,
		 name);
	return 0;
}

static int add(const struct ctx *c, struct addition *a)
{
	int code = decide(c, a), failed = 0;

	if (code)
		return code;
	a->secret = !a->old && (a->made_key || a->q.psk_how == PSK_AUTO || asks_for_page(c));
	if (a->old && asks_for_page(c) && (code = no_page(c, a)))
		return code;
	if (a->secret && (code = deliver_begin(c, a->made_key, false, &a->out)))
		return code;
	if (cmd_has(c, OPT_DRY_RUN)) {
		print_plan(a);
		return CMD_DONE;
	}
	if ((code = prepare(c, a)))
		return code;
	if (a->save && (code = save(c, a))) {
		unprepare(a);
		return code;
	}
	a->want.saved = a->want.saved || a->save;
	if (a->live && (failed = go_live(c, a)) && (!a->save || failed != CMD_NOTLIVE)) {
		unprepare(a);
		return failed;
	}
	a->want.live = a->want.live || (a->live && !failed);
	signal(SIGPIPE, SIG_IGN);	/* nobody reads it: that is for us to take back */
	code = report(c, a);
	return code ? code : failed;
}

int cmd_peer_add(struct ctx *c)
{
	struct addition a = { .ch.iface.lock = -1, .out.c = c };
	int code = request_parse(c, false, &a.q);

	if (!code && !(code = change_begin_files(c, &a.ch)) && !(code = look_at_live(c, &a)))
		code = add(c, &a);
	change_end(&a.ch);
	deliver_end(&a.out);
	free(a.taken);
	free(a.want.net);
	free(a.want.note);
	free(a.want.tags);
	free(a.want.host);
	sodium_memzero(&a, sizeof(a));
	return code;
}
