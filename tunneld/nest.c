/* SPDX-License-Identifier: MIT */
#include "nest.h"

#include <string.h>

#include "be.h"

enum {
	HOPS = 64,	/* a datagram of ours has more only where the system is told so */
	STEP = 16,	/* what one in another costs: enough is left for the way through any network */
	TYPES = 4,	/* of WireGuard's messages, which begin with theirs, 1 to 4, and three zeros */
};

/* The UDP header of a packet, also of the first fragment of one: IPv6 has a header of its own for that, in front of it.
 * NULL: there is none. */
static const uint8_t *udp_header(const uint8_t *pkt, uint32_t len)
{
	bool v6 = pkt[0] >> 4 == 6;
	uint32_t at = v6 ? IP6_HEAD : (pkt[0] & 15) * 4u;
	uint8_t proto = pkt[v6 ? IP6_NEXT : IP4_PROTO];

	if (v6 && proto == PROTO_FRAGMENT && at + IP6_FRAGMENT <= len && be16_get(pkt + at + 2) >> 3 == 0) {
		proto = pkt[at];
		at += IP6_FRAGMENT;
	}
	return proto == PROTO_UDP && at + UDP_HEAD <= len ? pkt + at : NULL;
}

bool nest_loops(const uint8_t *pkt, uint32_t len, uint16_t port, const struct tnl_addr *remote)
{
	const uint8_t *udp = udp_header(pkt, len);
	bool v6 = pkt[0] >> 4 == 6;

	return udp && remote->family == (v6 ? 6 : 4) && be16_get(udp + UDP_DPORT) == remote->port &&
	       be16_get(udp + UDP_SPORT) == port &&
	       memcmp(pkt + (v6 ? IP6_DST : IP4_DST), remote->ip, v6 ? 16 : 4) == 0;
}

int nest_hops(const uint8_t *pkt, uint32_t len, uint16_t port)
{
	const uint8_t *udp = udp_header(pkt, len), *message;
	int hops = pkt[pkt[0] >> 4 == 6 ? IP6_HOPS : IP4_TTL];

	if (!udp || be16_get(udp + UDP_SPORT) != port || udp + UDP_HEAD + 4 > pkt + len)
		return 0;
	message = udp + UDP_HEAD;
	if (message[0] < 1 || message[0] > TYPES || message[1] || message[2] || message[3])
		return 0;
	hops = (hops < HOPS ? hops : HOPS) - STEP;
	return hops > 0 ? hops : -1;
}
