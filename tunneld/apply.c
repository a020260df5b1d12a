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

static void remove_all_peers(struct tnl *t)
{
	tnl_peer next;

	for (tnl_peer p = tnl_peer_next(t, 0); p; p = next) {
		next = tnl_peer_next(t, p);
		tnl_peer_del(t, p);
	}
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
	tnl_peer p = tnl_peer_find(t, ops[0].key);
	struct section s;
	int err = 0;

	read_section(ops, count, &s);
	if (s.remove) {
		if (p)
			tnl_peer_del(t, p);
		goto out;
	}
	if (!p && s.update_only)
		goto out;
	if (!p)
		err = tnl_peer_add(t, ops[0].key, &p);
	if (err == -EADDRINUSE) {	/* our own key: no peer, and no error either */
		err = 0;
		goto out;
	}
	if (!err)
		err = set_prefixes(t, p, ops, count);
	if (!err && s.which)
		err = tnl_peer_set(t, device_now(), p, &s.conf, s.which);
out:
	sodium_memzero(&s, sizeof(s));
	return err;
}

int apply_set(struct device *d, const struct uapi_op *ops, size_t count)
{
	struct survey s = survey_of(d, ops, count);
	int err = check_limits(d, &s, ops, count);

	if (!err && s.sockets)
		err = device_set_sockets(d, s.port, s.fwmark);
	for (size_t i = 0; i < count && !err;) {
		size_t end = i + 1;

		switch (ops[i].what) {
		case UAPI_PRIVATE_KEY:
			err = tnl_set_identity(d->tnl, 0, ops[i].key);
			break;
		case UAPI_REPLACE_PEERS:
			remove_all_peers(d->tnl);
			break;
		case UAPI_PEER:
			while (end < count && ops[end].what != UAPI_PEER)
				end++;
			err = apply_peer(d->tnl, ops + i, end - i);
			break;
		default:
			break;
		}
		i = end;
	}
	if (err == -ENOSPC) {
		d->nearly_full = true;
		log_error("too many peers or prefixes");
	}
	return err;
}

/* Text that grows. realloc() would leave keys behind in what it frees. */
static bool grow(struct uapi_out *o, size_t limit)
{
	size_t max = o->max ? 2 * o->max : 4096;
	char *dst = max <= limit ? malloc(max) : NULL;

	if (!dst)
		return false;
	if (o->len)
		memcpy(dst, o->dst, o->len);
	apply_free(o->dst, o->max);
	o->dst = dst;
	o->max = max;
	return true;
}

static bool put_peer(const struct tnl *t, tnl_peer p, struct uapi_out *o, size_t limit)
{
	uint8_t pub[TNL_KEY_LEN];
	struct tnl_peer_conf conf;
	struct tnl_stat stat;
	struct tnl_addr net;
	uint32_t cursor = 0;
	unsigned bits;
	bool ok = true;

	if (tnl_peer_get(t, p, pub, &conf) < 0 || tnl_peer_stat(t, p, &stat) < 0)
		return true;
	while (ok && !uapi_put_peer(o, pub, &conf, &stat.path.remote, &stat))
		ok = grow(o, limit);
	while (ok && tnl_route_next(t, p, &cursor, &net, &bits)) {
		while (ok && !uapi_put_prefix(o, &net, bits))
			ok = grow(o, limit);
	}
	sodium_memzero(&conf, sizeof(conf));
	return ok;
}

char *apply_get(const struct device *d, size_t max, size_t *ret_len, size_t *ret_max)
{
	struct uapi_out o = {0};
	uint8_t private_key[TNL_KEY_LEN] = {0};
	bool ok = true;

	tnl_identity(d->tnl, 0, private_key);
	while (ok && !uapi_put_device(&o, private_key, d->port, d->fwmark))
		ok = grow(&o, max);
	sodium_memzero(private_key, sizeof(private_key));
	for (tnl_peer p = tnl_peer_next(d->tnl, 0); ok && p; p = tnl_peer_next(d->tnl, p))
		ok = put_peer(d->tnl, p, &o, max);
	while (ok && !uapi_put_errno(&o, false, 0))
		ok = grow(&o, max);
	if (!ok) {
		apply_free(o.dst, o.max);
		return NULL;
	}
	*ret_len = o.len;
	*ret_max = o.max;
	return o.dst;
}

void apply_free(void *p, size_t len)
{
	if (p)
		sodium_memzero(p, len);
	free(p);
}
