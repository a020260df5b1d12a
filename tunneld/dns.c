/* SPDX-License-Identifier: MIT */
/*
 * Names are to go to these servers alone, or they would tell the local network what the tunnel is to hide:
 * resolvconf has a flag for that (-x), resolved takes the domain "~." for it. Programs are run with arguments, never by
 * a shell. Where Debian's own resolvconf orders interfaces by their names, ours is to come before all, so it is called
 * like the first family of names in its list: tun.wg0.
 */
#include "dns.h"

#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "run.h"

enum way { WAY_NONE, WAY_RESOLVECTL, WAY_RESOLVCONF };

enum { RECORD_MAX = 64 };	/* bytes of a resolvconf name */

#define RESOLVED "/run/systemd/resolve"		/* is there while it runs */
#define ORDER "/etc/resolvconf/interface-order"

static bool in_path(const char *program)
{
	char list[4096], file[4352], *rest = list, *dir;
	const char *path = getenv("PATH");

	if (!path || (size_t)snprintf(list, sizeof(list), "%s", path) >= sizeof(list))
		return false;
	while ((dir = strsep(&rest, ":"))) {
		snprintf(file, sizeof(file), "%s/%s", dir, program);
		if (*dir && !access(file, X_OK))
			return true;
	}
	return false;
}

static enum way choose(void)
{
	if (!access(RESOLVED, F_OK) && in_path("resolvectl"))
		return WAY_RESOLVECTL;
	return in_path("resolvconf") ? WAY_RESOLVCONF : WAY_NONE;
}

static bool ran(const char *const argv[], const char *input)
{
	int status = run(argv, input);

	if (status)
		log_error("DNS: %s failed with status %d", argv[0], status);
	return !status;
}

/* ---- resolvectl -------------------------------------------------------------------------------------------------- */

static bool set_by_resolvectl(const struct config *c, const char *ifname)
{
	const char *servers[CONFIG_DNS_MAX + 4] = {"resolvectl", "dns", ifname};
	const char *domains[CONFIG_DNS_MAX + 5] = {"resolvectl", "domain", ifname};
	size_t s = 3, d = 3;

	for (size_t i = 0; i < c->dns_count; i++) {
		if (c->dns[i].server)
			servers[s++] = c->dns[i].text;
		else
			domains[d++] = c->dns[i].text;
	}
	if (s > 3)
		domains[d++] = "~.";
	return (s == 3 || ran(servers, NULL)) && ran(domains, NULL);
}

/* ---- resolvconf -------------------------------------------------------------------------------------------------- */

static void name_record(char dst[RECORD_MAX], const char *ifname)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-";
	FILE *f = fopen(ORDER, "re");
	char line[128];

	snprintf(dst, RECORD_MAX, "%s", ifname);
	while (f && fgets(line, sizeof(line), f)) {
		size_t len = strspn(line, allowed);

		if (len && len < 32 && line[len] == '*' && (line[len + 1] == '\n' || !line[len + 1])) {
			snprintf(dst, RECORD_MAX, "%.*s.%s", (int)len, line, ifname);
			break;
		}
	}
	if (f)
		fclose(f);
}

static bool set_by_resolvconf(const struct config *c, const char *ifname)
{
	char record[RECORD_MAX], input[CONFIG_DNS_MAX * (CONFIG_DNS_TEXT + 16)];
	const char *argv[] = {"resolvconf", "-a", record, "-m", "0", "-x", NULL};
	size_t len = 0;

	name_record(record, ifname);
	input[0] = 0;
	for (size_t i = 0; i < c->dns_count; i++)
		len += (size_t)snprintf(input + len, sizeof(input) - len, "%s %s\n",
					c->dns[i].server ? "nameserver" : "search", c->dns[i].text);
	return ran(argv, input);
}

static void unset_by_resolvconf(const char *ifname)
{
	char record[RECORD_MAX];
	const char *argv[] = {"resolvconf", "-d", record, "-f", NULL};

	name_record(record, ifname);
	ran(argv, NULL);
}

/* ---- Either ------------------------------------------------------------------------------------------------------ */

bool dns_set(const struct config *c, const char *ifname)
{
	if (!c->dns_count)
		return true;
	switch (choose()) {
	case WAY_RESOLVECTL:
		return set_by_resolvectl(c, ifname);
	case WAY_RESOLVCONF:
		return set_by_resolvconf(c, ifname);
	case WAY_NONE:
		break;
	}
	log_warn("DNS is not set: there is no resolvconf, and no resolvectl with a systemd-resolved that runs");
	return true;
}

void dns_unset(const struct config *c, const char *ifname)
{
	const char *revert[] = {"resolvectl", "revert", ifname, NULL};

	if (!c->dns_count)
		return;
	switch (choose()) {
	case WAY_RESOLVECTL:
		if (if_nametoindex(ifname))	/* it forgets interfaces that are gone by itself */
			ran(revert, NULL);
		break;
	case WAY_RESOLVCONF:
		unset_by_resolvconf(ifname);
		break;
	case WAY_NONE:
		break;
	}
}
