/* SPDX-License-Identifier: MIT */
#include "follow.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon.h"
#include "view.h"

static bool within_ours(const struct roster *r, const struct net *n)
{
	for (size_t i = 0; i < r->own_count; i++) {
		struct net ours = net_masked(r->own[i]);

		if (net_contains(&ours, n))
			return true;
	}
	return false;
}

enum follow follow_look(const struct change *ch, const struct peer *p)
{
	enum follow ret = FOLLOW_NOTHING;

	if (!ch->save || !ch->live || !ch->iface.conf[0] || ch->iface.foreign)
		return FOLLOW_NOTHING;
	for (size_t i = 0; i < p->net_count; i++) {
		if (!p->net[i].bits)
			return FOLLOW_DEFAULT;
		if (!within_ours(&ch->roster, &p->net[i]))
			ret = FOLLOW_ROUTES;
	}
	return ret;
}

static bool set_routes(const struct ctx *c, const struct change *ch, char why[FOLLOW_WHY])
{
	json_t *answer = NULL;
	int err = daemon_ask(ch->iface.ctl, "routes", DAEMON_RELOAD_MS, &answer);
	const char *error = json_string_value(json_object_get(answer, "error"));
	bool ok = !err && json_integer_value(json_object_get(answer, "code")) == 0;

	if (err == -ENOENT || err == -ECONNREFUSED || json_is_false(json_object_get(answer, "file"))) {
		cmd_note(c, "%s was not started from its file: routes to what is beyond its own networks are left to "
			 "you", ch->iface.name);
		json_decref(answer);
		return true;
	}
	if (!ok)
		view_clean(err ? strerror(-err) : error ? error : "the files have errors (see: tunctl check)", why,
			   FOLLOW_WHY);
	json_decref(answer);
	return ok;
}

bool follow(const struct ctx *c, const struct change *ch, enum follow what, char why[FOLLOW_WHY])
{
	if (what == FOLLOW_ROUTES)
		return set_routes(c, ch, why);
	if (what == FOLLOW_DEFAULT)
		cmd_note(c, "a default route changes with: tunctl reload %s", ch->iface.name);
	return true;
}
