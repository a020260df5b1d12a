/* SPDX-License-Identifier: MIT */
#include "change.h"

#include <stdio.h>
#include <unistd.h>

int change_begin(const struct ctx *c, struct change *ret)
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
	if (!ret->iface.running && !offline)
		return cmd_fail(c, CMD_NODAEMON, "%s is not running (use: tunctl up %s, or --offline)", ret->iface.name,
				ret->iface.name);
	if (!cmd_has(c, OPT_DRY_RUN) && (code = iface_lock(c, &ret->iface)))
		return code;
	return roster_load(c, &ret->iface, true, &ret->roster);
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
