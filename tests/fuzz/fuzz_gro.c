/* SPDX-License-Identifier: MIT */
/*
 * What peers send: packets, each behind two bytes of length, that are whole by their IP header as the protocol machine
 * guarantees; the uppermost bit says that an IPv4 header sum stays as it is, else it is made right. However they are
 * joined: the slow model must take the result apart into the packets that went in, each once, and those of one flow in
 * their order.
 */
#include <stdlib.h>
#include <string.h>

#include "../../tunneld/be.h"
#include "../../tunneld/csum.h"
#include "../../tunneld/gro.h"
#include "../unit/packets.h"
#include "../unit/split.h"

enum { COUNT = 64, AS_IT_IS = 0x8000 };

struct input {
	uint8_t *given, *kept;	/* what is handed over and may be written to, and how it was */
	uint32_t len;
	uint32_t place;		/* in the output; 0: not seen there yet */
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

/* Two copies, each of its own length, so that a sanitizer sees a step beyond its end. False: no whole packet. */
static bool take(const uint8_t *data, size_t size, bool as_it_is, struct input *ret)
{
	uint32_t len = 0;

	if (size >= IP6_HEAD && data[0] >> 4 == 6)
		len = IP6_HEAD + (uint32_t)be16_get(data + IP6_LEN);
	else if (size >= IP4_HEAD && data[0] >> 4 == 4)
		len = be16_get(data + IP4_LEN);
	if (len < IP4_HEAD || len > size)
		return false;
	*ret = (struct input) { malloc(len), malloc(len), len, 0 };
	memcpy(ret->given, data, len);
	if (data[0] >> 4 == 4 && !as_it_is)
		csum_ip4(ret->given, IP4_HEAD);
	memcpy(ret->kept, ret->given, len);
	return true;
}

/* The packet out of a super-packet is this one, but for a transport sum that was wrong and an ID that means nothing. */
static bool same(const struct input *in, const uint8_t *first, const uint8_t *got, size_t len)
{
	static uint8_t want[65536];
	bool v4 = in->kept[0] >> 4 == 4;
	const char *fault = packet_fault(in->kept, in->len);

	if (in->len != len || (fault && strcmp(fault, "transport sum") != 0))
		return false;
	memcpy(want, in->kept, len);
	if (v4 && (be16_get(want + IP4_FRAG) & IP4_DF) && be16_get(want + IP4_ID) == be16_get(first + IP4_ID)) {
		memcpy(want + IP4_ID, got + IP4_ID, 2);
		csum_ip4(want, IP4_HEAD);
	}
	if (fault) {
		size_t at = v4 ? IP4_HEAD : IP6_HEAD;

		at += want[v4 ? IP4_PROTO : IP6_NEXT] == PROTO_TCP ? TCP_SUM : UDP_SUM;
		memcpy(want + at, got + at, 2);
	}
	return memcmp(want, got, len) == 0;
}

/* The super's packets are among the input: notes their places, of which `place` is the first. Returns the next. */
static uint32_t check_super(struct gro_super *s, struct input *in, unsigned count, uint32_t place)
{
	static uint8_t flat[65536], one[65536];
	size_t len = 0, part;

	for (uint32_t i = 1; i < s->count; i++) {
		must(s->iov[i].iov_len > 0 && len + s->iov[i].iov_len <= 65535);
		memcpy(flat + len, s->iov[i].iov_base, s->iov[i].iov_len);
		len += s->iov[i].iov_len;
	}
	must(len == s->len);
	for (uint32_t k = 0; k + 1 < s->count; k++, place++) {
		unsigned n = 0;

		part = s->count == 2 ? len : split(&s->hdr, flat, len, k, one);
		if (s->count == 2)
			while (n < count && (in[n].place || in[n].given != s->iov[1].iov_base))
				n++;
		else
			while (n < count && (in[n].place || !same(&in[n], flat, one, part)))
				n++;
		must(n < count);
		must(s->count > 2 || (part == in[n].len && memcmp(flat, in[n].kept, part) == 0));
		in[n].place = place;
	}
	if (s->count == 2)
		must(s->hdr.flags == 0 && s->hdr.gso_type == 0);
	else
		must(split(&s->hdr, flat, len, s->count - 1, one) == 0);
	return place;
}

/* Fragments, and what is behind an extension header: nobody knows the ports. */
static bool hides_ports(const uint8_t *pkt)
{
	static const uint8_t extensions[] = { 0, 43, 44, 51, 60, 135 };

	if (pkt[0] >> 4 == 4)
		return be16_get(pkt + IP4_FRAG) & (IP4_MF | IP4_OFFSET);
	return memchr(extensions, pkt[IP6_NEXT], sizeof(extensions)) != NULL;
}

/* False for what is too short to have ports. */
static bool of_one_flow(const struct input *a, const struct input *b)
{
	const uint8_t *x = a->kept, *y = b->kept;
	bool v4 = x[0] >> 4 == 4;
	uint32_t proto = v4 ? IP4_PROTO : IP6_NEXT, addr = v4 ? IP4_SRC : IP6_SRC;
	uint32_t x_at = v4 ? (x[0] & 15) * 4u : IP6_HEAD, y_at = v4 ? (y[0] & 15) * 4u : IP6_HEAD;

	if (x[0] >> 4 != y[0] >> 4 || memcmp(x + addr, y + addr, v4 ? 8 : 32) != 0)
		return false;
	if (hides_ports(x) || hides_ports(y))
		return true;
	return x[proto] == y[proto] && x_at + UDP_HEAD <= a->len && y_at + UDP_HEAD <= b->len &&
	       memcmp(x + x_at, y + y_at, 4) == 0;
}

static void check_all(struct gro *gro, struct input *in, unsigned count)
{
	uint32_t place = 1;

	for (uint32_t i = 0; i < gro->count; i++)
		place = check_super(gro_finish(gro, i), in, count, place);
	must(place == count + 1);
	for (unsigned b = 1; b < count; b++)
		for (unsigned a = 0; a < b; a++)
			must(in[a].place < in[b].place || !of_one_flow(&in[a], &in[b]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct gro gro;
	struct input in[COUNT];
	unsigned count = 0;

	gro_init(&gro, true, true);
	while (size >= 2 && count < COUNT) {
		bool as_it_is = be16_get(data) & AS_IT_IS;
		size_t part = be16_get(data) & ~AS_IT_IS;

		data += 2;
		size -= 2;
		part = part < size ? part : size;
		if (take(data, part, as_it_is, &in[count])) {
			must(gro_add(&gro, in[count].given, in[count].len));
			count++;
		}
		data += part;
		size -= part;
	}
	check_all(&gro, in, count);
	for (unsigned i = 0; i < count; i++) {
		free(in[i].given);
		free(in[i].kept);
	}
	return 0;
}
