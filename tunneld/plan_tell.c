/* SPDX-License-Identifier: MIT */
/* The difference between two plans in words, for the operator who asked for it. */
#include "plan.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "conf.h"

enum { LINES_EACH = 32 };	/* routes are named one by one up to this many, then counted */

struct teller {
	void (*tell)(void *ctx, const char *line);
	void *ctx;
};

static void say(const struct teller *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void say(const struct teller *t, const char *fmt, ...)
{
	char line[160];
	va_list args;

	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	t->tell(t->ctx, line);
}

/* What a has and b has not. */
static void say_addresses(const struct teller *t, const struct plan *a, const struct plan *b, const char *what)
{
	char text[TEXT_ADDR];

	for (size_t i = 0; i < a->address_count; i++) {
		if (plan_has_address(b, &a->addresses[i]))
			continue;
		text_from_prefix(text, &a->addresses[i].addr, a->addresses[i].bits);
		say(t, "address %s %s", text, what);
	}
}

static void say_routes(const struct teller *t, const struct plan *a, const struct plan *b, const char *what)
{
	struct plan_walk walk = {0};
	const struct plan_route *r;
	char text[TEXT_ADDR];
	size_t count = 0;

	while ((r = plan_next_route(a, b, &walk))) {
		if (count++ >= LINES_EACH)
			continue;
		text_from_prefix(text, &r->net, r->bits);
		if (r->table)
			say(t, "route %s in table %u %s", text, r->table, what);
		else
			say(t, "route %s %s", text, what);
	}
	if (count > LINES_EACH)
		say(t, "%zu more routes %s", count - LINES_EACH, what);
}

static bool same_rules(const struct plan *a, const struct plan *b, unsigned f)
{
	return a->rules[f] == b->rules[f] && (!a->rules[f] || a->mark == b->mark);
}

static const char *nat_text(const struct plan *p)
{
	return p->nat == CONF_NAT_VIA ? p->nat_via : p->nat == CONF_NAT_YES ? "yes" : "no";
}

static const char *kill_text(const struct plan *p)
{
	return p->kill_switch == CONF_KILL_LAN ? "lan" : p->kill_switch == CONF_KILL_YES ? "yes" : "no";
}

void plan_tell(const struct plan *before, const struct plan *now, void (*tell)(void *ctx, const char *line), void *ctx)
{
	const struct teller t = {tell, ctx};

	say_addresses(&t, now, before, "added");
	say_addresses(&t, before, now, "removed");
	say_routes(&t, now, before, "added");
	say_routes(&t, before, now, "removed");
	for (unsigned f = 0; f < 2; f++) {
		if (!same_rules(before, now, f))
			say(&t, "default route for %s %s", f ? "IPv6" : "IPv4",
			    !now->rules[f] ? "removed" : before->rules[f] ? "has another mark" : "added");
	}
	if (before->nat != now->nat || strcmp(before->nat_via, now->nat_via))
		say(&t, "NAT %s, was %s", nat_text(now), nat_text(before));
	if (before->kill_switch != now->kill_switch)
		say(&t, "kill switch %s, was %s", kill_text(now), kill_text(before));
}
