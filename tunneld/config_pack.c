/* SPDX-License-Identifier: MIT */
/*
 * The struct as it lies in memory, then what its pointers lead to, in their order: both ends are the same executable.
 * But one of them parses what others may have written, with fewer rights than the other has. So lengths, counts and
 * whatever else is later taken for granted are judged here, as if they came from a stranger.
 */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "config.h"

struct cursor {
	const char *at;
	size_t left;
};

static size_t packed_size(const struct config *c)
{
	size_t ret = sizeof(*c) + c->op_count * sizeof(*c->ops) + c->address_count * sizeof(*c->addresses);

	for (unsigned phase = 0; phase < HOOKS_PHASES; phase++) {
		for (size_t i = 0; i < c->hook_count[phase]; i++)
			ret += strlen(c->hooks[phase][i]) + 1;
	}
	return ret;
}

static char *put(char *to, const void *from, size_t len)
{
	if (len)
		memcpy(to, from, len);
	return to + len;
}

void *config_pack(const struct config *c, size_t *ret_len)
{
	size_t len = packed_size(c);
	char *ret = malloc(len), *to = ret;

	if (!ret)
		return NULL;
	to = put(to, c, sizeof(*c));
	to = put(to, c->ops, c->op_count * sizeof(*c->ops));
	to = put(to, c->addresses, c->address_count * sizeof(*c->addresses));
	for (unsigned phase = 0; phase < HOOKS_PHASES; phase++) {
		for (size_t i = 0; i < c->hook_count[phase]; i++)
			to = put(to, c->hooks[phase][i], strlen(c->hooks[phase][i]) + 1);
	}
	*ret_len = len;
	return ret;
}

/* An array of `count` elements, or NULL and false. */
static bool take_array(struct cursor *in, size_t count, size_t size, void *ret)
{
	void **place = ret;

	*place = NULL;
	if (count > in->left / size)
		return false;
	if (!count)
		return true;
	*place = malloc(count * size);
	if (!*place)
		return false;
	memcpy(*place, in->at, count * size);
	in->at += count * size;
	in->left -= count * size;
	return true;
}

static bool take_string(struct cursor *in, char **ret)
{
	size_t len = strnlen(in->at, in->left);

	return len < in->left && take_array(in, len + 1, 1, ret);
}

static bool take_hooks(struct cursor *in, size_t count, struct config *c, unsigned phase)
{
	if (count > in->left || !(c->hooks[phase] = calloc(count ? count : 1, sizeof(char *))))
		return false;
	for (; c->hook_count[phase] < count; c->hook_count[phase]++) {
		if (!take_string(in, &c->hooks[phase][c->hook_count[phase]]))
			return false;
	}
	return true;
}

/* Reading one that is neither would be undefined. */
static bool is_bool(const bool *b)
{
	uint8_t byte;

	memcpy(&byte, b, sizeof(byte));
	return byte <= 1;
}

static bool is_network(const struct tnl_addr *a, unsigned bits)
{
	return (a->family == 4 && bits <= 32) || (a->family == 6 && bits <= 128);
}

static bool is_peer_op(const struct uapi_op *op)
{
	if (!is_bool(&op->minus))
		return false;
	switch (op->what) {
	case UAPI_PEER:
	case UAPI_PSK:
	case UAPI_REPLACE_ALLOWED_IPS:
		return true;
	case UAPI_KEEPALIVE:
		return op->number <= UINT16_MAX;
	case UAPI_ENDPOINT:
		return (op->addr.family == 4 || op->addr.family == 6) && op->addr.port != 0;
	case UAPI_ALLOWED_IP:
		return is_network(&op->addr, op->bits);
	default:
		return false;
	}
}

/* What config_load() could have made, as far as it lies in the struct itself. */
static bool head_ok(const struct config *c)
{
	if (!is_bool(&c->has_private_key) || c->mtu > UINT16_MAX || c->dns_count > CONFIG_DNS_MAX ||
	    (c->table > CONF_TABLE_OFF && c->table != CONF_TABLE_AUTO) || c->nat > CONF_NAT_VIA ||
	    c->kill_switch > CONF_KILL_LAN || !memchr(c->nat_via, 0, sizeof(c->nat_via)))
		return false;
	for (size_t i = 0; i < c->dns_count; i++) {
		if (!is_bool(&c->dns[i].server) || !memchr(c->dns[i].text, 0, sizeof(c->dns[i].text)))
			return false;
	}
	return true;
}

static bool lists_ok(const struct config *c)
{
	for (size_t i = 0; i < c->op_count; i++) {
		if (!is_peer_op(&c->ops[i]))
			return false;
	}
	for (size_t i = 0; i < c->address_count; i++) {
		if (!is_network(&c->addresses[i].addr, c->addresses[i].bits))
			return false;
	}
	return c->op_count == 0 || c->ops[0].what == UAPI_PEER;
}

struct config *config_unpack(const void *src, size_t len)
{
	struct cursor in = {.at = src, .left = len};
	struct config *c = calloc(1, sizeof(*c));
	size_t ops, addresses, hooks[HOOKS_PHASES];
	bool ok;

	if (!c || len < sizeof(*c)) {
		free(c);
		return NULL;
	}
	memcpy(c, src, sizeof(*c));
	ok = head_ok(c);
	in.at += sizeof(*c);
	in.left -= sizeof(*c);
	ops = c->op_count;
	addresses = c->address_count;
	memcpy(hooks, c->hook_count, sizeof(hooks));
	/* Nothing leads into another process, and config_free() finds what is there at any time. */
	c->ops = NULL;
	c->addresses = NULL;
	c->op_count = c->address_count = 0;
	memset(c->hooks, 0, sizeof(c->hooks));
	memset(c->hook_count, 0, sizeof(c->hook_count));
	ok = ok && take_array(&in, ops, sizeof(*c->ops), &c->ops);
	c->op_count = c->op_room = c->ops ? ops : 0;
	ok = ok && take_array(&in, addresses, sizeof(*c->addresses), &c->addresses);
	c->address_count = c->address_room = c->addresses ? addresses : 0;
	for (unsigned phase = 0; ok && phase < HOOKS_PHASES; phase++) {
		ok = take_hooks(&in, hooks[phase], c, phase);
		c->hook_room[phase] = hooks[phase];
	}
	if (ok && in.left == 0 && lists_ok(c))
		return c;
	config_free(c);
	return NULL;
}
