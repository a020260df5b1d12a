/* SPDX-License-Identifier: MIT */
/*
 * Bytes to operations. A whole line inside the caller's bytes is parsed where it lies; only a line that is cut is
 * gathered in the parser's buffer, which is wiped as soon as the line is done, because it may hold a key. One table
 * says for each key where it may stand and what its value is; a state says where we are:
 *
 *     requests   IDLE -get=1-> GET -blank-> IDLE       IDLE -set=1-> DEVICE -public_key-> PEER -blank-> IDLE
 *     answers    IDLE -> DEVICE -> PEER -errno-> DONE -blank-> IDLE
 *
 * Any error leads to SKIP, which throws lines away up to the blank line, so that one bad request cannot be continued
 * by its own remains.
 */
#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "uapi.h"

enum state { IDLE, GET, DEVICE, PEER, DONE, SKIP };

enum place {
	SET_DEVICE = 1, SET_PEER = 2, GET_DEVICE = 4, GET_PEER = 8, NARROW_GET = 16,
	ON_DEVICE = SET_DEVICE | GET_DEVICE, ON_PEER = SET_PEER | GET_PEER,
};

enum value { KEY, NUMBER, FLAG, ENDPOINT, PREFIX };

/* What answers are full of comes first. */
static const struct line_key {
	const char *name;
	uint8_t len, what, place, value;
	uint64_t max;
} line_keys[] = {
#define ROW(name, what, place, value, max) { name, sizeof(name) - 1, what, place, value, max }
	ROW("allowed_ip", UAPI_ALLOWED_IP, ON_PEER | NARROW_GET, PREFIX, 0),
	ROW("public_key", UAPI_PEER, ON_DEVICE | ON_PEER | NARROW_GET, KEY, 0),
	ROW("preshared_key", UAPI_PSK, ON_PEER, KEY, 0),
	ROW("endpoint", UAPI_ENDPOINT, ON_PEER, ENDPOINT, 0),
	ROW("persistent_keepalive_interval", UAPI_KEEPALIVE, ON_PEER, NUMBER, UINT16_MAX),
	ROW("protocol_version", UAPI_PROTOCOL_VERSION, ON_PEER, NUMBER, 1),
	ROW("last_handshake_time_sec", UAPI_HANDSHAKE_SEC, GET_PEER, NUMBER, INT64_MAX),
	ROW("last_handshake_time_nsec", UAPI_HANDSHAKE_NSEC, GET_PEER, NUMBER, 999999999),
	ROW("tx_bytes", UAPI_TX_BYTES, GET_PEER, NUMBER, UINT64_MAX),
	ROW("rx_bytes", UAPI_RX_BYTES, GET_PEER, NUMBER, UINT64_MAX),
	ROW("replace_allowed_ips", UAPI_REPLACE_ALLOWED_IPS, SET_PEER, FLAG, 0),
	ROW("remove", UAPI_REMOVE, SET_PEER, FLAG, 0),
	ROW("update_only", UAPI_UPDATE_ONLY, SET_PEER, FLAG, 0),
	ROW("private_key", UAPI_PRIVATE_KEY, ON_DEVICE, KEY, 0),
	ROW("listen_port", UAPI_LISTEN_PORT, ON_DEVICE, NUMBER, UINT16_MAX),
	ROW("fwmark", UAPI_FWMARK, ON_DEVICE, NUMBER, UINT32_MAX),
	ROW("replace_peers", UAPI_REPLACE_PEERS, SET_DEVICE, FLAG, 0),
	ROW("errno", UAPI_ERRNO, GET_DEVICE | GET_PEER, NUMBER, INT32_MAX),
#undef ROW
};

void uapi_init(struct uapi_parser *p, enum uapi_mode mode, const struct text_scope *scope)
{
	memset(p, 0, sizeof(*p));
	p->mode = mode;
	if (scope)
		p->scope = *scope;
}

void uapi_wipe(struct uapi_parser *p)
{
	sodium_memzero(p->buf, sizeof(p->buf));
	p->used = 0;
}

void uapi_skip(struct uapi_parser *p)
{
	if (p->state != IDLE)
		p->state = SKIP;
}

bool uapi_idle(const struct uapi_parser *p)
{
	return p->state == IDLE && !p->used && !p->long_line;
}

static bool is(const char *s, size_t len, const char *word)
{
	return len == strlen(word) && !memcmp(s, word, len);
}

static const struct line_key *find_key(const char *name, size_t len)
{
	for (size_t i = 0; i < sizeof(line_keys) / sizeof(line_keys[0]); i++)
		if (line_keys[i].len == len && !memcmp(line_keys[i].name, name, len))
			return &line_keys[i];
	return NULL;
}

static bool parse_allowed_ip(const char *s, size_t len, bool may_remove, struct uapi_op *ret)
{
	ret->minus = may_remove && len && s[0] == '-';
	if (!text_prefix(s + ret->minus, len - ret->minus, false, &ret->addr, &ret->bits))
		return false;
	text_clear_host_bits(&ret->addr, ret->bits);
	return true;
}

static bool parse_value(const struct uapi_parser *p, const struct line_key *k, const char *s, size_t len,
			struct uapi_op *ret)
{
	switch ((enum value)k->value) {
	case KEY:
		return text_key_from_hex(s, len, ret->key);
	case FLAG:
		return is(s, len, "true");
	case ENDPOINT:
		return text_endpoint(s, len, &p->scope, &ret->addr);
	case PREFIX:
		return parse_allowed_ip(s, len, p->mode == UAPI_REQUESTS && p->state != GET, ret);
	case NUMBER:
		break;
	}
	if (k->what == UAPI_ERRNO && len && s[0] == '-')
		return text_number(s + 1, len - 1, k->max, &ret->number);
	return text_number(s, len, k->max, &ret->number) && (k->what != UAPI_PROTOCOL_VERSION || ret->number == 1);
}

/* Where a line stands. */
static unsigned here(const struct uapi_parser *p)
{
	if (p->mode == UAPI_ANSWERS)
		return p->state == PEER ? GET_PEER : GET_DEVICE;
	return p->state == GET ? NARROW_GET : p->state == PEER ? SET_PEER : SET_DEVICE;
}

/* A line of a request or of an answer. 1: *ret; 0: a key we do not know and need not. */
static int parse_pair(struct uapi_parser *p, const char *line, size_t len, struct uapi_op *ret)
{
	bool request = p->mode == UAPI_REQUESTS;
	const char *equals = memchr(line, '=', len);
	size_t name = equals ? (size_t)(equals - line) : 0;
	const struct line_key *k;
	struct uapi_op op;

	if (!equals || p->state == DONE)
		return -EPROTO;
	k = find_key(line, name);
	if (!k || (!request && !(k->place & (GET_DEVICE | GET_PEER))))
		return request ? -EINVAL : 0;
	if (!(k->place & here(p)))
		return -EINVAL;
	memset(&op, 0, sizeof(op));	/* padding too: tests compare operations as memory */
	op.what = k->what;
	if (!parse_value(p, k, equals + 1, len - name - 1, &op))
		return -EINVAL;
	if (k->what == UAPI_PEER && p->state != GET)
		p->state = PEER;
	else if (k->what == UAPI_ERRNO)
		p->state = DONE;
	memcpy(ret, &op, sizeof(op));
	sodium_memzero(&op, sizeof(op));
	return 1;
}

static int parse_blank(struct uapi_parser *p, struct uapi_op *ret)
{
	unsigned was = p->state;

	p->state = IDLE;
	if (was == SKIP)
		return 0;
	if (was == IDLE || (p->mode == UAPI_ANSWERS && was != DONE))
		return -EPROTO;
	memset(ret, 0, sizeof(*ret));
	ret->what = was == GET ? UAPI_GET : UAPI_END;
	return 1;
}

static int parse_operation(struct uapi_parser *p, const char *line, size_t len, struct uapi_op *ret)
{
	if (is(line, len, "get=1")) {
		p->state = GET;
		return 0;
	}
	if (!is(line, len, "set=1"))
		return memchr(line, '=', len) ? -EINVAL : -EPROTO;
	p->state = DEVICE;
	memset(ret, 0, sizeof(*ret));
	ret->what = UAPI_SET_BEGIN;
	return 1;
}

static int parse_line(struct uapi_parser *p, const char *line, size_t len, struct uapi_op *ret)
{
	int r;

	p->line = p->state == IDLE ? 1 : p->line + 1;
	if (!len)
		return parse_blank(p, ret);
	if (p->state == SKIP)
		return 0;
	if (p->state == IDLE && p->mode == UAPI_ANSWERS)
		p->state = DEVICE;
	if (p->state == IDLE)
		r = parse_operation(p, line, len, ret);
	else
		r = parse_pair(p, line, len, ret);
	if (r < 0)
		p->state = SKIP;
	return r;
}

/* The line is too long: forget what we have of it. `whole`: its end is in sight. */
static int refuse_long(struct uapi_parser *p, bool whole)
{
	bool skipping = p->state == SKIP;

	p->line = p->state == IDLE ? 1 : p->line + 1;
	p->state = SKIP;
	p->long_line = !whole;
	return skipping ? 0 : -EINVAL;
}

/* One line, or what there is of it: `len` bytes, followed by its LF if `whole`. */
static int take(struct uapi_parser *p, const char *src, size_t len, bool whole, struct uapi_op *ret)
{
	size_t used = p->used;
	int r = 0;

	if (p->long_line) {
		p->long_line = !whole;
		return 0;
	}
	if (len > UAPI_LINE_MAX - used) {
		r = refuse_long(p, whole);
	} else if (used || !whole) {
		memcpy(p->buf + used, src, len);
		used += len;
		p->used = (uint16_t)used;
		if (!whole)
			return 0;
		r = parse_line(p, p->buf, used, ret);
	} else {
		return parse_line(p, src, len, ret);
	}
	sodium_memzero(p->buf, used);
	p->used = 0;
	return r;
}

int uapi_parse(struct uapi_parser *p, const void *src, size_t len, size_t *used, struct uapi_op *ret)
{
	const char *s = src;
	size_t off = 0;
	int r = 0;

	while (off < len && !r) {
		const char *lf = memchr(s + off, '\n', len - off);
		size_t part = lf ? (size_t)(lf - s) - off : len - off;

		r = take(p, s + off, part, lf, ret);
		off += part + (lf ? 1 : 0);
	}
	*used = off;
	return r;
}
