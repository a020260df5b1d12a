/* SPDX-License-Identifier: MIT */
/*
 * What arrives on a session: bytes as they come, and packets that the peer itself sealed around anything, at any
 * counter, perhaps with something changed on the way. Several make a batch, which the workers' door cuts into runs.
 * And what comes from the host's side: any bytes as an inner packet.
 *
 * Claims: only what is authentic passes, each counter once; what passes is a whole IP packet of the
 * peer's networks inside the datagram; what the host seals, the peer opens.
 */
#include <string.h>

#include "rig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { STEPS_MAX = 16, BATCH = 4, INNER_MAX = 128, WIRE_MAX = INNER_MAX + DATA_MIN, COUNTERS = 1 << 16 };

static bool seen[COUNTERS];

struct batch {
	struct tnl_pkt pkt[BATCH];
	bool honest[BATCH];
	uint64_t counter[BATCH];
	uint8_t wire[BATCH][WIRE_MAX];
};

static uint64_t choose_counter(struct input *in)
{
	uint64_t low = input_byte(in) | (uint64_t)input_byte(in) << 8;

	switch (low % 8) {
	case 7:
		return UINT64_MAX - low % 8193;	/* from REJECT_AFTER_MESSAGES on: refused */
	default:
		return low;
	}
}

/* A whole packet from somewhere, with something changed. */
static size_t ip_packet(struct input *in, uint8_t *inner)
{
	bool v6 = input_byte(in) % 2;
	size_t head = v6 ? 40 : 20, body = input_bytes(in, inner + head, input_byte(in) % 32);

	memset(inner, 0, head);
	inner[0] = v6 ? 0x60 : 0x45;
	put_be16(inner + (v6 ? 4 : 2), (uint16_t)(v6 ? body : head + body));
	inner[v6 ? 8 : 12] = input_byte(in) % 2 ? v6 ? 0xfd : 10 : input_byte(in);
	(void)input_mutate(in, inner, 0, head);
	return head + body + input_byte(in) % 16;
}

/* Libsodium's word. The engine sees what the code under test compares and the key is fixed, so given time it finds
 * tags: that bytes were changed does not make them wrong. */
static bool authentic(const struct rig *r, const uint8_t *wire, size_t len)
{
	uint8_t plain[WIRE_MAX];

	return len >= DATA_MIN && get_le32(wire) == WIRE_DATA && get_le32(wire + DATA_RECEIVER) == r->host_index &&
	       aead_open_ad(plain, wire + DATA_BODY, len - DATA_MIN, NULL, 0, r->keys.send,
			    get_le64(wire + DATA_COUNTER));
}

static void fill(struct rig *r, struct input *in, struct batch *b, unsigned i)
{
	uint8_t *wire = b->wire[i];
	unsigned kind = input_byte(in) % 4;
	size_t len;

	memset(wire, 0, WIRE_MAX);
	if (!kind) {
		len = input_bytes(in, wire, input_byte(in) % WIRE_MAX);
	} else {
		len = kind == 1 ? input_bytes(in, wire + DATA_BODY, input_byte(in) % INNER_MAX) :
				  ip_packet(in, wire + DATA_BODY);
		b->counter[i] = choose_counter(in);
		put_le32(wire, WIRE_DATA);
		put_le32(wire + DATA_RECEIVER, r->host_index);
		put_le64(wire + DATA_COUNTER, b->counter[i]);
		aead_seal_ad(wire + DATA_BODY, wire + DATA_BODY, len, NULL, 0, r->keys.send, b->counter[i]);
		len += DATA_MIN;
		(void)input_mutate(in, wire, 0, len);
	}
	b->honest[i] = authentic(r, wire, len);
	b->counter[i] = get_le64(wire + DATA_COUNTER);
	b->pkt[i] = (struct tnl_pkt){ .data = wire, .len = (uint32_t)len };
}

static void check_passed(const struct batch *b, unsigned i)
{
	const struct tnl_pkt *p = &b->pkt[i];
	const uint8_t *d = p->data;

	must(b->honest[i] && b->counter[i] < COUNTERS && !seen[b->counter[i]]);
	seen[b->counter[i]] = true;
	if (p->verdict == TNL_EMPTY)
		return;
	must(d == b->wire[i] + DATA_BODY && p->len >= 20 && d + p->len + AEAD_TAG_LEN <= b->wire[i] + WIRE_MAX);
	if (d[0] >> 4 == 4)
		must(p->len == get_be16(d + 2) && d[12] == 10);
	else
		must(d[0] >> 4 == 6 && p->len == 40U + get_be16(d + 4) && d[8] == 0xfd);
}

static void check_verdict(const struct batch *b, unsigned i)
{
	switch (b->pkt[i].verdict) {
	case TNL_PASS:
	case TNL_EMPTY:
		check_passed(b, i);
		break;
	case TNL_DROP_SOURCE:
	case TNL_DROP_INNER:
		must(b->honest[i] && b->counter[i] < COUNTERS && !seen[b->counter[i]]);
		seen[b->counter[i]] = true;
		break;
	case TNL_DROP_REPLAY:
		must(b->honest[i]);
		break;
	default:
		must(b->pkt[i].verdict < TNL_VERDICTS && b->pkt[i].verdict != TNL_WAIT);
		/* What the peer sealed is refused only at the end of the key's life. */
		must(!b->honest[i] || b->pkt[i].verdict == TNL_DROP_EXPIRED || b->pkt[i].verdict == TNL_DROP_INDEX);
	}
}

static void receive(struct rig *r, struct input *in)
{
	static struct batch b;
	unsigned count = 1 + input_byte(in) % BATCH, at = 0;

	for (unsigned i = 0; i < count; i++)
		fill(r, in, &b, i);
	tnl_enter(r->w);
	while (at < count) {
		struct tnl_run run;
		uint32_t n = tnl_rx_begin(r->w, r->now.boot, &b.pkt[at], count - at, &run);

		must(n >= 1 && n <= count - at && n == run.count);
		if (run.key) {
			tnl_rx_open_run(r->w, &run, &b.pkt[at], n);
			tnl_rx_end(r->w, r->now.boot, &run, &r->from, &b.pkt[at]);
		}
		at += n;
	}
	(void)tnl_leave(r->w);
	for (unsigned i = 0; i < count; i++)
		check_verdict(&b, i);
}

static void transmit(struct rig *r, struct input *in)
{
	uint8_t wire[WIRE_MAX] = { 0 }, *inner = wire + TNL_HEAD;
	size_t len = input_bytes(in, inner, input_byte(in) % (INNER_MAX - 16)), mtu = input_byte(in), total;
	struct tnl_run run;
	enum tnl_verdict v;

	tnl_enter(r->w);
	v = tnl_tx_begin(r->w, r->now.boot, inner, len, 1, &run);
	must(v < TNL_VERDICTS && v != TNL_EMPTY && v != TNL_CONTROL);
	must(!run.key == (v != TNL_PASS));
	if (v == TNL_PASS) {
		uint8_t plain[WIRE_MAX], before[INNER_MAX];

		memcpy(before, inner, len);
		total = tnl_tx_len(len, mtu);
		must(total >= len + DATA_MIN && total < len + DATA_MIN + 16 && total <= sizeof(wire));
		must(tnl_tx_seal(r->w, &run, 0, wire, len, mtu) == total);
		tnl_tx_end(r->w, r->now.boot, &run, total);
		must(aead_open_ad(plain, wire + DATA_BODY, total - DATA_MIN, NULL, 0, r->keys.receive,
				  get_le64(wire + DATA_COUNTER)));
		must(!memcmp(plain, before, len));
		for (size_t i = len; i < total - DATA_MIN; i++)
			must(!plain[i]);
	}
	(void)tnl_leave(r->w);
}

static void wait(struct rig *r, struct input *in)
{
	r->now.boot += (tnl_ns)input_byte(in) % 32 * TNL_SEC;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const step[])(struct rig *, struct input *) = { receive, receive, transmit, wait };
	struct input in = { data, size };
	struct rig *r = rig_begin();

	memset(seen, 0, sizeof(seen));
	rig_session(r);
	seen[0] = true;		/* its keepalive */
	for (int i = 0; i < STEPS_MAX && in.left; i++) {
		step[input_byte(&in) % (sizeof(step) / sizeof(step[0]))](r, &in);
		rig_turn(r, NULL);
	}
	return 0;
}
