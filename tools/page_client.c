/* SPDX-License-Identifier: MIT */
/*
 * What the peer's own machine must know, for each program that may run there. All of it is found out once, into a
 * struct facts, and then spelt in each format's own way.
 *
 * A server that does NAT is a way to the world, so its clients send everything through the tunnel; one that does not
 * is a way to its own networks. wg-quick and NetworkManager see to the tunnel's own packets when a default route leads
 * into it; networkd is told by a mark and a table.
 */
#include "page.h"

#include "link.h"

#include <sodium.h>
#include <string.h>

enum {
	KEEPALIVE_S = 25,	/* most clients sit behind a NAT that forgets after 30 s */
	NETWORKD_MARK = 51820,	/* and table; as wg-quick's, they say whose they are */
	NETWORKD_PRIORITY = 32760,	/* before the main table's rule, 32766 */
};

struct facts {
	const struct page_client *from;
	char endpoint[ROSTER_HOST_MAX + 8];	/* HOST:PORT; "": not known */
	struct net allowed[ROSTER_OWN_MAX];
	size_t allowed_count;
	bool everything;	/* allowed has a default route */
};

/* ---- Finding out ------------------------------------------------------------------------------------------------- */

static bool has_port(const char *address)
{
	const char *after = strrchr(address, ']');

	return strchr(after ? after : address, ':') != NULL;
}

static void find_endpoint(struct facts *f)
{
	const struct roster *server = f->from->server;
	const char *address = f->from->address;
	struct tnl_addr own;
	char text[TEXT_ADDR];

	if (!address && server->client_host[0])
		address = server->client_host;
	if (address && has_port(address)) {
		snprintf(f->endpoint, sizeof(f->endpoint), "%s", address);
	} else if (address && server->port) {
		snprintf(f->endpoint, sizeof(f->endpoint), "%s:%u", address, server->port);
	} else if (!address && server->port && (link_own_address(4, &own) || link_own_address(6, &own))) {
		own.port = server->port;
		text_from_endpoint(text, &own);
		snprintf(f->endpoint, sizeof(f->endpoint), "%s", text);
	}
}

static void find_facts(struct facts *f, const struct page_client *from)
{
	const struct roster *server = from->server;

	*f = (struct facts){ .from = from };
	find_endpoint(f);
	f->everything = server->nat || !server->own_count;
	if (f->everything) {
		f->allowed[f->allowed_count++].addr.family = 4;
		f->allowed[f->allowed_count++].addr.family = 6;
		return;
	}
	for (size_t i = 0; i < server->own_count; i++)
		f->allowed[f->allowed_count++] = net_masked(server->own[i]);
}

/* "NAME = a, b" of the addresses, or the networks. */
static void put_list(struct page *p, const char *name, const char *between, const struct net *net, size_t count)
{
	char text[TEXT_ADDR];

	for (size_t i = 0; i < count; i++)
		page_put(p, "%s%s", i ? between : name, net_text(&net[i], text));
	page_put(p, count ? "\n" : "");
}

/* Networks are behind the peer, and its addresses are its own; of who has none, as far as we know they are. */
static bool is_own(const struct peer *p, size_t i)
{
	bool hosts = false;

	for (size_t k = 0; k < p->net_count; k++)
		hosts = hosts || p->net[k].bits == (p->net[k].addr.family == 4 ? 32 : 128);
	return !hosts || p->net[i].bits == (p->net[i].addr.family == 4 ? 32 : 128);
}

static void put_own(struct page *p, const struct peer *peer)
{
	char text[TEXT_ADDR];
	bool any = false;

	for (size_t i = 0; i < peer->net_count; i++) {
		if (is_own(peer, i)) {
			page_put(p, "%s%s", any ? ", " : "Address = ", net_text(&peer->net[i], text));
			any = true;
		}
	}
	page_put(p, any ? "\n" : "");
}

static void put_private(struct page *p, const char *name, const char *comment, const struct page_client *from)
{
	if (from->private)
		page_put_key(p, name, from->private);
	else
		page_put(p, "%s%s = yours\n", comment, name);
}

static void put_endpoint(struct page *p, const char *name, const char *comment, const struct facts *f)
{
	if (f->endpoint[0])
		page_put(p, "%s%s\n", name, f->endpoint);
	else
		page_put(p, "%s%sthe server's HOST:PORT\n", comment, name);
}

/* ---- wg-quick ---------------------------------------------------------------------------------------------------- */

bool page_client_config(struct page *ret, const struct page_client *from)
{
	const struct roster *server = from->server;
	const struct peer *peer = from->peer;
	struct facts f;

	find_facts(&f, from);
	*ret = (struct page){ 0 };
	page_put(ret, "[Interface]\n");
	put_private(ret, "PrivateKey", "# ", from);
	if (!from->private)
		page_put_key(ret, "# PublicKey", peer->key);
	put_own(ret, peer);
	for (size_t i = 0; i < server->dns_count; i++)
		page_put(ret, "%s%s", i ? ", " : "DNS = ", server->dns[i].text);
	page_put(ret, "%s\n[Peer]\n", server->dns_count ? "\n" : "");
	page_put_key(ret, "PublicKey", server->public);
	if (peer->has_psk)
		page_put_key(ret, "PresharedKey", peer->psk);
	put_list(ret, "AllowedIPs = ", ", ", f.allowed, f.allowed_count);
	put_endpoint(ret, "Endpoint = ", "# ", &f);
	page_put(ret, "PersistentKeepalive = %d\n", KEEPALIVE_S);
	return page_fits(ret);
}

bool page_client_compact(struct page *ret, const struct page_client *from)
{
	bool comment = false;
	size_t len = 0;

	if (!page_client_config(ret, from))
		return false;
	for (size_t i = 0; i < ret->len; i++) {
		char c = ret->text[i];

		comment = c != '\n' && (comment || c == '#');
		if (!comment && c != ' ' && !(c == '\n' && (!len || ret->text[len - 1] == '\n')))
			ret->text[len++] = c;
	}
	sodium_memzero(ret->text + len, ret->len - len);
	ret->len = len;
	return true;
}

/* ---- NetworkManager ---------------------------------------------------------------------------------------------- */

/* The same key gives the same connection each time, so that a newer file takes the place of an older. RFC 9562: 8. */
static void put_uuid(struct page *p, const uint8_t key[TNL_KEY_LEN])
{
	uint8_t id[16];

	crypto_generichash(id, sizeof(id), key, TNL_KEY_LEN, (const uint8_t *)"tunctl nm", 9);
	id[6] = (id[6] & 0x0f) | 0x80;
	id[8] = (id[8] & 0x3f) | 0x80;
	page_put(p, "uuid=");
	for (size_t i = 0; i < sizeof(id); i++)
		page_put(p, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", id[i]);
	page_put(p, "\n");
}

static void put_nm_family(struct page *p, const struct facts *f, uint8_t family)
{
	const struct page_client *from = f->from;
	unsigned addresses = 0, servers = 0;
	char text[TEXT_ADDR];

	page_put(p, "\n[ipv%u]\n", family);
	for (size_t i = 0; i < from->peer->net_count; i++)
		if (from->peer->net[i].addr.family == family && is_own(from->peer, i))
			page_put(p, "address%u=%s\n", ++addresses, net_text(&from->peer->net[i], text));
	page_put(p, "method=%s\n", addresses ? "manual" : "disabled");
	for (size_t i = 0; addresses && i < from->server->dns_count; i++)
		if (from->server->dns[i].addr.family == family)
			page_put(p, "%s%s;", servers++ ? "" : "dns=", from->server->dns[i].text);
	page_put(p, servers ? "\n" : "");
	if (!servers)
		return;
	page_put(p, "dns-search=");
	for (size_t i = 0; i < from->server->dns_count; i++)
		if (!from->server->dns[i].addr.family)
			page_put(p, "%s;", from->server->dns[i].text);
	/* Every name is asked of them, where everything goes through the tunnel. */
	page_put(p, f->everything ? "~;\n" : "\n");
}

bool page_client_nm(struct page *ret, const struct page_client *from)
{
	const struct peer *peer = from->peer;
	char key[TEXT_BASE64_KEY];
	struct facts f;

	find_facts(&f, from);
	*ret = (struct page){ 0 };
	page_put(ret, "[connection]\nid=%s\n", from->ifname);
	put_uuid(ret, peer->key);
	page_put(ret, "type=wireguard\ninterface-name=%s\n\n[wireguard]\n", from->ifname);
	put_private(ret, "private-key", "#", from);
	text_key_to_base64(key, from->server->public);
	page_put(ret, "\n[wireguard-peer.%s]\n", key);
	put_endpoint(ret, "endpoint=", "#", &f);
	if (peer->has_psk) {
		page_put_key(ret, "preshared-key", peer->psk);
		page_put(ret, "preshared-key-flags=0\n");
	}
	page_put(ret, "persistent-keepalive=%d\n", KEEPALIVE_S);
	put_list(ret, "allowed-ips=", ";", f.allowed, f.allowed_count);
	put_nm_family(ret, &f, 4);
	put_nm_family(ret, &f, 6);
	return page_fits(ret);
}

/* ---- systemd-networkd -------------------------------------------------------------------------------------------- */

bool page_client_netdev(struct page *ret, const struct page_client *from)
{
	const struct peer *peer = from->peer;
	struct facts f;

	find_facts(&f, from);
	*ret = (struct page){ 0 };
	page_put(ret, "[NetDev]\nName=%s\nKind=wireguard\nMTUBytes=1420\n\n[WireGuard]\n", from->ifname);
	put_private(ret, "PrivateKey", "# ", from);
	if (f.everything)
		page_put(ret, "FirewallMark=%d\n", NETWORKD_MARK);
	page_put(ret, "\n[WireGuardPeer]\n");
	page_put_key(ret, "PublicKey", from->server->public);
	if (peer->has_psk)
		page_put_key(ret, "PresharedKey", peer->psk);
	put_list(ret, "AllowedIPs=", ",", f.allowed, f.allowed_count);
	put_endpoint(ret, "Endpoint=", "# ", &f);
	page_put(ret, "PersistentKeepalive=%d\n", KEEPALIVE_S);
	return page_fits(ret);
}

/* Everything but what the tunnel itself sends, and what the main table knows a nearer way for. */
static void put_rules(struct page *p)
{
	page_put(p, "\n[RoutingPolicyRule]\nFamily=both\nTable=main\nSuppressPrefixLength=0\nPriority=%d\n",
		 NETWORKD_PRIORITY);
	page_put(p, "\n[RoutingPolicyRule]\nFamily=both\nFirewallMark=%d\nInvertRule=yes\nTable=%d\nPriority=%d\n",
		 NETWORKD_MARK, NETWORKD_MARK, NETWORKD_PRIORITY + 1);
}

bool page_client_network(struct page *ret, const struct page_client *from)
{
	const struct roster *server = from->server;
	char text[TEXT_ADDR];
	struct facts f;

	find_facts(&f, from);
	*ret = (struct page){ 0 };
	page_put(ret, "[Match]\nName=%s\n\n[Network]\n", from->ifname);
	for (size_t i = 0; i < from->peer->net_count; i++)
		if (is_own(from->peer, i))
			page_put(ret, "Address=%s\n", net_text(&from->peer->net[i], text));
	for (size_t i = 0; i < server->dns_count; i++)
		page_put(ret, "%s=%s\n", server->dns[i].addr.family ? "DNS" : "Domains", server->dns[i].text);
	if (server->dns_count && f.everything)
		page_put(ret, "Domains=~.\n");
	for (size_t i = 0; i < f.allowed_count; i++) {
		page_put(ret, "\n[Route]\nDestination=%s\n", net_text(&f.allowed[i], text));
		if (f.everything)
			page_put(ret, "Table=%d\n", NETWORKD_MARK);
	}
	if (f.everything)
		put_rules(ret);
	return page_fits(ret);
}
