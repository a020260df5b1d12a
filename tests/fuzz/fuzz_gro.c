/* SPDX-License-Identifier: MIT */
/*
 * What peers send: packets, each behind two bytes of length, that are whole by their IP header as the protocol machine
 * guarantees. However they are joined, no payload byte may be lost, added or moved within its super, and what is joined
 * must be something that splitting accepts.
 */
#include <stdlib.h>
#include <string.h>

#include "../../tunneld/be.h"
#include "../../tunneld/gro.h"
#include "../../tunneld/gso.h"

enum { COUNT = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A copy of its own for each, so that a sanitizer sees a step beyond its end. NULL: no whole packet. */
static uint8_t *whole(const uint8_t *data, size_t size, uint32_t *len)
{
	uint8_t *pkt;

	if (size < IP4_HEAD || (data[0] >> 4 == 6 && size < IP6_HEAD))
		return NULL;
	if (data[0] >> 4 == 6)
		*len = IP6_HEAD + (uint32_t)be16_get(data + IP6_LEN);
	else if (data[0] >> 4 == 4)
		*len = be16_get(data + IP4_LEN);
	else
		return NULL;
	if (*len < IP4_HEAD || *len > size)
		return NULL;
	pkt = malloc(*len);
	memcpy(pkt, data, *len);
	return pkt;
}

static void check_super(struct gro_super *s)
{
	static uint8_t flat[65536];
	size_t len = 0;
	struct gso g;

	for (uint32_t i = 1; i < s->count; i++) {
		if (s->iov[i].iov_len == 0 || len + s->iov[i].iov_len > 65535)
			abort();
		memcpy(flat + len, s->iov[i].iov_base, s->iov[i].iov_len);
		len += s->iov[i].iov_len;
	}
	if (s->count > 2 && (!gso_parse(&s->hdr, flat, len, &g) || g.count != s->count - 1 || g.len != len))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct gro gro;
	uint8_t *pkt[COUNT];
	unsigned count = 0;
	uint64_t in = 0, out = 0;

	gro_init(&gro, true, true);
	while (size >= 2 && count < COUNT) {
		size_t part = be16_get(data);
		uint32_t len;

		data += 2;
		size -= 2;
		part = part < size ? part : size;
		pkt[count] = whole(data, part, &len);
		if (pkt[count]) {
			if (!gro_add(&gro, pkt[count], len))
				abort();
			in += len;
			count++;
		}
		data += part;
		size -= part;
	}
	for (uint32_t i = 0; i < gro.count; i++) {
		struct gro_super *s = gro_finish(&gro, i);

		check_super(s);
		out += s->len;
		/* Each joined packet has lost its header, which is as long as the first one's. */
		if (s->count > 2)
			out += (uint64_t)(s->count - 2) * s->hdr.hdr_len;
	}
	if (in != out)
		abort();
	for (unsigned i = 0; i < count; i++)
		free(pkt[i]);
	return 0;
}
