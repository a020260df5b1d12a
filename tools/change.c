/* SPDX-License-Identifier: MIT */
#include "change.h"

#include "client.h"
#include "request.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int lock_interface(const struct ctx *c, struct change *ret)
{
	bool offline = cmd_has(c, OPT_OFFLINE), runtime = cmd_has(c, OPT_RUNTIME);
	int code;

	*ret = (struct change){ .iface.lock = -1, .save = !runtime, .live = !offline };
	if (offline && runtime)
		return cmd_fail(c, CMD_USAGE, "--offline and --runtime together leave nothing to change");
	code = iface_find(c, NULL, offline ? IFACE_CONFIGURED_FIRST : IFACE_RUNNING_FIRST, &ret->iface);
	if (code)
		return code;
	if (!ret->iface.running && !ret->iface.conf[0])
		return cmd_fail(c, CMD_NOENT, "there is no interface %s, neither running nor configured",
				ret->iface.name);
	if (!offline && (code = iface_need_running(c, &ret->iface)))
		return code;
	return cmd_has(c, OPT_DRY_RUN) ? 0 : iface_lock(c, &ret->iface);
}

int change_begin(const struct ctx *c, struct change *ret)
{
	int code = lock_interface(c, ret);

	return code ? code : roster_load(c, &ret->iface, true, &ret->roster);
}

int change_begin_files(const struct ctx *c, struct change *ret)
{
	int code = lock_interface(c, ret);

	return code ? code : roster_load_files(c, &ret->iface, true, &ret->roster);
}

void change_end(struct change *ch)
{
	roster_free(&ch->roster);
	if (ch->iface.lock >= 0)
		close(ch->iface.lock);
}

bool change_peer_path(const struct change *ch, const char *name, char ret[PATH_MAX])
{
	return snprintf(ret, PATH_MAX, "%s/%s.peer", ch->iface.dir, name) < PATH_MAX;
}

bool change_saved_path(const struct change *ch, const struct peer *p, char ret[PATH_MAX])
{
	if (p->own_file && !p->file)
		return change_peer_path(ch, p->name, ret);
	if (p->own_file)
		return snprintf(ret, PATH_MAX, "%s/%s", ch->iface.dir, p->file) < PATH_MAX;
	strcpy(ret, ch->iface.conf);
	return true;
}

int change_find(const struct ctx *c, const struct change *ch, const char *text, struct peer **ret)
{
	int err = roster_find(&ch->roster, text, ret);

	if (err == -ENOTUNIQ)
		return cmd_fail(c, CMD_NOENT, "\"%s\" begins several keys of %s (give more of it)", text,
				ch->iface.name);
	if (err)
		return cmd_fail(c, CMD_NOENT, "%s has no peer \"%s\" (see: tunctl peer list)", ch->iface.name, text);
	return 0;
}

static bool is_reserved(const struct roster *r, const struct net *n)
{
	for (size_t i = 0; i < r->own_count; i++)
		if (net_reserved(&r->own[i], n))
			return true;
	return false;
}

static bool is_our_own(const struct roster *r, const struct net *n)
{
	for (size_t i = 0; i < r->own_count; i++) {
		struct net own = r->own[i];

		own.bits = own.addr.family == 4 ? 32 : 128;
		if (net_equal(&own, n))
			return true;
	}
	return false;
}

int change_check_nets(const struct ctx *c, const struct change *ch, const struct net *net, size_t count,
		      const struct peer *but, const char *advice)
{
	char text[TEXT_ADDR], name[IFACE_PEER_NAME_MAX + 1];

	for (size_t i = 0; i < count; i++) {
		const struct peer *owner = roster_owner(&ch->roster, &net[i], but);

		if (owner)
			return cmd_fail(c, CMD_CONFLICT, "%s already belongs to \"%s\" (%s)", net_text(&net[i], text),
					peer_label(owner, name), advice);
		if (is_our_own(&ch->roster, &net[i]))
			return cmd_fail(c, CMD_CONFLICT, "%s is the address of %s itself (%s)",
					net_text(&net[i], text), ch->iface.name, advice);
		if (is_reserved(&ch->roster, &net[i]))
			return cmd_fail(c, CMD_USAGE, "%s is of the network of %s as a whole, no peer's (%s)",
					net_text(&net[i], text), ch->iface.name, advice);
	}
	return 0;
}

int change_go_live(const struct ctx *c, const struct change *ch, struct peer *p)
{
	const char *why = p->host && !p->endpoint[0] ? request_resolve(p->host, p->endpoint) : NULL;

	if (why)
		cmd_note(c, "%s: %s; \"%s\" is live without its endpoint", p->host, why, p->name);
	return client_peer_set(ch->iface.sock, p);
}
