/* SPDX-License-Identifier: MIT */
/*
 * Numbers, keys, addresses and prefixes as text: what the two codecs (uapi.h, conf.h) have in common. Input is a
 * slice, not a string: nothing behind `len` is read, and a NUL inside it is a wrong character like any other.
 * Functions that return bool leave *ret untouched when they say false. Pure; any thread.
 */
#ifndef TEXT_H
#define TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tunnel.h"

enum {
	TEXT_HEX_KEY = 65,	/* bytes of a key in hex, with its NUL */
	TEXT_BASE64_KEY = 45,	/* bytes of a key in base64, with its NUL */
	TEXT_ADDR = 64,		/* bytes that any address, endpoint or prefix fits in, with its NUL */
};

/* Decimal digits only: no sign, space or prefix. */
bool text_number(const char *s, size_t len, uint64_t max, uint64_t *ret);
/* Also 0x and hex digits. */
bool text_number_or_hex(const char *s, size_t len, uint64_t max, uint64_t *ret);

/* Exactly 64 hex digits of either case; exactly 44 characters of canonical base64. The caller wipes what is secret. */
bool text_key_from_hex(const char *s, size_t len, uint8_t ret[TNL_KEY_LEN]);
bool text_key_from_base64(const char *s, size_t len, uint8_t ret[TNL_KEY_LEN]);
void text_key_to_hex(char dst[TEXT_HEX_KEY], const uint8_t key[TNL_KEY_LEN]);
void text_key_to_base64(char dst[TEXT_BASE64_KEY], const uint8_t key[TNL_KEY_LEN]);

/* Finds the index of the interface that a scope (fe80::1%eth0) names; 0: there is none. */
struct text_scope {
	uint32_t (*index)(void *ctx, const char *name);
	void *ctx;
};

/* A bare address, without port. IPv6 may carry %scope: a number, or a name when `scope` is not NULL. */
bool text_addr(const char *s, size_t len, const struct text_scope *scope, struct tnl_addr *ret);
/* a.b.c.d:port or [v6]:port or [v6%scope]:port; port 1..65535; no names. A v4-mapped address becomes family 4, since
 * that is the socket that can send to it. */
bool text_endpoint(const char *s, size_t len, const struct text_scope *scope, struct tnl_addr *ret);
/* addr/bits with host bits as given; without /bits only if `bare`: then all of them. No scope. */
bool text_prefix(const char *s, size_t len, bool bare, struct tnl_addr *ret, uint8_t *ret_bits);

/* Canonical text (RFC 5952) with NUL; returns its length without it. The scope is written as a number when not 0. */
size_t text_from_addr(char dst[TEXT_ADDR], const struct tnl_addr *a);
size_t text_from_endpoint(char dst[TEXT_ADDR], const struct tnl_addr *a);
size_t text_from_prefix(char dst[TEXT_ADDR], const struct tnl_addr *a, unsigned bits);
/* Clear what lies behind the first `bits` bits. */
void text_clear_host_bits(struct tnl_addr *a, unsigned bits);

#endif
