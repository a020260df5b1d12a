/* SPDX-License-Identifier: MIT */
/*
 * WG 5.4. Everything a stranger can send arrives here through tnl_control(), and the order is that of cost: length,
 * mac1, load, then Diffie-Hellman. Until the whole message has proved itself nothing of the peer changes.
 */
#include "handshake.h"

#include "peer.h"
#include "session.h"

static struct tnl_msg *message(struct tnl_msg *out, const struct tnl_path *path, tnl_peer peer, size_t len, uint8_t tos)
{
	out->path = *path;
	out->peer = peer;
	out->len = (uint16_t)len;
	out->tos = tos;
	memset(out->data, 0, len);
	return out;
}

/* Handshake messages to a peer carry its mac1, and its cookie while that is fresh; replies will refer to this mac1. */
static void add_macs(struct peer *p, tnl_ns now, uint8_t *msg, size_t len)
{
	bool fresh = p->cookie_time && !older_than(p->cookie_time, now, COOKIE_USE_TIME);
	uint8_t key[COOKIE_KEY_LEN];

	cookie_mac1_key(key, p->remote_static);
	cookie_add_macs(msg, len, key, fresh ? p->cookie : NULL);
	memcpy(p->last_mac1, msg + len - 2 * MAC_LEN, MAC_LEN);
	p->last_mac1_set = true;
}

static void count_sent(struct peer *p, tnl_ns now, size_t len)
{
	atomic_fetch_add_explicit(&p->tx_bytes, len, memory_order_relaxed);
	peer_sent(p, now);
}

static void count_heard(struct peer *p, tnl_ns now, size_t len)
{
	atomic_fetch_add_explicit(&p->rx_bytes, len, memory_order_relaxed);
	peer_heard(p, now);
}

static void sent_handshake(struct tnl *t, struct peer *p, tnl_ns now)
{
	atomic_store(&p->initiate_after, now + REKEY_TIMEOUT);
	atomic_store(&p->silence_timeout, SILENCE_TIMEOUT + random_u32(t) % REKEY_JITTER);
}

static void drop_handshake(struct tnl *t, struct peer *p)
{
	if (p->hs_initiated)
		index_release(&t->index, p->hs_index);
	p->hs_initiated = false;
	sodium_memzero(&p->handshake, sizeof(p->handshake));
}

/* TAI64N, whitened to 2^24 ns so that it tells little of our clock, and always greater than the last to this peer. */
static void next_timestamp(struct peer *p, tnl_ns wall, uint8_t ret[TIMESTAMP_LEN])
{
	const uint64_t step = UINT64_C(1) << 24, tai = (UINT64_C(1) << 62) + 10;
	uint64_t sec, nsec;

	if (wall <= p->stamp_wall)
		wall = p->stamp_wall + step;
	sec = wall / TNL_SEC;
	nsec = wall % TNL_SEC & ~(step - 1);
	if (sec * TNL_SEC + nsec <= p->stamp_wall) {
		/* The step fell short of the next whitened value: nsec does not divide into steps evenly. */
		nsec += step;
		if (nsec >= TNL_SEC) {
			sec++;
			nsec = 0;
		}
	}
	p->stamp_wall = sec * TNL_SEC + nsec;
	put_be32(ret, (uint32_t)((tai + sec) >> 32));
	put_be32(ret + 4, (uint32_t)(tai + sec));
	put_be32(ret + 8, (uint32_t)nsec);
}

/* A new handshake of p in place of any other, with a fresh index. */
static bool start_handshake(struct tnl *t, struct peer *p, tnl_ns wall, uint8_t *msg)
{
	const uint8_t *static_static = peer_static_static(t, p, 0);
	uint8_t ephemeral[NOISE_KEY_LEN], timestamp[TIMESTAMP_LEN];
	struct noise_handshake hs;
	bool made;

	if (!static_static)
		return false;
	next_timestamp(p, wall, timestamp);
	t->env.random(t->env.ctx, ephemeral, sizeof(ephemeral));
	made = noise_create_initiation(&hs, &t->identity[0], p->remote_static, static_static, ephemeral, timestamp,
				       msg);
	sodium_memzero(ephemeral, sizeof(ephemeral));
	drop_handshake(t, p);
	if (made && session_new_index(t, INDEX_HANDSHAKE | p->slot, &p->hs_index)) {
		p->handshake = hs;
		p->hs_initiated = true;
		p->hs_identity = 0;
		put_le32(msg, WIRE_INITIATION);
		put_le32(msg + INITIATION_SENDER, p->hs_index);
	}
	sodium_memzero(&hs, sizeof(hs));
	return p->hs_initiated;
}

bool handshake_initiate(struct tnl *t, struct peer *p, struct tnl_now now, bool retry, struct tnl_msg *out)
{
	struct tnl_path path;

	if (!retry)
		p->attempts = 0;
	peer_path(p, &path);
	if (now.boot < p->initiate_after || !path.remote.family || !t->identity[0].set)
		return false;
	message(out, &path, p->handle, INITIATION_LEN, TOS_HANDSHAKE);
	/* Also when nothing can be made of it: the attempt counts, or a peer whose key is of low order would cost a
	 * Diffie-Hellman for each packet. */
	sent_handshake(t, p, now.boot);
	if (!start_handshake(t, p, now.wall, out->data))
		return false;
	add_macs(p, now.boot, out->data, out->len);
	p->retry_due = now.boot + REKEY_TIMEOUT + random_u32(t) % REKEY_JITTER;
	count_sent(p, now.boot, out->len);
	return true;
}

bool handshake_keepalive(struct tnl *t, struct peer *p, struct tnl_now now, struct tnl_msg *out)
{
	struct tnl_session *s = session_sending(p);
	struct tnl_path path;
	uint64_t counter;

	peer_path(p, &path);
	if (!s || !path.remote.family || older_than(s->birth, now.boot, REJECT_AFTER_TIME) ||
	    atomic_load(&s->tx_counter) >= REJECT_AFTER_MESSAGES)
		return false;
	counter = atomic_fetch_add(&s->tx_counter, 1);
	if (counter >= REJECT_AFTER_MESSAGES)
		return false;
	message(out, &path, p->handle, DATA_MIN, 0);
	put_le32(out->data, WIRE_DATA);
	put_le32(out->data + DATA_RECEIVER, s->remote_index);
	put_le64(out->data + DATA_COUNTER, counter);
	aead_seal_ad(out->data + DATA_BODY, NULL, 0, NULL, 0, s->send, counter);
	count_sent(p, now.boot, out->len);
	/* A keepalive renews the session like data does, WG 6.2. */
	if (counter >= REKEY_AFTER_MESSAGES || (s->initiator && older_than(s->birth, now.boot, REKEY_AFTER_TIME)))
		peer_todo(t, p, TODO_INITIATE);
	return true;
}

void handshake_complete(struct tnl *t, struct peer *p, struct tnl_now now)
{
	p->retry_due = 0;
	p->attempts = 0;
	p->handshake_wall = now.wall;
	peer_event(t, p, TNL_EV_READY);
}

static void session_derived(struct peer *p, tnl_ns now)
{
	p->erase_due = now + ERASE_AFTER_TIME;
}

/* ---- Initiation -> response -------------------------------------------------------------------------------------- */

/* Greater than the greatest accepted so far, and not too soon after the last. */
static bool timely(const struct peer *p, tnl_ns now, const uint8_t timestamp[TIMESTAMP_LEN])
{
	return memcmp(timestamp, p->newest_timestamp, TIMESTAMP_LEN) > 0 &&
	       (!p->initiation_consumed || older_than(p->initiation_consumed, now, INITIATION_SPACING));
}

/* The peer that made this initiation, or NULL; hs is then what the response continues. */
static struct peer *consume_initiation(struct tnl *t, tnl_ns now, unsigned identity, const uint8_t *msg,
				       struct noise_handshake *hs)
{
	uint8_t remote_static[NOISE_KEY_LEN], timestamp[TIMESTAMP_LEN];
	const uint8_t *static_static;
	struct peer *p;

	if (!noise_consume_initiation_static(hs, &t->identity[identity], msg, remote_static))
		return NULL;
	p = peer_by_key(t, remote_static);
	static_static = p ? peer_static_static(t, p, identity) : NULL;
	if (!static_static || !noise_consume_initiation_timestamp(hs, static_static, msg, timestamp) ||
	    !timely(p, now, timestamp))
		return NULL;
	memcpy(p->newest_timestamp, timestamp, TIMESTAMP_LEN);
	p->initiation_consumed = now;
	return p;
}

static size_t take_initiation(struct tnl *t, struct tnl_now now, const struct tnl_path *from, unsigned identity,
			      const uint8_t *msg, struct tnl_msg *out)
{
	uint8_t ephemeral[NOISE_KEY_LEN];
	struct noise_handshake hs;
	struct noise_keys keys;
	struct tnl_session *s = NULL;
	struct peer *p;
	uint32_t index;

	p = session_available(t) ? consume_initiation(t, now.boot, identity, msg, &hs) : NULL;
	if (!p)
		goto out;
	drop_handshake(t, p);
	peer_path_set(p, from);
	count_heard(p, now.boot, INITIATION_LEN);
	message(out, from, p->handle, RESPONSE_LEN, TOS_HANDSHAKE);
	t->env.random(t->env.ctx, ephemeral, sizeof(ephemeral));
	if (noise_create_response(&hs, p->remote_static, p->psk, ephemeral, out->data, &keys))
		s = session_begin(t, p, &keys, false, &index, get_le32(msg + INITIATION_SENDER), now.boot);
	sodium_memzero(ephemeral, sizeof(ephemeral));
	sodium_memzero(&keys, sizeof(keys));
	if (!s)
		goto out;
	put_le32(out->data, WIRE_RESPONSE);
	put_le32(out->data + RESPONSE_SENDER, index);
	put_le32(out->data + RESPONSE_RECEIVER, s->remote_index);
	add_macs(p, now.boot, out->data, out->len);
	sent_handshake(t, p, now.boot);
	session_derived(p, now.boot);
	count_sent(p, now.boot, out->len);
	peer_arm(t, p);
out:
	sodium_memzero(&hs, sizeof(hs));
	return s != NULL;
}

/* ---- Response -> session ----------------------------------------------------------------------------------------- */

static struct peer *peer_by_handshake(const struct tnl *t, uint32_t index)
{
	uint32_t ref = index_lookup(&t->index, index);
	struct peer *p;

	if (!(ref & INDEX_HANDSHAKE))
		return NULL;
	p = &t->peer[ref & ~(uint32_t)INDEX_HANDSHAKE];
	return p->hs_initiated && p->hs_index == index ? p : NULL;
}

static void take_response(struct tnl *t, struct tnl_now now, const struct tnl_path *from, unsigned identity,
			  const uint8_t *msg)
{
	struct peer *p = peer_by_handshake(t, get_le32(msg + RESPONSE_RECEIVER));
	struct noise_keys keys;

	if (!p || p->hs_identity != identity || !session_available(t) ||
	    !noise_consume_response(&p->handshake, &t->identity[identity], p->psk, msg, &keys))
		return;
	p->hs_initiated = false;	/* its index is the session's from here on */
	session_begin(t, p, &keys, true, &p->hs_index, get_le32(msg + RESPONSE_SENDER), now.boot);
	sodium_memzero(&keys, sizeof(keys));
	peer_path_set(p, from);
	count_heard(p, now.boot, RESPONSE_LEN);
	session_derived(p, now.boot);
	handshake_complete(t, p, now);
	/* The responder sends nothing before it hears from us on the new session: what waits does that, or a keepalive.
	 */
	if (atomic_exchange(&p->waiting, false))
		p->confirm_due = now.boot + CONFIRM_TIME;
	else
		peer_todo(t, p, TODO_KEEPALIVE);
	peer_arm(t, p);
}

/* ---- Cookies ----------------------------------------------------------------------------------------------------- */

static void take_cookie(struct tnl *t, tnl_ns now, const uint8_t *msg)
{
	uint32_t index = get_le32(msg + COOKIE_RECEIVER), ref = index_lookup(&t->index, index);
	uint8_t key[COOKIE_KEY_LEN];
	struct peer *p;

	p = ref & INDEX_HANDSHAKE ? peer_by_handshake(t, index) : ref ? t->session[ref - 1].peer : NULL;
	if (!p || !p->last_mac1_set)
		return;
	cookie_reply_key(key, p->remote_static);
	if (!cookie_consume_reply(msg, key, p->last_mac1, p->cookie))
		return;
	p->cookie_time = now;
	p->last_mac1_set = false;
}

static void cookie_for(struct tnl *t, tnl_ns now, const struct tnl_addr *src, uint8_t ret[COOKIE_SIZE])
{
	uint8_t input[18];
	size_t len = src->family == 4 ? 4 : 16;

	if (!t->cookie_secret_born || older_than(t->cookie_secret_born, now, COOKIE_SECRET_TIME)) {
		t->env.random(t->env.ctx, t->cookie_secret, sizeof(t->cookie_secret));
		t->cookie_secret_born = now;
	}
	memcpy(input, src->ip, len);
	put_be16(input + len, src->port);
	cookie_make(ret, t->cookie_secret, input, len + 2);
}

static size_t answer_cookie(struct tnl *t, const struct tnl_path *from, unsigned identity, const uint8_t *msg,
			    size_t len, const uint8_t cookie[COOKIE_SIZE], struct tnl_msg *out)
{
	uint8_t nonce[COOKIE_NONCE_LEN];

	t->env.random(t->env.ctx, nonce, sizeof(nonce));
	message(out, from, 0, COOKIE_LEN, 0);
	cookie_create_reply(out->data, get_le32(msg + INITIATION_SENDER), nonce, cookie, t->reply_key[identity],
			    msg + len - 2 * MAC_LEN);
	return 1;
}

/* Under load only a source that proved its address, and not too often, may cost us a Diffie-Hellman. */
static bool admit_under_load(struct tnl *t, tnl_ns now, const struct tnl_path *from, unsigned identity,
			     const uint8_t *msg, size_t len, struct tnl_msg *out, size_t *answered)
{
	uint8_t cookie[COOKIE_SIZE];
	bool proved;

	cookie_for(t, now, &from->remote, cookie);
	proved = cookie_mac2_holds(cookie, msg, len);
	if (!proved)
		*answered = answer_cookie(t, from, identity, msg, len, cookie, out);
	sodium_memzero(cookie, sizeof(cookie));
	return proved && limit_pass(&t->limit, from->remote.family, from->remote.ip, now);
}

/* ---- The door ---------------------------------------------------------------------------------------------------- */

/* The identity that the sender addressed, or TNL_IDENTITIES. */
static unsigned addressed_identity(const struct tnl *t, const uint8_t *msg, size_t len)
{
	for (unsigned i = 0; i < TNL_IDENTITIES; i++)
		if (t->identity[i].set && cookie_mac1_holds((const uint8_t *)t->mac1_key[i], msg, len))
			return i;
	return TNL_IDENTITIES;
}

size_t tnl_control(struct tnl *t, struct tnl_now now, const struct tnl_path *from, const uint8_t *msg, size_t len,
		   bool busy, struct tnl_msg *out)
{
	uint32_t type = len >= 4 ? get_le32(msg) : 0;
	size_t answered = 0;
	unsigned identity;

	if (!atomic_load(&t->up))
		return 0;
	if (type == WIRE_COOKIE && len == COOKIE_LEN) {
		take_cookie(t, now.boot, msg);
		return 0;
	}
	if (!(type == WIRE_INITIATION && len == INITIATION_LEN) && !(type == WIRE_RESPONSE && len == RESPONSE_LEN))
		return 0;
	identity = addressed_identity(t, msg, len);
	if (identity == TNL_IDENTITIES)
		return 0;
	if (busy)
		t->load_until = now.boot + LOAD_HOLD_TIME;
	if (now.boot < t->load_until && !admit_under_load(t, now.boot, from, identity, msg, len, out, &answered))
		return answered;
	if (type == WIRE_INITIATION)
		return take_initiation(t, now, from, identity, msg, out);
	take_response(t, now, from, identity, msg);
	return 0;
}
