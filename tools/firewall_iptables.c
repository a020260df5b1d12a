/* SPDX-License-Identifier: MIT */
/*
 * Lines of iptables-save: "*filter", ":INPUT DROP [0:0]", "-A INPUT -p udp -m udp --dport 51820 -j ACCEPT". A condition
 * that is not known here may hold or not.
 */
#include "firewall_walk.h"

#include "cmd.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORD_ROOM = 128 };

/* The next word of the line, without its quotes; false: there is none. */
static bool next_word(const char **at, char ret[WORD_ROOM])
{
	size_t len;

	while (**at == ' ')
		(*at)++;
	if (!**at)
		return false;
	if (**at == '"') {
		(*at)++;
		len = strcspn(*at, "\"");
	} else {
		len = strcspn(*at, " ");
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

static enum outcome walk_rule(struct walk *w, const void *rule, bool *leaves)
{
	char target[WORD_ROOM];
	bool go;
	enum match m = match_rule(w, rule, target, &go);

	m = m > w->here ? w->here : m;
	if (m == NO || !target[0] || !strcmp(target, "LOG"))
		return FALLS_THROUGH;
	if (!strcmp(target, "RETURN")) {
		*leaves = m == YES;
		w->here = MAYBE;
		return FALLS_THROUGH;
	}
	*leaves = go && m == YES;
	if (!strcmp(target, "DROP") || !strcmp(target, "REJECT"))
		return m == YES ? DROPPED : FALLS_THROUGH;
	if (strcmp(target, "ACCEPT"))
		return walk_jump(w, target, m == MAYBE);
	w->saw.may_accept |= m == MAYBE;
	return m == YES ? ACCEPTED : FALLS_THROUGH;
}

/* A copy of the table's lines, each with its end; NULL: there is no such table. */
static char *copy_table(const char *text)
{
	const char *at = text ? strstr(text, "*filter\n") : NULL, *end = at ? strstr(at, "\nCOMMIT") : NULL;
	char *copy;

	if (!end)
		return NULL;
	copy = strndup(at, (size_t)(end + 1 - at));
	if (!copy)
		err(CMD_FAILED, "tunctl");
	return copy;
}

/* Cuts the table to pieces: rules by chain, and the policy of one of these. */
static bool read_table(struct walk *w, char *table, const char *chain)
{
	bool drops = false;
	char *line, *name, *rest;

	while ((line = strsep(&table, "\n"))) {
		rest = line;
		if (line[0] != ':' && strncmp(line, "-A ", 3))
			continue;
		strsep(&rest, line[0] == ':' ? ":" : " ");
		name = strsep(&rest, " ");
		if (rest && line[0] == '-')
			walk_add(w, (struct place){ "", "", name }, rest);
		else if (rest && !strcmp(name, chain))
			drops = !strncmp(rest, "DROP", 4);
	}
	walk_sort(w);
	return drops;
}

enum firewall_verdict firewall_iptables(const char *text, const struct firewall_packet *p)
{
	const char *chain = !strcmp(p->hook, "input") ? "INPUT" : "FORWARD";
	struct walk w = { .p = p, .rule = walk_rule };
	char *table = copy_table(text);
	struct came_to saw;
	size_t lines = 0;
	bool drops;

	if (!table)
		return FIREWALL_PASSES;
	for (const char *at = table; *at; at++)
		lines += *at == '\n';
	walk_begin(&w, lines);
	drops = read_table(&w, table, chain);
	saw = walk_chain(&w, (struct place){ "", "", chain });
	walk_end(&w);
	free(table);
	if (saw.outcome == FALLS_THROUGH)
		saw.outcome = drops ? DROPPED : ACCEPTED;
	return saw.outcome == ACCEPTED ? FIREWALL_PASSES : saw.may_accept ? FIREWALL_MAY_DROP : FIREWALL_DROPS;
}
