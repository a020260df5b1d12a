/* SPDX-License-Identifier: MIT */
/*
 * The get/set text that wg(8) speaks on an interface's socket, as a pure codec for both ends.
 *
 *     request   = "get=1" LF *(narrow LF) LF  |  "set=1" LF *(key "=" value LF) LF
 *     narrow    = "public_key=" key  |  "allowed_ip=" prefix
 *     answer    = *(key "=" value LF) "errno=" number LF LF
 *
 * "get=1" alone is answered with all peers. Lines behind it are ours: with them come only the peers that have one of
 * these keys, or exactly one of these prefixes, each as often as it is meant; other daemons answer such a request with
 * an error.
 *
 * One struct uapi_op is one line. A parser turns bytes, cut into pieces in any way, into operations; a writer turns
 * operations into bytes. The server parses requests and writes answers, a client the other way round:
 *
 *     uapi_init(&p, UAPI_REQUESTS, &scope);
 *     for each read(): for (off = 0; off < n; off += used) {
 *             r = uapi_parse(&p, buf + off, n - off, &used, &op);
 *             r == 1:  op.what is UAPI_GET:            answer it, about what was collected if that is anything
 *                                UAPI_SET_BEGIN:      forget what was collected
 *                                UAPI_END:            apply what was collected as a whole, answer
 *                                else                 collect it: nothing takes effect before UAPI_END
 *             r == 0:  all bytes are taken, read more
 *             r < 0:   answer errno=r (set: negative, get: positive) and forget what was collected
 *     }
 *
 * Nothing allocates and nothing does I/O. Keys pass through: the parser wipes its line buffer as soon as a line is
 * done (uapi_wipe() in the middle of one); operations and text that hold keys are the caller's to wipe. One thread at
 * a time per object.
 */
#ifndef UAPI_H
#define UAPI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "text.h"
#include "tunnel.h"

enum {
	UAPI_LINE_MAX = 4096,	/* bytes of a line without its LF; a longer one is an error and not buffered */
	UAPI_DEVICE_MAX = 128,	/* room that uapi_put_device() needs at most */
	UAPI_PEER_MAX = 512,	/* room that uapi_put_peer() needs at most */
	UAPI_OP_MAX = 96,	/* room that any other line needs at most */
};

enum uapi_what {
	UAPI_GET,		/* a whole get request; what narrows it, UAPI_PEER and UAPI_ALLOWED_IP, came before */
	UAPI_SET_BEGIN,
	UAPI_END,		/* the blank line that completes a set, or an answer */
	/* device */
	UAPI_PRIVATE_KEY,	/* key; all zero removes; not clamped */
	UAPI_LISTEN_PORT,	/* number 0..65535; 0 lets the kernel choose */
	UAPI_FWMARK,		/* number 0..2^32-1; 0 removes */
	UAPI_REPLACE_PEERS,
	/* peer; each belongs to the last UAPI_PEER */
	UAPI_PEER,		/* key: public key */
	UAPI_REMOVE,
	UAPI_UPDATE_ONLY,
	UAPI_PSK,		/* key; all zero removes */
	UAPI_ENDPOINT,		/* addr */
	UAPI_KEEPALIVE,		/* number 0..65535 seconds; 0 is off */
	UAPI_REPLACE_ALLOWED_IPS,
	UAPI_ALLOWED_IP,	/* addr (host bits cleared, port 0), bits, minus */
	UAPI_PROTOCOL_VERSION,	/* number, always 1 */
	/* in answers only */
	UAPI_HANDSHAKE_SEC,	/* number: seconds since 1970; 0: never */
	UAPI_HANDSHAKE_NSEC,	/* number < 10^9 */
	UAPI_TX_BYTES,		/* number */
	UAPI_RX_BYTES,		/* number */
	UAPI_ERRNO,		/* number: 0 or an errno, its sign dropped */
	UAPI_WHATS
};

struct uapi_op {
	enum uapi_what what;
	bool minus;		/* UAPI_ALLOWED_IP: "-addr/bits", remove it if this peer has it */
	uint8_t bits;		/* UAPI_ALLOWED_IP */
	union {
		uint8_t key[TNL_KEY_LEN];
		uint64_t number;
		struct tnl_addr addr;
	};
};

/* ---- Parse ------------------------------------------------------------------------------------------------------- */

enum uapi_mode { UAPI_REQUESTS, UAPI_ANSWERS };

struct uapi_parser {
	enum uapi_mode mode;
	uint8_t state;			/* private */
	bool long_line;			/* private: the rest of this line is thrown away */
	uint16_t used;			/* private: bytes of an unfinished line */
	uint32_t line;			/* of the current request or answer, from 1: for a message. Read only */
	struct text_scope scope;
	char buf[UAPI_LINE_MAX];	/* private */
};

/* scope resolves interface names behind '%'; NULL: only numbers are accepted. It is copied. */
void uapi_init(struct uapi_parser *p, enum uapi_mode mode, const struct text_scope *scope);

/* Takes bytes up to the end of one line. *used says how many (<= len, always set). Returns
 *   1  *ret is the next operation;
 *   0  nothing to report: all bytes were taken;
 *  <0  the request is wrong, reported once and as soon as it is known: -EINVAL bad value, unknown key, unknown
 *      operation or version, key in the wrong place, line too long; -EPROTO line without '='. What follows up to the
 *      next blank line is thrown away, then the next request is parsed. In answers: -EINVAL bad value of a known key,
 *      -EPROTO not an answer (no '=', or no errno before the blank line); unknown keys are skipped.
 * The outcome does not depend on how the bytes were cut. */
int uapi_parse(struct uapi_parser *p, const void *src, size_t len, size_t *used, struct uapi_op *ret);

/* The caller cannot take this request (no room to collect it): throw the rest of it away. Not after UAPI_END or
 * UAPI_GET. */
void uapi_skip(struct uapi_parser *p);

/* True between requests: an EOF here cuts nothing short. */
bool uapi_idle(const struct uapi_parser *p);

void uapi_wipe(struct uapi_parser *p);

/* ---- Write ------------------------------------------------------------------------------------------------------- */

/* A caller's buffer that text is appended to. Set it up as { .dst = buf, .max = sizeof(buf) }. */
struct uapi_out {
	char *dst;
	size_t max, len;	/* len bytes are filled; no NUL behind them */
};

/* Each appends whole lines, or returns false and appends nothing when they do not fit: flush, set len to 0, call
 * again. */

/* Any operation as its line; UAPI_GET and UAPI_END with their blank line. Writes what the parser would read back. */
bool uapi_put(struct uapi_out *o, const struct uapi_op *op);

/* Device lines of a get answer; private_key NULL or all zero, port 0, fwmark 0: left out. */
bool uapi_put_device(struct uapi_out *o, const uint8_t *private_key, uint16_t port, uint32_t fwmark);
/* All lines of a peer but its prefixes; remote: the endpoint that counts now, family 0 is left out. */
bool uapi_put_peer(struct uapi_out *o, const uint8_t pub[TNL_KEY_LEN], const struct tnl_peer_conf *conf,
		   const struct tnl_addr *remote, const struct tnl_stat *stat);
bool uapi_put_prefix(struct uapi_out *o, const struct tnl_addr *net, unsigned bits);
/* The last line of an answer with its blank line. err: 0 or an errno of either sign; the sign that wg expects is
 * chosen: negative in answers to a set (it prints strerror(-n)), positive in answers to a get. */
bool uapi_put_errno(struct uapi_out *o, bool set, int err);

#endif
