/* SPDX-License-Identifier: MIT */
/* Peers: what of them cannot work, and what of them does not. */
#include "doctor.h"

#include "client.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	SAMPLES = 16, SAMPLE_MS = 50,
	UNANSWERED_S = 90,	/* REKEY_ATTEMPT_TIME: so long the daemon tries before it gives up */
};

/* Sorted, since peers are many: equal things are neighbours then. */
struct claim {
	const struct peer *peer;
	struct net net;
};

static struct claim *all_claims(const struct roster *r, size_t *count)
{
	struct claim *list;
	size_t n = 0;

	for (size_t i = 0; i < r->count; i++)
		n += r->peer[i].net_count;
	*count = n;
	list = calloc(n + 1, sizeof(*list));
	for (size_t i = 0, at = 0; list && i < r->count; i++)
		for (size_t k = 0; k < r->peer[i].net_count; k++)
			list[at++] = (struct claim){ &r->peer[i], r->peer[i].net[k] };
	return list;
}

static int by_net(const void *a, const void *b)
{
	const struct claim *x = a, *y = b;
	int order = (int)x->net.addr.family - (int)y->net.addr.family;

	order = order ? order : memcmp(x->net.addr.ip, y->net.addr.ip, sizeof(x->net.addr.ip));
	return order ? order : (int)x->net.bits - (int)y->net.bits;
}

enum doctor_result doctor_same_network(struct doctor *d)
{
	char a[IFACE_PEER_NAME_MAX + 1], b[IFACE_PEER_NAME_MAX + 1], text[TEXT_ADDR], first[DOCTOR_TEXT] = "";
	size_t count, bad = 0;
	struct claim *list = all_claims(&d->saved, &count);

	if (!list)
		return doctor_say(d, DOCTOR_SKIPPED, "out of memory");
	qsort(list, count, sizeof(*list), by_net);
	for (size_t i = 1; i < count; i++)
		if (!by_net(&list[i - 1], &list[i]) && list[i - 1].peer != list[i].peer && !bad++)
			snprintf(first, sizeof(first), "%s is both peer %s's and peer %s's",
				 net_text(&list[i].net, text), peer_label(list[i - 1].peer, a),
				 peer_label(list[i].peer, b));
	free(list);
	return bad ? doctor_count_of(d, DOCTOR_PROBLEM, bad, first)
		   : doctor_say(d, DOCTOR_GOOD, "each network is one peer's");
}

/* The roster is sorted by key. */
enum doctor_result doctor_same_key(struct doctor *d)
{
	char a[IFACE_PEER_NAME_MAX + 1], b[IFACE_PEER_NAME_MAX + 1], first[DOCTOR_TEXT] = "";
	size_t bad = 0;

	for (size_t i = 1; i < d->saved.count; i++) {
		const struct peer *x = &d->saved.peer[i - 1], *y = &d->saved.peer[i];

		if (!memcmp(x->key, y->key, sizeof(x->key)) && !bad++)
			snprintf(first, sizeof(first), "peers %s and %s have the same public key", peer_label(x, a),
				 peer_label(y, b));
	}
	return bad ? doctor_count_of(d, DOCTOR_PROBLEM, bad, first)
		   : doctor_say(d, DOCTOR_GOOD, "each peer has a key of its own");
}

enum doctor_result doctor_own_key(struct doctor *d)
{
	char name[IFACE_PEER_NAME_MAX + 1];
	const struct peer *p = d->saved.has_key ? roster_by_key(&d->saved, d->saved.public) : NULL;

	if (p)
		return doctor_say(d, DOCTOR_PROBLEM, "peer %s has our own public key", peer_label(p, name));
	return doctor_say(d, DOCTOR_GOOD, "no peer has our own public key");
}

enum doctor_result doctor_own_address(struct doctor *d)
{
	char name[IFACE_PEER_NAME_MAX + 1], text[TEXT_ADDR];

	for (size_t i = 0; i < d->r.own_count; i++) {
		struct net own = d->r.own[i];
		const struct peer *p;

		own.bits = own.addr.family == 4 ? 32 : 128;
		p = roster_owner(&d->r, &own, NULL);
		if (p)
			return doctor_say(d, DOCTOR_PROBLEM, "%s is ours, and peer %s's", net_text(&own, text),
					  peer_label(p, name));
	}
	return doctor_say(d, DOCTOR_GOOD, "no peer has our own address");
}

enum doctor_result doctor_no_network(struct doctor *d)
{
	char name[IFACE_PEER_NAME_MAX + 1], first[DOCTOR_TEXT] = "";
	size_t bad = 0;

	for (size_t i = 0; i < d->r.count; i++)
		if (!d->r.peer[i].net_count && !bad++)
			snprintf(first, sizeof(first), "peer %s has no AllowedIPs", peer_label(&d->r.peer[i], name));
	return bad ? doctor_count_of(d, DOCTOR_WARNING, bad, first)
		   : doctor_say(d, DOCTOR_GOOD, "each peer has a network");
}

/* We have spoken to it, and never has there been a session: what was sent are handshakes. */
enum doctor_result doctor_unanswered(struct doctor *d)
{
	char name[IFACE_PEER_NAME_MAX + 1], first[DOCTOR_TEXT] = "";
	uint64_t now_s = (uint64_t)time(NULL);
	size_t bad = 0;

	if (!d->answers)
		return doctor_say(d, DOCTOR_SKIPPED, "tunneld does not run");
	for (size_t i = 0; i < d->r.count; i++) {
		const struct peer *p = &d->r.peer[i];
		bool never = p->endpoint[0] && p->tx_bytes && !p->handshake_s && !p->rx_bytes;
		bool no_more = p->keepalive_s && p->handshake_s &&
			       p->handshake_s + ROSTER_ONLINE_S + UNANSWERED_S < now_s;

		if ((never || no_more) && !bad++)
			snprintf(first, sizeof(first), "peer %s %s", peer_label(p, name),
				 never ? "has never answered our handshakes" : "does not answer any more");
	}
	return bad ? doctor_count_of(d, DOCTOR_WARNING, bad, first)
		   : doctor_say(d, DOCTOR_GOOD, "peers that we speak to answer");
}

/* ---- One configuration on two devices ---------------------------------------------------------------------------- */

/* A phone changes its address now and then, and does not come back to the one before within a second. */
enum doctor_result doctor_ping_pong(struct doctor *d)
{
	char name[IFACE_PEER_NAME_MAX + 1], first[DOCTOR_TEXT] = "";
	unsigned *changes = calloc(d->r.count + 1, sizeof(*changes));
	struct roster last = { 0 }, now;
	bool online = false;
	size_t bad = 0;

	for (size_t i = 0; d->answers && i < d->r.count; i++)
		online = online || peer_online(&d->r.peer[i], (uint64_t)time(NULL));
	for (unsigned s = 0; online && changes && s < SAMPLES; s++) {
		now = (struct roster){ 0 };
		if (client_load(d->f.sock, &now)) {
			roster_free(&now);
			break;
		}
		for (size_t i = 0; i < d->r.count; i++) {
			const struct peer *is = roster_by_key(&now, d->r.peer[i].key);
			const struct peer *was = roster_by_key(&last, d->r.peer[i].key);

			changes[i] += is && was && strcmp(is->endpoint, was->endpoint);
		}
		roster_free(&last);
		last = now;
		if (s + 1 < SAMPLES)
			nanosleep(&(struct timespec){ .tv_nsec = SAMPLE_MS * 1000000L }, NULL);
	}
	roster_free(&last);
	for (size_t i = 0; changes && i < d->r.count; i++)
		if (changes[i] > 1 && !bad++)
			snprintf(first, sizeof(first), "peer %s speaks from two places at once",
				 peer_label(&d->r.peer[i], name));
	free(changes);
	if (!online)
		return doctor_say(d, DOCTOR_SKIPPED, "no peer is online");
	return bad ? doctor_count_of(d, DOCTOR_WARNING, bad, first)
		   : doctor_say(d, DOCTOR_GOOD, "each peer speaks from one place");
}
