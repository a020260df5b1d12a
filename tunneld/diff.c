/* SPDX-License-Identifier: MIT */
/*
 * Both states are sorted, peers by key and prefixes by value, and then walked side by side. The transaction has three
 * parts: peers that are new or differ, with the prefixes that they gain (which takes those from whoever has them);
 * prefixes that nobody has any more; peers that go.
 */
#include "diff.h"

#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct peer {
	uint8_t key[TNL_KEY_LEN], psk[TNL_KEY_LEN];
	struct tnl_addr remote;	/* family 0: none */
	uint16_t keepalive_s;
	bool has_psk, has_keepalive;	/* this section names them */
	uint32_t section;	/* where it came, in the order of the lines */
};

struct prefix {
	struct tnl_addr addr;
	uint8_t bits;
	uint8_t key[TNL_KEY_LEN];	/* whose */
	uint32_t section;
};

struct diff_state {
	bool settled, has_private_key;
	uint8_t private_key[TNL_KEY_LEN];
	uint16_t port;
	uint32_t fwmark;
	struct peer *peers;
	struct prefix *prefixes;
	size_t peer_count, peer_room, prefix_count, prefix_room;
};

/* ---- Gathering --------------------------------------------------------------------------------------------------- */

/* One more element; the old array is wiped, since there are keys in it. */
static void *append(void *array, size_t *count, size_t *room, size_t size)
{
	void **base = array;

	if (*count == *room) {
		size_t more = *room ? 2 * *room : 16;
		void *fresh = calloc(more, size);

		if (!fresh)
			return NULL;
		if (*count) {
			memcpy(fresh, *base, *count * size);
			sodium_memzero(*base, *count * size);
		}
		free(*base);
		*base = fresh;
		*room = more;
	}
	return (char *)*base + (*count)++ * size;
}

struct diff_state *diff_state_new(void)
{
	return calloc(1, sizeof(struct diff_state));
}

void diff_state_free(struct diff_state *s)
{
	if (!s)
		return;
	if (s->peers)
		sodium_memzero(s->peers, s->peer_room * sizeof(*s->peers));
	free(s->peers);
	free(s->prefixes);
	sodium_memzero(s, sizeof(*s));
	free(s);
}

static bool add_prefix(struct diff_state *s, const struct peer *p, const struct uapi_op *op)
{
	struct prefix *net = append(&s->prefixes, &s->prefix_count, &s->prefix_room, sizeof(*net));

	if (!net)
		return false;
	*net = (struct prefix){.addr = op->addr, .bits = op->bits, .section = p->section};
	memcpy(net->key, p->key, sizeof(net->key));
	return true;
}

bool diff_state_add(struct diff_state *s, const struct uapi_op *op)
{
	struct peer *p = s->peer_count ? &s->peers[s->peer_count - 1] : NULL;

	switch (op->what) {
	case UAPI_PRIVATE_KEY:
		memcpy(s->private_key, op->key, sizeof(s->private_key));
		s->has_private_key = !sodium_is_zero(op->key, sizeof(op->key));
		/* As the device clamps it. */
		s->private_key[0] &= 0xf8;
		s->private_key[TNL_KEY_LEN - 1] = (uint8_t)((s->private_key[TNL_KEY_LEN - 1] & 0x7f) | 0x40);
		return true;
	case UAPI_LISTEN_PORT:
		s->port = (uint16_t)op->number;
		return true;
	case UAPI_FWMARK:
		s->fwmark = (uint32_t)op->number;
		return true;
	case UAPI_PEER:
		p = append(&s->peers, &s->peer_count, &s->peer_room, sizeof(*p));
		if (!p)
			return false;
		memcpy(p->key, op->key, sizeof(p->key));
		p->section = (uint32_t)s->peer_count;
		return true;
	default:
		break;
	}
	if (!p)
		return true;
	if (op->what == UAPI_PSK) {
		memcpy(p->psk, op->key, sizeof(p->psk));
		p->has_psk = true;
	} else if (op->what == UAPI_ENDPOINT) {
		p->remote = op->addr;
	} else if (op->what == UAPI_KEEPALIVE) {
		p->keepalive_s = (uint16_t)op->number;
		p->has_keepalive = true;
	} else if (op->what == UAPI_ALLOWED_IP && !op->minus) {
		return add_prefix(s, p, op);
	}
	return true;
}

/* ---- Settling ---------------------------------------------------------------------------------------------------- */

static int compare_peers(const void *a, const void *b)
{
	const struct peer *x = a, *y = b;
	int ret = memcmp(x->key, y->key, sizeof(x->key));

	return ret ? ret : (x->section > y->section) - (x->section < y->section);
}

static int compare_nets(const struct prefix *x, const struct prefix *y)
{
	int ret = x->addr.family - y->addr.family;

	if (!ret)
		ret = memcmp(x->addr.ip, y->addr.ip, sizeof(x->addr.ip));
	return ret ? ret : x->bits - y->bits;
}

static int compare_prefixes(const void *a, const void *b)
{
	const struct prefix *x = a, *y = b;
	int ret = compare_nets(x, y);

	return ret ? ret : (x->section > y->section) - (x->section < y->section);
}

static const struct peer *find(const struct diff_state *s, const uint8_t key[TNL_KEY_LEN])
{
	size_t low = 0, high = s ? s->peer_count : 0;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = memcmp(s->peers[middle].key, key, TNL_KEY_LEN);

		if (!order)
			return &s->peers[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/* What the later section of the same peer leaves out stays as the earlier one said. */
static void carry_over(const struct peer *from, struct peer *to)
{
	if (!to->has_psk)
		memcpy(to->psk, from->psk, sizeof(to->psk));
	if (!to->has_keepalive)
		to->keepalive_s = from->keepalive_s;
	if (!to->remote.family)
		to->remote = from->remote;
	to->has_psk |= from->has_psk;
	to->has_keepalive |= from->has_keepalive;
}

/* The last of each peer; of prefixes the last claim, if it stands in the section that counts. */
static void settle(struct diff_state *s)
{
	size_t n = 0;

	if (!s || s->settled)
		return;
	s->settled = true;
	if (s->peer_count)
		qsort(s->peers, s->peer_count, sizeof(*s->peers), compare_peers);
	for (size_t i = 0; i < s->peer_count; i++) {
		if (i + 1 == s->peer_count || memcmp(s->peers[i].key, s->peers[i + 1].key, TNL_KEY_LEN))
			s->peers[n++] = s->peers[i];
		else
			carry_over(&s->peers[i], &s->peers[i + 1]);
	}
	s->peer_count = n;
	if (s->prefix_count)
		qsort(s->prefixes, s->prefix_count, sizeof(*s->prefixes), compare_prefixes);
	n = 0;
	for (size_t i = 0; i < s->prefix_count; i++) {
		const struct peer *owner = find(s, s->prefixes[i].key);

		if (owner->section == s->prefixes[i].section &&
		    (i + 1 == s->prefix_count || compare_nets(&s->prefixes[i], &s->prefixes[i + 1])))
			s->prefixes[n++] = s->prefixes[i];
	}
	s->prefix_count = n;
}

/* ---- Differences ------------------------------------------------------------------------------------------------- */

struct nets {
	struct prefix *net;
	size_t count, room;
};

struct work {
	const struct diff_state *live, *was, *want;
	struct nets gained, lost;	/* sorted by peer */
	struct diff_set *set;
	diff_tell *tell;
	void *ctx;
	bool failed;			/* no memory */
};

static void say(const struct work *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void say(const struct work *w, const char *fmt, ...)
{
	char line[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	w->tell(w->ctx, line);
}

static struct uapi_op *emit(struct work *w, enum uapi_what what)
{
	static struct uapi_op nowhere;
	struct uapi_op *op = append(&w->set->ops, &w->set->count, &w->set->room, sizeof(*op));

	if (!op) {
		w->failed = true;
		op = &nowhere;
	}
	op->what = what;
	return op;
}

static void emit_key(struct work *w, enum uapi_what what, const uint8_t key[TNL_KEY_LEN])
{
	struct uapi_op *op = emit(w, what);

	if (!w->failed)
		memcpy(op->key, key, sizeof(op->key));
}

static void emit_net(struct work *w, const struct prefix *net, bool minus)
{
	struct uapi_op *op = emit(w, UAPI_ALLOWED_IP);

	op->addr = net->addr;
	op->bits = net->bits;
	op->minus = minus;
}

static void note_net(struct work *w, struct nets *list, const struct prefix *net)
{
	struct prefix *place = append(&list->net, &list->count, &list->room, sizeof(*place));

	if (place)
		*place = *net;
	else
		w->failed = true;
}

static int compare_owners(const void *a, const void *b)
{
	const struct prefix *x = a, *y = b;
	int ret = memcmp(x->key, y->key, sizeof(x->key));

	return ret ? ret : compare_nets(x, y);
}

static void compare_all_nets(struct work *w)
{
	const struct diff_state *have = w->live, *want = w->want;
	size_t i = 0, k = 0;

	while (i < have->prefix_count || k < want->prefix_count) {
		int order = i == have->prefix_count ? 1 : k == want->prefix_count ? -1 :
			    compare_nets(&have->prefixes[i], &want->prefixes[k]);

		if (order < 0)
			note_net(w, &w->lost, &have->prefixes[i]);
		else if (order > 0 || memcmp(have->prefixes[i].key, want->prefixes[k].key, TNL_KEY_LEN))
			note_net(w, &w->gained, &want->prefixes[k]);
		i += order <= 0;
		k += order >= 0;
	}
	if (w->gained.count)
		qsort(w->gained.net, w->gained.count, sizeof(*w->gained.net), compare_owners);
	if (w->lost.count)
		qsort(w->lost.net, w->lost.count, sizeof(*w->lost.net), compare_owners);
}

static void device_lines(struct work *w)
{
	static const uint8_t none[TNL_KEY_LEN];
	const struct diff_state *live = w->live, *was = w->was, *want = w->want;

	if (want->has_private_key && (!live->has_private_key ||
				      sodium_memcmp(want->private_key, live->private_key, TNL_KEY_LEN))) {
		emit_key(w, UAPI_PRIVATE_KEY, want->private_key);
		say(w, "private key changed");
	} else if (!want->has_private_key && was && was->has_private_key && live->has_private_key) {
		emit_key(w, UAPI_PRIVATE_KEY, none);
		say(w, "private key removed");
	}
	if (want->port ? want->port != live->port : was && was->port) {
		emit(w, UAPI_LISTEN_PORT)->number = want->port;
		if (want->port)
			say(w, "port %u, was %u", want->port, live->port);
		else
			say(w, "port of the kernel's choice, was %u", live->port);
	}
	if (want->fwmark ? want->fwmark != live->fwmark : was && was->fwmark && live->fwmark) {
		emit(w, UAPI_FWMARK)->number = want->fwmark;
		say(w, "fwmark 0x%x, was 0x%x", want->fwmark, live->fwmark);
	}
}

static bool same_addr(const struct tnl_addr *a, const struct tnl_addr *b)
{
	return !memcmp(a, b, sizeof(*a));
}

static bool endpoint_differs(const struct work *w, const struct peer *want, const struct peer *live)
{
	const struct peer *was = find(w->was, want->key);

	if (!want->remote.family || (live && same_addr(&want->remote, &live->remote)))
		return false;
	return !live || !live->remote.family || !was || !same_addr(&want->remote, &was->remote);
}

/* The number of entries of *list from *at on that are this peer's; *at moves behind them. */
static size_t take_run(const struct nets *list, size_t *at, const uint8_t key[TNL_KEY_LEN])
{
	size_t start;

	while (*at < list->count && memcmp(list->net[*at].key, key, TNL_KEY_LEN) < 0)
		++*at;
	start = *at;
	while (*at < list->count && !memcmp(list->net[*at].key, key, TNL_KEY_LEN))
		++*at;
	return *at - start;
}

/* One peer that shall be there; gained: how many prefixes of w->gained end before `end`. */
static void peer_lines(struct work *w, const struct peer *want, size_t gained, size_t end, size_t lost)
{
	const struct peer *live = find(w->live, want->key);
	size_t start = w->set->count;
	char text[TEXT_BASE64_KEY], list[96] = "";
	bool psk = live ? sodium_memcmp(want->psk, live->psk, TNL_KEY_LEN) : !sodium_is_zero(want->psk, TNL_KEY_LEN);
	bool keepalive = want->keepalive_s != (live ? live->keepalive_s : 0);
	bool endpoint = endpoint_differs(w, want, live);

	if (live && !psk && !keepalive && !endpoint && !gained && !lost)
		return;
	emit_key(w, UAPI_PEER, want->key);
	if (psk)
		emit_key(w, UAPI_PSK, want->psk);
	if (endpoint)
		emit(w, UAPI_ENDPOINT)->addr = want->remote;
	if (keepalive)
		emit(w, UAPI_KEEPALIVE)->number = want->keepalive_s;
	for (size_t i = end - gained; i < end; i++)
		emit_net(w, &w->gained.net[i], false);
	if (live && w->set->count == start + 1)
		w->set->count--;	/* it only loses something, and that comes later */
	text_key_to_base64(text, want->key);
	snprintf(list, sizeof(list), "%s%s%s%s", psk ? ", preshared key" : "", endpoint ? ", endpoint" : "",
		 keepalive ? ", keepalive" : "", gained || lost ? ", allowed IPs" : "");
	if (live)
		say(w, "peer %s changed: %s", text, list + 2);
	else
		say(w, "peer %s added", text);
}

static void lost_lines(struct work *w)
{
	const uint8_t *owner = NULL;

	for (size_t i = 0; i < w->lost.count; i++) {
		const struct prefix *net = &w->lost.net[i];

		if (!find(w->want, net->key))
			continue;	/* goes with its peer */
		if (!owner || memcmp(owner, net->key, TNL_KEY_LEN)) {
			emit_key(w, UAPI_PEER, net->key);
			emit(w, UAPI_UPDATE_ONLY);
			owner = net->key;
		}
		emit_net(w, net, true);
	}
}

static void gone_lines(struct work *w)
{
	char text[TEXT_BASE64_KEY];

	for (size_t i = 0; i < w->live->peer_count; i++) {
		const uint8_t *key = w->live->peers[i].key;

		if (find(w->want, key))
			continue;
		emit_key(w, UAPI_PEER, key);
		emit(w, UAPI_REMOVE);
		text_key_to_base64(text, key);
		say(w, "peer %s removed", text);
	}
}

bool diff_make(struct diff_state *live, struct diff_state *was, struct diff_state *want, diff_tell *tell, void *ctx,
	       struct diff_set *ret)
{
	struct work w = {.live = live, .was = was, .want = want, .set = ret, .tell = tell, .ctx = ctx};
	size_t gained_at = 0, lost_at = 0;

	*ret = (struct diff_set){0};
	settle(live);
	settle(was);
	settle(want);
	compare_all_nets(&w);
	device_lines(&w);
	for (size_t i = 0; i < want->peer_count && !w.failed; i++) {
		const uint8_t *key = want->peers[i].key;
		size_t gained = take_run(&w.gained, &gained_at, key), lost = take_run(&w.lost, &lost_at, key);

		peer_lines(&w, &want->peers[i], gained, gained_at, lost);
	}
	lost_lines(&w);
	gone_lines(&w);
	free(w.gained.net);
	free(w.lost.net);
	if (!w.failed)
		return true;
	diff_set_free(ret);
	return false;
}

void diff_set_free(struct diff_set *s)
{
	if (s->ops)
		sodium_memzero(s->ops, s->room * sizeof(*s->ops));
	free(s->ops);
	*s = (struct diff_set){0};
}
