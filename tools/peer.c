/* SPDX-License-Identifier: MIT */
/* peer list, peer show: what files and daemon know of peers. Neither needs the daemon. */
#include "client.h"
#include "view.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>
#include <time.h>

enum { KEY_SHOWN = 8 };	/* characters of a key in the list */

static void print_list(const struct roster *r, uint64_t now_s)
{
	static const struct out_column columns[] = {
		{ "NAME", false, true }, { "KEY", false, false }, { "ADDRESSES", false, true },
		{ "STATE", false, false }, { "NOTE", false, true },
	};
	struct out_table t;

	out_table_init(&t, columns, sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < r->count; i++) {
		const struct peer *p = &r->peer[i];
		char key[KEY_SHOWN + 1], nets[256], note[256];

		sodium_bin2base64(key, sizeof(key), p->key, KEY_SHOWN / 4 * 3, sodium_base64_VARIANT_ORIGINAL);
		out_table_row(&t, peer_online(p, now_s), (const char *const[]){
			p->name[0] ? p->name : "-", key, view_nets(p, nets, sizeof(nets)), view_state(p, now_s),
			view_clean(p->note ? p->note : "", note, sizeof(note)) });
	}
	out_table_print(&t, stdout, out_colour(stdout));
	out_table_free(&t);
}

/* Interface and roster for a command that only looks. */
static int look(struct ctx *c, struct iface *f, struct roster *r)
{
	int code = iface_find(c, NULL, IFACE_RUNNING_FIRST, f);

	if (!code && !f->running && !f->conf[0])
		return cmd_fail(c, CMD_NOENT, "there is no interface %s, neither running nor configured", f->name);
	return code ? code : roster_load(c, f, false, r);
}

int cmd_peer_list(struct ctx *c)
{
	uint64_t now_s = (uint64_t)time(NULL);
	struct roster r = { 0 };
	struct iface f;
	int code = look(c, &f, &r);

	if (!code) {
		view_sort_by_name(&r);
		if (cmd_has(c, OPT_JSON))
			out_json(stdout, json_pack("{s:i, s:s, s:b, s:o}", "v", 1, "interface", f.name, "running",
						   f.running, "peers", view_peers_json(&r, now_s, false)));
		else
			print_list(&r, now_s);
	}
	roster_free(&r);
	return code;
}

static void print_peer(const struct ctx *c, const struct peer *p, uint64_t now_s)
{
	char key[TEXT_BASE64_KEY], text[1024], rx[OUT_TEXT], tx[OUT_TEXT];

	text_key_to_base64(key, p->key);
	printf("name        %s\n", p->name[0] ? p->name : "-");
	printf("public key  %s\n", key);
	printf("addresses   %s\n", view_nets(p, text, sizeof(text)));
	printf("state       %s\n", view_state(p, now_s));
	printf("handshake   %s\n", out_age(p->handshake_s, now_s, text));
	printf("traffic     %s received, %s sent\n", out_bytes(p->rx_bytes, rx), out_bytes(p->tx_bytes, tx));
	printf("preshared   %s\n", p->has_psk ? "yes" : "no");
	if (p->keepalive_s)
		printf("keepalive   %u s\n", p->keepalive_s);
	else
		printf("keepalive   off\n");
	if (p->note)
		printf("note        %s\n", view_clean(p->note, text, sizeof(text)));
	if (p->tags)
		printf("tags        %s\n", view_clean(p->tags, text, sizeof(text)));
	if (cmd_has(c, OPT_ENDPOINTS))
		printf("endpoint    %s\n", p->endpoint[0] ? p->endpoint : "not known");
}

int cmd_peer_show(struct ctx *c)
{
	uint64_t now_s = (uint64_t)time(NULL);
	struct roster r = { 0 };
	struct peer *p;
	struct iface f;
	int code = look(c, &f, &r), err;

	if (!code) {
		err = roster_find(&r, c->word[0], &p);
		if (err == -ENOTUNIQ)
			code = cmd_fail(c, CMD_NOENT, "\"%s\" begins several keys of %s (give more of it)", c->word[0],
					f.name);
		else if (err)
			code = cmd_fail(c, CMD_NOENT, "%s has no peer \"%s\" (see: tunctl peer list)", f.name,
					c->word[0]);
		else if (cmd_has(c, OPT_JSON))
			out_json(stdout, json_pack("{s:i, s:s, s:o}", "v", 1, "interface", f.name, "peer",
						   view_peer_json(p, now_s, cmd_has(c, OPT_ENDPOINTS))));
		else
			print_peer(c, p, now_s);
	}
	roster_free(&r);
	return code;
}
