/* SPDX-License-Identifier: MIT */
/*
 * What the machine's packet filter would do with a packet of which only some is known: a new datagram to a port, or
 * something that comes in by an interface. Rules are walked as the kernel walks them, in three values: a condition that
 * the unknown part decides is "maybe", and so is all that lies behind a return that is. What may drop is taken not to:
 * a rule against some is no fault. Pure.
 *
 * Two notations are read: the JSON of nft(8), and the lines of iptables-save(8), for the tables whose conditions nft
 * cannot show.
 */
#ifndef FIREWALL_H
#define FIREWALL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum firewall_verdict {
	FIREWALL_PASSES,
	FIREWALL_MAY_DROP,	/* it depends on what is not known */
	FIREWALL_DROPS,
};

struct firewall_packet {
	const char *hook;	/* "input", "forward" */
	int family;		/* 4 or 6 */
	uint16_t udp_port;	/* 0: TCP or UDP, of any port */
	const char *in;		/* name of the interface it comes in by; NULL: any but lo and not_in */
	const char *not_in;	/* the tunnel itself; NULL: none */
};

/* Of all chains at that hook, and before routing: the worst. *foreign: some of the rules are in the notation of
 * iptables only, and what they decide is not in the answer. ruleset NULL: there is none. */
enum firewall_verdict firewall_nft(const json_t *ruleset, const struct firewall_packet *p, bool *foreign);
/* text: what iptables-save or ip6tables-save prints; NULL: there is none. */
enum firewall_verdict firewall_iptables(const char *text, const struct firewall_packet *p);

/* Does some rule replace source addresses by the machine's own, for packets on their way out? `text` as above. */
bool firewall_masquerades(const json_t *ruleset, int family);

#endif
