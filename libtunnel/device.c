/* SPDX-License-Identifier: MIT */
/* The whole: its one region of memory, our identities, up and down, allowed IPs by handle, the end. */
#include "peer.h"
#include "session.h"

/* Hands out aligned pieces of the region, or with base NULL only adds them up. */
struct carver {
	char *base;
	size_t used;
};

static void *carve(struct carver *c, size_t count, size_t size)
{
	void *piece = c->base ? c->base + c->used : NULL;

	c->used += (count * size + 63) / 64 * 64;
	return piece;
}

static uint32_t index_count(const struct tnl_limits *lim)
{
	return index_slots(lim->peers + lim->sessions);
}

/* The one list of what the region holds. */
static struct tnl *lay_out(struct carver *c, const struct tnl_limits *lim)
{
	struct tnl *t = carve(c, 1, sizeof(*t)), scratch;
	struct tnl *to = t ? t : &scratch;

	to->worker = carve(c, lim->workers, sizeof(struct tnl_worker));
	to->peer = carve(c, lim->peers, sizeof(struct peer));
	to->session = carve(c, lim->sessions, sizeof(struct tnl_session));
	to->index.slot = carve(c, index_count(lim), sizeof(*to->index.slot));
	to->bucket = carve(c, lim->peers + BUCKETS_FIRST, sizeof(*to->bucket));
	to->chain = carve(c, lim->peers, sizeof(*to->chain));
	to->timers.entry = carve(c, lim->peers + 1, sizeof(*to->timers.entry));
	to->timers.position = carve(c, lim->peers, sizeof(*to->timers.position));
	to->route = carve(c, 1, route_footprint(lim->prefixes, lim->peers));
	for (uint32_t i = 0; i < lim->workers; i++) {
		struct aead *ctx = carve(c, 1, aead_ctx_size());

		if (t)
			t->worker[i].aead = ctx;
	}
	return t;
}

static bool limits_valid(const struct tnl_limits *lim)
{
	return lim->peers >= 1 && lim->peers <= TNL_PEERS_MAX && lim->sessions >= 1 &&
	       lim->sessions <= 3 * TNL_PEERS_MAX && lim->prefixes >= 1 && lim->prefixes <= 16 * TNL_PEERS_MAX &&
	       lim->workers >= 1 && lim->workers <= WORKERS_MAX;
}

size_t tnl_footprint(const struct tnl_limits *lim)
{
	struct carver c = { NULL, 0 };

	if (!limits_valid(lim) || !aead_init())
		return 0;
	lay_out(&c, lim);
	return c.used;
}

const char *tnl_cipher(void)
{
	return aead_name(aead_default());
}

const char *tnl_ciphers(void)
{
	return aead_description();
}

struct tnl *tnl_init(void *mem, const struct tnl_limits *lim, const struct tnl_env *env)
{
	struct carver c = { mem, 0 };
	uint8_t seed[16];
	struct tnl *t;

	if (!limits_valid(lim) || !aead_init())
		return NULL;
	t = lay_out(&c, lim);
	t->env = *env;
	t->lim = *lim;
	index_init(&t->index, index_count(lim));
	t->buckets = t->bucket_half = BUCKETS_FIRST;
	atomic_store(&t->pins.epoch, 1);
	env->random(env->ctx, t->hash_key, sizeof(t->hash_key));
	env->random(env->ctx, t->limit.secret, sizeof(t->limit.secret));
	env->random(env->ctx, seed, sizeof(seed));
	t->route = route_init(t->route, lim->prefixes, lim->peers, seed);
	for (uint32_t i = 0; i < lim->workers; i++) {
		t->worker[i].t = t;
		aead_ctx_init(t->worker[i].aead, aead_default());
	}
	return t;
}

/* Memory that was never used was never touched, and is not touched now. */
void tnl_wipe(struct tnl *t)
{
	sodium_memzero(t->peer, t->peer_high * sizeof(*t->peer));
	sodium_memzero(t->session, t->session_high * sizeof(*t->session));
	for (uint32_t i = 0; i < t->lim.workers; i++)
		aead_ctx_wipe(t->worker[i].aead);
	sodium_memzero(t->worker, t->lim.workers * sizeof(*t->worker));
	sodium_memzero(t, sizeof(*t));
}

/* ---- Identities -------------------------------------------------------------------------------------------------- */

static void publish_mac1_key(struct tnl *t, unsigned slot, bool set)
{
	uint64_t word[MAC1_WORDS] = { 0 };
	uint32_t bit = 1u << slot;

	if (set)
		cookie_mac1_key((uint8_t *)word, t->identity[slot].static_public);
	atomic_fetch_add(&t->mac1_seq, 1);
	for (int i = 0; i < MAC1_WORDS; i++)
		atomic_store_explicit(&t->mac1_key[slot][i], word[i], memory_order_release);
	if (set)
		atomic_fetch_or(&t->mac1_set, bit);
	else
		atomic_fetch_and(&t->mac1_set, ~bit);
	atomic_fetch_add(&t->mac1_seq, 1);
}

/* The peer must prove itself anew: our side of its handshakes and sessions was made under an identity that is gone.
 * What it still sends on the old sessions is received until they expire. */
static void forget_handshake(struct tnl *t, struct peer *p)
{
	if (p->hs_initiated)
		index_release(&t->index, p->hs_index);
	p->hs_initiated = false;
	p->last_mac1_set = false;
	sodium_memzero(&p->handshake, sizeof(p->handshake));
	if (p->current)
		p->current->send_dead = true;
	if (p->next)
		p->next->send_dead = true;
	atomic_store(&p->tx, NULL);
	atomic_store(&p->initiate_after, 0);
}

int tnl_set_identity(struct tnl *t, unsigned slot, const uint8_t priv[TNL_KEY_LEN])
{
	struct noise_identity id;
	struct peer *own;

	if (slot >= TNL_IDENTITIES)
		return -EINVAL;
	noise_identity_set(&id, priv);
	if (id.set == t->identity[slot].set &&
	    !sodium_memcmp(id.static_private, t->identity[slot].static_private, 32)) {
		sodium_memzero(&id, sizeof(id));
		return 0;
	}
	if (slot == 0 && id.set && (own = peer_by_key(t, id.static_public)))
		peer_remove(t, own);
	t->identity[slot] = id;
	sodium_memzero(&id, sizeof(id));
	cookie_reply_key(t->reply_key[slot], t->identity[slot].static_public);
	publish_mac1_key(t, slot, t->identity[slot].set);
	for (uint32_t i = 0; i < t->peer_high; i++) {
		struct peer *p = &t->peer[i];

		if (p->static_static_with == slot + 1) {
			sodium_memzero(p->static_static, TNL_KEY_LEN);
			p->static_static_with = 0;
		}
		if (slot == 0 && p->handle)
			forget_handshake(t, p);
	}
	return 0;
}

int tnl_identity(const struct tnl *t, unsigned slot, uint8_t ret[TNL_KEY_LEN])
{
	if (slot >= TNL_IDENTITIES || !t->identity[slot].set)
		return -ENOENT;
	memcpy(ret, t->identity[slot].static_private, TNL_KEY_LEN);
	return 0;
}

/* ---- Up and down ------------------------------------------------------------------------------------------------- */

static void silence_peer(struct tnl *t, struct peer *p)
{
	if (p->hs_initiated)
		index_release(&t->index, p->hs_index);
	p->hs_initiated = false;
	sodium_memzero(&p->handshake, sizeof(p->handshake));
	session_drop_all(t, p);
	p->retry_due = p->erase_due = p->confirm_due = 0;
	p->todo = 0;
	p->attempts = 0;
	atomic_store(&p->initiate_after, 0);
	atomic_store(&p->silence_due, 0);
	atomic_store(&p->passive_due, 0);
	atomic_store(&p->waiting, false);
	atomic_store(&p->traffic, false);
}

void tnl_set_up(struct tnl *t, struct tnl_now now, bool up)
{
	if (atomic_load(&t->up) == up)
		return;
	atomic_store(&t->up, up);
	for (uint32_t i = 0; i < t->peer_high; i++) {
		struct peer *p = &t->peer[i];

		if (!p->handle)
			continue;
		/* Also when going up: a worker that was under way while we went down may have left a stamp. */
		silence_peer(t, p);
		if (!up)
			peer_event(t, p, TNL_EV_WIPED);
		atomic_store(&p->traversed, now.boot);
		if (up && p->keepalive_s)
			peer_tell(t, p, NEWS_KEEPALIVE);
		peer_arm(t, p);
	}
}

/* ---- Workers ----------------------------------------------------------------------------------------------------- */

struct tnl_worker *tnl_worker(struct tnl *t, unsigned i)
{
	assert(i < t->lim.workers);
	return &t->worker[i];
}

void tnl_counts(const struct tnl_worker *w, uint64_t ret[TNL_VERDICTS])
{
	for (int i = 0; i < TNL_VERDICTS; i++)
		ret[i] = atomic_load_explicit(&w->count[i], memory_order_relaxed);
}

/* ---- Allowed IPs ------------------------------------------------------------------------------------------------- */

static struct route_prefix prefix_of(const struct tnl_addr *net, unsigned bits)
{
	struct route_prefix p = { .family = net->family, .bits = bits > 128 ? 255 : (uint8_t)bits };

	memcpy(p.ip, net->ip, sizeof(p.ip));
	return p;
}

int tnl_route_set(struct tnl *t, const struct tnl_addr *net, unsigned bits, tnl_peer handle)
{
	struct route_prefix prefix = prefix_of(net, bits);
	struct peer *p = peer_get(t, handle);
	int err;

	if (!p)
		return -ENOENT;
	err = route_set(t->route, &prefix, p->slot + 1, pin_tag(&t->pins));
	pin_advance(&t->pins);
	return err;
}

int tnl_route_del(struct tnl *t, const struct tnl_addr *net, unsigned bits, tnl_peer handle)
{
	struct route_prefix prefix = prefix_of(net, bits);
	struct peer *p = peer_get(t, handle);
	int err;

	if (!p)
		return -ENOENT;
	err = route_del(t->route, &prefix, p->slot + 1, pin_tag(&t->pins));
	pin_advance(&t->pins);
	return err;
}

void tnl_route_clear(struct tnl *t, tnl_peer handle)
{
	struct peer *p = peer_get(t, handle);

	if (!p)
		return;
	route_clear(t->route, p->slot + 1, pin_tag(&t->pins));
	pin_advance(&t->pins);
}

tnl_peer tnl_route_owner(const struct tnl *t, const struct tnl_addr *net, unsigned bits)
{
	struct route_prefix prefix = prefix_of(net, bits);
	uint32_t owner = route_owner(t->route, &prefix);

	return owner ? t->peer[owner - 1].handle : 0;
}

bool tnl_route_next(const struct tnl *t, tnl_peer handle, uint32_t *cursor, struct tnl_addr *net, unsigned *bits)
{
	const struct peer *p = peer_get(t, handle);
	struct route_prefix prefix;

	if (!p || !route_next(t->route, p->slot + 1, cursor, &prefix))
		return false;
	*net = (struct tnl_addr){ .family = prefix.family };
	memcpy(net->ip, prefix.ip, sizeof(net->ip));
	*bits = prefix.bits;
	return true;
}
