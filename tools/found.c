/* SPDX-License-Identifier: MIT */
#include "found.h"

#include <stdlib.h>
#include <string.h>

enum { NAMES_MAX = 256 };

int found_look(const struct ctx *c, struct iface *ret)
{
	static char names[NAMES_MAX][IFNAMSIZ];
	const char *name = c->word[0] ? c->word[0] : c->val[OPT_INTERFACE], *only = "wg0";
	size_t count = name ? 0 : iface_names(c, names, NAMES_MAX), ours = 0;
	struct iface f;
	int code;

	for (size_t i = 0; i < count; i++) {
		if ((code = iface_paths(c, names[i], &f)))
			return code;
		if (!found_ours(&f))
			continue;
		ours++;
		only = names[i];
	}
	if (ours > 1)
		return cmd_fail(c, CMD_USAGE, "%zu interfaces are configured already (name one, or a new one)", ours);
	return iface_find(c, c->word[0] ? c->word[0] : name ? NULL : only, IFACE_CONFIGURED_FIRST, ret);
}

bool found_ours(const struct iface *f)
{
	return f->conf[0] && !f->foreign;
}

const char *found_nets(const struct roster *r, char *ret, size_t max)
{
	char text[TEXT_ADDR];
	size_t len = 0;

	ret[0] = 0;
	for (size_t i = 0; i < r->own_count && len < max; i++)
		len += (size_t)snprintf(ret + len, max - len, "%s%s", i ? ", " : "", net_text(&r->own[i], text));
	return ret;
}

json_t *found_json(const struct iface *f, const struct roster *r, bool changed, bool running)
{
	json_t *nets = json_array();
	char text[TEXT_ADDR];

	for (size_t i = 0; i < r->own_count; i++)
		json_array_append_new(nets, json_string(net_text(&r->own[i], text)));
	return json_pack("{s:i, s:s, s:b, s:b, s:i, s:o, s:o}", "v", 1, "interface", f->name, "changed", changed,
			 "running", running, "port", r->port, "addresses", nets, "endpoint",
			 r->client_host[0] ? json_string(r->client_host) : json_null());
}

static bool has_net(const struct roster *r, const char *text)
{
	struct net n;

	if (!net_parse(text, strlen(text), &n))
		return false;
	for (size_t i = 0; i < r->own_count; i++)
		if (net_equal(&r->own[i], &n))
			return true;
	return false;
}

/* What was left out is never different. */
static int compare(const struct ctx *c, const struct iface *f, const struct roster *r)
{
	const char *port = c->val[OPT_PORT], *host = c->val[OPT_ENDPOINT], *client = c->val[OPT_CLIENT];

	if (port && strtoul(port, NULL, 10) != r->port)
		return cmd_fail(c, CMD_CONFLICT, "%s is there, with port %u (change ListenPort in %s)", f->name,
				r->port, f->conf);
	if (host && strcmp(host, r->client_host))
		return cmd_fail(c, CMD_CONFLICT, "%s is there, and its clients come to %s (change ClientEndpoint in "
				"%s)", f->name, r->client_host[0] ? r->client_host : "no certain address", f->conf);
	for (unsigned i = 0; i < c->ip_count; i++)
		if (!has_net(r, c->ip[i]))
			return cmd_fail(c, CMD_CONFLICT, "%s is there, without %s (change Address in %s)", f->name,
					c->ip[i], f->conf);
	if (client && !roster_by_name(r, client))
		return cmd_fail(c, CMD_CONFLICT, "%s is there, without a client %s (use: tunctl peer add %s --qr)",
				f->name, client, client);
	return 0;
}

int found_report(const struct ctx *c, struct iface *f)
{
	struct roster r = { 0 };
	char nets[256];
	int code = roster_load(c, f, true, &r);

	if (!code)
		code = compare(c, f, &r);
	if (!code && cmd_has(c, OPT_JSON))
		out_json(stdout, found_json(f, &r, false, f->running));
	else if (!code && !cmd_has(c, OPT_QUIET))
		printf("%s: already there, UDP port %u, %s, peers: %zu, %s\n", f->name, r.port,
		       found_nets(&r, nets, sizeof(nets)), r.count, f->running ? "running" : "not running");
	if (!code && !f->running)
		cmd_note(c, "start it: tunctl up %s, or: systemctl enable --now tunneld@%s", f->name, f->name);
	roster_free(&r);
	return code;
}
