/* SPDX-License-Identifier: MIT */
/*
 * The owner's loop. It sleeps in epoll on the parent's channel, UAPI clients, the workers' eventfd and one timer, and
 * after whatever woke it does the rounds: control datagrams that workers queued, news of the machine for the workers,
 * messages that timers want sent. Each round is bounded and comes back with "more" instead of going on, so that no
 * flood of one kind starves the others.
 *
 * The region of the protocol machine is mapped for the largest device there may be and costs only the pages that peers
 * touch. While still root it is locked as it is touched; where that is not permitted it stays unlocked.
 */
#include "engine.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "control.h"
#include "device.h"
#include "log.h"
#include "queues.h"
#include "report.h"
#include "sandbox.h"

enum {
	BUSY_DEPTH = WORKER_CONTROL_MAX / 8, /* waiting handshakes that mean load, WG 5.3; the kernel takes 512/4096 */
	CONTROL_ROUND = 64,                  /* datagrams a round: 64 * 0.12 ms keep clients waiting less than 10 ms */
	ADVANCE_BATCH = 16,                  /* messages a call */
	ADVANCE_ROUND = 4,                   /* calls a round: as many initiations leave as are answered */
	EVENT_ROUND = 4096,                  /* of peers, between two looks at handshakes: a million come at once */
	EVENTS = 64,
	RANDOM = 512,                        /* bytes asked of the kernel at a time: a dozen handshakes */
};

enum { ID_CHANNEL, ID_WORKERS, ID_TIMER };	/* epoll data; clients have CONTROL_ID and up */

struct engine {
	struct device device;
	struct control *control;
	void *region;
	size_t region_len;
	struct queues queues;
	int listener, names, epoll, event, timer, null;
	struct report report;
	tnl_ns armed;		/* what the timer is set to */
	uint8_t random[RANDOM];	/* from the kernel; what was given away is zero */
	size_t random_left;	/* bytes at its beginning */
	bool stop;
	struct tnl_msg out[ADVANCE_BATCH];
	struct worker_dgram dgram;
};

/* A handshake needs it in three portions, and a call costs as much as all the rest of them. */
static void engine_random(void *ctx, void *dst, size_t len)
{
	struct engine *e = ctx;

	if (len > RANDOM) {
		randombytes_buf(dst, len);
		return;
	}
	if (e->random_left < len) {
		randombytes_buf(e->random, RANDOM);
		e->random_left = RANDOM;
	}
	e->random_left -= len;
	memcpy(dst, e->random + e->random_left, len);
	sodium_memzero(e->random + e->random_left, len);
}

/* False: there is no address space for so much. */
static bool map_one(struct engine *e, const struct tnl_limits *lim)
{
	const struct tnl_env env = {.ctx = e, .random = engine_random};
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;

	e->region_len = tnl_footprint(lim);
	if (!e->region_len)
		return false;
	e->region = mmap(NULL, e->region_len, PROT_READ | PROT_WRITE, flags, -1, 0);
	if (e->region == MAP_FAILED)
		return false;
	madvise(e->region, e->region_len, MADV_DONTDUMP);
	if (mlock2(e->region, e->region_len, MLOCK_ONFAULT) < 0)
		log_debug("keys may be swapped out: %m");
	e->device.limits = *lim;
	e->device.tnl = tnl_init(e->region, lim, &env);
	if (!e->device.tnl)
		die("the protocol machine refuses its limits");
	return true;
}

/* The largest device for which address space can be had. An active peer has up to three sessions; with fewer than that
 * for each, a million active peers would find none left to renew theirs. */
static void map_region(struct engine *e)
{
	for (uint32_t peers = TNL_PEERS_MAX; peers >= 1024; peers /= 4)
		for (uint32_t each = 3; each >= 1; each -= 2) {
			const struct tnl_limits lim = {
				.peers = peers,
				.sessions = each * peers,
				.prefixes = 2 * peers,
				.workers = e->queues.workers,
			};

			if (!map_one(e, &lim))
				continue;
			return;
		}
	die("no address space for the smallest device: %m");
}

/* The first message brings what the engine works on. */
static void receive_start(struct engine *e, struct worker_conf *worker)
{
	struct pollfd p = {.fd = ENGINE_CHANNEL, .events = POLLIN};
	struct msg m;
	int n;

	do {
		poll(&p, 1, -1);
		n = msg_recv(ENGINE_CHANNEL, MSG_FROM_PARENT, &m);
	} while (n == -EAGAIN);
	if (n == 0)
		exit(0);	/* the parent has already said why */
	if (n < 0 || m.type != MSG_START)
		die("the parent speaks another language");
	e->listener = m.fd[0];
	e->names = m.fd[1];
	e->queues.lanes = worker->lanes = m.body.start.lanes;
	e->queues.workers = (m.fds - 2) / m.body.start.lanes;
	memcpy(e->queues.fd, m.fd + 2, (m.fds - 2) * sizeof(m.fd[0]));
	worker->info = e->device.tun = m.body.start.tun;
	worker->udp = e->device.udp = m.body.start.udp;
	worker->share = m.body.start.share;
	log_open(m.body.start.name, (enum log_level)m.body.start.level);
}

static void watch(struct engine *e, int fd, uint64_t id)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.u64 = id};

	if (epoll_ctl(e->epoll, EPOLL_CTL_ADD, fd, &ev) < 0)
		die("cannot watch a descriptor: %m");
}

static void engine_start(struct engine *e)
{
	struct msg ready = {.type = MSG_READY};
	struct worker_conf worker = {.mtu = 0};

	if (sodium_init() < 0)
		die("no randomness, no tunnel");
	receive_start(e, &worker);
	log_prepare_syslog();
	e->null = open("/dev/null", O_RDWR | O_CLOEXEC);
	map_region(e);
	e->epoll = epoll_create1(EPOLL_CLOEXEC);
	e->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	e->timer = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	if (e->epoll < 0 || e->event < 0 || e->timer < 0)
		die("cannot set the loop up: %m");
	watch(e, ENGINE_CHANNEL, ID_CHANNEL);
	watch(e, e->event, ID_WORKERS);
	watch(e, e->timer, ID_TIMER);

	sandbox_engine();
	worker.tnl = e->device.tnl;
	worker.owner_event = e->event;
	randombytes_buf(&worker.seed, sizeof(worker.seed));
	device_start(&e->device);
	if (!pool_start(&e->device.pool, &worker, e->queues.fd, e->queues.workers))
		die("cannot start a worker: %m");
	e->device.channel = ENGINE_CHANNEL;
	if (!report_start(&e->report, &e->device))
		die("no memory: %m");
	e->control = control_new(&e->device, e->epoll, e->listener, e->names);
	if (!e->control)
		die("cannot serve clients: %m");
	sandbox_engine_calls();
	ready.body.ready.pid = (uint32_t)getpid();
	snprintf(ready.body.ready.ciphers, sizeof(ready.body.ready.ciphers), "%s", tnl_ciphers());
	ready.body.ready.uring = pool_has_rings(&e->device.pool);
	if (msg_send(ENGINE_CHANNEL, &ready) < 0)
		exit(1);
}

static void transmit(struct engine *e, const struct tnl_msg *m)
{
	/* A datagram that cannot be sent is like one that got lost. */
	if (udp_send(&e->device.socks[0], &m->path, m->data, m->len, m->tos) == 1 && m->peer)
		tnl_forget_source(e->device.tnl, m->peer);
}

/* True: there is more. */
static bool control_round(struct engine *e)
{
	struct device *d = &e->device;

	for (unsigned i = 0; i < CONTROL_ROUND; i++) {
		unsigned depth = pool_control_depth(&d->pool);

		if (!pool_pop_control(&d->pool, &e->dgram))
			return false;
		e->report.read++;
		e->report.loaded += depth >= BUSY_DEPTH;
		if (!tnl_control(d->tnl, device_now(), &e->dgram.path, e->dgram.data, e->dgram.len,
				 depth >= BUSY_DEPTH, &e->out[0]))
			continue;
		e->report.answered++;
		transmit(e, &e->out[0]);
	}
	return true;
}

/* True: there is more. */
static bool pass_events(struct engine *e)
{
	struct device *d = &e->device;
	struct tnl_event ev;

	for (unsigned i = 0; i < EVENT_ROUND; i++) {
		if (!tnl_event(d->tnl, &ev))
			return false;
		report_event(&e->report, &ev);
		if (ev.what == TNL_EV_READY)
			pool_ready(&d->pool, ev.peer);
		else
			pool_drop(&d->pool, ev.peer);
	}
	return true;
}

/* True: there is more. */
static bool advance_round(struct engine *e)
{
	for (unsigned i = 0; i < ADVANCE_ROUND; i++) {
		size_t n = tnl_advance(e->device.tnl, device_now(), e->out, ADVANCE_BATCH);

		for (size_t k = 0; k < n; k++)
			transmit(e, &e->out[k]);
		if (pass_events(e))
			return true;
		if (n < ADVANCE_BATCH)
			return false;
	}
	return true;
}

static void detach(struct engine *e)
{
	log_to_syslog();
	for (int fd = 0; e->null >= 0 && fd <= STDERR_FILENO; fd++)
		dup2(e->null, fd);
	e->device.pending.detach = false;
}

static void handle(struct engine *e, const struct epoll_event *ev)
{
	uint64_t ticks;

	if (ev->data.u64 >= CONTROL_ID) {
		control_event(e->control, ev->data.u64, ev->events);
	} else if (ev->data.u64 == ID_CHANNEL) {
		device_receive(&e->device);
	} else if (read(ev->data.u64 == ID_TIMER ? e->timer : e->event, &ticks, sizeof(ticks)) > 0) {
		if (ev->data.u64 == ID_TIMER)
			e->armed = TNL_NEVER;
	}
}

/* Sets the timer to the next deadline; returns false when that has come already. */
static bool may_sleep(struct engine *e)
{
	struct device *d = &e->device;
	tnl_ns deadline = tnl_deadline(d->tnl);
	struct itimerspec when = {0};

	if (device_deadline(d) < deadline)
		deadline = device_deadline(d);
	if (report_deadline(&e->report) < deadline)
		deadline = report_deadline(&e->report);
	if (deadline <= device_now().boot)
		return false;
	if (deadline == e->armed)
		return true;
	e->armed = deadline;
	if (deadline != TNL_NEVER) {	/* all zero switches it off */
		when.it_value.tv_sec = (time_t)(deadline / TNL_SEC);
		when.it_value.tv_nsec = (long)(deadline % TNL_SEC);
	}
	timerfd_settime(e->timer, TFD_TIMER_ABSTIME, &when, NULL);
	return true;
}

/* Everything that may be due. True: some of it was put off, do not sleep. */
static bool round_of_work(struct engine *e)
{
	struct device *d = &e->device;
	bool more;

	pool_listen(&d->pool);	/* what comes from here on wakes us */
	more = control_round(e);

	device_act(d);
	if (d->pending.detach)
		detach(e);
	more |= pass_events(e);
	more |= advance_round(e);
	report_round(&e->report);
	e->stop |= d->pending.stop || pool_tun_gone(&d->pool);
	return more;
}

static void engine_end(struct engine *e)
{
	control_free(e->control);
	pool_set_sockets(&e->device.pool, NULL, NULL);
	device_end(&e->device);
	pool_stop(&e->device.pool);
	queues_close(&e->queues);	/* before the channel, whose end says that the interface is free */
	tnl_wipe(e->device.tnl);
	sodium_memzero(e->random, sizeof(e->random));
	sodium_memzero(e->out, sizeof(e->out));
	sodium_memzero(&e->dgram, sizeof(e->dgram));
	munmap(e->region, e->region_len);
}

int engine_main(void)
{
	static struct engine engine = {.armed = TNL_NEVER};
	struct engine *e = &engine;
	bool more = true;

	sandbox_early();
	engine_start(e);
	while (!e->stop) {
		struct epoll_event ev[EVENTS];
		int n = epoll_wait(e->epoll, ev, EVENTS, more || !may_sleep(e) ? 0 : -1);

		if (n < 0 && errno != EINTR) {
			log_error("the loop broke: %m");
			break;
		}
		for (int i = 0; i < n; i++)
			handle(e, &ev[i]);
		more = round_of_work(e);
	}
	engine_end(e);
	return e->stop ? 0 : 1;
}
