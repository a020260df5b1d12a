/* SPDX-License-Identifier: MIT */
/*
 * metrics prints what there is to count in the OpenMetrics text format, of one interface or of all, for a scraper or a
 * collector of text files. Peers have their names; neither keys nor endpoints are in it. A nameless peer has the start
 * of its key for a name, as everywhere.
 *
 * The format wants the samples of a family in one block, so everything is read first.
 */
#include "daemon.h"
#include "iface.h"
#include "link.h"
#include "view.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

enum { SOURCES_MAX = 64, LABEL_MAX = 128 };

struct source {
	struct iface f;
	struct roster r;
	json_t *state;	/* NULL: the daemon does not tell */
	bool answers;
};

/* ---- The format -------------------------------------------------------------------------------------------------- */

static void family(const char *name, const char *type, const char *unit, const char *help)
{
	printf("# TYPE %s %s\n", name, type);
	if (unit)
		printf("# UNIT %s %s\n", name, unit);
	printf("# HELP %s %s\n", name, help);
}

static const char *escaped(const char *text, char ret[LABEL_MAX])
{
	size_t len = 0;

	for (; *text && len + 3 < LABEL_MAX; text++) {
		if (*text == '\\' || *text == '"' || *text == '\n')
			ret[len++] = '\\';
		ret[len++] = *text == '\n' ? 'n' : *text;
	}
	ret[len] = 0;
	return ret;
}

/* name{interface="wg0",label="value"} number; label NULL: without. */
static void sample(const struct source *s, const char *name, const char *label, const char *value, uint64_t number)
{
	char text[LABEL_MAX];

	printf("%s{interface=\"%s\"", name, escaped(s->f.name, text));
	if (label)
		printf(",%s=\"%s\"", label, escaped(value, text));
	printf("} %" PRIu64 "\n", number);
}

/* ---- Interfaces -------------------------------------------------------------------------------------------------- */

static uint64_t number_of(const json_t *o, const char *key)
{
	json_int_t n = json_integer_value(json_object_get(o, key));

	return n > 0 ? (uint64_t)n : 0;
}

static void print_interfaces(const struct source *s, size_t count, uint64_t now_s)
{
	family("tunneld_interface_running", "gauge", NULL, "1: the daemon answers");
	for (size_t i = 0; i < count; i++)
		sample(&s[i], "tunneld_interface_running", NULL, NULL, s[i].answers);
	family("tunneld_interface_up", "gauge", NULL, "1: the interface is up");
	for (size_t i = 0; i < count; i++)
		sample(&s[i], "tunneld_interface_up", NULL, NULL, link_state(s[i].f.name).up);
	family("tunneld_peers", "gauge", NULL, "peers, saved and live");
	for (size_t i = 0; i < count; i++)
		sample(&s[i], "tunneld_peers", NULL, NULL, s[i].r.count);
	family("tunneld_peers_online", "gauge", NULL, "peers with a handshake of less than 180 s ago");
	for (size_t i = 0; i < count; i++) {
		uint64_t online = 0;

		for (size_t k = 0; k < s[i].r.count; k++)
			online += peer_online(&s[i].r.peer[k], now_s);
		sample(&s[i], "tunneld_peers_online", NULL, NULL, online);
	}
}

static void print_build(const struct source *s, size_t count)
{
	char version[LABEL_MAX], cipher[LABEL_MAX];

	family("tunneld_build", "info", NULL, "the daemon that runs");
	for (size_t i = 0; i < count; i++) {
		const char *v = json_string_value(json_object_get(s[i].state, "version"));
		const char *c = json_string_value(json_object_get(s[i].state, "cipher"));

		if (v && c)
			printf("tunneld_build_info{interface=\"%s\",version=\"%s\",cipher=\"%s\"} 1\n", s[i].f.name,
			       escaped(v, version), escaped(c, cipher));
	}
	family("tunneld_workers", "gauge", NULL, "threads that move packets");
	for (size_t i = 0; i < count; i++)
		if (s[i].state)
			sample(&s[i], "tunneld_workers", NULL, NULL, number_of(s[i].state, "workers"));
}

/* One sample for each counter of an object of the state. */
static void print_counters(const struct source *s, size_t count, const char *name, const char *label,
			   const char *object, const char *help)
{
	char total[LABEL_MAX];

	family(name, "counter", NULL, help);
	snprintf(total, sizeof(total), "%s_total", name);
	for (size_t i = 0; i < count; i++) {
		const char *key;
		json_t *value;

		json_object_foreach(json_object_get(s[i].state, object), key, value)
			if (json_is_integer(value))
				sample(&s[i], total, label, key, number_of(json_object_get(s[i].state, object), key));
	}
}

/* ---- Peers ------------------------------------------------------------------------------------------------------- */

/* No two samples may have the same labels. Peers are sorted by name: namesakes are neighbours, and get the start of
 * their keys behind it. */
static const char *label_of(const struct roster *r, size_t i, char ret[LABEL_MAX])
{
	const struct peer *p = &r->peer[i];
	bool twice = (i && p->name[0] && !strcmp(p->name, r->peer[i - 1].name)) ||
		     (i + 1 < r->count && p->name[0] && !strcmp(p->name, r->peer[i + 1].name));
	char key[TEXT_BASE64_KEY], label[IFACE_PEER_NAME_MAX + 1];

	text_key_to_base64(key, p->key);
	snprintf(ret, LABEL_MAX, twice ? "%s %.8s" : "%s", peer_label(p, label), key);
	return ret;
}

static uint64_t received(const struct peer *p)
{
	return p->rx_bytes;
}

static uint64_t sent(const struct peer *p)
{
	return p->tx_bytes;
}

static uint64_t handshake(const struct peer *p)
{
	return p->handshake_s;
}

/* zero: print those that are 0, too. */
static void print_peers(const struct source *s, size_t count, const char *name, uint64_t (*value)(const struct peer *p),
			bool zero)
{
	char label[LABEL_MAX];

	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < s[i].r.count; k++)
			if (s[i].r.peer[k].live && (zero || value(&s[i].r.peer[k])))
				sample(&s[i], name, "peer", label_of(&s[i].r, k, label), value(&s[i].r.peer[k]));
}

static void print_all(const struct source *s, size_t count)
{
	print_build(s, count);
	print_interfaces(s, count, (uint64_t)time(NULL));
	print_counters(s, count, "tunneld_packets", "verdict", "packets", "packets by what became of them");
	print_counters(s, count, "tunneld_handshakes", "stage", "handshakes", "handshakes by what became of them");
	family("tunneld_peer_received_bytes", "counter", "bytes", "UDP payload from the peer");
	print_peers(s, count, "tunneld_peer_received_bytes_total", received, true);
	family("tunneld_peer_sent_bytes", "counter", "bytes", "UDP payload to the peer");
	print_peers(s, count, "tunneld_peer_sent_bytes_total", sent, true);
	family("tunneld_peer_last_handshake_seconds", "gauge", "seconds", "when it was, since 1970; none: never");
	print_peers(s, count, "tunneld_peer_last_handshake_seconds", handshake, false);
	puts("# EOF");
}

/* ---- The command ------------------------------------------------------------------------------------------------- */

static int load(struct ctx *c, const char *name, struct source *s)
{
	int code = iface_find(c, name, IFACE_RUNNING_FIRST, &s->f);

	if (!code && !s->f.running && !s->f.conf[0])
		return cmd_fail(c, CMD_NOENT, "there is no interface %s, neither running nor configured", s->f.name);
	if (code)
		return code;
	code = roster_load(c, &s->f, false, &s->r);
	if (code)
		return code;
	s->answers = s->f.running;
	if (s->f.running && daemon_ask(s->f.ctl, "state", DAEMON_WAIT_MS, &s->state))
		s->state = NULL;
	view_sort_by_name(&s->r);
	return 0;
}

int cmd_metrics(struct ctx *c)
{
	static struct source list[SOURCES_MAX];
	char names[SOURCES_MAX][IFNAMSIZ];
	bool one = c->word[0] || cmd_has(c, OPT_INTERFACE);
	size_t count = one ? 1 : iface_names(c, names, SOURCES_MAX);
	int code = 0;

	if (!count)
		return cmd_fail(c, CMD_NOENT, "there is no interface");
	for (size_t i = 0; i < count && !code; i++)
		code = load(c, one ? c->word[0] : names[i], &list[i]);
	if (!code)
		print_all(list, count);
	for (size_t i = 0; i < count; i++) {
		roster_free(&list[i].r);
		json_decref(list[i].state);
	}
	return code;
}
