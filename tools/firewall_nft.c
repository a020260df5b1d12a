/* SPDX-License-Identifier: MIT */
/*
 * The shape of what is read (libnftables-json(5)): {"nftables": [{"chain": {...}}, {"rule": {..., "expr": [...]}}]}. It
 * comes from a program that we ran, but is taken like any other text: whatever is not as expected is unknown.
 */
#include "firewall_walk.h"

#include <stdlib.h>
#include <string.h>

static const char *text_of(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text ? text : "";
}

static enum match not(enum match m)
{
	return m == YES ? NO : m == NO ? YES : MAYBE;
}

/* Is `word` among the right side: itself, in a list, or in a set? */
static enum match among(const json_t *right, const char *word)
{
	const json_t *list = json_is_object(right) ? json_object_get(right, "set") : right;
	size_t i;
	json_t *one;

	if (json_is_string(list))
		return json_string_value(list)[0] == '@' ? MAYBE : !strcmp(json_string_value(list), word) ? YES : NO;
	if (!json_is_array(list))
		return MAYBE;
	json_array_foreach(list, i, one)
		if (json_is_string(one) && !strcmp(json_string_value(one), word))
			return YES;
	return NO;
}

static enum match has_port(const json_t *right, json_int_t port)
{
	const json_t *set = json_object_get(right, "set"), *range = json_object_get(right, "range");
	enum match best = NO;
	size_t i;
	json_t *one;

	if (json_is_integer(right))
		return json_integer_value(right) == port ? YES : NO;
	if (json_is_array(range) && json_array_size(range) == 2)
		return port >= json_integer_value(json_array_get(range, 0)) &&
		       port <= json_integer_value(json_array_get(range, 1)) ? YES : NO;
	if (!json_is_array(set))
		return MAYBE;
	json_array_foreach(set, i, one) {
		enum match m = has_port(one, port);

		best = m > best ? m : best;
	}
	return best;
}

static enum match match_protocol(const struct walk *w, const json_t *right)
{
	enum match udp = among(right, "udp");

	if (w->p->udp_port)
		return udp;
	return udp == NO && among(right, "tcp") == NO ? NO : MAYBE;
}

static enum match match_payload(const struct walk *w, const json_t *payload, const json_t *right)
{
	const char *protocol = text_of(payload, "protocol"), *field = text_of(payload, "field");
	bool udp = !strcmp(protocol, "udp") || !strcmp(protocol, "th");

	if (udp && !strcmp(field, "dport") && w->p->udp_port)
		return has_port(right, w->p->udp_port);
	if ((!strcmp(protocol, "ip") && w->p->family != 4) || (!strcmp(protocol, "ip6") && w->p->family != 6))
		return NO;
	if (!strcmp(field, "protocol") || !strcmp(field, "nexthdr"))
		return match_protocol(w, right);
	if (!strcmp(protocol, "tcp"))
		return w->p->udp_port ? NO : MAYBE;
	return udp || !strcmp(protocol, "ip") || !strcmp(protocol, "ip6") || !strcmp(protocol, "ether") ? MAYBE : NO;
}

static enum match match_meta(const struct walk *w, const char *key, const json_t *right)
{
	if (!strcmp(key, "l4proto"))
		return match_protocol(w, right);
	if (!strcmp(key, "nfproto"))
		return among(right, w->p->family == 4 ? "ipv4" : "ipv6");
	if (strcmp(key, "iifname") && strcmp(key, "iif"))
		return MAYBE;
	if (w->p->in)
		return among(right, w->p->in);
	if (!json_is_string(right))
		return MAYBE;
	return among(right, "lo") == YES || (w->p->not_in && among(right, w->p->not_in) == YES) ? NO : MAYBE;
}

static enum match match_expr(const struct walk *w, const json_t *match)
{
	const json_t *left = json_object_get(match, "left"), *right = json_object_get(match, "right");
	const json_t *payload = json_object_get(left, "payload"), *meta = json_object_get(left, "meta");
	const json_t *ct = json_object_get(left, "ct");
	const char *op = text_of(match, "op");
	enum match m = MAYBE;

	if (payload)
		m = match_payload(w, payload, right);
	else if (meta)
		m = match_meta(w, text_of(meta, "key"), right);
	else if (ct && !strcmp(text_of(ct, "key"), "state"))
		m = among(right, "new");
	else if (ct && !strcmp(text_of(ct, "key"), "status"))
		m = among(right, "dnat") == YES ? NO : MAYBE;	/* it was sent to us, not to another */
	return !strcmp(op, "!=") ? not(m) : !strcmp(op, "==") || !strcmp(op, "in") ? m : MAYBE;
}

/* A map of verdicts: what it can say, we cannot know, but that a new connection is none of the others. */
static enum match match_vmap(const json_t *vmap)
{
	const json_t *ct = json_object_get(json_object_get(vmap, "key"), "ct"), *data = json_object_get(vmap, "data");
	char *text = json_dumps(data, JSON_COMPACT);	/* NULL: it stands elsewhere, "@name" */
	enum match m = MAYBE;

	if (text && ct && !strcmp(text_of(ct, "key"), "state") && !strstr(text, "\"new\""))
		m = NO;
	free(text);
	return m;
}

/* What a rule does that matches, or may. */
static enum outcome act(struct walk *w, const json_t *expr, bool maybe, bool *leaves)
{
	const json_t *jump = json_object_get(expr, "jump"), *go = json_object_get(expr, "goto");
	bool drops = json_object_get(expr, "drop") || json_object_get(expr, "reject");

	if (json_object_get(expr, "accept") || json_object_get(expr, "vmap")) {
		w->saw.may_accept |= maybe || json_object_get(expr, "vmap");
		return maybe || json_object_get(expr, "vmap") ? FALLS_THROUGH : ACCEPTED;
	}
	if (drops)
		return maybe ? FALLS_THROUGH : DROPPED;
	if (jump || go) {
		*leaves = go && !maybe;
		return walk_jump(w, text_of(jump ? jump : go, "target"), maybe);
	}
	*leaves = !maybe && json_object_get(expr, "return");
	if (maybe && json_object_get(expr, "return"))
		w->here = MAYBE;
	return FALLS_THROUGH;
}

static enum outcome walk_rule(struct walk *w, const void *rule, bool *leaves)
{
	enum match all = w->here, m;
	size_t i;
	json_t *e;

	json_array_foreach(json_object_get(rule, "expr"), i, e) {
		const json_t *match = json_object_get(e, "match"), *vmap = json_object_get(e, "vmap");
		enum outcome o;

		m = match ? match_expr(w, match) : vmap ? match_vmap(vmap) : YES;
		if (json_object_get(e, "xt") || json_object_get(e, "limit"))
			m = MAYBE;
		w->saw.foreign |= json_object_get(e, "xt") != NULL;
		all = m < all ? m : all;
		if (all == NO)
			return FALLS_THROUGH;
		o = act(w, e, all == MAYBE, leaves);
		if (o != FALLS_THROUGH || *leaves)
			return o;
	}
	return FALLS_THROUGH;
}

static struct place place_of(const json_t *o, const char *chain)
{
	return (struct place){ text_of(o, "family"), text_of(o, "table"), text_of(o, chain) };
}

static bool of_family(const char *family, int want)
{
	return !strcmp(family, "inet") || !strcmp(family, want == 4 ? "ip" : "ip6");
}

/* Every rule, by its chain. */
static void read_rules(struct walk *w, const json_t *list)
{
	json_t *one;
	size_t i;

	walk_begin(w, json_array_size(list));
	json_array_foreach(list, i, one) {
		const json_t *rule = json_object_get(one, "rule");

		if (rule)
			walk_add(w, place_of(rule, "chain"), rule);
	}
	walk_sort(w);
}

enum firewall_verdict firewall_nft(const json_t *ruleset, const struct firewall_packet *p, bool *foreign)
{
	const json_t *list = json_object_get(ruleset, "nftables");
	struct walk w = { .p = p, .rule = walk_rule };
	enum firewall_verdict worst = FIREWALL_PASSES;
	json_t *one;
	size_t i;

	*foreign = false;
	read_rules(&w, list);
	json_array_foreach(list, i, one) {
		const json_t *chain = json_object_get(one, "chain");
		enum firewall_verdict v;
		struct came_to saw;

		if (!chain || strcmp(text_of(chain, "type"), "filter") ||
		    !of_family(text_of(chain, "family"), p->family) ||
		    (strcmp(text_of(chain, "hook"), p->hook) && strcmp(text_of(chain, "hook"), "prerouting")))
			continue;
		saw = walk_chain(&w, place_of(chain, "name"));
		if (saw.outcome == FALLS_THROUGH)
			saw.outcome = !strcmp(text_of(chain, "policy"), "drop") ? DROPPED : ACCEPTED;
		v = saw.outcome == ACCEPTED ? FIREWALL_PASSES : saw.may_accept ? FIREWALL_MAY_DROP : FIREWALL_DROPS;
		*foreign |= saw.foreign && v;
		if (!saw.foreign && v > worst)
			worst = v;
	}
	walk_end(&w);
	return worst;
}

static bool masquerades(const json_t *rule)
{
	size_t i;
	json_t *e;

	json_array_foreach(json_object_get(rule, "expr"), i, e)
		if (json_object_get(e, "masquerade") || json_object_get(e, "snat") || json_object_get(e, "xt"))
			return true;
	return false;
}

/* Tables with a chain where packets leave: {FAMILY: {TABLE: true}}. */
static json_t *leaving(const json_t *list)
{
	json_t *ret = json_object(), *one, *of;
	size_t i;

	json_array_foreach(list, i, one) {
		const json_t *c = json_object_get(one, "chain");
		struct place in = place_of(c, "name");

		if (strcmp(text_of(c, "hook"), "postrouting"))
			continue;
		of = json_object_get(ret, in.family);
		if (!of)
			json_object_set_new(ret, in.family, of = json_object());
		json_object_set_new(of, in.table, json_true());
	}
	return ret;
}

bool firewall_masquerades(const json_t *ruleset, int family)
{
	const json_t *list = json_object_get(ruleset, "nftables");
	json_t *tables = leaving(list), *one;
	bool found = false;
	size_t i;

	json_array_foreach(list, i, one) {
		const json_t *rule = json_object_get(one, "rule");
		struct place in = place_of(rule, "chain");

		found |= rule && of_family(in.family, family) && masquerades(rule) &&
			 json_object_get(json_object_get(tables, in.family), in.table);
	}
	json_decref(tables);
	return found;
}
