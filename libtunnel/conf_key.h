/* SPDX-License-Identifier: MIT */
/* Private to conf*.c: what is known about each key, in one table. */
#ifndef CONF_KEY_H
#define CONF_KEY_H

#include "conf.h"

enum conf_type {
	CONF_TYPE_TEXT, CONF_TYPE_KEY, CONF_TYPE_NUMBER, CONF_TYPE_FWMARK, CONF_TYPE_TABLE, CONF_TYPE_KEEPALIVE,
	CONF_TYPE_BOOL, CONF_TYPE_NETWORK, CONF_TYPE_INTERFACE_ADDRESS, CONF_TYPE_DNS, CONF_TYPE_ENDPOINT,
	CONF_TYPE_NAT, CONF_TYPE_KILL_SWITCH, CONF_TYPE_OFFLOAD, CONF_TYPE_HOST, CONF_TYPE_PATH,
};

enum {
	CONF_IN_INTERFACE = 1, CONF_IN_PEER = 2, CONF_IN_BOTH = 3,
	CONF_LIST = 4,		/* elements between commas */
	CONF_REPEATS = 8,	/* may stand on several lines */
	CONF_MAY_BE_EMPTY = 16,	/* "Key =" says nothing, as wg-quick has it */
	CONF_EXTENDS = 32,	/* not a key of wg-quick */
	CONF_INFORMS = 64,	/* asks for no action */
};

struct conf_row {
	const char *name;
	uint8_t flags, type;
	uint16_t min, max;	/* of CONF_TYPE_NUMBER */
	const char *want;	/* what would be right, for a message */
};

extern const struct conf_row conf_rows[CONF_KEYS];

/* CONF_NO_KEY: none has this name. */
enum conf_key conf_key_find(const char *name, size_t len);
/* The key whose name is nearest to a misspelt one; CONF_NO_KEY: none is near. */
enum conf_key conf_key_near(const char *name, size_t len);
/* The key that cannot stand beside this one; CONF_NO_KEY: there is none such. */
enum conf_key conf_key_rival(enum conf_key key);
/* One value, or one element of a list; fills what conf.h promises for this key. False: it is not what the
 * row's `want` says. */
bool conf_value(enum conf_key key, const char *s, size_t len, struct conf_item *ret);
/* Cut blanks off both ends of text[*off .. *off + *len). */
void conf_trim(const char *text, uint32_t *off, uint32_t *len);
bool conf_blank(char c);
bool conf_same_word(const char *s, size_t len, const char *word);

#endif
