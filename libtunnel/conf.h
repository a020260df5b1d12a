/* SPDX-License-Identifier: MIT */
/*
 * Configuration text: the wg-quick format and its superset. Pure: text lies in the caller's memory, nothing is
 * allocated, looked up or opened. Three floors, each built on the one below:
 *
 *  1. Lines. conf_line() cuts the text into physical lines that tile it without gap, so writing every line back gives
 *     the same bytes: comments, order, unknown keys, CRLF and a missing final newline survive because nothing is ever
 *     printed.
 *  2. Items. conf_next() reads values: one item for each key, or for each element of a comma list, and one for each
 *     error or warning. It goes on after an error, so that a caller reports them all; a text with an error must not
 *     be applied.
 *  3. Edits. An edit is one splice: replace text[at .. at + cut) by some new bytes. What is outside is not touched.
 *
 * Grammar. [Interface] and [Peer] sections of "Key = value" lines, both without regard to case; '#' begins a comment
 * anywhere. A line "#: Key = value" is an extension key in a form that other programs read as a comment. Secrets:
 * messages never hold any of the text (a line without its key name may be a key itself); items that hold keys are the
 * caller's to wipe.
 */
#ifndef CONF_H
#define CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "text.h"
#include "tunnel.h"

enum {
	CONF_TEXT_MAX = 64 << 20,	/* bytes of a text; a longer one is -EFBIG */
	CONF_LINE_MAX = 64 << 10,	/* bytes of a line without its LF; a longer one is an error of its own */
	CONF_MESSAGE_MAX = 128,
};

enum conf_section { CONF_NONE, CONF_INTERFACE, CONF_PEER, CONF_UNKNOWN };

/* The value of each key as an item gives it: key[], number, flag, addr/bits or text. */
enum conf_key {
	CONF_NO_KEY,
	/* [Interface] of wg and wg-quick */
	CONF_PRIVATE_KEY,	/* key */
	CONF_LISTEN_PORT,	/* number 0..65535 */
	CONF_FWMARK,		/* number; off is 0 */
	CONF_ADDRESS,		/* list: addr with its host bits, bits */
	CONF_DNS,		/* list: text; addr too if it is an address (else family 0: a search domain) */
	CONF_MTU,		/* number 68..65535 */
	CONF_TABLE,		/* number; CONF_TABLE_AUTO, CONF_TABLE_OFF */
	CONF_PRE_UP, CONF_POST_UP, CONF_PRE_DOWN, CONF_POST_DOWN,	/* text; may occur often */
	CONF_SAVE_CONFIG,	/* number 0 or 1 */
	/* [Peer] of wg */
	CONF_PUBLIC_KEY,	/* key */
	CONF_PRESHARED_KEY,	/* key */
	CONF_ENDPOINT,		/* addr.port; text: the host, without brackets; addr.family 0 if it is a DNS name */
	CONF_ALLOWED_IPS,	/* list: addr with host bits cleared, bits. An empty list gives no item */
	CONF_KEEPALIVE,		/* number 0..65535 seconds; off is 0 */
	/* Extension keys: text, but for Enabled, whose number is 0 or 1, and where it says otherwise. Name is a key of
	 * both sections */
	CONF_NAME, CONF_NOTE, CONF_TAGS, CONF_ENABLED,
	CONF_EXPIRES, CONF_EXPIRES_FROM_FIRST_USE, CONF_QUOTA, CONF_QUOTA_RESET, CONF_RATE_UP, CONF_RATE_DOWN,
	CONF_NAT,		/* number: CONF_NAT_...; text: of CONF_NAT_VIA the interface */
	CONF_KILL_SWITCH,	/* number: CONF_KILL_... */
	CONF_LISTEN, CONF_PRIVACY,
	CONF_PRIVATE_KEY_FILE,	/* text: a path, see conf_beside(); not together with PrivateKey */
	CONF_WORKERS,
	CONF_NO_OFFLOAD,	/* list: number, bits of CONF_OFFLOAD_ */
	CONF_JC, CONF_JMIN, CONF_JMAX,
	CONF_S1, CONF_S2, CONF_S3, CONF_S4,
	CONF_H1, CONF_H2, CONF_H3, CONF_H4,
	CONF_I1, CONF_I2, CONF_I3, CONF_I4, CONF_I5,
	CONF_CLIENT_ENDPOINT,	/* text: HOST or HOST:PORT, an IPv6 address in brackets */
	CONF_CLIENT_DNS,	/* as CONF_DNS */
	CONF_KEYS
};

#define CONF_TABLE_OFF (UINT64_C(1) << 32)
#define CONF_TABLE_AUTO (UINT64_C(2) << 32)
enum { CONF_NAT_NO, CONF_NAT_YES, CONF_NAT_VIA };	/* VIA: by this one interface only */
enum { CONF_KILL_NO, CONF_KILL_YES, CONF_KILL_LAN };	/* LAN: but for private and link-local networks */
#define CONF_BIT(key) (UINT64_C(1) << (key))

/* The extension keys that the daemon acts upon, for the readers of its files. */
#define CONF_SUPPORTED (CONF_BIT(CONF_ENABLED) | CONF_BIT(CONF_WORKERS) | CONF_BIT(CONF_NO_OFFLOAD) | \
			CONF_BIT(CONF_NAT) | CONF_BIT(CONF_KILL_SWITCH) | CONF_BIT(CONF_PRIVATE_KEY_FILE))

/* What NoOffload names: of the TUN device its header, checksums, TCP and UDP super-packets; of the UDP sockets cutting
 * what is sent (UDP_SEGMENT) and joining what is received (UDP_GRO); reading many packets in one call (io_uring). */
enum {
	CONF_OFFLOAD_VNET = 1, CONF_OFFLOAD_CSUM = 2, CONF_OFFLOAD_TSO = 4, CONF_OFFLOAD_USO = 8, CONF_OFFLOAD_GSO = 16,
	CONF_OFFLOAD_GRO = 32, CONF_OFFLOAD_LANES = 64, CONF_OFFLOAD_URING = 128, CONF_OFFLOAD_ALL = 255,
};

/* The key as it is usually written, "AllowedIPs". NULL: CONF_NO_KEY or out of range. */
const char *conf_key_name(enum conf_key key);

/* One word of NoOffload, also where it stands outside a text (an environment variable). False: there is none such. */
bool conf_offload(const char *s, size_t len, uint64_t *ret);

/* ---- Lines ------------------------------------------------------------------------------------------------------- */

enum conf_kind {
	CONF_BLANK,
	CONF_COMMENT,	/* nothing but a comment */
	CONF_HEADER,	/* [Section] */
	CONF_PAIR,	/* name = value, plain or behind "#:" */
	CONF_GARBAGE,	/* none of these */
};

/* A physical line. Offsets are into the text; columns are offset - start + 1. */
struct conf_line {
	enum conf_kind kind;
	enum conf_section section;	/* that it belongs to; of a header: that it begins */
	bool extension;			/* "#:" form */
	uint32_t line;			/* from 1 */
	uint32_t start, end;		/* with its line end; the next line starts at end */
	uint32_t name, name_len;	/* of a pair: trimmed; of a header: between the brackets */
	uint32_t value, value_len;	/* of a pair: trimmed, without a comment behind it */
};

struct conf_lines {
	const char *text;
	uint32_t len, off, line;
	enum conf_section section;
};

/* -EFBIG: longer than CONF_TEXT_MAX. The text must stay and not change. */
int conf_lines_init(struct conf_lines *l, const char *text, size_t len);
/* False at the end of the text. */
bool conf_line(struct conf_lines *l, struct conf_line *ret);

/* ---- Items ------------------------------------------------------------------------------------------------------- */

enum conf_what {
	CONF_END,	/* there is no more */
	CONF_SECTION,	/* `section` begins */
	CONF_VALUE,	/* a value of `key` */
	CONF_WARNING,	/* message */
	CONF_ERROR,	/* message: the text must not be applied */
};

struct conf_item {
	enum conf_what what;
	enum conf_section section;
	enum conf_key key;
	uint32_t line, column;		/* bytes, from 1: where the value (the name, the header) begins */
	uint8_t bits;
	union {
		uint8_t key_bytes[TNL_KEY_LEN];
		uint64_t number;
		struct tnl_addr addr;
	};
	const char *text;		/* the value as written, text_len bytes of the caller's text */
	uint32_t text_len;
	char message[CONF_MESSAGE_MAX];	/* "PersistentKeepalive: a number of seconds, 0 to 65535, or off" */
};

struct conf_reader {
	struct conf_lines lines;
	struct conf_line at;		/* private from here: the line that items come from */
	uint64_t supported;
	uint64_t seen;			/* CONF_BIT() of this section's keys; private keys of any */
	uint32_t next;			/* offset of the next list element */
	uint32_t header_line, header_column;
	enum conf_key key;
	uint8_t step;
	bool wide;			/* the text is UTF-16 */
};

/* supported: CONF_BIT() of each extension key that the caller acts upon; any other is a warning, "not supported by
 * this version", beside its value. CONF_NAME, CONF_NOTE, CONF_TAGS and CONF_CLIENT_... need no action and never
 * warn. -EFBIG: too long. */
int conf_reader_init(struct conf_reader *r, const char *text, size_t len, uint64_t supported);
/* Returns ret->what. */
enum conf_what conf_next(struct conf_reader *r, struct conf_item *ret);

/* ---- Files of one key -------------------------------------------------------------------------------------------- */

enum {
	CONF_KEY_FILE_MAX = 128,	/* bytes of a file that holds one key: to be read with one more */
	CONF_KEY_FILE_MESSAGE_MAX = 240,
};

/* What a path in the configuration file `conf` means: an absolute one itself, any other one in that file's directory.
 * False: with its NUL it has more than max bytes. */
bool conf_beside(const char *conf, const char *path, size_t len, char *dst, size_t max);

/* The key of such a file: base64, and behind it nothing but white space. 0; -EFBIG: too long; -EINVAL: no key, or more
 * than one. */
int conf_key_file(const char *text, size_t len, uint8_t ret[TNL_KEY_LEN]);

/* What is wrong with a PrivateKeyFile, and what would be right. err: of conf_key_file(); -ENOTSUP: it is no regular
 * file; or another, that `why` says. conf: the configuration file beside which it was looked for; NULL: it was not. */
void conf_key_file_wrong(char dst[CONF_KEY_FILE_MESSAGE_MAX], int err, const char *why, const char *conf);

/* ---- Edits ------------------------------------------------------------------------------------------------------- */

/* Replace text[at .. at + cut) by the first `len` bytes of dst. The caller sets dst and max. */
struct conf_edit {
	char *dst;
	size_t max, len;
	size_t at, cut;
};

/* A line to be written; value is a string without line end, '#' or NUL, not empty. */
struct conf_pair {
	enum conf_key key;
	const char *value;
	bool extension;		/* write it as "#: Key = value" */
};

/* All return 0, -ENOENT (no such section), -ENOSPC (dst too small), -EINVAL (a pair that cannot be written, or does
 * not belong into that section), -EFBIG. Line ends are written as the text's first line has them. pub NULL:
 * [Interface]. */

/* A [Peer] section at the end of the text, behind one blank line. comment: NULL, or a line without line end to stand
 * above it behind "# ". One of the pairs must be the public key. */
int conf_edit_add_peer(const char *text, size_t len, const char *comment, const struct conf_pair *pair, size_t count,
		       struct conf_edit *ret);
/* The [Peer] section with this public key, the first if there are several. With it go the comment lines directly above
 * its header (no blank line between: they speak of it) and the blank lines behind it, or at the end of the text those
 * before it. Comments that stand apart stay. */
int conf_edit_remove_peer(const char *text, size_t len, const uint8_t pub[TNL_KEY_LEN], struct conf_edit *ret);
/* The value of one key: in place if the key is there (its spelling, spacing and comment stay), else one new line
 * behind the last pair of the section. value NULL: remove the line; then a missing key is no error but an edit of
 * nothing. -ENOTUNIQ: the key stands on several lines. */
int conf_edit_set(const char *text, size_t len, const uint8_t *pub, const struct conf_pair *pair,
		  struct conf_edit *ret);

/* The text for programs that know only the keys of wg and wg-quick: without the lines of extension keys, in either
 * form, and without peers that are not enabled; every other byte stays. The text has no errors; dst has room for len
 * bytes and does not overlap it. Returns how many were written. *left_out: CONF_BIT() of each key whose effect is
 * lost. */
size_t conf_strip(const char *text, size_t len, char *dst, uint64_t *left_out);

/* The edited text. Returns its length; if that is more than max, nothing was written. dst and text do
 * not overlap. */
size_t conf_edit_apply(const char *text, size_t len, const struct conf_edit *e, char *dst, size_t max);

#endif
