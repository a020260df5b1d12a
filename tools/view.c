/* SPDX-License-Identifier: MIT */
#include "view.h"

#include <stdlib.h>
#include <string.h>

/* Bytes of the character at s; 0: it is no UTF-8, or a control character, C1 (U+0080 to U+009F) included. */
static size_t character(const unsigned char *s)
{
	size_t len = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : s[0] < 0xf5 ? 4 : 0;

	if (s[0] < ' ' || s[0] == 127 || (s[0] == 0xc2 && s[1] < 0xa0))
		return 0;
	for (size_t i = 1; i < len; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	/* Longer than need be, halves of surrogate pairs, beyond U+10FFFF. */
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] >= 0xa0) || (s[0] == 0xf0 && s[1] < 0x90) ||
	    (s[0] == 0xf4 && s[1] >= 0x90))
		return 0;
	return len;
}

const char *view_clean(const char *text, char *ret, size_t max)
{
	size_t used = 0, len;

	for (; *text; text += len ? len : 1) {
		len = character((const unsigned char *)text);
		if (used + (len ? len : 1) >= max)
			break;
		memcpy(ret + used, len ? text : "?", len ? len : 1);
		used += len ? len : 1;
	}
	ret[used] = 0;
	return ret;
}

static const char *short_net(const struct net *n, char ret[TEXT_ADDR])
{
	net_text(n, ret);
	if (n->bits == (n->addr.family == 4 ? 32 : 128))
		*strchr(ret, '/') = 0;
	return ret;
}

const char *view_nets(const struct peer *p, char *ret, size_t max)
{
	size_t len = 0, part;
	char text[TEXT_ADDR + 2];

	for (size_t i = 0; i < p->net_count && len + 1 < max; i++) {
		char *end = text;

		if (i)
			end = stpcpy(end, ", ");
		short_net(&p->net[i], end);
		part = strnlen(text, max - len - 1);
		memcpy(ret + len, text, part);
		len += part;
	}
	ret[len] = 0;
	return ret;
}

const char *view_state(const struct peer *p, uint64_t now_s)
{
	if (!p->live)
		return p->disabled ? "disabled" : "saved";
	if (p->disabled)
		return peer_online(p, now_s) ? "online (disabled)" : "idle (disabled)";
	if (peer_online(p, now_s))
		return p->saved ? "online" : "online (not saved)";
	return p->saved ? "idle" : "idle (not saved)";
}

static json_t *text_or_null(const char *text)
{
	return *text ? json_string(text) : json_null();
}

/* "a, b" -> ["a", "b"] */
static json_t *tags_json(const char *tags)
{
	json_t *list = json_array();
	char clean[CMD_TAGS_MAX * 64], *rest = clean, *tag;

	view_clean(tags, clean, sizeof(clean));
	while ((tag = strsep(&rest, ", ")))
		if (*tag)
			json_array_append_new(list, json_string(tag));
	return list;
}

json_t *view_peer_json(const struct peer *p, uint64_t now_s, bool endpoints)
{
	char key[TEXT_BASE64_KEY], text[TEXT_ADDR], clean[256];
	json_t *nets = json_array(), *o;

	text_key_to_base64(key, p->key);
	for (size_t i = 0; i < p->net_count; i++)
		json_array_append_new(nets, json_string(net_text(&p->net[i], text)));
	o = json_pack("{s:o, s:s, s:o, s:b, s:b, s:b, s:b, s:b, s:i, s:I, s:I, s:I}", "name", text_or_null(p->name),
		      "public_key", key, "addresses", nets, "enabled", !p->disabled, "saved", p->saved, "live", p->live,
		      "online", peer_online(p, now_s), "preshared_key", p->has_psk, "keepalive", p->keepalive_s,
		      "latest_handshake", (json_int_t)p->handshake_s, "rx_bytes", (json_int_t)p->rx_bytes, "tx_bytes",
		      (json_int_t)p->tx_bytes);
	if (p->note)
		json_object_set_new(o, "note", json_string(view_clean(p->note, clean, sizeof(clean))));
	if (p->tags)
		json_object_set_new(o, "tags", tags_json(p->tags));
	if (endpoints && p->endpoint[0])
		json_object_set_new(o, "endpoint", json_string(p->endpoint));
	return o;
}

json_t *view_peers_json(const struct roster *r, uint64_t now_s, bool endpoints)
{
	json_t *list = json_array();

	for (size_t i = 0; i < r->count; i++)
		json_array_append_new(list, view_peer_json(&r->peer[i], now_s, endpoints));
	return list;
}

static int by_name(const struct peer *x, const struct peer *y)
{
	if (!x->name[0] != !y->name[0])
		return !x->name[0] - !y->name[0];
	return x->name[0] ? strcmp(x->name, y->name) : memcmp(x->key, y->key, sizeof(x->key));
}

int view_by_handshake(const struct peer *x, const struct peer *y)
{
	if (x->handshake_s != y->handshake_s)
		return x->handshake_s < y->handshake_s ? 1 : -1;
	return by_name(x, y);
}

void view_sort_by_name(struct roster *r)
{
	roster_order(r, by_name);
}

void view_sort_by_handshake(struct roster *r)
{
	roster_order(r, view_by_handshake);
}
