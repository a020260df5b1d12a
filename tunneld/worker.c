/* SPDX-License-Identifier: MIT */
/*
 * One poll() tells which of TUN queues, sockets and commands have something; each that has gets one bounded turn, and
 * round again. What is left over is still readable at the next poll(), so nothing is remembered between rounds and
 * neither direction starves the other. The clock is read once a round.
 *
 * Commands of the owner travel through a ring, so that they keep their order, and an eventfd that wakes the worker. It
 * counts those it has carried out; who needs an answer waits for that count. That is the only lock, and it is taken
 * when there was a command.
 */
#include "worker.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "arena.h"
#include "clock.h"
#include "ring.h"
#include "rx.h"
#include "stage.h"
#include "tx.h"

enum { COMMANDS = 256 };
#define LINGER (50 * (TNL_SEC / 1000000))
enum { POLL_COMMANDS, POLL_UDP4, POLL_UDP6, POLL_OLD4, POLL_OLD6, POLL_TUN, POLLS = POLL_TUN + LANES };

struct command {
	enum { CMD_STOP, CMD_SOCKETS, CMD_MTU, CMD_READY, CMD_DROP, CMD_PING } what;
	struct udp_socks socks, old;
	uint32_t mtu;
	tnl_peer peer;
};

struct worker {
	struct worker_conf conf;	/* owner, before the thread starts */
	struct tnl_worker *core;
	pthread_t thread;
	int wake;			/* eventfd: commands, and calls for help */
	struct crew_member crew;
	uint32_t asked;			/* owner: commands given */
	pthread_mutex_t lock;
	pthread_cond_t progress;
	uint32_t done;			/* under lock: commands carried out */
	struct ring commands;		/* owner -> worker */
	struct ring control;		/* worker -> owner */
	atomic_bool holds;		/* worker: packets wait in the stage */
	atomic_bool told;		/* worker sets, owner clears: the owner's eventfd was written */
	atomic_bool gone;		/* worker */
	uint32_t pings;			/* owner */
	_Atomic uint32_t pongs;		/* worker */
	bool stop;			/* worker, as all below */
	struct lanes lanes;
	struct pollfd polls[POLLS];
	struct tx tx;
	struct rx rx;
	struct tun_ring ring;
	bool has_ring;			/* owner, before the thread starts */
	struct command command_mem[COMMANDS];
	struct worker_dgram control_mem[WORKER_CONTROL_MAX];
	uint8_t rx_mem[RX_MESSAGES][UDP_BUF_LEN];
	alignas(TUN_LINE) uint8_t tx_mem[TX_IN];
	alignas(TUN_LINE) uint8_t slots_mem[TX_SLOTS][TUN_RING_SLOT];
	uint8_t plain_mem[TUN_PACKET_MAX + 1];
	uint8_t arena_mem[TX_ARENA];
};

/* A super-packet of TX_RUN segments has as many heads, of 120 bytes at most, and as much around them. */
_Static_assert(TX_ARENA >= TUN_PACKET_MAX + TX_RUN * (120 + TNL_HEAD + 15 + TNL_TAG), "a run fits after a flush");

/* ---- The thread -------------------------------------------------------------------------------------------------- */

/* Without sockets the interface is down, or just came up and the sockets are about to: what the host sends by then
 * waits in the queue. POLLPRI never comes from a TUN device, but removal, which wakes only those who wait for some kind
 * of input, is then noticed all the same. */
static void watch_tun(struct worker *w, bool up)
{
	for (unsigned i = 0; i < LANES; i++)
		w->polls[POLL_TUN + i].events = up ? POLLIN : POLLPRI;
}

static void use_sockets(struct worker *w, tnl_ns now, const struct udp_socks *s, const struct udp_socks *old)
{
	bool up = s->fd4 >= 0 || s->fd6 >= 0;

	w->tx.socks = *s;
	w->polls[POLL_UDP4].fd = s->fd4;
	w->polls[POLL_UDP6].fd = s->fd6;
	w->polls[POLL_OLD4].fd = old->fd4;
	w->polls[POLL_OLD6].fd = old->fd6;
	watch_tun(w, up);
	if (!up) {
		/* What was sent before the interface went down is dropped, not kept. */
		tx_round(&w->tx, now, (1u << w->lanes.count) - 1);
		tx_drop(&w->tx, 0);
	}
}

static void carry_out(struct worker *w, tnl_ns now, const struct command *c)
{
	switch (c->what) {
	case CMD_STOP:
		w->stop = true;
		break;
	case CMD_SOCKETS:
		use_sockets(w, now, &c->socks, &c->old);
		break;
	case CMD_MTU:
		w->tx.mtu = c->mtu;
		break;
	case CMD_READY:
		tx_ready(&w->tx, now, c->peer);
		break;
	case CMD_PING:
		atomic_fetch_add(&w->pongs, 1);
		w->rx.told = true;	/* the owner waits for it */
		break;
	case CMD_DROP:
		tx_drop(&w->tx, c->peer);
		break;
	}
}

static void do_commands(struct worker *w, tnl_ns now)
{
	const struct command *c;
	uint32_t n = 0;
	eventfd_t ignored;

	eventfd_read(w->wake, &ignored);
	for (; (c = ring_peek(&w->commands)) != NULL; n++) {
		carry_out(w, now, c);
		ring_take(&w->commands);
	}
	pthread_mutex_lock(&w->lock);
	w->done += n;
	pthread_cond_signal(&w->progress);
	pthread_mutex_unlock(&w->lock);
}

/* The lanes that have something to read, or an error to tell. */
static unsigned lanes_ready(const struct worker *w)
{
	unsigned ready = 0;

	for (unsigned i = 0; i < w->lanes.count; i++)
		if (w->polls[POLL_TUN + i].revents)
			ready |= 1u << i;
	return ready;
}

/* Nothing can be read any more, and poll() would say so for ever. */
static void leave_tun(struct worker *w)
{
	for (unsigned i = 0; i < LANES; i++)
		w->polls[POLL_TUN + i].fd = -1;
	atomic_store(&w->gone, true);
}

/* poll() has said what is ready. True: the owner has something to do. */
static bool round_once(struct worker *w)
{
	tnl_ns now = clock_boot();
	unsigned lanes;
	bool wake;

	w->rx.told = false;
	tnl_enter(w->core);
	if (w->polls[POLL_COMMANDS].revents) {
		crew_help(&w->crew);
		do_commands(w, now);
	}
	lanes = lanes_ready(w);
	if (lanes)
		tx_round(&w->tx, now, lanes);
	/* A command may just have replaced one, of which poll() said nothing: there may be nothing to read. */
	for (unsigned i = POLL_UDP4; i <= POLL_OLD6; i++)
		if (w->polls[i].revents && w->polls[i].fd >= 0)
			rx_round(&w->rx, w->polls[i].fd, now);
	wake = tnl_leave(w->core) || w->rx.told;
	if (w->tx.gone && w->polls[POLL_TUN].fd >= 0) {
		leave_tun(w);
		wake = true;
	}
	return wake;
}

/* A flood of small packets comes faster than we can be woken: who sends them would pay for waking us again and again,
 * and by the time we run the queue is full. So after a crowd we look again for a moment before we sleep. */
static int wait_for_work(struct worker *w)
{
	int n = 0;

	if (w->tx.crowded) {
		tnl_ns end = clock_boot() + LINGER;

		while ((n = poll(w->polls, POLLS, 0)) == 0 && clock_boot() < end)
			;
		w->tx.crowded = n != 0;
	}
	if (n == 0) {
		crew_sleeps(&w->crew);
		n = poll(w->polls, POLLS, -1);
		crew_wakes(&w->crew);
	}
	return n;
}

static void *run(void *arg)
{
	struct worker *w = arg;

	while (!w->stop) {
		if (wait_for_work(w) < 0)
			continue;
		if (round_once(w) && !atomic_exchange(&w->told, true))
			eventfd_write(w->conf.owner_event, 1);
	}
	return NULL;
}

/* ---- The owner's side -------------------------------------------------------------------------------------------- */

static void wait_done(struct worker *w)
{
	pthread_mutex_lock(&w->lock);
	while (w->done != w->asked)
		pthread_cond_wait(&w->progress, &w->lock);
	pthread_mutex_unlock(&w->lock);
}

static void give(struct worker *w, struct command c)
{
	struct command *slot = ring_reserve(&w->commands);

	if (!slot) {
		wait_done(w);
		slot = ring_reserve(&w->commands);
	}
	*slot = c;
	ring_put(&w->commands);
	w->asked++;
	eventfd_write(w->wake, 1);
}

static void prepare(struct worker *w, const struct worker_conf *conf, struct stage *stage)
{
	w->conf = *conf;
	w->core = tnl_worker(conf->tnl, conf->index);
	ring_init(&w->commands, w->command_mem, COMMANDS, sizeof(w->command_mem[0]));
	ring_init(&w->control, w->control_mem, WORKER_CONTROL_MAX, sizeof(w->control_mem[0]));
	w->lanes.count = conf->lanes;
	memcpy(w->lanes.fd, conf->tun, conf->lanes * sizeof(conf->tun[0]));
	w->lanes.seed = conf->seed;
	w->tx = (struct tx) {
		.tnl = conf->tnl, .core = w->core, .lanes = &w->lanes, .info = &w->conf.info, .mtu = conf->mtu,
		.socks = { -1, -1, 0 }, .gso = { .on = conf->udp.gso }, .stage = stage, .holds = &w->holds,
		.arena = { w->arena_mem, TX_ARENA, 0 }, .in = { w->tx_mem, TX_IN, 0 }, .plain = w->plain_mem,
		.crew = &w->crew, .judge = { .rule = conf->share },
	};
	w->has_ring = conf->info.uring && tun_ring_open(&w->ring, w->lanes.fd[0], &w->conf.info);
	w->tx.ring = w->has_ring ? &w->ring : NULL;
	w->tx.slots = w->slots_mem[0];
	w->rx.core = w->core;
	w->rx.lanes = &w->lanes;
	w->rx.info = &w->conf.info;
	w->rx.control = &w->control;
	w->rx.crew = &w->crew;
	w->rx.judge.rule = conf->share;
	crew_join(conf->crew, &w->crew, w->core, w->wake);
	for (unsigned i = 0; i < RX_MESSAGES; i++)
		w->rx.in[i].buf = w->rx_mem[i];
	gro_init(&w->rx.gro, conf->info.tso, conf->info.uso);
	for (unsigned i = 0; i < POLLS; i++)
		w->polls[i] = (struct pollfd) { .fd = -1, .events = POLLIN };
	w->polls[POLL_COMMANDS].fd = w->wake;
	for (unsigned i = 0; i < conf->lanes; i++)
		w->polls[POLL_TUN + i].fd = conf->tun[i];
	watch_tun(w, false);
}

struct worker *worker_new(const struct worker_conf *conf)
{
	struct worker *w = arena_map(sizeof(*w));
	void *stage = arena_map(stage_footprint());
	int wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), err = errno;

	if (w && stage && wake >= 0) {
		w->wake = wake;
		pthread_mutex_init(&w->lock, NULL);
		pthread_cond_init(&w->progress, NULL);
		prepare(w, conf, stage_init(stage));
		return w;
	}
	if (wake >= 0)
		close(wake);
	arena_unmap(stage, stage_footprint());
	arena_unmap(w, sizeof(*w));
	errno = err;
	return NULL;
}

void worker_free(struct worker *w)
{
	if (!w)
		return;
	pthread_cond_destroy(&w->progress);
	pthread_mutex_destroy(&w->lock);
	close(w->wake);
	if (w->has_ring)
		tun_ring_close(&w->ring);
	arena_unmap(w->tx.stage, stage_footprint());
	arena_unmap(w, sizeof(*w));
}

/* Signals are the owner's. */
int worker_start(struct worker *w)
{
	sigset_t all, before;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&w->thread, NULL, run, w);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -err;
}

void worker_stop(struct worker *w)
{
	give(w, (struct command) { .what = CMD_STOP });
	pthread_join(w->thread, NULL);
}

void worker_set_sockets(struct worker *w, const struct udp_socks *s, const struct udp_socks *old)
{
	static const struct udp_socks none = { -1, -1, 0 };

	give(w, (struct command) { .what = CMD_SOCKETS, .socks = s ? *s : none, .old = old ? *old : none });
	wait_done(w);
}

void worker_set_mtu(struct worker *w, uint32_t mtu)
{
	give(w, (struct command) { .what = CMD_MTU, .mtu = mtu });
}

/* The session was published before this is asked, and a worker that puts a packet into its stage looks for a session
 * once more after it has raised the flag: so either we see the flag, or it sees the session. */
static bool holds(struct worker *w)
{
	return atomic_load(&w->holds);
}

void worker_ready(struct worker *w, tnl_peer p)
{
	if (holds(w))
		give(w, (struct command) { .what = CMD_READY, .peer = p });
}

void worker_drop(struct worker *w, tnl_peer p)
{
	if (holds(w))
		give(w, (struct command) { .what = CMD_DROP, .peer = p });
}

/* An exchange, so that what the worker did before it found the owner told is seen by the owner behind this. */
void worker_listen(struct worker *w)
{
	atomic_exchange(&w->told, false);
}

bool worker_pop_control(struct worker *w, struct worker_dgram *ret)
{
	const struct worker_dgram *d = ring_peek(&w->control);

	if (!d)
		return false;
	*ret = *d;
	ring_take(&w->control);
	return true;
}

unsigned worker_control_depth(const struct worker *w)
{
	return ring_depth(&w->control);
}

bool worker_has_ring(const struct worker *w)
{
	return w->has_ring;
}

bool worker_tun_gone(const struct worker *w)
{
	return atomic_load(&w->gone);
}

void worker_ping(struct worker *w)
{
	if (!worker_alive(w))
		return;
	w->pings++;
	give(w, (struct command) { .what = CMD_PING });
}

bool worker_alive(const struct worker *w)
{
	return atomic_load(&w->pongs) == w->pings;
}
