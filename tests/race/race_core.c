/* SPDX-License-Identifier: MIT */
/*
 * Two machines in one process, each with two workers and an owner in threads of their own, while the owners add and
 *remove peers, move prefixes and endpoints, change identities and take the interface down. Meant for ThreadSanitizer;
 *by itself it checks that nothing is delivered twice or damaged, and that traffic flows.
 *
 *	race_core [ROUNDS]	runs that each worker sends
 */
#include <pthread.h>
#include <sched.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tunnel.h"

enum { WORKERS = 2, QUEUE = 256, RUN = 4, INNER = 96, SLOT = 160, STRANGERS = 8 };

struct dgram {
	uint16_t len;
	uint8_t data[SLOT];
};

/* The only lock is the test's own. */
struct queue {
	pthread_mutex_t lock;
	unsigned head, count;
	struct dgram dgram[QUEUE];
};

struct machine {
	struct tnl *t;
	tnl_peer peer;
	int self;
	struct queue wire;	/* to this machine */
	struct queue control;	/* from its workers to its owner */
};

struct worker_arg {
	struct machine *m;
	unsigned index;
};

static struct machine machine[2];
static _Atomic uint64_t clock_ns = 1000 * TNL_SEC;
static _Atomic unsigned working;
static _Atomic uint64_t next_id = 1, delivered, damaged, twice;
static _Atomic uint8_t *seen;
static uint64_t rounds = 5000;

static void entropy(void *ctx, void *dst, size_t len)
{
	(void)ctx;
	randombytes_buf(dst, len);
}

static void push(struct queue *q, const uint8_t *data, size_t len)
{
	pthread_mutex_lock(&q->lock);
	if (q->count < QUEUE && len <= SLOT) {
		struct dgram *d = &q->dgram[(q->head + q->count++) % QUEUE];

		d->len = (uint16_t)len;
		memcpy(d->data, data, len);
	}
	pthread_mutex_unlock(&q->lock);
}

static bool pop(struct queue *q, struct dgram *ret)
{
	bool got = false;

	pthread_mutex_lock(&q->lock);
	if (q->count) {
		*ret = q->dgram[q->head];
		q->head = (q->head + 1) % QUEUE;
		q->count--;
		got = true;
	}
	pthread_mutex_unlock(&q->lock);
	return got;
}

static struct tnl_now now(void)
{
	uint64_t ns = atomic_load(&clock_ns);

	return (struct tnl_now){ ns, 1700000000 * TNL_SEC + ns };
}

static struct tnl_path path_from(int host, unsigned port)
{
	return (struct tnl_path){ .remote = {
					  .ip = { 192, 0, 2, (uint8_t)host }, .port = (uint16_t)port, .family = 4 } };
}

/* ---- Workers ----------------------------------------------------------------------------------------------------- */

static void inner_packet(uint8_t *p, int self, uint64_t id)
{
	memset(p, (int)(id * 31 & 0xff), INNER);
	memcpy(p, (uint8_t[]){ 0x45, 0, 0, INNER }, 4);
	memcpy(p + 12, (uint8_t[]){ 10, 0, 0, (uint8_t)self }, 4);
	memcpy(p + 16, (uint8_t[]){ 10, 0, 0, (uint8_t)!self }, 4);
	memcpy(p + 20, &id, sizeof(id));
}

static bool send_run(struct machine *m, struct tnl_worker *w)
{
	uint8_t inner[INNER], slot[RUN][SLOT];
	struct tnl_pkt pkt[RUN];
	struct tnl_run run;
	size_t bytes = 0;

	inner_packet(inner, m->self, 0);
	if (tnl_tx_begin(w, now().boot, inner, sizeof(inner), RUN, &run) != TNL_PASS)
		return false;
	for (uint32_t i = 0; i < RUN; i++) {
		inner_packet(slot[i] + TNL_HEAD, m->self, atomic_fetch_add(&next_id, 1));
		pkt[i] = (struct tnl_pkt){ .data = slot[i], .len = INNER };
	}
	tnl_tx_seal_run(w, &run, 0, pkt, RUN, 1420);
	for (uint32_t i = 0; i < RUN; i++) {
		push(&machine[!m->self].wire, slot[i], pkt[i].len);
		if (i == 0)	/* the wire duplicates */
			push(&machine[!m->self].wire, slot[i], pkt[i].len);
		bytes += pkt[i].len;
	}
	tnl_tx_end(w, now().boot, &run, bytes);
	return true;
}

static void check_delivery(struct machine *m, const struct tnl_pkt *pkt)
{
	uint8_t want[INNER];
	uint64_t id;

	memcpy(&id, pkt->data + 20, sizeof(id));
	inner_packet(want, !m->self, id);
	if (pkt->len != INNER || memcmp(want, pkt->data, INNER))
		atomic_fetch_add(&damaged, 1);
	else if (atomic_exchange(&seen[id], 1))
		atomic_fetch_add(&twice, 1);
	atomic_fetch_add(&delivered, 1);
}

static void receive_some(struct machine *m, struct tnl_worker *w, unsigned port)
{
	struct tnl_path from = path_from(!m->self, port);
	struct dgram d[RUN];
	struct tnl_pkt pkt[RUN];
	struct tnl_run run;
	uint32_t n = 0;

	while (n < RUN && pop(&m->wire, &d[n])) {
		pkt[n] = (struct tnl_pkt){ .data = d[n].data, .len = d[n].len };
		n++;
	}
	for (uint32_t i = 0, k; i < n; i += k) {
		k = tnl_rx_begin(w, now().boot, &pkt[i], n - i, &run);
		if (pkt[i].verdict == TNL_CONTROL)
			push(&m->control, pkt[i].data, pkt[i].len);
		if (!run.key)
			continue;
		tnl_rx_open_run(w, &run, &pkt[i], k);
		tnl_rx_end(w, now().boot, &run, &from, &pkt[i]);
		for (uint32_t j = 0; j < k; j++)
			if (pkt[i + j].verdict == TNL_PASS)
				check_delivery(m, &pkt[i + j]);
	}
}

static void *worker(void *arg)
{
	struct worker_arg *a = arg;
	struct tnl_worker *w = tnl_worker(a->m->t, a->index);

	for (uint64_t i = 0, sent = 0; sent < rounds && i < 20 * rounds; i++) {
		bool flows;

		tnl_enter(w);
		flows = send_run(a->m, w);
		for (int j = 0; j < 3; j++)
			receive_some(a->m, w, (unsigned)(1000 + i / 1000 % 4));
		tnl_leave(w);
		sent += flows;
		if (!flows)
			sched_yield();
	}
	atomic_fetch_sub(&working, 1);
	return NULL;
}

/* ---- Owner ------------------------------------------------------------------------------------------------------- */

static void churn(struct machine *m, uint64_t turn)
{
	struct tnl_addr net = { .ip = { 10, 1, 0, 0 }, .family = 4 };
	uint8_t pub[TNL_KEY_LEN] = { (uint8_t)(turn % STRANGERS), 77 };
	tnl_peer stranger;

	if (!tnl_peer_add(m->t, pub, &stranger))
		tnl_route_set(m->t, &net, 16 + (unsigned)(turn % 17), stranger);
	else
		tnl_peer_del(m->t, stranger);
	if (turn % 7 == 0)
		tnl_route_set(m->t, &net, 24, turn % 2 ? m->peer : stranger);
	if (turn % 50 == 0)
		tnl_forget_source(m->t, 0);
	if (turn % 90 == 0) {
		struct tnl_peer_conf conf = { .remote = path_from(!m->self, 1).remote,
					      .keepalive_s = (uint16_t)(turn % 3) };

		tnl_peer_set(m->t, now(), m->peer, &conf, TNL_SET_ENDPOINT | TNL_SET_KEEPALIVE);
	}
	if (turn % 300 == 0) {
		randombytes_buf(pub, sizeof(pub));
		tnl_set_identity(m->t, 1, turn % 600 ? pub : NULL);
	}
	if (turn % 2000 == 1999) {
		tnl_set_up(m->t, now(), false);
		tnl_set_up(m->t, now(), true);
	}
}

static void *owner(void *arg)
{
	struct machine *m = arg;
	struct tnl_path from = path_from(!m->self, 1);
	struct tnl_event ev;
	struct tnl_msg out[4];
	struct dgram d;

	for (uint64_t turn = 0; atomic_load(&working); turn++) {
		for (int i = 0; i < 16 && pop(&m->control, &d); i++)
			if (tnl_control(m->t, now(), &from, d.data, d.len, turn % 5 == 0, out))
				push(&machine[!m->self].wire, out[0].data, out[0].len);
		while (tnl_event(m->t, &ev))
			;
		for (size_t n = 4; n == 4;) {
			n = tnl_advance(m->t, now(), out, 4);
			for (size_t i = 0; i < n; i++)
				push(&machine[!m->self].wire, out[i].data, out[i].len);
		}
		if (turn % 8 == 0)
			churn(m, turn / 8);
		atomic_fetch_add(&clock_ns, TNL_SEC / 50);
		sched_yield();
	}
	return NULL;
}

/* ---- Set-up ------------------------------------------------------------------------------------------------------ */

static void *region(size_t len)
{
	void *mem = NULL;

	if (!len || posix_memalign(&mem, 64, len))
		abort();
	memset(mem, 0, len);
	return mem;
}

static void setup(void)
{
	static const struct tnl_limits lim = { .peers = 64, .sessions = 64, .prefixes = 1024, .workers = WORKERS };
	static const struct tnl_env env = { .random = entropy };
	uint8_t priv[2][TNL_KEY_LEN], pub[TNL_KEY_LEN];

	for (int i = 0; i < 2; i++) {
		machine[i].self = i;
		pthread_mutex_init(&machine[i].wire.lock, NULL);
		pthread_mutex_init(&machine[i].control.lock, NULL);
		machine[i].t = tnl_init(region(tnl_footprint(&lim)), &lim, &env);
		randombytes_buf(priv[i], sizeof(priv[i]));
		tnl_set_identity(machine[i].t, 0, priv[i]);
	}
	for (int i = 0; i < 2; i++) {
		struct tnl_peer_conf conf = { .remote = path_from(!i, 1).remote };
		struct tnl_addr net = { .ip = { 10, 0, 0, (uint8_t)!i }, .family = 4 };

		crypto_scalarmult_base(pub, priv[!i]);
		if (tnl_peer_add(machine[i].t, pub, &machine[i].peer) ||
		    tnl_route_set(machine[i].t, &net, 32, machine[i].peer))
			abort();
		tnl_peer_set(machine[i].t, now(), machine[i].peer, &conf, TNL_SET_ENDPOINT);
		tnl_set_up(machine[i].t, now(), true);
	}
}

int main(int argc, char **argv)
{
	struct worker_arg arg[2][WORKERS];
	pthread_t thread[2][WORKERS + 1];

	if (argc > 1)
		rounds = strtoull(argv[1], NULL, 10);
	seen = calloc(2 * WORKERS * RUN * rounds + 2, sizeof(*seen));
	if (!rounds || !seen || sodium_init() < 0)
		return 2;
	setup();
	atomic_store(&working, 2 * WORKERS);
	for (int i = 0; i < 2; i++) {
		pthread_create(&thread[i][WORKERS], NULL, owner, &machine[i]);
		for (unsigned j = 0; j < WORKERS; j++) {
			arg[i][j] = (struct worker_arg){ &machine[i], j };
			pthread_create(&thread[i][j], NULL, worker, &arg[i][j]);
		}
	}
	for (int i = 0; i < 2; i++)
		for (int j = 0; j <= WORKERS; j++)
			pthread_join(thread[i][j], NULL);
	printf("race_core: %llu packets offered, %llu delivered, %llu twice, %llu damaged\n",
	       (unsigned long long)atomic_load(&next_id) - 1, (unsigned long long)atomic_load(&delivered),
	       (unsigned long long)atomic_load(&twice), (unsigned long long)atomic_load(&damaged));
	return !atomic_load(&delivered) || atomic_load(&twice) || atomic_load(&damaged);
}
