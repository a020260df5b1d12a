/* SPDX-License-Identifier: MIT */
/*
 * The port may be taken when the interface goes up, most often by a predecessor that is about to end: `wg-quick down`
 * and `up` in one breath. The kernel would refuse to bring the interface up; we cannot, so we try again until it is
 * free or another port is set, and say so once.
 *
 * When the port moves, answers are on their way to the one before, and whoever was not sent anything since still sends
 * there. So those sockets stay for a while and are only read from; one generation of them, for they hold a port.
 */
#include "device.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "log.h"

enum {
	REOPEN_MS = 100,	/* between two attempts to open sockets */
	RELEASE_MS = 3000,	/* the slowest of ways there and back */
	ANSWER_MS = 30000,	/* the parent answers at once; if it does not it is gone or lost */
};

static const struct udp_socks none = {.fd4 = -1, .fd6 = -1};

static tnl_ns clock_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (tnl_ns)ts.tv_sec * TNL_SEC + (tnl_ns)ts.tv_nsec;
}

struct tnl_now device_now(void)
{
	return (struct tnl_now){.boot = clock_ns(CLOCK_BOOTTIME), .wall = clock_ns(CLOCK_REALTIME)};
}

static void take(struct device *d, const struct msg *m)
{
	switch (m->type) {
	case MSG_LINK:
		d->pending.link = true;
		d->pending.state = m->body.link;
		break;
	case MSG_ROUTES:
		d->pending.routes = true;
		break;
	case MSG_DETACH:
		d->pending.detach = true;
		break;
	case MSG_ASK:
		d->pending.asked |= 1u << m->body.ask.what;
		break;
	default:	/* MSG_STOP, or an answer to no question */
		for (unsigned i = 0; i < m->fds; i++)
			close(m->fd[i]);
		d->pending.stop = true;
	}
}

void device_receive(struct device *d)
{
	struct msg m;
	int n = msg_recv(d->channel, MSG_FROM_PARENT, &m);

	if (n == 1)
		take(d, &m);
	else if (n != -EAGAIN)
		d->pending.stop = true;
}

/* The channel may be full of news: a parent that sets up many routes reads none meanwhile. */
static int put_question(int channel, const struct msg *request)
{
	struct pollfd p = {.fd = channel, .events = POLLOUT};
	int err = msg_send(channel, request);

	while (err == -EAGAIN && poll(&p, 1, ANSWER_MS) != 0)
		err = msg_send(channel, request);
	return err;
}

/* Sends a request and waits for the answer of type `answer`. */
static int ask(struct device *d, const struct msg *request, uint32_t answer, struct msg *ret)
{
	int err = put_question(d->channel, request);

	if (err)
		d->pending.stop = true;	/* the parent is gone, or no longer listens */
	while (!err && !d->pending.stop) {
		struct pollfd p = {.fd = d->channel, .events = POLLIN};

		if (poll(&p, 1, ANSWER_MS) == 0) {
			d->pending.stop = true;
			break;
		}
		err = msg_recv(d->channel, MSG_FROM_PARENT, ret);
		if (err == 1) {
			if (ret->type == answer)
				return 0;
			take(d, ret);
			err = 0;
		} else if (err == -EAGAIN) {
			err = 0;
		} else {
			d->pending.stop = true;
		}
	}
	return err < 0 ? err : -EIO;
}

/* ret: POOL_MAX pairs, of which each worker gets one and the rest are none. */
static int ask_sockets(struct device *d, uint16_t port, uint32_t fwmark, struct udp_socks *ret)
{
	struct msg request = {.type = MSG_OPEN, .body.open = {.fwmark = fwmark, .port = port}}, answer;
	const struct msg_sockets *s = &answer.body.sockets;
	int err = ask(d, &request, MSG_SOCKETS, &answer);
	unsigned each;

	if (err || s->error)
		return err ? err : s->error;
	each = s->has4 + s->has6;
	if (answer.fds != each * d->pool.count) {
		for (unsigned i = 0; i < answer.fds; i++)
			close(answer.fd[i]);
		return -EPROTO;
	}
	for (unsigned i = d->pool.count; i < POOL_MAX; i++)
		ret[i] = none;
	for (unsigned i = 0; i < d->pool.count; i++) {
		ret[i] = (struct udp_socks){
			.fd4 = s->has4 ? answer.fd[each * i] : -1,
			.fd6 = s->has6 ? answer.fd[each * i + s->has4] : -1,
			.port = s->port,
		};
	}
	return 0;
}

static int ask_mark(struct device *d, const struct udp_socks *s, uint32_t fwmark)
{
	struct msg request = {.type = MSG_MARK, .body.mark = {.fwmark = fwmark}}, answer;
	int err;

	for (unsigned i = 0; i < d->pool.count; i++) {
		if (s[i].fd4 >= 0)
			request.fd[request.fds++] = s[i].fd4;
		if (s[i].fd6 >= 0)
			request.fd[request.fds++] = s[i].fd6;
	}
	err = ask(d, &request, MSG_DONE, &answer);
	return err ? err : answer.body.done.error;
}

static bool are_open(const struct udp_socks *s)
{
	return s[0].fd4 >= 0 || s[0].fd6 >= 0;
}

static void close_all(struct udp_socks *s)
{
	for (unsigned i = 0; i < POOL_MAX; i++)
		udp_close(&s[i]);
}

/* fresh: POOL_MAX pairs. */
static void use_sockets(struct device *d, const struct udp_socks *fresh, uint32_t fwmark)
{
	struct udp_socks spent[POOL_MAX];

	if (!are_open(d->socks))
		tnl_set_up(d->tnl, device_now(), true);	/* before the worker hands over the host's first packet */
	memcpy(spent, d->old, sizeof(spent));
	memcpy(d->old, d->socks, sizeof(d->old));
	memcpy(d->socks, fresh, sizeof(d->socks));
	pool_set_sockets(&d->pool, d->socks, d->old);
	close_all(spent);
	d->old_mark = d->fwmark;
	d->release = are_open(d->old) ? device_now().boot + RELEASE_MS * (TNL_SEC / 1000) : TNL_NEVER;
	d->port = fresh->port;
	d->fwmark = fwmark;
	d->reopen = TNL_NEVER;
	d->complained = false;
}

static void release_old(struct device *d)
{
	pool_set_sockets(&d->pool, d->socks, NULL);
	close_all(d->old);
	d->release = TNL_NEVER;
}

/* To the port that was left a moment ago, where we still are. */
static int move_back(struct device *d, uint32_t fwmark)
{
	struct udp_socks back[POOL_MAX];
	int err = fwmark == d->old_mark ? 0 : ask_mark(d, d->old, fwmark);

	if (err)
		return err;
	memcpy(back, d->old, sizeof(back));
	for (unsigned i = 0; i < POOL_MAX; i++)
		d->old[i] = none;
	use_sockets(d, back, fwmark);
	return 0;
}

static int move_to(struct device *d, uint16_t port, uint32_t fwmark)
{
	struct udp_socks fresh[POOL_MAX];
	int err;

	if (port != 0 && are_open(d->old) && port == d->old[0].port)
		return move_back(d, fwmark);
	err = ask_sockets(d, port, fwmark, fresh);
	if (!err)
		use_sockets(d, fresh, fwmark);
	return err;
}

int device_set_sockets(struct device *d, uint16_t port, uint32_t fwmark)
{
	int err = 0;

	if (are_open(d->socks) && port == d->port && port != 0) {
		if (fwmark != d->fwmark)
			err = ask_mark(d, d->socks, fwmark);
	} else if (d->up && (port == 0 || port != d->port)) {
		err = move_to(d, port, fwmark);
	} else {
		d->port = port;
	}
	if (err)
		return err;
	d->fwmark = fwmark;
	tnl_forget_source(d->tnl, 0);
	return 0;
}

static void reopen(struct device *d)
{
	struct udp_socks fresh[POOL_MAX];
	int err = ask_sockets(d, d->port, d->fwmark, fresh);

	if (err) {
		if (!d->complained && !d->pending.stop)
			log_error("port %u: %s; trying on, nothing is sent or received until then", d->port,
				  strerror(-err));
		d->complained = true;
		d->reopen = clock_ns(CLOCK_BOOTTIME) + REOPEN_MS * (TNL_SEC / 1000);
		return;
	}
	if (d->complained)
		log_info("port %u: open now", fresh[0].port);
	use_sockets(d, fresh, d->fwmark);
}

static void act_on_link(struct device *d)
{
	pool_set_mtu(&d->pool, d->pending.state.mtu);
	if (d->pending.state.up == d->up)
		return;
	d->up = d->pending.state.up;
	log_debug("interface %s", d->up ? "up" : "down");
	if (d->up) {
		reopen(d);
		return;
	}
	tnl_set_up(d->tnl, device_now(), false);
	pool_set_sockets(&d->pool, NULL, NULL);
	device_end(d);
	d->reopen = TNL_NEVER;
	d->complained = false;
}

void device_start(struct device *d)
{
	for (unsigned i = 0; i < POOL_MAX; i++)
		d->socks[i] = d->old[i] = none;
	d->reopen = d->release = TNL_NEVER;
}

void device_end(struct device *d)
{
	close_all(d->socks);
	close_all(d->old);
	d->release = TNL_NEVER;
}

tnl_ns device_deadline(const struct device *d)
{
	return d->reopen < d->release ? d->reopen : d->release;
}

void device_act(struct device *d)
{
	tnl_ns now = device_now().boot;

	/* Acting asks the parent, who may have more news by then. */
	while (d->pending.link && !d->pending.stop) {
		d->pending.link = false;
		act_on_link(d);
	}
	if (d->pending.routes)
		tnl_forget_source(d->tnl, 0);
	d->pending.routes = false;
	if (d->reopen <= now)
		reopen(d);
	if (d->release <= now)
		release_old(d);
}
