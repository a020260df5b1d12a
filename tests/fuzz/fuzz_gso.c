/* SPDX-License-Identifier: MIT */
/*
 * What the TUN device hands over: ten bytes of virtio-net header, then the packet. What is accepted must cover the
 * packet exactly, and every segment must be of the length that its own header states.
 */
#include <stdlib.h>
#include <string.h>

#include "../../tunneld/be.h"
#include "../../tunneld/gso.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_segment(const struct gso *g, uint32_t i)
{
	uint32_t len = gso_len(g, i), stated;
	uint8_t *dst = malloc(len);	/* exactly: one byte more is an error */

	gso_segment(g, i, dst);
	stated = g->v6 ? IP6_HEAD + (uint32_t)be16_get(dst + IP6_LEN) : be16_get(dst + IP4_LEN);
	if (stated != len)
		abort();
	if (i > 0 && memcmp(dst + g->head, g->pkt + g->head + i * g->mss, len - g->head) != 0)
		abort();
	free(dst);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct virtio_net_hdr h;
	uint64_t payload = 0;
	struct gso g;

	if (size < sizeof(h))
		return 0;
	memcpy(&h, data, sizeof(h));
	if (!gso_parse(&h, data + sizeof(h), size - sizeof(h), &g))
		return 0;
	if (g.count == 0 || g.count > 65535 || g.head > g.len)
		abort();
	for (uint32_t i = 0; i < g.count; i++) {
		payload += gso_len(&g, i) - g.head;
		check_segment(&g, i);
	}
	if (payload != g.len - g.head)
		abort();
	return 0;
}
