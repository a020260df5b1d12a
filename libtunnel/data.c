/* SPDX-License-Identifier: MIT */
/*
 * The workers' door: begin, seal or open, end. Nothing here blocks, allocates or writes slow state; what the owner has
 * to do is told by peer_tell(). Stamps are written once a run.
 */
#include "peer.h"
#include "session.h"

static void count_verdict(struct tnl_worker *w, enum tnl_verdict v, uint32_t n)
{
	uint64_t c = atomic_load_explicit(&w->count[v], memory_order_relaxed);

	atomic_store_explicit(&w->count[v], c + n, memory_order_relaxed);
}

void tnl_enter(struct tnl_worker *w)
{
	w->news = false;
	pin_enter(&w->t->pins, &w->pin);
}

bool tnl_leave(struct tnl_worker *w)
{
	return pin_leave(&w->t->pins, &w->pin) || w->news;
}

static void tell(struct tnl_worker *w, struct peer *p, uint32_t news)
{
	if (peer_tell(w->t, p, news))
		w->news = true;
}

/* Ask for a handshake, unless none may leave yet anyway. */
static void ask_initiation(struct tnl_worker *w, struct peer *p, tnl_ns now)
{
	if (now >= atomic_load_explicit(&p->initiate_after, memory_order_relaxed))
		tell(w, p, NEWS_INITIATE);
	else if (!atomic_load_explicit(&p->traffic, memory_order_relaxed))
		atomic_store_explicit(&p->traffic, true, memory_order_relaxed);
}

/* Start a timer that is not running; true if the owner would look too late. */
static void start_due(struct tnl_worker *w, struct peer *p, _Atomic uint64_t *due, tnl_ns at)
{
	uint64_t off = 0;

	if (atomic_load_explicit(due, memory_order_relaxed) || !atomic_compare_exchange_strong(due, &off, at))
		return;
	if (at < atomic_load(&p->armed))
		tell(w, p, NEWS_TIMER);
}

/* ---- Sending ----------------------------------------------------------------------------------------------------- */

static struct peer *route_out(const struct tnl *t, const uint8_t *inner, size_t len, enum tnl_verdict *why)
{
	unsigned version = ip_version(inner, len);
	uint32_t owner;

	*why = TNL_DROP_INNER;
	if (!version)
		return NULL;
	owner = version == 4 ? route_lookup4(t->route, inner + IP4_DST) : route_lookup6(t->route, inner + IP6_DST);
	*why = TNL_DROP_NOROUTE;
	return owner ? &t->peer[owner - 1] : NULL;
}

/* Take `count` counters of the session, or none when it must not seal any more. */
static bool reserve(struct tnl_session *s, tnl_ns now, uint32_t count, uint64_t *ret)
{
	if (!s || older_than(s->birth, now, REJECT_AFTER_TIME) ||
	    atomic_load_explicit(&s->tx_counter, memory_order_relaxed) >= REJECT_AFTER_MESSAGES)
		return false;
	*ret = atomic_fetch_add_explicit(&s->tx_counter, count, memory_order_relaxed);
	return *ret <= REJECT_AFTER_MESSAGES - count;
}

static enum tnl_verdict tx_begin(struct tnl_worker *w, tnl_ns now, const uint8_t *inner, size_t len, uint32_t count,
				 struct tnl_run *ret)
{
	enum tnl_verdict why;
	struct peer *p;

	*ret = (struct tnl_run){ .count = count };
	if (!atomic_load_explicit(&w->t->up, memory_order_relaxed))
		return TNL_DROP_DOWN;
	p = route_out(w->t, inner, len, &why);
	if (!p)
		return why;
	ret->peer = atomic_load_explicit(&p->handle, memory_order_relaxed);
	if (!ret->peer)
		return TNL_DROP_NOROUTE;	/* removed since it was found: nobody would drop what waits for it */
	peer_path(p, &ret->path);
	if (!ret->path.remote.family)
		return TNL_DROP_NOPATH;
	ret->key = session_sending(p);
	if (reserve(ret->key, now, count, &ret->counter))
		return TNL_PASS;
	ret->key = NULL;
	atomic_store_explicit(&p->waiting, true, memory_order_relaxed);
	ask_initiation(w, p, now);
	return TNL_WAIT;
}

enum tnl_verdict tnl_tx_begin(struct tnl_worker *w, tnl_ns now, const uint8_t *inner, size_t len, uint32_t count,
			      struct tnl_run *ret)
{
	enum tnl_verdict v;

	assert(count >= 1 && count <= TNL_RUN_MAX);
	v = tx_begin(w, now, inner, len, count, ret);
	count_verdict(w, v, count);
	return v;
}

/* WG 5.4.6 pads to 16 bytes; a packet above the MTU (it will be cut on its way) counts by what is left of it. */
size_t tnl_tx_len(size_t inner, size_t mtu)
{
	size_t last = mtu && inner > mtu ? inner % mtu : inner;
	size_t padded = (last + 15) / 16 * 16;

	if (mtu && padded > mtu)
		padded = mtu;
	return TNL_HEAD + inner - last + padded + TNL_TAG;
}

void tnl_tx_seal_run(struct tnl_worker *w, const struct tnl_run *run, uint32_t first, struct tnl_pkt *pkt, uint32_t n,
		     size_t mtu)
{
	struct aead_item item[TNL_RUN_MAX];

	assert(n <= TNL_RUN_MAX);
	for (uint32_t i = 0; i < n; i++) {
		uint8_t *slot = pkt[i].data;
		size_t inner = pkt[i].len, len = tnl_tx_len(inner, mtu), body = len - TNL_HEAD - TNL_TAG;
		uint64_t counter = run->counter + first + i;

		put_le32(slot, WIRE_DATA);
		put_le32(slot + DATA_RECEIVER, run->key->remote_index);
		put_le64(slot + DATA_COUNTER, counter);
		memset(slot + TNL_HEAD + inner, 0, body - inner);
		item[i] = (struct aead_item){ slot + TNL_HEAD, body, counter, false };
		pkt[i].len = (uint32_t)len;
	}
	aead_seal_run(w->aead, item, n, run->key->send);
}

size_t tnl_tx_seal(struct tnl_worker *w, const struct tnl_run *run, uint32_t i, uint8_t *slot, size_t inner, size_t mtu)
{
	struct tnl_pkt pkt = { .data = slot, .len = (uint32_t)inner };

	tnl_tx_seal_run(w, run, i, &pkt, 1, mtu);
	return pkt.len;
}

void tnl_tx_end(struct tnl_worker *w, tnl_ns now, const struct tnl_run *run, uint64_t bytes)
{
	const struct tnl_session *s = run->key;
	struct peer *p = s->peer;

	atomic_fetch_add_explicit(&p->tx_bytes, bytes, memory_order_relaxed);
	peer_sent(p, now);
	start_due(w, p, &p->silence_due, now + atomic_load_explicit(&p->silence_timeout, memory_order_relaxed));
	if (run->counter + run->count > REKEY_AFTER_MESSAGES ||
	    (s->initiator && older_than(s->birth, now, REKEY_AFTER_TIME)))
		ask_initiation(w, p, now);
}

/* ---- Receiving --------------------------------------------------------------------------------------------------- */

static bool mac1_holds(const struct tnl *t, const uint8_t *msg, size_t len)
{
	uint64_t key[TNL_IDENTITIES][MAC1_WORDS];
	uint32_t seq, set;

	do {
		seq = atomic_load_explicit(&t->mac1_seq, memory_order_acquire);
		set = atomic_load_explicit(&t->mac1_set, memory_order_acquire);
		for (int i = 0; i < TNL_IDENTITIES; i++)
			for (int j = 0; j < MAC1_WORDS; j++)
				key[i][j] = atomic_load_explicit(&t->mac1_key[i][j], memory_order_acquire);
	} while (seq % 2 || atomic_load_explicit(&t->mac1_seq, memory_order_relaxed) != seq);
	for (int i = 0; i < TNL_IDENTITIES; i++)
		if (set >> i & 1 && cookie_mac1_holds((const uint8_t *)key[i], msg, len))
			return true;
	return false;
}

/* PASS: a data message; all else is final. */
static enum tnl_verdict classify(const struct tnl *t, const uint8_t *msg, size_t len)
{
	size_t exact;

	if (len < DATA_MIN)
		return TNL_DROP_SHORT;
	switch (get_le32(msg)) {
	case WIRE_DATA:
		return TNL_PASS;
	case WIRE_INITIATION:
		exact = INITIATION_LEN;
		break;
	case WIRE_RESPONSE:
		exact = RESPONSE_LEN;
		break;
	case WIRE_COOKIE:
		/* Without a mac1, but bound to a handshake of ours: the owner need not see what strangers make up. */
		if (len != COOKIE_LEN)
			return TNL_DROP_SHORT;
		return index_lookup(&t->index, get_le32(msg + COOKIE_RECEIVER)) ? TNL_CONTROL : TNL_DROP_INDEX;
	default:
		return TNL_DROP_TYPE;
	}
	if (len != exact)
		return TNL_DROP_SHORT;
	return mac1_holds(t, msg, len) ? TNL_CONTROL : TNL_DROP_MAC1;
}

static struct tnl_session *session_by_index(const struct tnl *t, uint32_t index)
{
	uint32_t ref = index_lookup(&t->index, index);

	return ref && !(ref & INDEX_HANDSHAKE) ? &t->session[ref - 1] : NULL;
}

static enum tnl_verdict rx_first(const struct tnl *t, tnl_ns now, struct tnl_pkt *pkt, struct tnl_run *ret)
{
	enum tnl_verdict v;

	if (!atomic_load_explicit(&t->up, memory_order_relaxed))
		return TNL_DROP_DOWN;
	v = classify(t, pkt->data, pkt->len);
	if (v != TNL_PASS)
		return v;
	ret->key = session_by_index(t, get_le32(pkt->data + DATA_RECEIVER));
	if (!ret->key)
		return TNL_DROP_INDEX;
	pkt->counter = get_le64(pkt->data + DATA_COUNTER);
	if (pkt->counter >= REJECT_AFTER_MESSAGES || older_than(ret->key->birth, now, REJECT_AFTER_TIME)) {
		ret->key = NULL;
		return TNL_DROP_EXPIRED;
	}
	ret->peer = atomic_load_explicit(&ret->key->peer->handle, memory_order_relaxed);
	return TNL_PASS;
}

uint32_t tnl_rx_begin(struct tnl_worker *w, tnl_ns now, struct tnl_pkt *pkt, uint32_t n, struct tnl_run *ret)
{
	uint32_t count = 1;

	n = n < TNL_RUN_MAX ? n : TNL_RUN_MAX;
	*ret = (struct tnl_run){ .count = 1 };
	pkt->verdict = rx_first(w->t, now, pkt, ret);
	if (!ret->key) {
		count_verdict(w, pkt->verdict, 1);
		return 1;
	}
	/* The type and index of the first: as long as those eight bytes repeat, the look-up need not. */
	for (; count < n && pkt[count].len >= DATA_MIN && !memcmp(pkt[count].data, pkt->data, 8); count++) {
		pkt[count].counter = get_le64(pkt[count].data + DATA_COUNTER);
		if (pkt[count].counter >= REJECT_AFTER_MESSAGES)
			break;
		pkt[count].verdict = TNL_PASS;
	}
	ret->count = count;
	return count;
}

void tnl_rx_open_run(struct tnl_worker *w, const struct tnl_run *run, struct tnl_pkt *pkt, uint32_t n)
{
	struct aead_item item[TNL_RUN_MAX];

	assert(n <= run->count);
	for (uint32_t i = 0; i < n; i++)
		item[i] = (struct aead_item){ pkt[i].data + DATA_BODY, pkt[i].len - DATA_MIN, pkt[i].counter, false };
	aead_open_run(w->aead, item, n, run->key->receive);
	for (uint32_t i = 0; i < n; i++) {
		if (!item[i].opened) {
			pkt[i].verdict = TNL_DROP_AUTH;
			continue;
		}
		pkt[i].data = item[i].buf;
		pkt[i].len = (uint32_t)item[i].len;
	}
}

void tnl_rx_open(struct tnl_worker *w, const struct tnl_run *run, struct tnl_pkt *pkt)
{
	tnl_rx_open_run(w, run, pkt, 1);
}

/* Of an authentic packet: is it whole, and may this peer send it? Trims the padding. */
static enum tnl_verdict admit(const struct tnl *t, const struct peer *p, struct tnl_pkt *pkt)
{
	uint32_t owner;
	size_t len;

	if (!pkt->len)
		return TNL_EMPTY;
	len = ip_total_len(pkt->data, pkt->len);
	if (!len)
		return TNL_DROP_INNER;
	pkt->len = (uint32_t)len;
	owner = pkt->data[0] >> 4 == 4 ? route_lookup4(t->route, pkt->data + IP4_SRC) :
					 route_lookup6(t->route, pkt->data + IP6_SRC);
	return owner == p->slot + 1 ? TNL_PASS : TNL_DROP_SOURCE;
}

static void roam(struct peer *p, const struct tnl_path *from)
{
	struct tnl_path path;

	peer_path(p, &path);
	if (memcmp(&path, from, sizeof(path)))
		(void)peer_path_try(p, from);	/* somebody else writes: the next packet tries again */
}

/* After something authentic came: WG 6.2 for the initiator, WG 6.5, and the first packet of a session confirms it. */
static void settle_rx(struct tnl_worker *w, tnl_ns now, struct tnl_session *s, const struct tnl_path *from,
		      bool content)
{
	struct peer *p = s->peer;
	struct tnl_session *tx = session_sending(p);

	roam(p, from);
	if (!atomic_load_explicit(&s->confirmed, memory_order_relaxed) && !atomic_exchange(&s->confirmed, true))
		tell(w, p, NEWS_CONFIRMED);
	peer_heard(p, now);
	if (content)
		start_due(w, p, &p->passive_due, now + KEEPALIVE_TIMEOUT);
	if (tx && tx->initiator && older_than(tx->birth, now, REKEY_ON_RECEIVE_TIME) &&
	    !atomic_load_explicit(&tx->rekey_asked, memory_order_relaxed) && !atomic_exchange(&tx->rekey_asked, true))
		tell(w, p, NEWS_INITIATE);
}

void tnl_rx_end(struct tnl_worker *w, tnl_ns now, const struct tnl_run *run, const struct tnl_path *from,
		struct tnl_pkt *pkt)
{
	struct tnl_session *s = run->key;
	bool authentic = false, content = false;
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < run->count; i++) {
		uint32_t wire = pkt[i].len + DATA_MIN;

		if (pkt[i].verdict == TNL_PASS) {
			if (replay_accept(&s->replay, pkt[i].counter)) {
				authentic = true;
				content |= pkt[i].len != 0;
				pkt[i].verdict = admit(w->t, s->peer, &pkt[i]);
			} else {
				pkt[i].verdict = TNL_DROP_REPLAY;
			}
		}
		if (pkt[i].verdict == TNL_PASS || pkt[i].verdict == TNL_EMPTY)
			bytes += wire;
		count_verdict(w, pkt[i].verdict, 1);
	}
	if (!authentic)
		return;
	atomic_fetch_add_explicit(&s->peer->rx_bytes, bytes, memory_order_relaxed);
	settle_rx(w, now, s, from, content);
}
