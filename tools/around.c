/* SPDX-License-Identifier: MIT */
#include "around.h"

#include "conf.h"
#include "link.h"
#include "store.h"

#include <err.h>
#include <glob.h>
#include <netinet/in.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PORT_FIRST = 10000, PORT_LAST = 32767, PORT_TRIES = 200, NETS_MAX = 4096 };

static void add(struct around *a, const struct net *n)
{
	if (a->count == a->room) {
		a->room = a->room ? 2 * a->room : 64;
		a->net = reallocarray(a->net, a->room, sizeof(*a->net));
		if (!a->net)
			err(CMD_FAILED, "tunctl");
	}
	a->net[a->count++] = *n;
}

/* ---- Configurations of tunnels, ours and others' ----------------------------------------------------------------- */

static void take_text(struct around *a, const char *text, size_t len)
{
	struct conf_reader r;
	struct conf_item it;

	if (conf_reader_init(&r, text, len, ~UINT64_C(0)))
		return;
	while (conf_next(&r, &it) != CONF_END) {
		if (it.what != CONF_VALUE)
			continue;
		if (it.key == CONF_ADDRESS || it.key == CONF_ALLOWED_IPS)
			add(a, &(struct net){ .addr = it.addr, .bits = it.bits });
		else if (it.key == CONF_LISTEN_PORT)
			a->port[(uint16_t)it.number] = true;
	}
	sodium_memzero(&it, sizeof(it));
	sodium_memzero(&r, sizeof(r));
}

static void take_files(const char *etc, const char *which, struct around *a)
{
	char pattern[PATH_MAX], *text;
	glob_t found;
	size_t len;

	if ((size_t)snprintf(pattern, sizeof(pattern), "%s/%s", etc, which) >= sizeof(pattern) ||
	    glob(pattern, 0, NULL, &found))
		return;
	for (size_t i = 0; i < found.gl_pathc; i++) {
		if (store_read(found.gl_pathv[i], &text, &len))
			continue;
		take_text(a, text, len);
		store_free(text, len);
	}
	globfree(&found);
}

/* ---- Name servers ------------------------------------------------------------------------------------------------ */

/* Those that a client reaches by way of this machine: not its own loopback, nor a neighbour's link-local address. */
static bool is_reachable(const struct tnl_addr *a)
{
	if (a->family == 4)
		return a->ip[0] != 127 && a->ip[0] && !(a->ip[0] == 169 && a->ip[1] == 254);
	return !(a->ip[0] == 0xfe && (a->ip[1] & 0xc0) == 0x80) && !sodium_is_zero(a->ip, 15);
}

static void take_servers(const char *path, struct around *a)
{
	FILE *f = fopen(path, "re");
	char line[512], text[TEXT_ADDR];
	struct tnl_addr addr;

	while (f && fgets(line, sizeof(line), f) && a->dns_count < ROSTER_DNS_MAX) {
		if (sscanf(line, " nameserver %63s", text) != 1 || !text_addr(text, strlen(text), NULL, &addr) ||
		    !is_reachable(&addr))
			continue;
		a->dns[a->dns_count].addr = addr;
		text_from_addr(a->dns[a->dns_count++].text, &addr);
		add(a, &(struct net){ .addr = addr, .bits = addr.family == 4 ? 32 : 128 });
	}
	if (f)
		fclose(f);
}

void around_load(const struct ctx *c, struct around *ret)
{
	const char *etc = cmd_has(c, OPT_ETC) ? c->val[OPT_ETC] : "/etc";
	static struct net nets[NETS_MAX];
	char path[PATH_MAX];
	size_t count = link_networks(nets, NETS_MAX);

	memset(ret, 0, sizeof(*ret));
	for (size_t i = 0; i < count; i++)
		add(ret, &nets[i]);
	take_files(etc, "tunneld/*.conf", ret);
	take_files(etc, "tunneld/*.d/*.peer", ret);
	take_files(etc, "wireguard/*.conf", ret);
	/* Behind a stub resolver on the loopback are those that it asks. */
	if ((size_t)snprintf(path, sizeof(path), "%s/resolv.conf", etc) < sizeof(path))
		take_servers(path, ret);
	if (!ret->dns_count)
		take_servers("/run/systemd/resolve/resolv.conf", ret);
}

void around_free(struct around *a)
{
	free(a->net);
	*a = (struct around){ 0 };
}

/* ---- Ports ------------------------------------------------------------------------------------------------------- */

static bool can_bind(const struct sockaddr *sa, socklen_t len)
{
	int fd = socket(sa->sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0), on = 1;
	bool ok;

	if (fd < 0)
		return true;	/* a family that is not there is in nobody's way */
	ok = (sa->sa_family != AF_INET6 || !setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on))) &&
	     !bind(fd, sa, len);
	close(fd);
	return ok;
}

bool around_port_free(uint16_t port)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };

	return can_bind((struct sockaddr *)&v4, sizeof(v4)) && can_bind((struct sockaddr *)&v6, sizeof(v6));
}

/* The last port below those that the kernel gives away by itself. */
static unsigned last_port(void)
{
	FILE *f = fopen("/proc/sys/net/ipv4/ip_local_port_range", "re");
	unsigned low = 0;

	if (f) {
		if (fscanf(f, "%u", &low) != 1)
			low = 0;
		fclose(f);
	}
	return low > 2 * PORT_FIRST && low <= PORT_LAST ? low - 1 : PORT_LAST;
}

uint16_t around_pick_port(const struct around *a)
{
	uint32_t size = last_port() - PORT_FIRST + 1;

	for (unsigned i = 0; i < PORT_TRIES; i++) {
		uint16_t port = (uint16_t)(PORT_FIRST + randombytes_uniform(size));

		if (!a->port[port] && around_port_free(port))
			return port;
	}
	return 0;
}
