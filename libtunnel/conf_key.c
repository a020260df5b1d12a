/* SPDX-License-Identifier: MIT */
/*
 * The table of configuration keys: name, section, type, and the words that tell what would be right. A new key is one
 * row here and one line in conf.h.
 */
#include <string.h>
#include <strings.h>

#include "conf_key.h"

enum { NAME_MAX_LEN = 32 };

#define KEY_TEXT "44 characters of base64, as from genkey"
#define NUMBER_IN(lo, hi) CONF_TYPE_NUMBER, lo, hi, "a number, " #lo " to " #hi
#define HOOK CONF_IN_INTERFACE | CONF_REPEATS | CONF_MAY_BE_EMPTY, CONF_TYPE_TEXT, 0, 0, "a command"
#define EXTENSION(where) (where) | CONF_EXTENDS, CONF_TYPE_TEXT, 0, 0, "text"
#define NOTICE(where) (where) | CONF_EXTENDS | CONF_INFORMS, CONF_TYPE_TEXT, 0, 0, "text"

const struct conf_row conf_rows[CONF_KEYS] = {
	[CONF_PRIVATE_KEY] = { "PrivateKey", CONF_IN_INTERFACE, CONF_TYPE_KEY, 0, 0, KEY_TEXT },
	[CONF_LISTEN_PORT] = { "ListenPort", CONF_IN_INTERFACE, NUMBER_IN(0, 65535) },
	[CONF_FWMARK] = { "FwMark", CONF_IN_INTERFACE, CONF_TYPE_FWMARK, 0, 0,
			 "a 32-bit number, decimal or 0x..., or off" },
	[CONF_ADDRESS] = { "Address", CONF_IN_INTERFACE | CONF_LIST | CONF_REPEATS | CONF_MAY_BE_EMPTY,
			   CONF_TYPE_INTERFACE_ADDRESS, 0, 0, "addresses like 10.8.0.1/24 or fd00::1/64" },
	[CONF_DNS] = { "DNS", CONF_IN_INTERFACE | CONF_LIST | CONF_REPEATS | CONF_MAY_BE_EMPTY, CONF_TYPE_DNS, 0, 0,
		       "addresses of servers, or search domains" },
	[CONF_MTU] = { "MTU", CONF_IN_INTERFACE | CONF_MAY_BE_EMPTY, NUMBER_IN(68, 65535) },
	[CONF_TABLE] = { "Table", CONF_IN_INTERFACE | CONF_MAY_BE_EMPTY, CONF_TYPE_TABLE, 0, 0,
			 "a routing table's number, main, auto or off" },
	[CONF_PRE_UP] = { "PreUp", HOOK },
	[CONF_POST_UP] = { "PostUp", HOOK },
	[CONF_PRE_DOWN] = { "PreDown", HOOK },
	[CONF_POST_DOWN] = { "PostDown", HOOK },
	[CONF_SAVE_CONFIG] = { "SaveConfig", CONF_IN_INTERFACE, CONF_TYPE_BOOL, 0, 0, "true or false" },

	[CONF_PUBLIC_KEY] = { "PublicKey", CONF_IN_PEER, CONF_TYPE_KEY, 0, 0,
			      "44 characters of base64, as from pubkey" },
	[CONF_PRESHARED_KEY] = { "PresharedKey", CONF_IN_PEER, CONF_TYPE_KEY, 0, 0,
				 "44 characters of base64, as from genpsk" },
	[CONF_ENDPOINT] = { "Endpoint", CONF_IN_PEER, CONF_TYPE_ENDPOINT, 0, 0, "host:port, or [IPv6 address]:port" },
	[CONF_ALLOWED_IPS] = { "AllowedIPs", CONF_IN_PEER | CONF_LIST | CONF_REPEATS | CONF_MAY_BE_EMPTY,
			       CONF_TYPE_NETWORK, 0, 0, "networks like 10.8.0.2/32 or fd00::/64" },
	[CONF_KEEPALIVE] = { "PersistentKeepalive", CONF_IN_PEER, CONF_TYPE_KEEPALIVE, 0, 0,
			     "a number of seconds, 0 to 65535, or off" },

	[CONF_NAME] = { "Name", NOTICE(CONF_IN_BOTH) },
	[CONF_NOTE] = { "Note", NOTICE(CONF_IN_PEER) },
	[CONF_TAGS] = { "Tags", NOTICE(CONF_IN_PEER) },
	[CONF_ENABLED] = { "Enabled", CONF_IN_PEER | CONF_EXTENDS, CONF_TYPE_BOOL, 0, 0, "true or false" },
	[CONF_EXPIRES] = { "Expires", EXTENSION(CONF_IN_PEER) },
	[CONF_EXPIRES_FROM_FIRST_USE] = { "ExpiresFromFirstUse", EXTENSION(CONF_IN_PEER) },
	[CONF_QUOTA] = { "Quota", EXTENSION(CONF_IN_PEER) },
	[CONF_QUOTA_RESET] = { "QuotaReset", EXTENSION(CONF_IN_PEER) },
	[CONF_RATE_UP] = { "RateUp", EXTENSION(CONF_IN_PEER) },
	[CONF_RATE_DOWN] = { "RateDown", EXTENSION(CONF_IN_PEER) },
	[CONF_NAT] = { "NAT", CONF_IN_INTERFACE | CONF_EXTENDS, CONF_TYPE_NAT, 0, 0,
		       "yes, no or the name of an outgoing interface" },
	[CONF_KILL_SWITCH] = { "KillSwitch", CONF_IN_INTERFACE | CONF_EXTENDS, CONF_TYPE_KILL_SWITCH, 0, 0,
			       "yes, no or lan" },
	[CONF_LISTEN] = { "Listen", EXTENSION(CONF_IN_INTERFACE | CONF_REPEATS) },
	[CONF_PRIVACY] = { "Privacy", EXTENSION(CONF_IN_INTERFACE) },
	[CONF_PRIVATE_KEY_FILE] = { "PrivateKeyFile", CONF_IN_INTERFACE | CONF_EXTENDS, CONF_TYPE_PATH, 0, 0,
				    "the path of a file with a key in it (a key itself: PrivateKey)" },
	[CONF_WORKERS] = { "Workers", CONF_IN_INTERFACE | CONF_EXTENDS, CONF_TYPE_NUMBER, 1, 32, "a number, 1 to 32" },
	[CONF_NO_OFFLOAD] = { "NoOffload", CONF_IN_INTERFACE | CONF_EXTENDS | CONF_LIST | CONF_REPEATS |
			      CONF_MAY_BE_EMPTY, CONF_TYPE_OFFLOAD, 0, 0,
			      "some of vnet, csum, tso, uso, gso, gro, lanes, uring, or all" },
	[CONF_JC] = { "Jc", EXTENSION(CONF_IN_INTERFACE) },
	[CONF_JMIN] = { "Jmin", EXTENSION(CONF_IN_INTERFACE) },
	[CONF_JMAX] = { "Jmax", EXTENSION(CONF_IN_INTERFACE) },
	[CONF_S1] = { "S1", EXTENSION(CONF_IN_INTERFACE) },
	[CONF_S2] = { "S2", EXTENSION(CONF_IN_INTERFACE) },
	[CONF_S3] = { "S3", EXTENSION(CONF_IN_INTERFACE) },
	[CONF_S4] = { "S4", EXTENSION(CONF_IN_INTERFACE) },
	[CONF_H1] = { "H1", EXTENSION(CONF_IN_INTERFACE) },
	[CONF_H2] = { "H2", EXTENSION(CONF_IN_INTERFACE) },
	[CONF_H3] = { "H3", EXTENSION(CONF_IN_INTERFACE) },
	[CONF_H4] = { "H4", EXTENSION(CONF_IN_INTERFACE) },
	[CONF_I1] = { "I1", EXTENSION(CONF_IN_INTERFACE) },
	[CONF_I2] = { "I2", EXTENSION(CONF_IN_INTERFACE) },
	[CONF_I3] = { "I3", EXTENSION(CONF_IN_INTERFACE) },
	[CONF_I4] = { "I4", EXTENSION(CONF_IN_INTERFACE) },
	[CONF_I5] = { "I5", EXTENSION(CONF_IN_INTERFACE) },
	[CONF_CLIENT_ENDPOINT] = { "ClientEndpoint", CONF_IN_INTERFACE | CONF_EXTENDS | CONF_INFORMS, CONF_TYPE_HOST,
				   0, 0, "host or host:port, an IPv6 address in brackets" },
	[CONF_CLIENT_DNS] = { "ClientDNS", CONF_IN_INTERFACE | CONF_LIST | CONF_REPEATS | CONF_EXTENDS | CONF_INFORMS,
			      CONF_TYPE_DNS, 0, 0, "addresses of servers, or search domains" },
};

_Static_assert(CONF_KEYS <= 64, "CONF_BIT() must fit");

const char *conf_key_name(enum conf_key key)
{
	return (unsigned)key < CONF_KEYS ? conf_rows[key].name : NULL;
}

bool conf_same_word(const char *s, size_t len, const char *word)
{
	return len == strlen(word) && !strncasecmp(s, word, len);
}

/* A look at the first letter, in either case, spares most of the rows the whole comparison. */
enum conf_key conf_key_find(const char *name, size_t len)
{
	for (unsigned k = CONF_NO_KEY + 1; k < CONF_KEYS && len; k++)
		if ((name[0] | ' ') == (conf_rows[k].name[0] | ' ') && conf_same_word(name, len, conf_rows[k].name))
			return k;
	return CONF_NO_KEY;
}

enum conf_key conf_key_rival(enum conf_key key)
{
	return key == CONF_PRIVATE_KEY ? CONF_PRIVATE_KEY_FILE :
	       key == CONF_PRIVATE_KEY_FILE ? CONF_PRIVATE_KEY : CONF_NO_KEY;
}

static unsigned char lower(char c)
{
	return (unsigned char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
	a = a < b ? a : b;
	return a < c ? a : c;
}

/* Letters to add, drop or replace, or neighbours to exchange, until a is b; three rows of the usual matrix. `enough`
 * stands for so many and more, where the lengths alone tell. */
static unsigned distance(const char *a, size_t a_len, const char *b, size_t b_len, unsigned enough)
{
	unsigned rows[3][NAME_MAX_LEN + 1];

	if (a_len >= b_len + enough || b_len >= a_len + enough)
		return enough;
	for (unsigned j = 0; j <= b_len; j++)
		rows[0][j] = j;
	for (unsigned i = 1; i <= a_len; i++) {
		unsigned *row = rows[i % 3], *above = rows[(i + 2) % 3], *above2 = rows[(i + 1) % 3];

		row[0] = i;
		for (unsigned j = 1; j <= b_len; j++) {
			unsigned char x = lower(a[i - 1]), y = lower(b[j - 1]);

			row[j] = min3(above[j] + 1, row[j - 1] + 1, above[j - 1] + (x != y));
			if (i > 1 && j > 1 && x == lower(b[j - 2]) && lower(a[i - 2]) == y)
				row[j] = min3(row[j], above2[j - 2] + 1, UINT32_MAX);
		}
	}
	return rows[a_len % 3][b_len];
}

enum conf_key conf_key_near(const char *name, size_t len)
{
	unsigned best = len < 5 ? 2 : 4;	/* one slip in a short name, three in a long one */
	enum conf_key found = CONF_NO_KEY;

	if (len < 2 || len > NAME_MAX_LEN)
		return CONF_NO_KEY;
	for (unsigned k = CONF_NO_KEY + 1; k < CONF_KEYS; k++) {
		unsigned d = distance(name, len, conf_rows[k].name, strlen(conf_rows[k].name), best);

		if (d < best) {
			best = d;
			found = k;
		}
	}
	return found;
}
