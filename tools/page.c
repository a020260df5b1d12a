/* SPDX-License-Identifier: MIT */
#include "page.h"

#include <sodium.h>
#include <stdarg.h>
#include <string.h>

void page_put(struct page *p, const char *fmt, ...)
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

void page_put_key(struct page *p, const char *name, const uint8_t key[TNL_KEY_LEN])
{
	char text[TEXT_BASE64_KEY];

	text_key_to_base64(text, key);
	page_put(p, "%s = %s\n", name, text);
	sodium_memzero(text, sizeof(text));
}

static void put_nets(struct page *p, const struct peer *peer)
{
	char text[TEXT_ADDR];

	for (size_t i = 0; i < peer->net_count; i++)
		page_put(p, "%s%s", i ? ", " : "AllowedIPs = ", net_text(&peer->net[i], text));
	page_put(p, peer->net_count ? "\n" : "");
}

bool page_fits(struct page *p)
{
	if (p->len < sizeof(p->text))
		return true;
	sodium_memzero(p, sizeof(*p));
	return false;
}

bool page_peer_file(struct page *ret, const struct peer *p)
{
	*ret = (struct page){ 0 };
	page_put(ret, "[Peer]\n");
	if (p->note)
		page_put(ret, "#: Note = %s\n", p->note);
	if (p->tags)
		page_put(ret, "#: Tags = %s\n", p->tags);
	page_put_key(ret, "PublicKey", p->key);
	if (p->has_psk)
		page_put_key(ret, "PresharedKey", p->psk);
	put_nets(ret, p);
	if (p->host || p->endpoint[0])
		page_put(ret, "Endpoint = %s\n", p->host ? p->host : p->endpoint);
	if (p->keepalive_s)
		page_put(ret, "PersistentKeepalive = %u\n", p->keepalive_s);
	return page_fits(ret);
}
