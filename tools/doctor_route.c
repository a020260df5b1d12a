/* SPDX-License-Identifier: MIT */
/* What goes into the tunnel and should not, and the other way round. */
#include "doctor.h"

#include "link.h"
#include "way.h"

#include <string.h>

enum { NEIGHBOURS_MAX = 256, ASKED_MAX = 512 };

static bool meets(const struct net *a, const struct net *b)
{
	return net_contains(a, b) || net_contains(b, a);
}

static enum doctor_result overlaps(struct doctor *d, const char *whose, const struct net *ours,
				   const struct way_net *theirs)
{
	char own[TEXT_ADDR], other[TEXT_ADDR], ifname[IF_NAMESIZE] = "?";

	if_indextoname(theirs->ifindex, ifname);
	return doctor_say(d, DOCTOR_PROBLEM, "%s %s overlaps %s, which %s is on", whose, net_text(ours, own),
			  net_text(&theirs->net, other), ifname);
}

/* Our networks against those of other interfaces, both ways; those of peers only where they would take away what a
 * neighbour has: something wider is fine, since the narrower route wins. */
static enum doctor_result overlap_with(struct doctor *d, const struct way_net *n)
{
	char label[IFACE_PEER_NAME_MAX + 1], whose[IFACE_PEER_NAME_MAX + 16];

	for (size_t i = 0; i < d->r.own_count; i++) {
		struct net own = net_masked(d->r.own[i]);

		if (meets(&own, &n->net))
			return overlaps(d, "our network", &own, n);
	}
	for (size_t i = 0; i < d->r.count; i++)
		for (size_t k = 0; k < d->r.peer[i].net_count; k++)
			if (net_contains(&n->net, &d->r.peer[i].net[k])) {
				snprintf(whose, sizeof(whose), "peer %s:", peer_label(&d->r.peer[i], label));
				return overlaps(d, whose, &d->r.peer[i].net[k], n);
			}
	return DOCTOR_GOOD;
}

enum doctor_result doctor_overlap(struct doctor *d)
{
	static struct way_net list[NEIGHBOURS_MAX];
	struct nl_sock *nl = way_open();
	size_t count = nl ? way_neighbours(nl, if_nametoindex(d->f.name), list, NEIGHBOURS_MAX) : 0;

	way_close(nl);
	for (size_t i = 0; i < count; i++)
		if (overlap_with(d, &list[i]))
			return DOCTOR_PROBLEM;
	return doctor_say(d, DOCTOR_GOOD, "no network of the tunnel is another interface's");
}

/* ---- Where the kernel sends it ----------------------------------------------------------------------------------- */

/* An address of the network that is none of a router or of ours, as far as that can be. */
static struct tnl_addr inside(const struct net *n)
{
	struct tnl_addr a = n->addr;

	if (!n->bits) {		/* the networks for documentation: nobody's, RFC 5737, RFC 3849 */
		static const uint8_t ip4[4] = { 198, 51, 100, 1 }, ip6[4] = { 0x20, 0x01, 0x0d, 0xb8 };

		memcpy(a.ip, a.family == 4 ? ip4 : ip6, 4);
	} else if (n->bits < (a.family == 4 ? 31 : 127)) {
		a.ip[a.family == 4 ? 3 : 15] |= 2;
	}
	return a;
}

struct neighbours {
	struct way_net net[NEIGHBOURS_MAX];
	size_t count;
};

/* Not when the address that was asked for is ours, or of a neighbour within the network: those are nearer. */
static bool is_lost(const struct net *n, struct nl_sock *nl, unsigned ours, const struct neighbours *near)
{
	struct net to = { .addr = inside(n), .bits = n->addr.family == 4 ? 32 : 128 };
	struct way way = way_to(nl, &to.addr, 0);

	if (way.found && (way.ifindex == ours || way.local))
		return false;
	for (size_t i = 0; i < near->count; i++)
		if (net_contains(n, &near->net[i].net) && net_contains(&near->net[i].net, &to))
			return false;
	return true;
}

enum doctor_result doctor_routes(struct doctor *d)
{
	static struct neighbours near;
	unsigned ours = if_nametoindex(d->f.name), asked = 0;
	char label[IFACE_PEER_NAME_MAX + 1], text[TEXT_ADDR], first[DOCTOR_TEXT] = "";
	struct nl_sock *nl;
	size_t bad = 0;

	if (!d->answers || !link_state(d->f.name).up || d->files.other_table)
		return doctor_say(d, DOCTOR_SKIPPED, "no interface, or routes are not ours to make (Table)");
	nl = way_open();
	near.count = nl ? way_neighbours(nl, ours, near.net, NEIGHBOURS_MAX) : 0;
	for (size_t i = 0; nl && i < d->r.count; i++)
		for (size_t k = 0; k < d->r.peer[i].net_count && asked < ASKED_MAX; k++, asked++)
			if (is_lost(&d->r.peer[i].net[k], nl, ours, &near) && !bad++)
				snprintf(first, sizeof(first), "%s of peer %s does not go through %s",
					 net_text(&d->r.peer[i].net[k], text), peer_label(&d->r.peer[i], label),
					 d->f.name);
	way_close(nl);
	return bad ? doctor_count_of(d, DOCTOR_PROBLEM, bad, first)
		   : doctor_say(d, DOCTOR_GOOD, "%u networks of peers go through %s", asked, d->f.name);
}

enum doctor_result doctor_loop(struct doctor *d)
{
	unsigned ours = if_nametoindex(d->f.name), asked = 0;
	char label[IFACE_PEER_NAME_MAX + 1];
	enum doctor_result result = DOCTOR_GOOD;
	struct nl_sock *nl = d->answers && ours ? way_open() : NULL;

	for (size_t i = 0; nl && i < d->r.count && asked < ASKED_MAX && !result; i++) {
		const char *endpoint = d->r.peer[i].endpoint;
		struct tnl_addr to;
		struct way way;

		if (!text_endpoint(endpoint, strlen(endpoint), NULL, &to))
			continue;
		asked++;
		way = way_to(nl, &to, d->r.fwmark);
		if (way.found && way.ifindex == ours)
			result = doctor_say(d, DOCTOR_PROBLEM, "the way to the endpoint of %s leads into the tunnel "
					    "itself", peer_label(&d->r.peer[i], label));
	}
	way_close(nl);
	if (!asked)
		return doctor_say(d, DOCTOR_SKIPPED, "no endpoint is known");
	return result ? result : doctor_say(d, DOCTOR_GOOD, "endpoints lie outside of the tunnel");
}
