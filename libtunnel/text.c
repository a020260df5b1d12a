/* SPDX-License-Identifier: MIT */
/*
 * Slices to values and back. inet_pton() wants a string, so an address is copied into a small buffer first, and what
 * does not fit in there is no address. Codecs of keys neither branch on the secret nor look anything up by it. Those
 * that write are libsodium's; those that read are ours, since libsodium's, for any length, take three thousand
 * instructions a key, and ten thousand peers have twenty thousand keys. All digits are read at once, in loops that
 * become vector code.
 */
#include <arpa/inet.h>
#include <net/if.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "text.h"

static bool digits(const char *s, size_t len, unsigned base, uint64_t max, uint64_t *ret)
{
	uint64_t v = 0;

	if (!len)
		return false;
	for (size_t i = 0; i < len; i++) {
		unsigned c = (unsigned char)s[i], lower = c | 0x20, d = base;

		if (c >= '0' && c <= '9')
			d = c - '0';
		else if (lower >= 'a' && lower <= 'f')
			d = lower - 'a' + 10;
		if (d >= base || d > max || v > (max - d) / base)
			return false;
		v = v * base + d;
	}
	*ret = v;
	return true;
}

bool text_number(const char *s, size_t len, uint64_t max, uint64_t *ret)
{
	return digits(s, len, 10, max, ret);
}

bool text_number_or_hex(const char *s, size_t len, uint64_t max, uint64_t *ret)
{
	if (len > 2 && s[0] == '0' && (s[1] == 'x' || s[1] == 'X'))
		return digits(s + 2, len - 2, 16, max, ret);
	return digits(s, len, 10, max, ret);
}

/* All ones if c is one of `count` characters from `first` on, else 0. */
static uint8_t among(uint8_t c, char first, uint8_t count)
{
	return (uint8_t)-((uint8_t)(c - (uint8_t)first) < count);
}

/* What c is worth there, else 0. */
static uint8_t worth(uint8_t c, char first, uint8_t count, uint8_t least)
{
	return among(c, first, count) & (uint8_t)(c - (uint8_t)first + least);
}

bool text_key_from_hex(const char *s, size_t len, uint8_t ret[TNL_KEY_LEN])
{
	uint8_t digit[2 * TNL_KEY_LEN], all = 0xff;

	if (len != sizeof(digit))
		return false;
	for (size_t i = 0; i < sizeof(digit); i++) {
		uint8_t c = (uint8_t)s[i];

		digit[i] = worth(c, '0', 10, 0) | worth(c, 'a', 6, 10) | worth(c, 'A', 6, 10);
		all &= among(c, '0', 10) | among(c, 'a', 6) | among(c, 'A', 6);
	}
	for (size_t i = 0; all && i < TNL_KEY_LEN; i++)
		ret[i] = (uint8_t)(digit[2 * i] << 4 | digit[2 * i + 1]);
	sodium_memzero(digit, sizeof(digit));
	return all;
}

/* Ten groups of four digits are thirty bytes; then come three digits, of which two bits are left over, and "=". */
bool text_key_from_base64(const char *s, size_t len, uint8_t ret[TNL_KEY_LEN])
{
	enum { DIGITS = 43, ROOM = 48, GROUPS = 11 };	/* ROOM: whole vectors */
	uint8_t text[ROOM], digit[ROOM], key[3 * GROUPS], all = 0xff;

	if (len != DIGITS + 1 || s[DIGITS] != '=')
		return false;
	memset(text, 'A', sizeof(text));
	memcpy(text, s, DIGITS);
	for (size_t i = 0; i < ROOM; i++) {
		uint8_t c = text[i];

		digit[i] = worth(c, 'A', 26, 0) | worth(c, 'a', 26, 26) | worth(c, '0', 10, 52) |
			   worth(c, '+', 1, 62) | worth(c, '/', 1, 63);
		all &= among(c, 'A', 26) | among(c, 'a', 26) | among(c, '0', 10) | among(c, '+', 1) |
		       among(c, '/', 1);
	}
	for (size_t i = 0; i < GROUPS; i++) {
		const uint8_t *d = digit + 4 * i;

		key[3 * i] = (uint8_t)(d[0] << 2 | d[1] >> 4);
		key[3 * i + 1] = (uint8_t)(d[1] << 4 | d[2] >> 2);
		key[3 * i + 2] = (uint8_t)(d[2] << 6 | d[3]);
	}
	all &= key[TNL_KEY_LEN] ? 0 : 0xff;
	if (all)
		memcpy(ret, key, TNL_KEY_LEN);
	sodium_memzero(text, sizeof(text));
	sodium_memzero(digit, sizeof(digit));
	sodium_memzero(key, sizeof(key));
	return all;
}

void text_key_to_hex(char dst[TEXT_HEX_KEY], const uint8_t key[TNL_KEY_LEN])
{
	sodium_bin2hex(dst, TEXT_HEX_KEY, key, TNL_KEY_LEN);
}

void text_key_to_base64(char dst[TEXT_BASE64_KEY], const uint8_t key[TNL_KEY_LEN])
{
	sodium_bin2base64(dst, TEXT_BASE64_KEY, key, TNL_KEY_LEN, sodium_base64_VARIANT_ORIGINAL);
}

/* The slice as a string; false: too long, or a NUL in it that would hide the rest. */
static bool to_string(char *dst, size_t max, const char *s, size_t len)
{
	if (len >= max || memchr(s, 0, len))
		return false;
	memcpy(dst, s, len);
	dst[len] = 0;
	return true;
}

static bool link_local(const struct tnl_addr *a)
{
	return a->ip[0] == 0xfe && (a->ip[1] & 0xc0) == 0x80;
}

static bool parse_scope(const char *s, size_t len, const struct text_scope *scope, uint32_t *ret)
{
	char name[IF_NAMESIZE];
	uint64_t number;
	uint32_t index;

	if (text_number(s, len, UINT32_MAX, &number)) {
		*ret = (uint32_t)number;
		return number > 0;
	}
	if (!scope || !scope->index || !len || !to_string(name, sizeof(name), s, len))
		return false;
	index = scope->index(scope->ctx, name);
	*ret = index;
	return index > 0;
}

bool text_addr(const char *s, size_t len, const struct text_scope *scope, struct tnl_addr *ret)
{
	const char *percent = len ? memchr(s, '%', len) : NULL;
	size_t host = percent ? (size_t)(percent - s) : len;
	struct tnl_addr a = { .family = 6 };
	char buf[INET6_ADDRSTRLEN];

	if (!host || !to_string(buf, sizeof(buf), s, host))
		return false;
	if (!percent && inet_pton(AF_INET, buf, a.ip) == 1)
		a.family = 4;
	else if (inet_pton(AF_INET6, buf, a.ip) != 1)
		return false;
	if (percent && !parse_scope(percent + 1, len - host - 1, scope, &a.scope))
		return false;
	if (!link_local(&a))
		a.scope = 0;	/* addresses are compared as memory, and a scope means nothing here */
	*ret = a;
	return true;
}

static void unmap_v4(struct tnl_addr *a)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (a->family != 6 || memcmp(a->ip, mapped, sizeof(mapped)))
		return;
	memmove(a->ip, a->ip + 12, 4);
	memset(a->ip + 4, 0, 12);
	a->family = 4;
}

bool text_endpoint(const char *s, size_t len, const struct text_scope *scope, struct tnl_addr *ret)
{
	const char *colon = len ? memrchr(s, ':', len) : NULL;
	size_t host = colon ? (size_t)(colon - s) : 0;
	bool bracket = host > 2 && s[0] == '[' && s[host - 1] == ']';
	struct tnl_addr a;
	uint64_t port;

	if (!host || !text_number(colon + 1, len - host - 1, UINT16_MAX, &port) || !port)
		return false;
	if (bracket ? !text_addr(s + 1, host - 2, scope, &a) : !text_addr(s, host, NULL, &a))
		return false;
	if (a.family != (bracket ? 6 : 4))
		return false;
	unmap_v4(&a);
	a.port = (uint16_t)port;
	*ret = a;
	return true;
}

bool text_prefix(const char *s, size_t len, bool bare, struct tnl_addr *ret, uint8_t *ret_bits)
{
	const char *slash = len ? memchr(s, '/', len) : NULL;
	size_t host = slash ? (size_t)(slash - s) : len;
	struct tnl_addr a;
	uint64_t bits;

	if ((!slash && !bare) || !host || memchr(s, '%', host) || !text_addr(s, host, NULL, &a))
		return false;
	bits = a.family == 4 ? 32 : 128;
	if (slash && !text_number(slash + 1, len - host - 1, bits, &bits))
		return false;
	*ret = a;
	*ret_bits = (uint8_t)bits;
	return true;
}

static size_t put_number(char *dst, unsigned number)
{
	size_t len = number < 10 ? 1 : number < 100 ? 2 : 3;

	for (size_t i = len; i-- > 0; number /= 10)
		dst[i] = (char)('0' + number % 10);
	return len;
}

static size_t put_v4(char *dst, const uint8_t ip[4])
{
	size_t len = 0;

	for (unsigned i = 0; i < 4; i++) {
		len += put_number(dst + len, ip[i]);
		dst[len++] = '.';
	}
	dst[--len] = 0;
	return len;
}

size_t text_from_addr(char dst[TEXT_ADDR], const struct tnl_addr *a)
{
	size_t len;

	if (a->family == 4)
		return put_v4(dst, a->ip);
	if (!inet_ntop(AF_INET6, a->ip, dst, INET6_ADDRSTRLEN))
		dst[0] = 0;
	len = strlen(dst);
	if (a->scope)
		len += (size_t)snprintf(dst + len, TEXT_ADDR - len, "%%%u", a->scope);
	return len;
}

size_t text_from_endpoint(char dst[TEXT_ADDR], const struct tnl_addr *a)
{
	bool bracket = a->family == 6;
	char host[TEXT_ADDR];

	text_from_addr(host, a);
	return (size_t)snprintf(dst, TEXT_ADDR, "%s%.57s%s:%u", bracket ? "[" : "", host, bracket ? "]" : "", a->port);
}

size_t text_from_prefix(char dst[TEXT_ADDR], const struct tnl_addr *a, unsigned bits)
{
	struct tnl_addr bare = *a;
	size_t len;

	bare.scope = 0;
	len = text_from_addr(dst, &bare);
	dst[len++] = '/';
	len += put_number(dst + len, bits);
	dst[len] = 0;
	return len;
}

void text_clear_host_bits(struct tnl_addr *a, unsigned bits)
{
	for (unsigned i = 0; i < sizeof(a->ip); i++) {
		unsigned keep = bits > i * 8 ? bits - i * 8 : 0;

		if (keep < 8)
			a->ip[i] &= (uint8_t)(0xff00 >> keep);
	}
}
