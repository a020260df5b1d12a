/* SPDX-License-Identifier: MIT */
/* Files into the roster. The text of a file holds keys: it is wiped before it is let go. */
#include "client.h"
#include "conf.h"
#include "link.h"
#include "roster.h"
#include "store.h"

#include <dirent.h>
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

struct loader {
	const struct ctx *c;
	struct roster *r;
	const char *path;
	const char *name;	/* of a peer's own file; NULL: the main file */
	struct peer pending;	/* whose section is read; without a key it is none */
	bool in_peer, has_key, bad;
};

static void end_section(struct loader *l)
{
	struct peer *p = &l->pending;

	if (l->in_peer && l->has_key) {
		p->saved = true;
		p->own_file = l->name != NULL;
		if (l->name)
			snprintf(p->name, sizeof(p->name), "%s", l->name);
		*roster_add(l->r, p->key) = *p;
	} else {
		free(p->net);
		free(p->note);
		free(p->tags);
	}
	sodium_memzero(p, sizeof(*p));
	l->in_peer = l->has_key = false;
}

static void take_dns(struct roster *r, const struct conf_item *it)
{
	struct roster_dns *d = &r->dns[r->dns_count];

	if (r->dns_count == ROSTER_DNS_MAX || it->text_len >= sizeof(d->text))
		return;
	r->dns_count++;
	d->addr = it->addr;
	snprintf(d->text, sizeof(d->text), "%.*s", (int)it->text_len, it->text);
}

static void take_interface(struct roster *r, const struct conf_item *it)
{
	switch (it->key) {
	case CONF_PRIVATE_KEY:
		r->has_key = true;
		crypto_scalarmult_base(r->public, it->key_bytes);
		break;
	case CONF_LISTEN_PORT:
		r->port = (uint16_t)it->number;
		break;
	case CONF_NAT:
		r->nat = it->number != CONF_NAT_NO;
		break;
	case CONF_CLIENT_ENDPOINT:
		snprintf(r->client_host, sizeof(r->client_host), "%.*s", (int)it->text_len, it->text);
		break;
	case CONF_CLIENT_DNS:
		take_dns(r, it);
		break;
	case CONF_ADDRESS:
		if (r->own_count < ROSTER_OWN_MAX)
			r->own[r->own_count++] = (struct net){ .addr = it->addr, .bits = it->bits };
		break;
	default:
		break;
	}
}

static void take_host(struct peer *p, const struct conf_item *it)
{
	bool v6 = it->addr.family == 6;

	snprintf(p->host, sizeof(p->host), "%s%.*s%s:%u", v6 ? "[" : "", (int)it->text_len, it->text, v6 ? "]" : "",
		 it->addr.port);
	if (it->addr.family)
		text_from_endpoint(p->endpoint, &it->addr);
}

static void take_peer(struct loader *l, const struct conf_item *it)
{
	struct peer *p = &l->pending;

	switch (it->key) {
	case CONF_PUBLIC_KEY:
		l->has_key = true;
		memcpy(p->key, it->key_bytes, sizeof(p->key));
		break;
	case CONF_PRESHARED_KEY:
		p->has_psk = !sodium_is_zero(it->key_bytes, sizeof(it->key_bytes));
		memcpy(p->psk, it->key_bytes, sizeof(p->psk));
		break;
	case CONF_ALLOWED_IPS:
		peer_add_net(p, &(struct net){ .addr = it->addr, .bits = it->bits });
		break;
	case CONF_KEEPALIVE:
		p->keepalive_s = (uint16_t)it->number;
		break;
	case CONF_ENDPOINT:
		take_host(p, it);
		break;
	case CONF_NOTE:
		free(p->note);
		p->note = strndup(it->text, it->text_len);
		break;
	case CONF_TAGS:
		free(p->tags);
		p->tags = strndup(it->text, it->text_len);
		break;
	case CONF_ENABLED:
		p->disabled = !it->number;
		break;
	case CONF_NAME:
		snprintf(p->name, sizeof(p->name), "%.*s", (int)it->text_len, it->text);
		if (it->text_len > IFACE_PEER_NAME_MAX || !iface_peer_name_ok(p->name))
			p->name[0] = 0;
		break;
	default:
		break;
	}
}

static void take_text(struct loader *l, const char *text, size_t len)
{
	struct conf_reader reader;
	struct conf_item it;

	if (conf_reader_init(&reader, text, len, ~UINT64_C(0))) {
		l->bad = true;
		cmd_fail(l->c, 0, "%s: too big", l->path);
		return;
	}
	while (conf_next(&reader, &it) != CONF_END) {
		if (it.what == CONF_SECTION) {
			end_section(l);
			l->in_peer = it.section == CONF_PEER;
		} else if (it.what == CONF_ERROR) {
			l->bad = true;
			cmd_fail(l->c, 0, "%s:%u:%u: %s", l->path, it.line, it.column, it.message);
		} else if (it.what == CONF_VALUE && l->in_peer) {
			take_peer(l, &it);
		} else if (it.what == CONF_VALUE && it.section == CONF_INTERFACE && !l->name) {
			take_interface(l->r, &it);
		}
	}
	end_section(l);
	sodium_memzero(&it, sizeof(it));
	sodium_memzero(&reader, sizeof(reader));
}

int roster_read(const struct ctx *c, const char *path, const char *name, const char *text, size_t len,
		struct roster *r)
{
	struct loader l = { .c = c, .r = r, .path = path, .name = name };

	take_text(&l, text, len);
	return l.bad ? CMD_USAGE : 0;
}

/* 0; CMD_USAGE: it has errors, all of them said, and what was good is taken; or another exit code. */
static int load_file(const struct ctx *c, const char *path, const char *name, struct roster *r)
{
	char *text;
	size_t len;
	int err = store_read(path, &text, &len), code;

	if (err)
		return cmd_fail(c, iface_code(err), "%s: %s", path, strerror(-err));
	code = roster_read(c, path, name, text, len, r);
	store_free(text, len);
	return code;
}

static int load_directory(const struct ctx *c, const struct iface *f, struct roster *r)
{
	static const char suffix[] = ".peer";
	DIR *d = opendir(f->dir);
	struct dirent *e;
	int code = 0;

	if (!d)
		return errno == ENOENT ? 0 : cmd_fail(c, iface_code(-errno), "%s: %s", f->dir, strerror(errno));
	while ((e = readdir(d))) {
		char path[PATH_MAX + NAME_MAX + 2], name[IFACE_PEER_NAME_MAX + 1];
		size_t len = strlen(e->d_name), cut = sizeof(suffix) - 1;
		int one;

		if (len <= cut || len - cut >= sizeof(name) || strcmp(e->d_name + len - cut, suffix))
			continue;
		memcpy(name, e->d_name, len - cut);
		name[len - cut] = 0;
		if (!iface_peer_name_ok(name))
			continue;
		snprintf(path, sizeof(path), "%s/%s", f->dir, e->d_name);
		one = load_file(c, path, name, r);
		code = code ? code : one;
	}
	closedir(d);
	return code;
}

int roster_load(const struct ctx *c, const struct iface *f, bool strict, struct roster *r)
{
	int code = f->conf[0] ? load_file(c, f->conf, NULL, r) : 0, more, err;

	more = load_directory(c, f, r);
	code = code ? code : more;
	if (code && (strict || code != CMD_USAGE))
		return code;
	roster_sort(r);
	if (!f->running)
		return 0;
	if (!r->own_count)
		r->own_count = link_addresses(f->name, r->own, ROSTER_OWN_MAX);
	err = client_load(f->sock, r);
	return err ? cmd_fail(c, iface_code(err), "%s: %s", f->sock, strerror(-err)) : 0;
}
