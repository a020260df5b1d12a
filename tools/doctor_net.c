/* SPDX-License-Identifier: MIT */
/* The interface as the kernel has it, and the switches that packets through it depend on. */
#include "doctor.h"

#include "link.h"
#include "probe.h"
#include "way.h"

#include <string.h>

enum {
	ADDRESSES_MAX = 64,
	OVERHEAD_4 = 20 + 8 + 32,	/* outer IP, UDP, our head and tag */
	OVERHEAD_6 = 40 + 8 + 32,
	MTU_IPV6_MIN = 1280,		/* RFC 8200 5 */
	PEERS_ASKED = 256,		/* endpoints that are looked up at most */
	STRICT = 1,			/* of rp_filter, RFC 3704 2.2 */
};

static bool here(const struct doctor *d)
{
	return link_state(d->f.name).exists;
}

enum doctor_result doctor_link(struct doctor *d)
{
	struct link_state s = link_state(d->f.name);

	if (!d->f.running)
		return doctor_say(d, DOCTOR_SKIPPED, "tunneld does not run");
	if (!s.exists)
		return doctor_say(d, DOCTOR_SKIPPED, "%s is in another network namespace", d->f.name);
	if (!s.up)
		return doctor_say(d, DOCTOR_PROBLEM, "%s is down: peers are not answered", d->f.name);
	return doctor_say(d, DOCTOR_GOOD, "%s is up", d->f.name);
}

static bool has_own(const struct doctor *d, uint8_t family)
{
	for (size_t i = 0; i < d->saved.own_count; i++)
		if (d->saved.own[i].addr.family == family)
			return true;
	return false;
}

enum doctor_result doctor_addresses(struct doctor *d)
{
	struct net live[ADDRESSES_MAX];
	size_t count = link_addresses(d->f.name, live, ADDRESSES_MAX);
	char text[TEXT_ADDR];

	if (!d->f.running || !here(d) || !d->saved.own_count)
		return doctor_say(d, DOCTOR_SKIPPED, "no addresses to look for, or no interface that has them");
	for (size_t i = 0; i < d->saved.own_count; i++) {
		size_t k = 0;

		while (k < count && !net_equal(&live[k], &d->saved.own[i]))
			k++;
		if (k == count)
			return doctor_say(d, DOCTOR_PROBLEM, "%s has not the address %s of the file", d->f.name,
					  net_text(&d->saved.own[i], text));
	}
	return doctor_say(d, DOCTOR_GOOD, "%s has its addresses", d->f.name);
}

enum doctor_result doctor_ipv6(struct doctor *d)
{
	static const char path[] = "/proc/sys/net/ipv6/conf/%s/disable_ipv6";
	uint64_t all, one;

	if (!has_own(d, 6))
		return doctor_say(d, DOCTOR_SKIPPED, "no IPv6 in the configuration");
	if (!probe_number(&all, path, "all"))
		return doctor_say(d, DOCTOR_PROBLEM, "the configuration has IPv6 addresses, the kernel has no IPv6");
	if (!here(d) || !probe_number(&one, path, d->f.name))	/* nor has it one where the MTU is too little */
		one = all;
	if (one)
		return doctor_say(d, DOCTOR_PROBLEM, "IPv6 is switched off (net.ipv6.conf.%s.disable_ipv6)",
				  all ? "all" : d->f.name);
	return doctor_say(d, DOCTOR_GOOD, "IPv6 is on");
}

static enum doctor_result forwarding(struct doctor *d, uint8_t family, const char *path)
{
	uint64_t on;

	if (!doctor_forwards(d) || !has_own(d, family))
		return doctor_say(d, DOCTOR_SKIPPED, "nothing of IPv%u is to be forwarded", family);
	if (!d->f.running)
		return doctor_say(d, DOCTOR_SKIPPED, "tunneld switches it on when it starts");
	if (!probe_number(&on, "%s", path))
		return doctor_say(d, DOCTOR_SKIPPED, "the kernel does not tell");
	if (!on)
		return doctor_say(d, DOCTOR_PROBLEM, "IPv%u is not forwarded: clients reach this machine only", family);
	return doctor_say(d, DOCTOR_GOOD, "IPv%u is forwarded", family);
}

enum doctor_result doctor_forward4(struct doctor *d)
{
	return forwarding(d, 4, "/proc/sys/net/ipv4/ip_forward");
}

enum doctor_result doctor_forward6(struct doctor *d)
{
	return forwarding(d, 6, "/proc/sys/net/ipv6/conf/all/forwarding");
}

/* ---- MTU --------------------------------------------------------------------------------------------------------- */

/* The least that fits through the way to any peer, and to the world when peers come to us; 0: not known. */
static uint32_t room_outside(const struct doctor *d, struct nl_sock *nl)
{
	struct tnl_addr world = { .family = 4, .ip = { 198, 51, 100, 1 } }, to;	/* RFC 5737: nobody's */
	unsigned ours = if_nametoindex(d->f.name);
	uint32_t least = 0;

	for (size_t i = 0; i <= d->r.count && i < PEERS_ASKED; i++) {
		const char *endpoint = i < d->r.count ? d->r.peer[i].endpoint : "";
		uint32_t mtu, overhead;
		struct way way;

		if (i == d->r.count)
			to = world;
		else if (!text_endpoint(endpoint, strlen(endpoint), NULL, &to))
			continue;
		way = way_to(nl, &to, d->r.fwmark);
		mtu = way.mtu ? way.mtu : way_mtu(way.ifindex);
		overhead = to.family == 4 ? OVERHEAD_4 : OVERHEAD_6;
		if (way.found && way.ifindex != ours && mtu > overhead && (!least || mtu - overhead < least))
			least = mtu - overhead;
	}
	return least;
}

enum doctor_result doctor_mtu(struct doctor *d)
{
	uint32_t mtu = way_mtu(if_nametoindex(d->f.name)), room;
	struct nl_sock *nl = mtu ? way_open() : NULL;

	room = nl ? room_outside(d, nl) : 0;
	way_close(nl);
	if (!room)
		return doctor_say(d, DOCTOR_SKIPPED, "there is no interface, or no way out");
	if (mtu > room)
		return doctor_say(d, DOCTOR_WARNING, "MTU %u is too much for the way outside, where %u fits: large "
				  "packets are cut or lost", mtu, room);
	return doctor_say(d, DOCTOR_GOOD, "MTU %u fits the way outside", mtu);
}

enum doctor_result doctor_mtu6(struct doctor *d)
{
	uint32_t mtu = way_mtu(if_nametoindex(d->f.name));

	mtu = mtu ? mtu : d->files.mtu;
	if (!mtu || !has_own(d, 6))
		return doctor_say(d, DOCTOR_SKIPPED, "no IPv6 in the configuration");
	if (mtu < MTU_IPV6_MIN)
		return doctor_say(d, DOCTOR_PROBLEM, "MTU %u is too little for IPv6, which needs %d", mtu,
				  MTU_IPV6_MIN);
	return doctor_say(d, DOCTOR_GOOD, "MTU %u is enough for IPv6", mtu);
}

/* ---- Reverse path ------------------------------------------------------------------------------------------------ */

/* Answers of peers come in without our mark, and without it the way back leads into the tunnel: a strict filter drops
 * them unless it is told to look at the mark. */
enum doctor_result doctor_reverse(struct doctor *d)
{
	uint64_t strict = 0, marked = 0;
	bool all = false;

	for (size_t i = 0; i < d->r.count; i++)
		for (size_t k = 0; k < d->r.peer[i].net_count; k++)
			all = all || (d->r.peer[i].net[k].addr.family == 4 && !d->r.peer[i].net[k].bits);
	if (!all || !d->answers || !d->r.fwmark)
		return doctor_say(d, DOCTOR_SKIPPED, "no default route through the tunnel");
	if (!probe_number(&strict, "/proc/sys/net/ipv4/conf/all/rp_filter") ||
	    !probe_number(&marked, "/proc/sys/net/ipv4/conf/all/src_valid_mark"))
		return doctor_say(d, DOCTOR_SKIPPED, "the kernel does not tell");
	if (strict == STRICT && !marked)
		return doctor_say(d, DOCTOR_PROBLEM, "rp_filter is strict and blind to marks: answers of peers are "
				  "dropped");
	return doctor_say(d, DOCTOR_GOOD, "answers of peers pass the reverse path filter");
}
