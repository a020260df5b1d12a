/* SPDX-License-Identifier: MIT */
/*
 * What the TUN device hands over: ten bytes of virtio-net header, then the packet. What is accepted must be cut into
 * exactly the packets that the slow model makes of it.
 */
#include <stdlib.h>
#include <string.h>

#include "../../tunneld/gso.h"
#include "../unit/split.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_segment(const struct gso *g, const struct virtio_net_hdr *h, size_t len, uint32_t i)
{
	static uint8_t want[65536];
	size_t want_len = split(h, g->pkt, len, i, want);
	uint8_t *dst = malloc(gso_len(g, i));	/* exactly: one byte more is an error */

	if (want_len != gso_len(g, i))
		abort();
	gso_segment(g, i, dst);
	if (memcmp(dst, want, want_len) != 0)
		abort();
	free(dst);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t beyond[65536];
	struct virtio_net_hdr h;
	struct gso g;

	if (size < sizeof(h))
		return 0;
	memcpy(&h, data, sizeof(h));
	data += sizeof(h);
	size -= sizeof(h);
	if (!gso_parse(&h, data, size, &g))
		return 0;
	if (g.count == 0 || g.count > 65535 || g.head > g.len)
		abort();
	for (uint32_t i = 0; i < g.count; i++)
		check_segment(&g, &h, size, i);
	if (split(&h, data, size, g.count, beyond) != 0)
		abort();
	return 0;
}
