/* SPDX-License-Identifier: MIT */
#include "page.h"

#include "link.h"

#include <sodium.h>
#include <stdarg.h>
#include <string.h>

enum { CLIENT_KEEPALIVE_S = 25 };	/* most clients sit behind a NAT that forgets after 30 s */

__attribute__((format(printf, 2, 3)))
static void put(struct page *p, const char *fmt, ...)
{
	size_t room = sizeof(p->text) - p->len;
	va_list ap;
	int n;

	if (p->len >= sizeof(p->text))
		return;
	va_start(ap, fmt);
	n = vsnprintf(p->text + p->len, room, fmt, ap);
	va_end(ap);
	p->len += (size_t)n;
}

static void put_key(struct page *p, const char *name, const uint8_t key[TNL_KEY_LEN])
{
	char text[TEXT_BASE64_KEY];

	text_key_to_base64(text, key);
	put(p, "%s = %s\n", name, text);
	sodium_memzero(text, sizeof(text));
}

/* masked: networks, not addresses in them. */
static void put_nets(struct page *p, const char *name, const struct net *net, size_t count, bool masked)
{
	char text[TEXT_ADDR];

	if (!count)
		return;
	put(p, "%s = ", name);
	for (size_t i = 0; i < count; i++) {
		struct net n = masked ? net_masked(net[i]) : net[i];

		put(p, "%s%s", i ? ", " : "", net_text(&n, text));
	}
	put(p, "\n");
}

static bool fits(struct page *p)
{
	if (p->len < sizeof(p->text))
		return true;
	sodium_memzero(p, sizeof(*p));
	return false;
}

bool page_peer_file(struct page *ret, const struct peer *p)
{
	*ret = (struct page){ 0 };
	put(ret, "[Peer]\n");
	if (p->note)
		put(ret, "#: Note = %s\n", p->note);
	put_key(ret, "PublicKey", p->key);
	if (p->has_psk)
		put_key(ret, "PresharedKey", p->psk);
	put_nets(ret, "AllowedIPs", p->net, p->net_count, true);
	if (p->host[0] || p->endpoint[0])
		put(ret, "Endpoint = %s\n", p->host[0] ? p->host : p->endpoint);
	if (p->keepalive_s)
		put(ret, "PersistentKeepalive = %u\n", p->keepalive_s);
	return fits(ret);
}

static bool has_port(const char *address)
{
	const char *after = strrchr(address, ']');

	return strchr(after ? after : address, ':') != NULL;
}

static void put_endpoint(struct page *p, const struct page_client *from)
{
	unsigned port = from->server->port;
	struct tnl_addr own;
	char text[TEXT_ADDR];

	if (from->address && (has_port(from->address) || port)) {
		put(p, "Endpoint = %s", from->address);
		if (!has_port(from->address))
			put(p, ":%u", port);
		put(p, "\n");
		return;
	}
	if (!from->address && port && (link_own_address(4, &own) || link_own_address(6, &own))) {
		own.port = (uint16_t)port;
		text_from_endpoint(text, &own);
		put(p, "Endpoint = %s\n", text);
		return;
	}
	put(p, "# Endpoint = the server's HOST:PORT\n");
}

bool page_client_config(struct page *ret, const struct page_client *from)
{
	const struct peer *peer = from->peer;
	const struct roster *server = from->server;

	*ret = (struct page){ 0 };
	put(ret, "[Interface]\n");
	if (from->private)
		put_key(ret, "PrivateKey", from->private);
	else
		put_key(ret, "# PrivateKey = yours\n# PublicKey", peer->key);
	put_nets(ret, "Address", peer->net, peer->net_count, false);
	put(ret, "\n[Peer]\n");
	put_key(ret, "PublicKey", server->public);
	if (peer->has_psk)
		put_key(ret, "PresharedKey", peer->psk);
	if (server->own_count)
		put_nets(ret, "AllowedIPs", server->own, server->own_count, true);
	else
		put(ret, "AllowedIPs = 0.0.0.0/0, ::/0\n");
	put_endpoint(ret, from);
	put(ret, "PersistentKeepalive = %d\n", CLIENT_KEEPALIVE_S);
	return fits(ret);
}
