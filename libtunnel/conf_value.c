/* SPDX-License-Identifier: MIT */
/* Values of configuration keys: one function for each type, chosen by the key's row. */
#include <sodium.h>
#include <string.h>

#include "conf_key.h"

enum {
	HOST_MAX = 253,		/* characters of a DNS name, RFC 1035 2.3.4 */
	INTERFACE_MAX = 15,	/* characters of an interface's name in Linux */
	PATH_LEN_MAX = 4095,	/* bytes of a path in Linux, without its NUL */
};

static bool parse_bool(const char *s, size_t len, uint64_t *ret)
{
	*ret = conf_same_word(s, len, "true");
	return *ret || conf_same_word(s, len, "false");
}

/* no, yes, or a third thing that `other` says; what true and false mean is clear too. */
static bool parse_yes_no(const char *s, size_t len, bool other, uint64_t *ret)
{
	bool yes = conf_same_word(s, len, "yes") || conf_same_word(s, len, "true");
	bool no = conf_same_word(s, len, "no") || conf_same_word(s, len, "false");

	*ret = yes ? 1 : no ? 0 : 2;
	return yes || no || other;
}

/* What the kernel takes for a name and a line of configuration can hold. */
static bool is_interface(const char *s, size_t len)
{
	if (!len || len > INTERFACE_MAX || (s[0] == '.' && (len == 1 || (len == 2 && s[1] == '.'))))
		return false;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)s[i] <= ' ' || s[i] == '/' || s[i] == ':' || s[i] == '%' || s[i] == 127)
			return false;
	return true;
}

static bool parse_off_or(const char *s, size_t len, uint64_t max, bool hex, uint64_t *ret)
{
	*ret = 0;
	if (conf_same_word(s, len, "off"))
		return true;
	return hex ? text_number_or_hex(s, len, max, ret) : text_number(s, len, max, ret);
}

static bool parse_table(const char *s, size_t len, uint64_t *ret)
{
	static const struct { const char *name; uint64_t number; } named[] = {
		{ "auto", CONF_TABLE_AUTO }, { "off", CONF_TABLE_OFF },
		{ "local", 255 }, { "main", 254 }, { "default", 253 },	/* RT_TABLE_ of rtnetlink(7) */
	};

	for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++)
		if (conf_same_word(s, len, named[i].name)) {
			*ret = named[i].number;
			return true;
		}
	return text_number_or_hex(s, len, UINT32_MAX, ret) && *ret;
}

bool conf_offload(const char *s, size_t len, uint64_t *ret)
{
	static const struct { const char *name; uint64_t bits; } named[] = {
		{ "vnet", CONF_OFFLOAD_VNET }, { "csum", CONF_OFFLOAD_CSUM }, { "tso", CONF_OFFLOAD_TSO },
		{ "uso", CONF_OFFLOAD_USO }, { "gso", CONF_OFFLOAD_GSO }, { "gro", CONF_OFFLOAD_GRO },
		{ "lanes", CONF_OFFLOAD_LANES }, { "uring", CONF_OFFLOAD_URING }, { "all", CONF_OFFLOAD_ALL },
	};

	for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++)
		if (conf_same_word(s, len, named[i].name)) {
			*ret = named[i].bits;
			return true;
		}
	return false;
}

/* Letters, digits, '-', '_' in labels between dots. A last label of digits alone is a mistyped address, not a name. */
static bool is_host_name(const char *s, size_t len)
{
	bool letter = false;

	if (!len || len > HOST_MAX || s[0] == '-' || s[0] == '.')
		return false;
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i], folded = c | 0x20;
		bool digit = c >= '0' && c <= '9';

		if (c == '.') {
			if (s[i - 1] == '.')
				return false;
			letter = letter && i + 1 == len;
		} else if (digit || c == '-' || c == '_' || (folded >= 'a' && folded <= 'z')) {
			letter |= !digit;
		} else {
			return false;
		}
	}
	return letter;
}

/* fe80::1%eth0: the interface's index is for the caller to find out. */
static bool is_scoped(const char *s, size_t len)
{
	const char *percent = memchr(s, '%', len);
	struct tnl_addr a;

	return percent && percent + 1 < s + len && text_addr(s, (size_t)(percent - s), NULL, &a) && a.family == 6;
}

static bool parse_endpoint(const char *s, size_t len, struct conf_item *ret)
{
	const char *colon = len ? memrchr(s, ':', len) : NULL;
	size_t host = colon ? (size_t)(colon - s) : 0;
	bool bracket = host > 2 && s[0] == '[' && s[host - 1] == ']';
	uint64_t port;

	if (!host || !text_number(colon + 1, len - host - 1, UINT16_MAX, &port) || !port)
		return false;
	ret->text = s + bracket;
	ret->text_len = (uint32_t)(host - 2 * bracket);
	if (text_endpoint(s, len, NULL, &ret->addr))
		return true;
	if (bracket || !text_addr(s, host, NULL, &ret->addr))	/* wg takes IPv6 without brackets too */
		memset(&ret->addr, 0, sizeof(ret->addr));
	ret->addr.port = (uint16_t)port;
	if (ret->addr.family == 6)
		return true;
	return bracket ? is_scoped(ret->text, ret->text_len) : is_host_name(s, host);
}

/* A host with or without a port; the text stays as written. */
static bool parse_host(const char *s, size_t len)
{
	struct conf_item endpoint;
	struct tnl_addr a;
	const char *colon = memchr(s, ':', len);

	if (!colon)
		return is_host_name(s, len) || text_addr(s, len, NULL, &a);
	if (s[0] == '[' && s[len - 1] == ']')
		return text_addr(s + 1, len - 2, NULL, &a) && a.family == 6;
	return (s[0] == '[' || memrchr(s, ':', len) == colon) && parse_endpoint(s, len, &endpoint);
}

static bool parse_dns(const char *s, size_t len, struct conf_item *ret)
{
	return text_addr(s, len, NULL, &ret->addr) || is_host_name(s, len);
}

static bool parse_network(const char *s, size_t len, struct conf_item *ret)
{
	if (!text_prefix(s, len, true, &ret->addr, &ret->bits))
		return false;
	text_clear_host_bits(&ret->addr, ret->bits);
	return true;
}

/* A key in its place would be shown by whoever tells that there is no such file. */
static bool is_path(const char *s, size_t len)
{
	uint8_t key[TNL_KEY_LEN];
	bool is_key = text_key_from_base64(s, len, key);

	sodium_memzero(key, sizeof(key));
	if (!len || len > PATH_LEN_MAX || is_key)
		return false;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)s[i] < ' ' || s[i] == 127)
			return false;
	return true;
}

bool conf_value(enum conf_key key, const char *s, size_t len, struct conf_item *ret)
{
	const struct conf_row *row = &conf_rows[key];

	ret->text = s;
	ret->text_len = (uint32_t)len;
	switch ((enum conf_type)row->type) {
	case CONF_TYPE_TEXT:
		return !memchr(s, 0, len);
	case CONF_TYPE_KEY:
		return text_key_from_base64(s, len, ret->key_bytes);
	case CONF_TYPE_NUMBER:
		return text_number(s, len, row->max, &ret->number) && ret->number >= row->min;
	case CONF_TYPE_FWMARK:
		return parse_off_or(s, len, UINT32_MAX, true, &ret->number);
	case CONF_TYPE_KEEPALIVE:
		return parse_off_or(s, len, UINT16_MAX, false, &ret->number);
	case CONF_TYPE_TABLE:
		return parse_table(s, len, &ret->number);
	case CONF_TYPE_BOOL:
		return parse_bool(s, len, &ret->number);
	case CONF_TYPE_NAT:
		return parse_yes_no(s, len, is_interface(s, len), &ret->number);
	case CONF_TYPE_KILL_SWITCH:
		return parse_yes_no(s, len, conf_same_word(s, len, "lan"), &ret->number);
	case CONF_TYPE_NETWORK:
		return parse_network(s, len, ret);
	case CONF_TYPE_INTERFACE_ADDRESS:
		return text_prefix(s, len, true, &ret->addr, &ret->bits);
	case CONF_TYPE_DNS:
		return parse_dns(s, len, ret);
	case CONF_TYPE_HOST:
		return parse_host(s, len);
	case CONF_TYPE_ENDPOINT:
		return parse_endpoint(s, len, ret);
	case CONF_TYPE_PATH:
		return is_path(s, len);
	case CONF_TYPE_OFFLOAD:
		return conf_offload(s, len, &ret->number);
	}
	return false;
}
