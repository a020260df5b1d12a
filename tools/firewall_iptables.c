/* SPDX-License-Identifier: MIT */
/*
 * Lines of iptables-save: "*filter", ":INPUT DROP [0:0]", "-A INPUT -p udp -m udp --dport 51820 -j ACCEPT". A condition
 * that is not known here may hold or not.
 */
#include "firewall.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Chains that jump to each other make a tree of walks: RULES_MAX bounds it. */
enum { DEPTH_MAX = 16, RULES_MAX = 100000, NAME_ROOM = 64, WORD_ROOM = 128 };
enum match { NO, MAYBE, YES };
enum outcome { FALLS_THROUGH, ACCEPTED, DROPPED };

struct walk {
	const char *text;
	const struct firewall_packet *p;
	bool may_accept;
	unsigned rules;		/* looked at so far */
};

/* The next word of the line, without its quotes; false: there is none. */
static bool next_word(const char **at, char ret[WORD_ROOM])
{
	size_t len;

	while (**at == ' ')
		(*at)++;
	if (!**at || **at == '\n')
		return false;
	if (**at == '"') {
		(*at)++;
		len = strcspn(*at, "\"\n");
	} else {
		len = strcspn(*at, " \n");
	}
	snprintf(ret, WORD_ROOM, "%.*s", (int)(len < WORD_ROOM ? len : WORD_ROOM - 1), *at);
	*at += len + ((*at)[len] == '"');
	return true;
}

/* "53", "1000:2000", "53,1000:2000" */
static enum match has_port(const char *list, unsigned port)
{
	while (*list) {
		char *end;
		unsigned long from = strtoul(list, &end, 10), to = from;

		if (end == list)
			return MAYBE;
		if (*end == ':')
			to = strtoul(end + 1, &end, 10);
		if (port >= from && port <= to)
			return YES;
		list = end + (*end == ',');
		if (*end && *end != ',')
			return MAYBE;
	}
	return NO;
}

static enum match has_state(const char *list)
{
	return strstr(list, "NEW") ? YES : NO;
}

static enum match match_option(const struct walk *w, const char *option, const char *value)
{
	if (!strcmp(option, "-m") || !strcmp(option, "--comment"))
		return YES;
	if (!strcmp(option, "-p") && !w->p->udp_port)
		return !strcmp(value, "udp") || !strcmp(value, "tcp") ? MAYBE : NO;
	if (!strcmp(option, "-p"))
		return !strcmp(value, "udp") ? YES : NO;
	if (!strcmp(option, "--dport") || !strcmp(option, "--dports"))
		return w->p->udp_port ? has_port(value, w->p->udp_port) : MAYBE;
	if (!strcmp(option, "--ctstate") || !strcmp(option, "--state"))
		return has_state(value);
	if (!strcmp(option, "-i") && w->p->in)
		return !strcmp(value, w->p->in) ? YES : strchr(value, '+') ? MAYBE : NO;
	if (!strcmp(option, "-i"))
		return !strcmp(value, "lo") || (w->p->not_in && !strcmp(value, w->p->not_in)) ? NO : MAYBE;
	return MAYBE;
}

/* The conditions of "-A CHAIN ..." behind the chain's name, and its target. */
static enum match match_rule(const struct walk *w, const char *at, char target[WORD_ROOM], bool *go)
{
	char option[WORD_ROOM], value[WORD_ROOM];
	enum match all = YES, m;
	bool other = false;

	target[0] = 0;
	*go = false;
	while (next_word(&at, option)) {
		if (!strcmp(option, "!")) {
			other = true;
			continue;
		}
		if (option[0] != '-')
			continue;	/* a further word of an option that is not known */
		if (!next_word(&at, value))
			value[0] = 0;
		if (!strcmp(option, "-j") || !strcmp(option, "-g")) {
			strcpy(target, value);
			*go = option[1] == 'g';
			break;		/* options of the target follow */
		}
		m = match_option(w, option, value);
		m = other && m != MAYBE ? (m == YES ? NO : YES) : m;
		all = m < all ? m : all;
		other = false;
	}
	return all;
}

/* The part of the table, and its end. */
static const char *find_table(const char *text, const char **end)
{
	const char *at = text ? strstr(text, "*filter\n") : NULL;

	*end = at ? strstr(at, "\nCOMMIT") : NULL;
	return *end ? at : NULL;
}

static enum outcome walk_chain(struct walk *w, const char *chain, unsigned depth)
{
	const char *end, *at = find_table(w->text, &end);
	enum match here = YES;	/* does the walk get as far as this rule? */
	char begin[NAME_ROOM];
	size_t len;

	len = (size_t)snprintf(begin, sizeof(begin), "\n-A %s ", chain);
	if (depth > DEPTH_MAX || len >= sizeof(begin))
		return FALLS_THROUGH;
	for (; at && (at = strstr(at, begin)) && at < end && w->rules++ < RULES_MAX; at += len) {
		char target[WORD_ROOM];
		bool go;
		enum match m = match_rule(w, at + len, target, &go);
		enum outcome o = FALLS_THROUGH;

		m = m > here ? here : m;
		if (m == NO || !target[0] || !strcmp(target, "LOG"))
			continue;
		if (!strcmp(target, "RETURN") && m == YES)
			return FALLS_THROUGH;
		if (!strcmp(target, "RETURN"))
			here = MAYBE;
		if (!strcmp(target, "ACCEPT"))
			o = ACCEPTED;
		else if (!strcmp(target, "DROP") || !strcmp(target, "REJECT"))
			o = DROPPED;
		else if (strcmp(target, "RETURN"))
			o = walk_chain(w, target, depth + 1);
		w->may_accept |= m == MAYBE && o == ACCEPTED;
		if (m == YES && (o != FALLS_THROUGH || go))
			return o;
	}
	return FALLS_THROUGH;
}

enum firewall_verdict firewall_iptables(const char *text, const struct firewall_packet *p)
{
	const char *chain = !strcmp(p->hook, "input") ? "INPUT" : "FORWARD", *end, *at = find_table(text, &end);
	struct walk w = { .text = text, .p = p };
	char begin[NAME_ROOM];
	enum outcome o;

	if (!at)
		return FIREWALL_PASSES;
	o = walk_chain(&w, chain, 0);
	snprintf(begin, sizeof(begin), "\n:%s ", chain);
	at = strstr(at, begin);
	if (o == FALLS_THROUGH)
		o = at && at < end && !strncmp(at + strlen(begin), "DROP", 4) ? DROPPED : ACCEPTED;
	return o == ACCEPTED ? FIREWALL_PASSES : w.may_accept ? FIREWALL_MAY_DROP : FIREWALL_DROPS;
}
