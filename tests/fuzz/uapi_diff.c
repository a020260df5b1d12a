/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "uapi_diff.h"

enum { OPS_MAX = 4096 };

/* What a text gave: operations and errors in order. */
struct outcome {
	size_t count;
	struct {
		int r;
		struct uapi_op op;
	} got[OPS_MAX];
};

static void must(bool holds)
{
	if (!holds)
		abort();
}

/* Indices of the interfaces e0 to e9; no other exists. */
static uint32_t scope_index(void *ctx, const char *name)
{
	(void)ctx;
	return name[0] == 'e' && name[1] >= '0' && name[1] <= '9' && !name[2] ? (uint32_t)(name[1] - '0' + 1) : 0;
}

static const struct text_scope scope = { .index = scope_index };

/* One piece, in memory of its own, so that a read beyond it is seen. */
static void feed(struct uapi_parser *p, const uint8_t *src, size_t len, struct outcome *o)
{
	uint8_t *piece = malloc(len ? len : 1);

	must(piece);
	if (len)
		memcpy(piece, src, len);
	for (size_t off = 0, used = 0; off < len; off += used) {
		struct uapi_op op;
		int r;

		memset(&op, 0xee, sizeof(op));
		r = uapi_parse(p, piece + off, len - off, &used, &op);
		must(used > 0 && used <= len - off);
		must(r == 0 || r == 1 || r == -EINVAL || r == -EPROTO);
		must(r || used == len - off);
		if (!r || o->count == OPS_MAX)
			continue;
		if (r < 0)
			memset(&op, 0, sizeof(op));
		o->got[o->count].r = r;
		o->got[o->count++].op = op;
	}
	free(piece);
}

static void check_values(const struct uapi_op *op)
{
	must((unsigned)op->what < UAPI_WHATS);
	if (op->what == UAPI_LISTEN_PORT || op->what == UAPI_KEEPALIVE)
		must(op->number <= UINT16_MAX);
	if (op->what == UAPI_FWMARK)
		must(op->number <= UINT32_MAX);
	if (op->what == UAPI_ENDPOINT)
		must((op->addr.family == 4 || op->addr.family == 6) && op->addr.port);
	if (op->what == UAPI_ALLOWED_IP)
		must(op->bits <= (op->addr.family == 4 ? 32 : 128) && !op->addr.port && !op->addr.scope);
}

/* In its place in a request or an answer, an operation reads back as it was. */
static void check_round_trip(enum uapi_mode mode, const struct uapi_op *op)
{
	char text[8 + 2 * UAPI_OP_MAX];
	struct uapi_out o = { .dst = text, .max = sizeof(text) };
	struct uapi_op back = { 0 }, peer = { .what = UAPI_PEER }, first = { .what = UAPI_SET_BEGIN };
	struct uapi_parser p;
	size_t start, used;
	bool of_peer = op->what > UAPI_PEER && op->what < UAPI_ERRNO;

	if (op->what == UAPI_END)
		return;
	if (mode == UAPI_REQUESTS && op->what != UAPI_SET_BEGIN && op->what != UAPI_GET)
		must(uapi_put(&o, &first));
	if (of_peer)
		must(uapi_put(&o, &peer));
	start = o.len;
	o.max = start + UAPI_OP_MAX;
	must(uapi_put(&o, op));
	uapi_init(&p, mode, NULL);
	for (size_t off = 0; off < o.len; off += used)
		must(uapi_parse(&p, text + off, o.len - off, &used, &back) == 1);
	must(!memcmp(&back, op, sizeof(back)));
}

void uapi_diff(enum uapi_mode mode, const uint8_t *data, size_t size)
{
	static struct outcome whole, cut;
	struct uapi_parser p, q;
	uint32_t rng = size ? data[0] : 0;

	if (!size)
		return;
	data++;
	size--;
	whole.count = cut.count = 0;
	uapi_init(&p, mode, &scope);
	feed(&p, data, size, &whole);
	uapi_init(&q, mode, &scope);
	for (size_t off = 0, part; off < size; off += part) {
		rng = rng * 1664525 + 1013904223;
		part = 1 + (rng >> 16) % (rng & 0x40 ? 7 : 300);
		part = part < size - off ? part : size - off;
		feed(&q, data + off, part, &cut);
	}
	must(whole.count == cut.count && !memcmp(whole.got, cut.got, whole.count * sizeof(whole.got[0])));
	must(uapi_idle(&p) == uapi_idle(&q));
	for (size_t i = 0; i < whole.count; i++) {
		if (whole.got[i].r < 0)
			continue;
		check_values(&whole.got[i].op);
		check_round_trip(mode, &whole.got[i].op);
	}
	uapi_wipe(&p);
	for (size_t i = 0; i < sizeof(p.buf); i++)
		must(!p.buf[i]);
}
