/* SPDX-License-Identifier: MIT */
/*
 * The struct as it lies in memory, then what its pointers lead to, in their order: both ends are the same executable.
 * Lengths are judged all the same, so that a piece that was cut off is an error and not a crash.
 */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

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
	ok = take_array(&in, ops, sizeof(*c->ops), &c->ops);
	c->op_count = c->op_room = c->ops ? ops : 0;
	ok = ok && take_array(&in, addresses, sizeof(*c->addresses), &c->addresses);
	c->address_count = c->address_room = c->addresses ? addresses : 0;
	for (unsigned phase = 0; ok && phase < HOOKS_PHASES; phase++) {
		ok = take_hooks(&in, hooks[phase], c, phase);
		c->hook_room[phase] = hooks[phase];
	}
	if (ok && in.left == 0)
		return c;
	config_free(c);
	return NULL;
}
