/* SPDX-License-Identifier: MIT */
/*
 * What both notations have in common: rules by chain, and the walk. A chain does the same to a packet wherever the jump
 * to it stands, so it is walked once and what that came to is kept: a walk takes no longer than its rules are many,
 * however they jump.
 */
#ifndef FIREWALL_WALK_H
#define FIREWALL_WALK_H

#include "firewall.h"

enum match { NO, MAYBE, YES };
enum outcome { FALLS_THROUGH, ACCEPTED, DROPPED };

struct place {
	const char *family, *table, *chain;	/* "" where there is but one */
};

/* What a chain does to the packet. */
struct came_to {
	enum outcome outcome;
	bool may_accept;	/* a rule that may match accepts */
	bool foreign;		/* there is a rule whose conditions this notation does not show */
};

struct ranged {
	struct place in;
	size_t at;		/* rules of a chain keep their order */
	const void *rule;
	/* of the chain, in its first rule: */
	bool walked;
	struct came_to saw;
};

struct walk {
	const struct firewall_packet *p;
	/* Does the rule end the walk of its chain? *leaves: it does, and the packet falls through. */
	enum outcome (*rule)(struct walk *w, const void *rule, bool *leaves);
	struct ranged *list;
	size_t count;
	/* of the chain under way: */
	struct place in;
	unsigned depth;
	enum match here;	/* does the packet get as far as this rule? */
	struct came_to saw;
};

/* Room for max rules. Ends the program when memory ends. Strings and rules are borrowed until walk_end(). */
void walk_begin(struct walk *w, size_t max);
void walk_add(struct walk *w, struct place in, const void *rule);
/* After the last walk_add(), before the first walk_chain(). */
void walk_sort(struct walk *w);
void walk_end(struct walk *w);

/* A chain that is not there has no rules. */
struct came_to walk_chain(struct walk *w, struct place in);
/* A rule that matches, or may, sends the packet to a chain of its table. */
enum outcome walk_jump(struct walk *w, const char *chain, bool maybe);

#endif
