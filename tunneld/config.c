/* SPDX-License-Identifier: MIT */
/*
 * The codec (conf.h) gives one item a value; here each finds its place. Peers become the very operations that a UAPI
 * client would send, since that is what they will be. A key that we cannot act upon but that changes what the operator
 * gets is an error, never passed over.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf.h"
#include "keyfile.h"
#include "log.h"
#include "resolve.h"

struct reading {
	struct config *config;
	FILE *messages;
	const char *file;
	bool peers_only;	/* a file of NAME.d */
	bool away_ok;		/* a credential need not be there */
	bool in_peer, peer_off;
	size_t peer_start;	/* the UAPI_PEER operation of the section at hand */
	unsigned errors;
};

static void complain(struct reading *r, const struct conf_item *at, const char *message)
{
	fprintf(r->messages, "%s:%u:%u: %s\n", r->file, at->line, at->column, message);
	r->errors++;
}

static void warn(struct reading *r, const struct conf_item *at, const char *message)
{
	fprintf(r->messages, "%s:%u:%u: warning: %s\n", r->file, at->line, at->column, message);
}

/* One more element in an array that doubles, its old self wiped: some hold keys. NULL: out of memory, fatal here. */
static void *append(void *array, size_t *count, size_t *room, size_t size)
{
	void **base = array;

	if (*count == *room) {
		size_t more = *room ? 2 * *room : 16;
		void *fresh = calloc(more, size);

		if (!fresh)
			die("out of memory");
		if (*count) {
			memcpy(fresh, *base, *count * size);
			sodium_memzero(*base, *count * size);
		}
		free(*base);
		*base = fresh;
		*room = more;
	}
	return (char *)*base + (*count)++ * size;
}

static struct uapi_op *append_op(struct config *c, enum uapi_what what)
{
	struct uapi_op *op = append(&c->ops, &c->op_count, &c->op_room, sizeof(*op));

	op->what = what;
	return op;
}

static void append_hook(struct config *c, enum hooks_phase phase, char *command)
{
	char **place = append(&c->hooks[phase], &c->hook_count[phase], &c->hook_room[phase], sizeof(*place));

	if (!command)
		die("out of memory");
	*place = command;
}

/* A section has ended. */
static void finish_peer(struct reading *r)
{
	struct config *c = r->config;

	if (r->in_peer && r->peer_off) {
		sodium_memzero(c->ops + r->peer_start, (c->op_count - r->peer_start) * sizeof(*c->ops));
		c->op_count = r->peer_start;
	}
	r->in_peer = r->peer_off = false;
}

static void begin_section(struct reading *r, const struct conf_item *item)
{
	finish_peer(r);
	if (item->section == CONF_PEER) {
		r->in_peer = true;
		r->peer_start = r->config->op_count;
		append_op(r->config, UAPI_PEER);
		append_op(r->config, UAPI_REPLACE_ALLOWED_IPS);
	} else if (r->peers_only) {
		complain(r, item, "only a [Peer] section is allowed in a file of this directory");
	}
}

static void take_key_file(struct reading *r, const struct conf_item *item)
{
	char message[CONF_KEY_FILE_MESSAGE_MAX];

	r->config->has_private_key = keyfile_read(r->file, item, r->config->private_key, message);
	if (!r->config->has_private_key && r->away_ok && keyfile_away(r->file, item))
		return;
	if (!r->config->has_private_key)
		complain(r, item, message);
	else if (message[0])
		warn(r, item, message);
}

static void take_endpoint(struct reading *r, const struct conf_item *item)
{
	struct tnl_addr addr = item->addr;
	char host[256], message[CONF_MESSAGE_MAX];

	if (!addr.family) {
		const char *why = "the name is too long";

		if (item->text_len < sizeof(host)) {
			snprintf(host, sizeof(host), "%.*s", (int)item->text_len, item->text);
			why = resolve_endpoint(host, item->addr.port, &addr);
		}
		if (why) {
			snprintf(message, sizeof(message), "Endpoint: cannot resolve the name: %s", why);
			complain(r, item, message);
			return;
		}
	}
	append_op(r->config, UAPI_ENDPOINT)->addr = addr;
}

/* They become arguments of programs, so what is not part of an address or a name does not get there. */
static void take_dns(struct reading *r, const struct conf_item *item)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.:-_";
	struct config *c = r->config;
	struct config_dns *dns = &c->dns[c->dns_count];

	if (c->dns_count == CONFIG_DNS_MAX) {
		complain(r, item, "DNS: at most 32 addresses and search domains");
		return;
	}
	for (uint32_t i = 0; i < item->text_len; i++) {
		if (!memchr(allowed, item->text[i], sizeof(allowed) - 1) || i >= sizeof(dns->text) - 1) {
			complain(r, item, "DNS: an address or a search domain");
			return;
		}
	}
	dns->server = item->addr.family != 0;
	snprintf(dns->text, sizeof(dns->text), "%.*s", (int)item->text_len, item->text);
	c->dns_count++;
}

static void take_value(struct reading *r, const struct conf_item *item)
{
	struct config *c = r->config;
	struct config_prefix *prefix;
	struct uapi_op *op;

	switch (item->key) {
	case CONF_PRIVATE_KEY:
		memcpy(c->private_key, item->key_bytes, sizeof(c->private_key));
		c->has_private_key = true;
		break;
	case CONF_PRIVATE_KEY_FILE:
		take_key_file(r, item);
		break;
	case CONF_LISTEN_PORT:
		c->port = (uint16_t)item->number;
		break;
	case CONF_FWMARK:
		c->fwmark = (uint32_t)item->number;
		break;
	case CONF_MTU:
		c->mtu = (uint32_t)item->number;
		break;
	case CONF_WORKERS:
		c->workers = (uint32_t)item->number;
		break;
	case CONF_TABLE:
		c->table = item->number;
		break;
	case CONF_NAT:
		c->nat = (uint8_t)item->number;
		snprintf(c->nat_via, sizeof(c->nat_via), "%.*s", (int)item->text_len, item->text);
		break;
	case CONF_KILL_SWITCH:
		c->kill_switch = (uint8_t)item->number;
		break;
	case CONF_ADDRESS:
		prefix = append(&c->addresses, &c->address_count, &c->address_room, sizeof(*prefix));
		*prefix = (struct config_prefix){.addr = item->addr, .bits = item->bits};
		break;
	case CONF_DNS:
		take_dns(r, item);
		break;
	case CONF_PRE_UP:
	case CONF_POST_UP:
	case CONF_PRE_DOWN:
	case CONF_POST_DOWN:
		append_hook(c, HOOKS_PRE_UP + (item->key - CONF_PRE_UP), strndup(item->text, item->text_len));
		break;
	case CONF_SAVE_CONFIG:
		if (item->number)
			complain(r, item, "SaveConfig: only wg-quick does that; use it for this file, or leave it out");
		break;
	case CONF_PUBLIC_KEY:
		memcpy(c->ops[r->peer_start].key, item->key_bytes, TNL_KEY_LEN);
		break;
	case CONF_PRESHARED_KEY:
		memcpy(append_op(c, UAPI_PSK)->key, item->key_bytes, TNL_KEY_LEN);
		break;
	case CONF_ENDPOINT:
		take_endpoint(r, item);
		break;
	case CONF_ALLOWED_IPS:
		op = append_op(c, UAPI_ALLOWED_IP);
		op->addr = item->addr;
		op->bits = item->bits;
		break;
	case CONF_KEEPALIVE:
		append_op(c, UAPI_KEEPALIVE)->number = item->number;
		break;
	case CONF_NO_OFFLOAD:
		c->no_offload |= (unsigned)item->number;
		break;
	case CONF_ENABLED:
		r->peer_off = r->in_peer && !item->number;
		break;
	default:
		break;	/* the codec has warned of what is not supported */
	}
}

static void read_items(struct reading *r, const char *text, size_t len)
{
	struct conf_reader reader;
	struct conf_item item;
	int err = conf_reader_init(&reader, text, len, CONF_SUPPORTED);

	if (err < 0) {
		fprintf(r->messages, "%s: %s\n", r->file, strerror(-err));
		r->errors++;
		return;
	}
	while (conf_next(&reader, &item) != CONF_END) {
		if (item.what == CONF_SECTION)
			begin_section(r, &item);
		else if (item.what == CONF_VALUE)
			take_value(r, &item);
		else if (item.what == CONF_ERROR)
			complain(r, &item, item.message);
		else
			warn(r, &item, item.message);
	}
	finish_peer(r);
	sodium_memzero(&item, sizeof(item));
}

/* The whole file; NULL with errno set. The caller wipes and frees it: text_len + 1 bytes. */
static char *read_file(const char *file, size_t *ret_len)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	struct stat st;
	char *text = NULL;
	size_t len = 0;
	ssize_t n = 0;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) == 0 && st.st_size <= CONF_TEXT_MAX)
		text = malloc((size_t)st.st_size + 1);
	else
		errno = EFBIG;
	while (text && len < (size_t)st.st_size && (n = read(fd, text + len, (size_t)st.st_size - len)) > 0)
		len += (size_t)n;
	/* A part is none: what it says may be the opposite of the whole. */
	if (text && n < 0) {
		int why = errno;

		sodium_memzero(text, len);
		free(text);
		text = NULL;
		errno = why;
	}
	close(fd);
	*ret_len = len;
	return text;
}

static void read_one(struct reading *r, const char *file)
{
	size_t len;
	char *text = read_file(file, &len);

	r->file = file;
	if (!text) {
		fprintf(r->messages, "%s: %s\n", file, strerror(errno));
		r->errors++;
		return;
	}
	read_items(r, text, len);
	sodium_memzero(text, len);
	free(text);
}

/* FILE without ".conf", and ".d" behind it. Files of wg-quick have no such directory, so the peers that tunctl adds to
 * ETC/wireguard/IF.conf stand in ETC/tunneld/IF.d. */
static char *peers_pattern(const char *file)
{
	static const char foreign[] = "/wireguard/";
	const char *name = strrchr(file, '/');
	size_t len = strlen(file), dir = name ? (size_t)(name + 1 - file) : 0, cut = sizeof(foreign) - 1;
	char *ret;
	int n;

	if (len > 5 && !strcmp(file + len - 5, ".conf"))
		len -= 5;
	if (dir >= cut && !memcmp(file + dir - cut, foreign, cut))
		n = asprintf(&ret, "%.*s/tunneld/%.*s.d/*.peer", (int)(dir - cut), file, (int)(len - dir), file + dir);
	else
		n = asprintf(&ret, "%.*s.d/*.peer", (int)len, file);
	if (n < 0)
		die("out of memory");
	return ret;
}

static void read_directory(struct reading *r, const char *file)
{
	char *pattern = peers_pattern(file);
	glob_t found;

	r->peers_only = true;
	if (glob(pattern, 0, NULL, &found) == 0) {
		for (size_t i = 0; i < found.gl_pathc; i++)
			read_one(r, found.gl_pathv[i]);
		globfree(&found);
	}
	free(pattern);
}

static struct config *load(const char *file, bool away_ok, FILE *messages)
{
	struct config *c = calloc(1, sizeof(*c));
	struct reading r = {.config = c, .messages = messages, .away_ok = away_ok};

	if (!c)
		die("out of memory");
	c->table = CONF_TABLE_AUTO;
	read_one(&r, file);
	read_directory(&r, file);
	if (c->nat != CONF_NAT_NO && c->kill_switch != CONF_KILL_NO) {
		fprintf(messages, "%s: NAT is for a server, KillSwitch for a client: not both\n", file);
		r.errors++;
	}
	if (!r.errors && config_twins(c))
		fprintf(messages, "%s: warning: a public key stands in two [Peer] sections, the last one counts (see: "
			"tunctl check)\n", file);
	if (!r.errors)
		return c;
	config_free(c);
	return NULL;
}

struct config *config_load(const char *file, FILE *messages)
{
	return load(file, false, messages);
}

struct config *config_judge(const char *file, FILE *messages)
{
	return load(file, true, messages);
}

void config_forget_keys(struct config *c)
{
	sodium_memzero(c->private_key, sizeof(c->private_key));
	c->has_private_key = false;
	if (c->ops)
		sodium_memzero(c->ops, c->op_count * sizeof(*c->ops));
	free(c->ops);
	c->ops = NULL;
	c->op_count = c->op_room = 0;
}

void config_free(struct config *c)
{
	if (!c)
		return;
	config_forget_keys(c);
	for (unsigned phase = 0; phase < HOOKS_PHASES; phase++) {
		for (size_t i = 0; i < c->hook_count[phase]; i++) {
			sodium_memzero(c->hooks[phase][i], strlen(c->hooks[phase][i]));
			free(c->hooks[phase][i]);
		}
		free(c->hooks[phase]);
	}
	free(c->addresses);
	sodium_memzero(c, sizeof(*c));
	free(c);
}
