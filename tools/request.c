/* SPDX-License-Identifier: MIT */
#include "request.h"

#include "page.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int read_psk(const struct ctx *c, bool set, struct request *q)
{
	const char *file = c->val[OPT_PSK];
	bool is_stdin;
	int fd, err;

	if (!file)
		return 0;
	if (set && !strcmp(file, "none")) {
		q->psk_how = PSK_NONE;
		return 0;
	}
	if (set && !strcmp(file, "auto"))
		return cmd_fail(c, CMD_USAGE, "--psk auto: the peer must be told of it (use: tunctl genpsk >FILE)");
	if (!strcmp(file, "auto")) {
		q->psk_how = PSK_AUTO;
		randombytes_buf(q->psk, sizeof(q->psk));
		return 0;
	}
	is_stdin = !strcmp(file, "-");
	fd = is_stdin ? STDIN_FILENO : open(file, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return cmd_fail(c, CMD_USAGE, "--psk %s: %s (it names a file, - or %s)", file, strerror(errno),
				set ? "none" : "auto");
	err = keytext_read(fd, q->psk);
	if (!is_stdin)
		close(fd);
	if (err)
		return cmd_fail(c, CMD_USAGE, "--psk %s: %s", file, keytext_why(err));
	q->psk_how = PSK_GIVEN;
	return 0;
}

/* One address. A network of them may be routed to a peer. */
static bool is_multicast(const struct net *n)
{
	if (n->addr.family == 4)
		return n->bits == 32 && n->addr.ip[0] >> 4 == 0xe;
	return n->bits == 128 && n->addr.ip[0] == 0xff;
}

static int read_nets(const struct ctx *c, bool set, struct request *q)
{
	char one[TEXT_ADDR], all[TEXT_ADDR];

	q->auto_net = !c->ip_count;
	for (unsigned i = 0; i < c->ip_count; i++) {
		struct net n, bare;

		if (!set && !strcmp(c->ip[i], "auto")) {
			q->auto_net = true;
			continue;
		}
		if (!strcmp(c->ip[i], "auto"))
			return cmd_fail(c, CMD_USAGE, "--ip auto is for peer add, which picks one (say which)");
		if (!net_parse(c->ip[i], strlen(c->ip[i]), &n))
			return cmd_fail(c, CMD_USAGE, "--ip %s: not an address%s", c->ip[i],
					set ? " or network" : ", network or \"auto\"");
		if (is_multicast(&n))
			return cmd_fail(c, CMD_USAGE, "--ip %s: a multicast address, which is no peer's", c->ip[i]);
		bare = net_masked(n);
		if (!net_equal(&bare, &n)) {
			n.bits = n.addr.family == 4 ? 32 : 128;
			return cmd_fail(c, CMD_USAGE, "--ip %s: an address with the length of its network (use %s or "
					"%s)", c->ip[i], net_text(&n, one), net_text(&bare, all));
		}
		for (unsigned k = 0; k < q->net_count; k++)
			if (net_equal(&q->net[k], &n))
				return cmd_fail(c, CMD_USAGE, "--ip %s is given twice", c->ip[i]);
		q->net[q->net_count++] = n;
	}
	return 0;
}

/* Of characters that hosts and ports are made of: fit to be resolved and to stand in a configuration. */
static bool host_ok(const char *text)
{
	static const char of[] = "[]:.-_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	size_t len = strlen(text);

	return len && len < ROSTER_HOST_MAX && strspn(text, of) == len;
}

const char *request_resolve(const char *host_port, char ret[ROSTER_ENDPOINT_MAX])
{
	struct addrinfo hints = { .ai_socktype = SOCK_DGRAM, .ai_flags = AI_NUMERICSERV }, *found;
	char host[ROSTER_HOST_MAX], ip[64], port[8], *name = host, *colon;
	uint64_t number;
	int err;

	snprintf(host, sizeof(host), "%s", host_port);
	colon = strrchr(host, ':');
	if (!host_ok(host_port) || !colon || !text_number(colon + 1, strlen(colon + 1), UINT16_MAX, &number) || !number)
		return "not HOST:PORT, with a port from 1 to 65535";
	*colon++ = 0;
	if (host[0] == '[' && host[strlen(host) - 1] == ']') {
		host[strlen(host) - 1] = 0;
		name++;
		hints.ai_flags |= AI_NUMERICHOST;
	}
	err = getaddrinfo(name, colon, &hints, &found);
	if (err)
		return gai_strerror(err);
	err = getnameinfo(found->ai_addr, found->ai_addrlen, ip, sizeof(ip), port, sizeof(port),
			  NI_NUMERICHOST | NI_NUMERICSERV);
	if (!err)
		snprintf(ret, ROSTER_ENDPOINT_MAX, found->ai_family == AF_INET6 ? "[%s]:%s" : "%s:%s", ip, port);
	freeaddrinfo(found);
	return err ? gai_strerror(err) : NULL;
}

static int read_endpoint(const struct ctx *c, bool set, struct request *q)
{
	const char *why;

	q->host = c->val[OPT_ENDPOINT];
	if (q->host && set && !strcmp(q->host, "none"))
		q->host = "";
	why = q->host && *q->host ? request_resolve(q->host, q->endpoint) : NULL;
	if (!why)
		return 0;
	return cmd_fail(c, !strcmp(why, gai_strerror(EAI_AGAIN)) ? CMD_FAILED : CMD_USAGE, "--endpoint %s: %s",
			q->host, why);
}

static int read_keepalive(const struct ctx *c, struct request *q)
{
	const char *text = c->val[OPT_KEEPALIVE];
	char *end;
	long v;

	q->keepalive_s = -1;
	if (!text)
		return 0;
	if (!strcmp(text, "off"))
		text = "0";
	v = strtol(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || v > UINT16_MAX)
		return cmd_fail(c, CMD_USAGE, "--keepalive %s: not a number from 0 to %d, or off", text, UINT16_MAX);
	q->keepalive_s = (int)v;
	return 0;
}

/* As it can stand behind "Note = " and be read again. */
static bool note_ok(const char *note)
{
	size_t len = strlen(note);

	if (!len || len > PAGE_NOTE_MAX || note[0] == ' ' || note[len - 1] == ' ')
		return false;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)note[i] < ' ' || note[i] == 127 || note[i] == '#')
			return false;
	return true;
}

static int read_tags(const struct ctx *c, bool set, struct request *q)
{
	size_t len = 0;

	q->has_tags = c->tag_count;
	for (unsigned i = 0; i < c->tag_count; i++) {
		const char *tag = c->tag[i];

		if (set && !*tag && c->tag_count == 1)
			return 0;
		if (!iface_peer_name_ok(tag) || strlen(tag) > REQUEST_TAG_MAX)
			return cmd_fail(c, CMD_USAGE, "--tag %s: not 1 to %d of A-Z a-z 0-9 . _ -", tag,
					REQUEST_TAG_MAX);
		len += (size_t)snprintf(q->tags + len, sizeof(q->tags) - len, "%s%s", i ? ", " : "", tag);
	}
	return 0;
}

int request_parse(const struct ctx *c, bool set, struct request *ret)
{
	const char *key = c->val[OPT_PUBKEY];
	int code;

	*ret = (struct request){ .name = c->word[0], .note = c->val[OPT_NOTE] };
	if (!set && (code = iface_new_peer_name(c, ret->name)))
		return code;
	if (key && !(ret->has_key = text_key_from_base64(key, strlen(key), ret->key)))
		return cmd_fail(c, CMD_USAGE, "--pubkey: not a key (44 characters of base64, as pubkey prints them)");
	if (cmd_has(c, OPT_KEEP_KEY) && (key || cmd_has(c, OPT_RUNTIME)))
		return cmd_fail(c, CMD_USAGE, "--keep-key: there is no key to keep with --pubkey or --runtime");
	if (ret->note && !(set && !*ret->note) && !note_ok(ret->note))
		return cmd_fail(c, CMD_USAGE, "--note: 1 to %d bytes on one line, without # and blanks at its ends",
				PAGE_NOTE_MAX);
	if (cmd_has(c, OPT_SERVER) && !host_ok(c->val[OPT_SERVER]))
		return cmd_fail(c, CMD_USAGE, "--server %s: not HOST or HOST:PORT", c->val[OPT_SERVER]);
	if ((code = read_nets(c, set, ret)) || (code = read_keepalive(c, ret)) ||
	    (code = read_endpoint(c, set, ret)) || (code = read_tags(c, set, ret)))
		return code;
	return read_psk(c, set, ret);
}

static bool has_net(const struct peer *p, const struct net *n)
{
	for (size_t i = 0; i < p->net_count; i++)
		if (net_equal(&p->net[i], n))
			return true;
	return false;
}

const char *request_differs(const struct request *q, const struct peer *p)
{
	if (q->has_key && memcmp(q->key, p->key, sizeof(q->key)))
		return "key";
	for (unsigned i = 0; i < q->net_count; i++)
		if (!has_net(p, &q->net[i]))
			return "addresses";
	if (!q->auto_net && q->net_count != p->net_count)
		return "addresses";
	if (q->psk_how == PSK_GIVEN && (!p->has_psk || sodium_memcmp(q->psk, p->psk, sizeof(q->psk))))
		return "preshared key";
	if (q->psk_how == PSK_AUTO && !p->has_psk)
		return "preshared key";
	if (q->keepalive_s >= 0 && q->keepalive_s != p->keepalive_s)
		return "keepalive";
	/* A peer that was only ever live has no spelling of its endpoint and no note to compare with. */
	if (q->host && p->saved && strcmp(q->host, p->host ? p->host : ""))
		return "endpoint";
	if (q->note && p->saved && strcmp(q->note, p->note ? p->note : ""))
		return "note";
	if (q->has_tags && p->saved && strcmp(q->tags, p->tags ? p->tags : ""))
		return "tags";
	return NULL;
}
