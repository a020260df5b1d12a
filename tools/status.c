/* SPDX-License-Identifier: MIT */
/* One screen: the interface, then its peers, those heard of most recently first. */
#include "client.h"
#include "link.h"
#include "view.h"

#include <string.h>
#include <time.h>

struct totals {
	size_t online;
	uint64_t rx, tx;
};

static struct totals sum(const struct roster *r, uint64_t now_s)
{
	struct totals t = { 0 };

	for (size_t i = 0; i < r->count; i++) {
		t.online += peer_online(&r->peer[i], now_s);
		t.rx += r->peer[i].rx_bytes;
		t.tx += r->peer[i].tx_bytes;
	}
	return t;
}

static int status_down(const struct ctx *c, const struct iface *f)
{
	if (!f->conf[0])
		return cmd_fail(c, CMD_NOENT, "there is no interface %s, neither running nor configured", f->name);
	if (cmd_has(c, OPT_JSON))
		out_json(stdout, json_pack("{s:i, s:s, s:b}", "v", 1, "interface", f->name, "running", 0));
	else
		printf("%s: down (start it: tunctl up %s)\n", f->name, f->name);
	return CMD_NODAEMON;
}

static void print_json(const struct ctx *c, const struct iface *f, const struct roster *r, uint64_t now_s)
{
	struct totals t = sum(r, now_s);
	char key[TEXT_BASE64_KEY];

	text_key_to_base64(key, r->public);
	out_json(stdout, json_pack("{s:i, s:s, s:b, s:b, s:o, s:i, s:I, s:I, s:I, s:o}", "v", 1, "interface", f->name,
				   "running", 1, "up", link_state(f->name).up, "public_key",
				   r->has_key ? json_string(key) : json_null(), "port", r->port, "online",
				   (json_int_t)t.online, "rx_bytes", (json_int_t)t.rx, "tx_bytes", (json_int_t)t.tx,
				   "peers", view_peers_json(r, now_s, cmd_has(c, OPT_ENDPOINTS))));
}

static void print_peers(const struct ctx *c, const struct roster *r, uint64_t now_s)
{
	static const struct out_column columns[] = {
		{ "NAME", false, true }, { "ADDRESSES", false, true }, { "HANDSHAKE", true, false },
		{ "RECEIVED", true, false }, { "SENT", true, false }, { "ENDPOINT", false, true },
	};
	struct out_table t;

	out_table_init(&t, columns, cmd_has(c, OPT_ENDPOINTS) ? 6 : 5);
	for (size_t i = 0; i < r->count; i++) {
		const struct peer *p = &r->peer[i];
		char name[IFACE_PEER_NAME_MAX + 1], nets[256], age[OUT_TEXT], rx[OUT_TEXT], tx[OUT_TEXT];

		out_table_row(&t, peer_online(p, now_s), (const char *const[]){
			peer_label(p, name), view_nets(p, nets, sizeof(nets)),
			p->live ? out_age(p->handshake_s, now_s, age) : "not live", out_bytes(p->rx_bytes, rx),
			out_bytes(p->tx_bytes, tx), p->endpoint });
	}
	out_table_print(&t, stdout, out_colour(stdout));
	out_table_free(&t);
}

static void print_screen(const struct ctx *c, const struct iface *f, const struct roster *r, uint64_t now_s)
{
	struct totals t = sum(r, now_s);
	char key[TEXT_BASE64_KEY], rx[OUT_TEXT], tx[OUT_TEXT];

	text_key_to_base64(key, r->public);
	printf("%s: %s\n", f->name, link_state(f->name).up ? "up" : "running, link down");
	printf("  public key  %s\n", r->has_key ? key : "none");
	printf("  port        %u\n", r->port);
	printf("  peers       %zu, %zu online\n", r->count, t.online);
	printf("  traffic     %s received, %s sent\n", out_bytes(t.rx, rx), out_bytes(t.tx, tx));
	if (r->count) {
		putchar('\n');
		print_peers(c, r, now_s);
	}
}

int cmd_status(struct ctx *c)
{
	uint64_t now_s = (uint64_t)time(NULL);
	struct roster r = { 0 };
	struct iface f;
	int code = iface_find(c, c->word[0], IFACE_RUNNING_FIRST, &f);

	if (code)
		return code;
	if (!f.running)
		return status_down(c, &f);
	code = roster_load(c, &f, false, &r);
	if (!code) {
		view_sort_by_handshake(&r);
		if (cmd_has(c, OPT_JSON))
			print_json(c, &f, &r, now_s);
		else
			print_screen(c, &f, &r, now_s);
	}
	roster_free(&r);
	return code;
}
