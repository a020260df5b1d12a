/* SPDX-License-Identifier: MIT */
/*
 * One screen: the interface, what is wrong with it, and its peers, those that move most first, then those heard of most
 * recently. With --watch again every second: on a terminal in place of the one before, else one behind the other.
 *
 * Files are read seldom and the daemon is asked often: of ten thousand peers a second's change costs one answer of the
 * daemon and a sort.
 */
#include "client.h"
#include "daemon.h"
#include "doctor.h"
#include "link.h"
#include "screen.h"
#include "view.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	TICK_MS = 1000,
	SAMPLE_MS = 250,	/* between two looks, to tell how much moves now */
	FILES_TICKS = 10,	/* files and warnings are looked at again after so many */
	WARNINGS_SHOWN = 3,
};

struct status {
	struct ctx *c;
	struct iface f;
	struct roster r;
	char warning[WARNINGS_SHOWN][2 * DOCTOR_TEXT];
	size_t warnings;
	uint64_t now_s;
	int64_t sampled_ms;
	double seconds;		/* between the last two samples; 0: there was one only */
	size_t width, rows;	/* of the terminal; rows 0: there is none */
};

struct totals {
	size_t online;
	uint64_t rx, tx, rx_moved, tx_moved, newest_s;
};

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* ---- What there is ----------------------------------------------------------------------------------------------- */

/* Counters begin anew when a peer is kicked or the daemon is. */
static uint64_t moved(uint64_t now, uint64_t before)
{
	return now > before ? now - before : 0;
}

static uint64_t peer_moved(const struct peer *p)
{
	return p->sampled ? moved(p->rx_bytes, p->rx_before) + moved(p->tx_bytes, p->tx_before) : 0;
}

static struct totals sum(const struct roster *r, uint64_t now_s)
{
	struct totals t = { 0 };

	for (size_t i = 0; i < r->count; i++) {
		const struct peer *p = &r->peer[i];

		t.online += peer_online(p, now_s);
		t.rx += p->rx_bytes;
		t.tx += p->tx_bytes;
		t.rx_moved += p->sampled ? moved(p->rx_bytes, p->rx_before) : 0;
		t.tx_moved += p->sampled ? moved(p->tx_bytes, p->tx_before) : 0;
		t.newest_s = p->handshake_s > t.newest_s ? p->handshake_s : t.newest_s;
	}
	return t;
}

static void take_time(struct status *s)
{
	int64_t now = now_ms();

	s->seconds = s->sampled_ms ? (double)(now - s->sampled_ms) / 1000 : 0;
	s->sampled_ms = now;
	s->now_s = (uint64_t)time(NULL);
}

/* Files, daemon and warnings, from nothing. */
static int load(struct status *s)
{
	struct roster old = s->r;
	int code = 0;

	s->r = (struct roster){ 0 };
	s->warnings = cmd_has(s->c, OPT_JSON) ? 0 : doctor_quick(s->c, s->warning, WARNINGS_SHOWN, &s->r);
	if (!s->r.has_key) {	/* and to say what is wrong */
		roster_free(&s->r);
		code = roster_load(s->c, &s->f, false, &s->r);
	}
	take_time(s);
	roster_sort(&old);
	for (size_t i = 0; i < s->r.count; i++) {
		struct peer *p = &s->r.peer[i];
		const struct peer *was = roster_by_key(&old, p->key);

		p->sampled = was && was->live;
		p->rx_before = was ? was->rx_bytes : 0;
		p->tx_before = was ? was->tx_bytes : 0;
	}
	roster_free(&old);
	return code;
}

/* Peers that were live only, and are no more. The order of the others does not matter. */
static void forget_gone(struct roster *r)
{
	for (size_t i = 0; i < r->count;) {
		struct peer *p = &r->peer[i];

		if (p->saved || p->live) {
			i++;
			continue;
		}
		free(p->net);
		free(p->note);
		*p = r->peer[--r->count];
		sodium_memzero(&r->peer[r->count], sizeof(*p));
	}
}

/* The daemon's part again, in place. */
static int sample(struct status *s)
{
	int err;

	roster_sort(&s->r);
	for (size_t i = 0; i < s->r.count; i++) {
		struct peer *p = &s->r.peer[i];

		p->sampled = p->live;
		p->rx_before = p->rx_bytes;
		p->tx_before = p->tx_bytes;
		p->live = false;
	}
	take_time(s);
	err = client_load(s->f.sock, &s->r);
	forget_gone(&s->r);
	return err;
}

/* ---- What is said of it ------------------------------------------------------------------------------------------ */

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

static json_int_t rate(const struct status *s, uint64_t bytes)
{
	return s->seconds > 0 ? (json_int_t)((double)bytes / s->seconds) : 0;
}

/* What only the daemon knows. One that does not say, as of an older version, leaves them out. */
static void add_state(const struct status *s, json_t *o)
{
	static const char *const names[] = { "nat", "kill_switch", "filter" };
	json_t *state;

	if (daemon_ask(s->f.ctl, "state", DAEMON_WAIT_MS, &state))
		return;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		json_t *value = json_object_get(state, names[i]);

		if (value)
			json_object_set(o, names[i], value);
	}
	json_decref(state);
}

static void print_json(const struct status *s)
{
	const struct roster *r = &s->r;
	struct totals t = sum(r, s->now_s);
	char key[TEXT_BASE64_KEY];
	json_t *o;

	text_key_to_base64(key, r->public);
	o = json_pack("{s:i, s:s, s:b, s:b, s:o, s:i, s:I, s:I, s:I, s:I}", "v", 1, "interface", s->f.name,
		      "running", 1, "up", link_state(s->f.name).up, "public_key",
		      r->has_key ? json_string(key) : json_null(), "port", r->port, "online", (json_int_t)t.online,
		      "rx_bytes", (json_int_t)t.rx, "tx_bytes", (json_int_t)t.tx, "latest_handshake",
		      (json_int_t)t.newest_s);
	if (s->seconds > 0) {
		json_object_set_new(o, "rx_rate", json_integer(rate(s, t.rx_moved)));
		json_object_set_new(o, "tx_rate", json_integer(rate(s, t.tx_moved)));
	}
	add_state(s, o);
	json_object_set_new(o, "peers", view_peers_json(r, s->now_s, cmd_has(s->c, OPT_ENDPOINTS)));
	out_json(stdout, o);
}

static int by_rate(const struct peer *a, const struct peer *b)
{
	uint64_t x = peer_moved(a), y = peer_moved(b);

	if (x != y)
		return x < y ? 1 : -1;
	return view_by_handshake(a, b);
}

static void print_peers(const struct status *s, FILE *f, size_t rows)
{
	static const struct out_column columns[] = {
		{ "NAME", false, true }, { "ADDRESSES", false, true }, { "HANDSHAKE", true, false },
		{ "RECEIVED", true, false }, { "SENT", true, false }, { "NOW/s", true, false },
		{ "ENDPOINT", false, true },
	};
	bool now = s->seconds > 0, endpoints = cmd_has(s->c, OPT_ENDPOINTS);
	struct out_column shown[OUT_COLUMNS_MAX];
	struct out_table t;
	size_t n = 0;

	for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++)
		if ((i != 5 || now) && (i != 6 || endpoints))
			shown[n++] = columns[i];
	out_table_init(&t, shown, n);
	t.width = s->width;
	for (size_t i = 0; i < s->r.count && i < rows; i++) {
		const struct peer *p = &s->r.peer[i];
		char name[IFACE_PEER_NAME_MAX + 1], nets[256], age[OUT_TEXT], rx[OUT_TEXT], tx[OUT_TEXT], per[OUT_TEXT];

		out_bytes((uint64_t)rate(s, peer_moved(p)), per);
		out_table_row(&t, peer_online(p, s->now_s), (const char *const[]){
			peer_label(p, name), view_nets(p, nets, sizeof(nets)),
			p->live ? out_age(p->handshake_s, s->now_s, age) : "not live", out_bytes(p->rx_bytes, rx),
			out_bytes(p->tx_bytes, tx), now ? per : p->endpoint, p->endpoint });
	}
	out_table_print(&t, f, out_colour(stdout));
	out_table_free(&t);
	if (s->r.count > rows)
		fprintf(f, "... and %zu more (tunctl peer list)\n", s->r.count - rows);
}

static size_t print_warnings(const struct status *s, FILE *f)
{
	size_t shown = s->warnings < WARNINGS_SHOWN ? s->warnings : WARNINGS_SHOWN;

	if (!s->warnings) {
		fputs("  warnings    none\n", f);
		return 1;
	}
	for (size_t i = 0; i < shown; i++)
		fprintf(f, "  %-10s  %s\n", i ? "" : "warnings", s->warning[i]);
	fprintf(f, "  %-10s  ", "");
	if (s->warnings > shown)
		fprintf(f, "and %zu more ", s->warnings - shown);
	fprintf(f, "(see: tunctl doctor %s)\n", s->f.name);
	return shown + 1;
}

static void print_screen(struct status *s, FILE *f)
{
	struct totals t = sum(&s->r, s->now_s);
	char key[TEXT_BASE64_KEY], rx[OUT_TEXT], tx[OUT_TEXT], age[OUT_TEXT];
	size_t used = 5;

	text_key_to_base64(key, s->r.public);
	fprintf(f, "%s: %s\n", s->f.name, link_state(s->f.name).up ? "up" : "running, link down");
	fprintf(f, "  public key  %s\n", s->r.has_key ? key : "none");
	fprintf(f, "  port        %u\n", s->r.port);
	fprintf(f, "  peers       %zu, %zu online, newest handshake %s\n", s->r.count, t.online,
		out_age(t.newest_s, s->now_s, age));
	fprintf(f, "  traffic     %s received, %s sent\n", out_bytes(t.rx, rx), out_bytes(t.tx, tx));
	if (s->seconds > 0) {
		fprintf(f, "  now         %s/s received, %s/s sent\n", out_bytes((uint64_t)rate(s, t.rx_moved), rx),
			out_bytes((uint64_t)rate(s, t.tx_moved), tx));
		used++;
	}
	used += print_warnings(s, f);
	if (!s->r.count)
		return;
	fputc('\n', f);
	roster_order(&s->r, by_rate);
	/* The blank line, the title, the line of those left out, and on a plain screen the one of the prompt. */
	used += 4;
	print_peers(s, f, !s->rows ? s->r.count : s->rows > used + 1 ? s->rows - used : 1);
}

/* ---- The command ------------------------------------------------------------------------------------------------- */

static void show(struct status *s, bool screen)
{
	char *text;
	size_t len;
	FILE *f;

	if (cmd_has(s->c, OPT_JSON)) {
		view_sort_by_handshake(&s->r);
		print_json(s);
	} else if (!screen) {
		print_screen(s, stdout);
	} else if ((f = open_memstream(&text, &len))) {
		screen_size(&s->width, &s->rows);
		print_screen(s, f);
		fclose(f);
		screen_show(text);
		free(text);
	}
	fflush(stdout);
}

/* Until the operator ends it, the reader of our output goes, or the daemon does. */
static int watch(struct status *s)
{
	bool json = cmd_has(s->c, OPT_JSON), screen = !json && screen_begin();
	int code = 0, err;

	for (unsigned tick = 1; !code; tick++) {
		show(s, screen);
		if (ferror(stdout) || !screen_wait(TICK_MS))
			break;
		if (!screen && !json)
			putchar('\n');
		if (tick % FILES_TICKS == 0) {
			code = load(s);
		} else if ((err = sample(s))) {
			screen_end();
			code = cmd_fail(s->c, CMD_NODAEMON, "%s: the daemon has ended", s->f.name);
		}
	}
	screen_end();
	return code;
}

int cmd_status(struct ctx *c)
{
	static struct status status;
	struct status *s = &status;
	bool json = cmd_has(c, OPT_JSON);
	int code;

	s->c = c;
	code = iface_find(c, c->word[0], IFACE_RUNNING_FIRST, &s->f);
	if (code)
		return code;
	if (!s->f.running)
		return status_down(c, &s->f);
	code = load(s);
	if (!code && cmd_has(c, OPT_WATCH)) {
		code = watch(s);
	} else if (!code) {
		if (!json && screen_is()) {
			screen_size(&s->width, &s->rows);
			screen_wait(SAMPLE_MS);
			sample(s);
		}
		show(s, false);
	}
	roster_free(&s->r);
	return code;
}
