/* SPDX-License-Identifier: MIT */
/*
 * A set goes through three steps. Survey: what would the sockets be, how many peers and prefixes may it add at most?
 * Sockets: the one thing that others can refuse; the new ones are open before the old ones are given up. Then the lines
 * in their order, a peer's section as a whole, so that a peer speaks for the first time when all about it is known.
 */
#include "apply.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"

enum { SLICE_LINES = 4096 };	/* or so many peers removed: some four milliseconds */

struct survey {
	uint16_t port;
	uint32_t fwmark;
	bool sockets;		/* one of the two is mentioned */
	bool replace_peers;
	size_t peers, prefixes;	/* added at most */
};

static struct survey survey_of(const struct device *d, const struct uapi_op *ops, size_t count)
{
	struct survey s = {.port = d->port, .fwmark = d->fwmark};

	for (size_t i = 0; i < count; i++) {
		switch (ops[i].what) {
		case UAPI_LISTEN_PORT:
			s.port = (uint16_t)ops[i].number;
			s.sockets = true;
			break;
		case UAPI_FWMARK:
			s.fwmark = (uint32_t)ops[i].number;
			s.sockets = true;
			break;
		case UAPI_REPLACE_PEERS:
			s.replace_peers = true;
			break;
		case UAPI_PEER:
			s.peers++;
			break;
		case UAPI_ALLOWED_IP:
			s.prefixes += !ops[i].minus;
			break;
		default:
			break;
		}
	}
	return s;
}

/* Walking everything is for sets so large that they might hit a limit. */
static int check_limits(const struct device *d, const struct survey *s, const struct uapi_op *ops, size_t count)
{
	size_t peers = s->peers, prefixes = s->prefixes;
	struct tnl_addr net;
	unsigned bits;

	if (peers < d->limits.peers / 4 && prefixes < d->limits.prefixes / 4 && !d->nearly_full)
		return 0;
	for (tnl_peer p = s->replace_peers ? 0 : tnl_peer_next(d->tnl, 0); p; p = tnl_peer_next(d->tnl, p)) {
		uint32_t cursor = 0;

		peers++;
		while (tnl_route_next(d->tnl, p, &cursor, &net, &bits))
			prefixes++;
	}
	/* Sections about peers that exist add none. */
	for (size_t i = 0; i < count && !s->replace_peers && peers > d->limits.peers; i++)
		peers -= ops[i].what == UAPI_PEER && tnl_peer_find(d->tnl, ops[i].key);
	return peers > d->limits.peers || prefixes > d->limits.prefixes ? -ENOSPC : 0;
}

/* False: there are more. */
static bool remove_some_peers(struct tnl *t, struct apply_set *s, size_t budget)
{
	if (!s->removing)
		s->peer = tnl_peer_next(t, 0);
	s->removing = true;
	for (; s->peer && budget > 0; budget--) {
		tnl_peer next = tnl_peer_next(t, s->peer);

		tnl_peer_del(t, s->peer);
		s->peer = next;
	}
	s->removing = s->peer != 0;
	return !s->removing;
}

/* What a section says beside its prefixes. */
struct section {
	bool remove, update_only;
	unsigned which;		/* TNL_SET_ bits */
	struct tnl_peer_conf conf;
};

static void read_section(const struct uapi_op *ops, size_t count, struct section *ret)
{
	memset(ret, 0, sizeof(*ret));
	for (size_t i = 1; i < count; i++) {
		switch (ops[i].what) {
		case UAPI_REMOVE:
			ret->remove = true;
			break;
		case UAPI_UPDATE_ONLY:
			ret->update_only = true;
			break;
		case UAPI_PSK:
			memcpy(ret->conf.psk, ops[i].key, sizeof(ret->conf.psk));
			ret->which |= TNL_SET_PSK;
			break;
		case UAPI_ENDPOINT:
			ret->conf.remote = ops[i].addr;
			ret->which |= TNL_SET_ENDPOINT;
			break;
		case UAPI_KEEPALIVE:
			ret->conf.keepalive_s = (uint16_t)ops[i].number;
			ret->which |= TNL_SET_KEEPALIVE;
			break;
		default:
			break;
		}
	}
}

static int set_prefixes(struct tnl *t, tnl_peer p, const struct uapi_op *ops, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		int err = 0;

		if (ops[i].what == UAPI_REPLACE_ALLOWED_IPS)
			tnl_route_clear(t, p);
		else if (ops[i].what == UAPI_ALLOWED_IP && ops[i].minus)
			tnl_route_del(t, &ops[i].addr, ops[i].bits, p);	/* another's stays, silently */
		else if (ops[i].what == UAPI_ALLOWED_IP)
			err = tnl_route_set(t, &ops[i].addr, ops[i].bits, p);
		if (err)
			return err;
	}
	return 0;
}

/* ops[0] is UAPI_PEER, the rest is about that peer. */
static int apply_peer(struct tnl *t, const struct uapi_op *ops, size_t count)
{
	struct section s;
	tnl_peer p = 0;
	int err = 0;

	read_section(ops, count, &s);
	if (s.remove || s.update_only)
		p = tnl_peer_find(t, ops[0].key);
	else
		err = tnl_peer_add(t, ops[0].key, &p);
	/* It was there; or it is our own key, which makes no peer, and no error either. */
	if (err == -EEXIST || err == -EADDRINUSE)
		err = 0;
	if (p && s.remove)
		tnl_peer_del(t, p);
	if (!p || s.remove)
		goto out;
	err = set_prefixes(t, p, ops, count);
	if (!err && s.which)
		err = tnl_peer_set(t, device_now(), p, &s.conf, s.which);
out:
	sodium_memzero(&s, sizeof(s));
	return err;
}

static void begin(struct device *d, struct apply_set *s)
{
	struct survey survey = survey_of(d, s->ops, s->count);

	s->begun = true;
	s->err = check_limits(d, &survey, s->ops, s->count);
	if (!s->err && survey.sockets)
		s->err = device_set_sockets(d, survey.port, survey.fwmark);
}

bool apply_set(struct device *d, struct apply_set *s)
{
	const size_t stop = s->at + SLICE_LINES;

	if (!s->begun)
		begin(d, s);
	while (s->at < s->count && !s->err) {
		size_t end = s->at + 1;

		if (s->at >= stop)
			return false;
		switch (s->ops[s->at].what) {
		case UAPI_PRIVATE_KEY:
			s->err = tnl_set_identity(d->tnl, 0, s->ops[s->at].key);
			break;
		case UAPI_REPLACE_PEERS:
			if (!remove_some_peers(d->tnl, s, SLICE_LINES))
				return false;
			break;
		case UAPI_PEER:
			while (end < s->count && s->ops[end].what != UAPI_PEER)
				end++;
			s->err = apply_peer(d->tnl, s->ops + s->at, end - s->at);
			break;
		default:
			break;
		}
		s->at = end;
	}
	if (s->err == -ENOSPC) {
		d->nearly_full = true;
		log_error("too many peers or prefixes");
	}
	return true;
}

/* ---- Get --------------------------------------------------------------------------------------------------------- */

enum { GET_DEVICE, GET_NEXT, GET_PEER, GET_PREFIXES, GET_ERRNO };	/* what comes next */

static bool put_device(const struct device *d, struct uapi_out *o)
{
	uint8_t private_key[TNL_KEY_LEN] = {0};
	bool fits;

	tnl_identity(d->tnl, 0, private_key);
	fits = uapi_put_device(o, private_key, d->port, d->fwmark);
	sodium_memzero(private_key, sizeof(private_key));
	return fits;
}

static bool put_peer(const struct tnl *t, tnl_peer p, struct uapi_out *o)
{
	uint8_t pub[TNL_KEY_LEN];
	struct tnl_peer_conf conf;
	struct tnl_stat stat;
	bool fits;

	if (tnl_peer_get(t, p, pub, &conf) < 0 || tnl_peer_stat(t, p, &stat) < 0)
		return true;
	fits = uapi_put_peer(o, pub, &conf, &stat.path.remote, &stat);
	sodium_memzero(&conf, sizeof(conf));
	return fits;
}

static bool put_prefixes(const struct tnl *t, struct apply_get *g, struct uapi_out *o)
{
	uint32_t before = g->cursor;
	struct tnl_addr net;
	unsigned bits;

	for (; tnl_route_next(t, g->peer, &g->cursor, &net, &bits); before = g->cursor)
		if (!uapi_put_prefix(o, &net, bits)) {
			g->cursor = before;
			return false;
		}
	return true;
}

/* The next peer that is asked for, 0: none. *budget: how many lines may be looked up. */
static tnl_peer next_peer(const struct tnl *t, struct apply_get *g, size_t *budget)
{
	tnl_peer p = 0;

	if (!g->count)
		return tnl_peer_next(t, g->peer);
	while (!p && g->at < g->count && *budget) {
		const struct uapi_op *op = &g->ops[g->at++];

		p = op->what == UAPI_PEER ? tnl_peer_find(t, op->key) : tnl_route_owner(t, &op->addr, op->bits);
		--*budget;
	}
	return p;
}

bool apply_get(const struct device *d, struct apply_get *g, struct uapi_out *o)
{
	size_t budget = SLICE_LINES;

	if (g->stage == GET_DEVICE) {
		if (!put_device(d, o))
			return false;
		g->stage = GET_NEXT;
	}
	while (g->stage != GET_ERRNO) {
		if (g->stage == GET_NEXT) {
			g->peer = next_peer(d->tnl, g, &budget);
			if (!g->peer && g->at < g->count)
				return false;
			g->stage = g->peer ? GET_PEER : GET_ERRNO;
			continue;
		}
		if (g->stage == GET_PEER && !put_peer(d->tnl, g->peer, o))
			return false;
		if (g->stage == GET_PEER)
			g->cursor = 0;
		g->stage = GET_PREFIXES;
		if (!put_prefixes(d->tnl, g, o))
			return false;
		g->stage = GET_NEXT;
	}
	return uapi_put_errno(o, false, 0);
}

void apply_free(void *p, size_t len)
{
	if (p)
		sodium_memzero(p, len);
	free(p);
}
