/* SPDX-License-Identifier: MIT */
/* Packet filters between us and the world. */
#include "doctor.h"

#include "firewall.h"
#include "probe.h"

#include <stdlib.h>
#include <string.h>

/* Both notations. What only one family passes may be dropped: *family is the other one. */
static enum firewall_verdict ask(const struct doctor *d, const char *hook, uint16_t port, const char *in, int *family)
{
	static const char *const save[] = { "iptables-save", "ip6tables-save" };
	enum firewall_verdict worst = FIREWALL_PASSES, best = FIREWALL_DROPS, v;

	for (int i = 0; i < 2; i++) {
		struct firewall_packet p = { .hook = hook, .family = i ? 6 : 4, .udp_port = port, .in = in,
					     .not_in = d->f.name };
		bool foreign = false;
		char *text;

		v = firewall_nft(d->rules, &p, &foreign);
		if (foreign || !d->rules) {
			text = probe_run((const char *const[]){ save[i], "-t", "filter", NULL });
			if (firewall_iptables(text, &p) > v)
				v = firewall_iptables(text, &p);
			free(text);
		}
		if (v > worst) {
			worst = v;
			*family = p.family;
		}
		best = v < best ? v : best;
	}
	return worst == FIREWALL_DROPS && best != FIREWALL_DROPS ? FIREWALL_MAY_DROP : worst;
}

enum doctor_result doctor_firewall(struct doctor *d)
{
	int family = 4;
	enum firewall_verdict v;

	if (!d->answers || !d->r.port)
		return doctor_say(d, DOCTOR_SKIPPED, "no port to be reached at");
	v = ask(d, "input", d->r.port, NULL, &family);
	if (v == FIREWALL_DROPS)
		return doctor_say(d, DOCTOR_PROBLEM, "the packet filter drops what comes for UDP port %u (IPv%d)",
				  d->r.port, family);
	if (v == FIREWALL_MAY_DROP)
		return doctor_say(d, DOCTOR_WARNING, "the packet filter lets in only some of what comes for UDP "
				  "port %u (IPv%d)", d->r.port, family);
	return doctor_say(d, DOCTOR_GOOD, "the packet filter lets in what comes for UDP port %u", d->r.port);
}

bool doctor_forwards(const struct doctor *d)
{
	return d->files.nat;
}

enum doctor_result doctor_forward_filter(struct doctor *d)
{
	int family = 4;
	enum firewall_verdict v;

	if (!doctor_forwards(d))
		return doctor_say(d, DOCTOR_SKIPPED, "nothing is to be forwarded");
	v = ask(d, "forward", 0, d->f.name, &family);
	if (v == FIREWALL_DROPS)
		return doctor_say(d, DOCTOR_PROBLEM, "the packet filter does not forward from %s (IPv%d)", d->f.name,
				  family);
	return doctor_say(d, DOCTOR_GOOD, "the packet filter forwards from %s", d->f.name);
}

enum doctor_result doctor_nat(struct doctor *d)
{
	if (!d->files.nat || !d->answers)
		return doctor_say(d, DOCTOR_SKIPPED, "no NAT in the configuration, or tunneld does not run");
	if (!d->rules)
		return doctor_say(d, DOCTOR_SKIPPED, "there is no nft to see the rules with");
	if (!firewall_masquerades(d->rules, 4))
		return doctor_say(d, DOCTOR_PROBLEM, "NAT is configured, but no rule masquerades");
	return doctor_say(d, DOCTOR_GOOD, "a rule masquerades");
}
