/* SPDX-License-Identifier: MIT */
/*
 * diff: what the files say beside what is live, each read for itself. Where a peer speaks from is no difference: it
 * roams. Nor is a name or a note: the running interface knows none. Secrets are compared and never shown.
 */
#include "diff.h"

#include "client.h"
#include "link.h"
#include "view.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT = 512 };

struct comparison {
	struct roster file, live;
	struct out_table table;
	json_t *list;
	size_t count;
};

static const struct out_column columns[] = {
	{ "WHERE", false, true }, { "WHAT", false, false }, { "SAVED", false, true }, { "LIVE", false, true },
};

static void differ(struct comparison *d, const char *where, const char *what, const char *saved, const char *live)
{
	d->count++;
	out_table_row(&d->table, false, (const char *const[]){ where, what, saved, live });
	json_array_append_new(d->list, json_pack("{s:s, s:s, s:s, s:s}", "where", where, "what", what, "saved", saved,
						 "live", live));
}

static int by_net(const void *a, const void *b)
{
	const struct net *x = a, *y = b;
	int r = x->addr.family - y->addr.family;

	if (!r)
		r = memcmp(x->addr.ip, y->addr.ip, sizeof(x->addr.ip));
	return r ? r : (int)x->bits - (int)y->bits;
}

/* As text in one order, whatever the order in which they stand. */
static const char *nets_text(struct net *net, size_t count, char ret[TEXT])
{
	struct peer p = { .net = net, .net_count = count };

	if (count)
		qsort(net, count, sizeof(*net), by_net);
	view_nets(&p, ret, TEXT);
	return *ret ? ret : "none";
}

static bool same_nets(struct net *a, size_t a_count, struct net *b, size_t b_count)
{
	if (a_count != b_count)
		return false;
	if (a_count)
		qsort(a, a_count, sizeof(*a), by_net);
	if (b_count)
		qsort(b, b_count, sizeof(*b), by_net);
	for (size_t i = 0; i < a_count; i++)
		if (!net_equal(&a[i], &b[i]))
			return false;
	return true;
}

static const char *psk_text(const struct peer *p, const struct peer *other)
{
	if (!p->has_psk)
		return "none";
	return other->has_psk ? "another" : "one";
}

static void compare_peer(struct comparison *d, struct peer *p, struct peer *live)
{
	char name[IFACE_PEER_NAME_MAX + 1], x[TEXT], y[TEXT];

	peer_label(p, name);
	if (!same_nets(p->net, p->net_count, live->net, live->net_count))
		differ(d, name, "AllowedIPs", nets_text(p->net, p->net_count, x),
		       nets_text(live->net, live->net_count, y));
	if (p->has_psk != live->has_psk || sodium_memcmp(p->psk, live->psk, sizeof(p->psk)))
		differ(d, name, "PresharedKey", psk_text(p, live), psk_text(live, p));
	if (p->keepalive_s != live->keepalive_s) {
		snprintf(x, sizeof(x), "%u", p->keepalive_s);
		snprintf(y, sizeof(y), "%u", live->keepalive_s);
		differ(d, name, "PersistentKeepalive", x, y);
	}
}

static void compare_peers(struct comparison *d)
{
	char name[IFACE_PEER_NAME_MAX + 1];

	view_sort_by_name(&d->file);
	for (size_t i = 0; i < d->file.count; i++) {
		struct peer *p = &d->file.peer[i], *live = roster_by_key(&d->live, p->key);

		if (live)
			live->saved = true;
		if (p->disabled && live)
			differ(d, peer_label(p, name), "peer", "disabled", "there");
		else if (!p->disabled && !live)
			differ(d, peer_label(p, name), "peer", "there", "not there");
		else if (live)
			compare_peer(d, p, live);
	}
	for (size_t i = 0; i < d->live.count; i++)
		if (!d->live.peer[i].saved)
			differ(d, peer_label(&d->live.peer[i], name), "peer", "not there", "there");
}

static bool is_link_local(const struct net *n)
{
	return n->addr.family == 6 && n->addr.ip[0] == 0xfe && (n->addr.ip[1] & 0xc0) == 0x80;
}

/* The kernel's own link-local address is nobody's setting. */
static void compare_addresses(struct comparison *d, const char *ifname)
{
	struct net has[ROSTER_OWN_MAX];
	size_t all = link_addresses(ifname, has, ROSTER_OWN_MAX), count = 0;
	char x[TEXT], y[TEXT];

	for (size_t i = 0; i < all; i++)
		if (!is_link_local(&has[i]))
			has[count++] = has[i];
	if (!same_nets(d->file.own, d->file.own_count, has, count))
		differ(d, ifname, "Address", nets_text(d->file.own, d->file.own_count, x), nets_text(has, count, y));
}

static void compare_interface(struct comparison *d, const char *ifname)
{
	char x[TEXT_BASE64_KEY], y[TEXT_BASE64_KEY];

	text_key_to_base64(x, d->file.public);
	text_key_to_base64(y, d->live.public);
	/* A key that is away (keyfile.h) may be the one that is live. */
	if ((d->file.has_key || !d->file.key_file.named) && (d->file.has_key != d->live.has_key || strcmp(x, y)))
		differ(d, ifname, "key", d->file.has_key ? x : "none", d->live.has_key ? y : "none");
	if (d->file.port && d->file.port != d->live.port) {
		snprintf(x, sizeof(x), "%u", d->file.port);
		snprintf(y, sizeof(y), "%u", d->live.port);
		differ(d, ifname, "ListenPort", x, y);
	}
	if (link_state(ifname).exists)
		compare_addresses(d, ifname);
}

static int compare(const struct ctx *c, const struct iface *f, struct comparison *d)
{
	struct iface files = *f;
	int code, err;

	files.running = false;
	code = roster_load(c, &files, true, &d->file);
	if (code)
		return code;
	err = client_load(f->sock, &d->live);
	if (err)
		return cmd_fail(c, iface_code(err), "%s: %s", f->sock, strerror(-err));
	compare_interface(d, f->name);
	compare_peers(d);
	return 0;
}

static void print(const struct ctx *c, const struct iface *f, struct comparison *d)
{
	if (cmd_has(c, OPT_JSON))
		out_json(stdout, json_pack("{s:i, s:s, s:s, s:b, s:O}", "v", 1, "interface", f->name, "file", f->conf,
					   "same", d->count == 0, "differences", d->list));
	else if (d->count)
		out_table_print(&d->table, stdout, out_colour(stdout));
	else if (!cmd_has(c, OPT_QUIET))
		printf("%s: what is live is what %s says\n", f->name, f->conf);
}

static int begin(const struct ctx *c, const struct iface *f, struct comparison *d)
{
	int code;

	*d = (struct comparison){ .list = json_array() };
	out_table_init(&d->table, columns, sizeof(columns) / sizeof(columns[0]));
	if (!f->conf[0])
		return cmd_fail(c, CMD_NOENT, "no file describes %s", f->name);
	code = iface_need_running(c, f);
	return code ? code : compare(c, f, d);
}

static void end(struct comparison *d)
{
	out_table_free(&d->table);
	json_decref(d->list);
	roster_free(&d->file);
	roster_free(&d->live);
}

int diff_plan(const struct ctx *c, const struct iface *f)
{
	struct comparison d;
	int code = begin(c, f, &d);
	const char *where, *what, *saved, *live;
	size_t i;
	json_t *one;

	json_array_foreach(d.list, i, one)
		if (!code && !json_unpack(one, "{s:s, s:s, s:s, s:s}", "where", &where, "what", &what, "saved", &saved,
					  "live", &live))
			printf("would change: %s: %s, from %s to %s\n", where, what, live, saved);
	if (!code && !d.count)
		printf("nothing to do: what is live is what %s says\n", f->conf);
	end(&d);
	return code;
}

int cmd_diff(struct ctx *c)
{
	struct comparison d;
	struct iface f;
	int code = iface_find(c, c->word[0], IFACE_RUNNING_FIRST, &f);

	if (code)
		return code;
	code = begin(c, &f, &d);
	if (!code) {
		print(c, &f, &d);
		code = d.count ? CMD_CONFLICT : CMD_DONE;
	}
	end(&d);
	return code;
}
