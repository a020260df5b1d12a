/* SPDX-License-Identifier: MIT */
/*
 * Each client is a small machine that runs until it would block: send what waits, then take the next line, then read
 * more. All of them, the listener and one timer lie in an epoll of our own, which the caller's loop sees as a single
 * descriptor.
 *
 * A client that watches is only written to. When it does not keep up, events for it are counted instead, and the next
 * one that fits says how many were lost.
 */
#include "ctl.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "log.h"

enum {
	ACCEPTS_PER_TURN = 16,
	LINES_PER_TURN = 16,
	EVENTS = 32,
	SWEEP_S = 10,		/* between two looks for silent clients */
};
enum { ID_LISTENER = CTL_CLIENTS_MAX, ID_TIMER };	/* epoll data; a client's is its place */

struct client {
	int fd;			/* -1: free */
	uint64_t generation;	/* of this place: how many clients it has had */
	int64_t heard;		/* ms: when it was last heard of */
	uint32_t watched;	/* events asked of epoll */
	bool waiting;		/* an answer is due */
	bool asked_watch;	/* and it is the one to CTL_WATCH */
	bool watching, eof, closing;
	uint64_t lost;		/* events, since the last that was sent */
	char *out;		/* out_len bytes of out_max, out_off sent */
	size_t out_len, out_off, out_max;
	size_t in_len;
	char in[CTL_LINE_MAX];
};

struct ctl {
	ctl_handler *handler;
	void *ctx;
	int epoll, listener, timer;
	uid_t self;
	unsigned count, watchers;
	struct client client[CTL_CLIENTS_MAX];
};

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

const char *ctl_parse(const char *line, size_t len, enum ctl_request *ret)
{
	static const char *const names[CTL_REQUESTS] = {"state", "reload", "routes", "watch"};
	json_t *o = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
	const char *what = json_string_value(json_object_get(o, "do")), *why = "unknown \"do\"";

	if (!json_is_object(o))
		why = "not a JSON object";
	else if (json_integer_value(json_object_get(o, "v")) != 1)
		why = "not \"v\":1";
	for (unsigned i = 0; i < CTL_REQUESTS && what && why[0] == 'u'; i++) {
		if (!strcmp(what, names[i])) {
			*ret = (enum ctl_request)i;
			why = NULL;
			break;
		}
	}
	json_decref(o);
	return why;
}

/* ---- Clients ----------------------------------------------------------------------------------------------------- */

static void arm_sweep(struct ctl *c, bool on)
{
	const struct itimerspec when = {.it_value.tv_sec = on ? SWEEP_S : 0, .it_interval.tv_sec = SWEEP_S};

	timerfd_settime(c->timer, 0, &when, NULL);
}

static void client_close(struct ctl *c, struct client *cl)
{
	close(cl->fd);	/* epoll forgets it by that */
	free(cl->out);
	c->watchers -= cl->watching;
	if (--c->count == 0)
		arm_sweep(c, false);
	*cl = (struct client){.fd = -1, .generation = cl->generation + 1};
}

static bool append(struct client *cl, const char *text, size_t len, size_t max)
{
	if (cl->out_off) {
		memmove(cl->out, cl->out + cl->out_off, cl->out_len - cl->out_off);
		cl->out_len -= cl->out_off;
		cl->out_off = 0;
	}
	if (cl->out_len + len + 1 > max)
		return false;
	if (cl->out_len + len + 1 > cl->out_max) {
		size_t room = 2 * (cl->out_len + len + 1);
		char *out = realloc(cl->out, room);

		if (!out)
			return false;
		cl->out = out;
		cl->out_max = room;
	}
	memcpy(cl->out + cl->out_len, text, len);
	cl->out[cl->out_len + len] = '\n';
	cl->out_len += len + 1;
	return true;
}

/* Sends what there is. 1: all of it; 0: the client must read first; -1: it is gone. */
static int transmit(struct client *cl)
{
	while (cl->out_off < cl->out_len) {
		ssize_t n = send(cl->fd, cl->out + cl->out_off, cl->out_len - cl->out_off, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : -1;
		cl->out_off += (size_t)n;
	}
	free(cl->out);
	cl->out = NULL;
	cl->out_len = cl->out_off = cl->out_max = 0;
	return 1;
}

static ctl_client handle_of(const struct ctl *c, const struct client *cl)
{
	return cl->generation * CTL_CLIENTS_MAX + (uint64_t)(cl - c->client) + CTL_CLIENTS_MAX;
}

static void refuse(struct client *cl, const char *why)
{
	json_t *o = json_pack("{s:i, s:i, s:s}", "v", 1, "code", 2, "error", why);
	char *text = json_dumps(o, JSON_COMPACT);

	if (!text || !append(cl, text, strlen(text), CTL_ANSWER_MAX))
		cl->closing = true;
	free(text);
	json_decref(o);
}

/* One line of what was read, if there is a whole one. */
static bool take_line(struct ctl *c, struct client *cl)
{
	char *end = memchr(cl->in, '\n', cl->in_len);
	size_t used = end ? (size_t)(end - cl->in) + 1 : 0;
	enum ctl_request what;
	const char *why;

	if (!end && cl->in_len == sizeof(cl->in)) {
		refuse(cl, "the line is too long");
		cl->in_len = 0;
		cl->closing = true;
		return true;
	}
	if (!end)
		return false;
	why = ctl_parse(cl->in, used - 1, &what);
	cl->in_len -= used;
	memmove(cl->in, cl->in + used, cl->in_len);
	if (why) {
		refuse(cl, why);
		return true;
	}
	cl->waiting = true;
	cl->asked_watch = what == CTL_WATCH;
	c->handler(c->ctx, handle_of(c, cl), what);
	return true;
}

/* Runs the client until it would block or its turn is over. What to wait for besides its end; -1: close it. */
static int client_run(struct ctl *c, struct client *cl)
{
	for (unsigned lines = 0;;) {
		int sent = cl->fd < 0 ? -1 : transmit(cl);	/* an answer may have ended it */
		ssize_t n;

		if (sent <= 0)
			return sent < 0 ? -1 : EPOLLOUT;
		if (cl->closing)
			return -1;
		if (cl->waiting)
			return 0;
		if (lines++ == LINES_PER_TURN)
			return EPOLLIN | EPOLLOUT;	/* what is left is taken up as soon as others had their turn */
		if (cl->watching)
			cl->in_len = 0;			/* it has said all that it may */
		else if (take_line(c, cl))
			continue;
		if (cl->eof)
			return cl->watching ? 0 : -1;
		n = recv(cl->fd, cl->in + cl->in_len, sizeof(cl->in) - cl->in_len, MSG_DONTWAIT);
		if (n < 0)
			return errno == EAGAIN || errno == EINTR ? EPOLLIN : -1;
		cl->eof = n == 0;
		cl->in_len += (size_t)n;
		cl->heard = now_ms();
	}
}

static void watch(struct ctl *c, struct client *cl, int events)
{
	struct epoll_event ev = {.events = (uint32_t)events, .data.u64 = (uint64_t)(cl - c->client)};

	if (cl->fd < 0 || (events >= 0 && ev.events == cl->watched))
		return;
	if (events < 0 || epoll_ctl(c->epoll, EPOLL_CTL_MOD, cl->fd, &ev) < 0)
		client_close(c, cl);
	else
		cl->watched = ev.events;
}

/* ---- Connections ------------------------------------------------------------------------------------------------- */

static unsigned use_of(const struct client *cl)
{
	return cl->fd < 0 ? 0 : cl->waiting ? 3 : cl->watching ? 2 : 1;
}

/* A free place, else that of the client of least use, and among equals of the one heard of least recently. */
static struct client *find_place(struct ctl *c)
{
	struct client *best = &c->client[0];

	for (unsigned i = 1; i < CTL_CLIENTS_MAX; i++) {
		struct client *cl = &c->client[i];

		if (use_of(cl) < use_of(best) || (use_of(cl) == use_of(best) && cl->heard < best->heard))
			best = cl;
	}
	if (best->fd >= 0)
		client_close(c, best);
	return best;
}

/* The file's mode says the same, but a file can be given another one. */
static bool permitted(const struct ctl *c, int fd)
{
	struct ucred who;
	socklen_t len = sizeof(who);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0 && (who.uid == 0 || who.uid == c->self);
}

static void accept_one(struct ctl *c, int fd)
{
	struct client *cl = permitted(c, fd) ? find_place(c) : NULL;
	struct epoll_event ev = {.events = EPOLLIN, .data.u64 = cl ? (uint64_t)(cl - c->client) : 0};

	if (!cl || epoll_ctl(c->epoll, EPOLL_CTL_ADD, fd, &ev) < 0) {
		close(fd);
		return;
	}
	cl->fd = fd;
	cl->watched = ev.events;
	cl->heard = now_ms();
	if (c->count++ == 0)
		arm_sweep(c, true);
}

static void accept_clients(struct ctl *c)
{
	for (unsigned i = 0; i < ACCEPTS_PER_TURN; i++) {
		int fd = accept4(c->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0 && (errno == EMFILE || errno == ENFILE))
			find_place(c);	/* gives one up, if all places are taken; else the next turn tries again */
		if (fd < 0)
			return;
		accept_one(c, fd);
	}
}

static void let_silent_go(struct ctl *c)
{
	int64_t before = now_ms() - CTL_SILENCE_MS;
	uint64_t ticks;

	if (read(c->timer, &ticks, sizeof(ticks)) < 0)
		return;
	for (unsigned i = 0; i < CTL_CLIENTS_MAX; i++) {
		if (use_of(&c->client[i]) == 1 && c->client[i].heard < before)
			client_close(c, &c->client[i]);
	}
}

void ctl_serve(struct ctl *c)
{
	struct epoll_event ev[EVENTS];
	int n = epoll_wait(c->epoll, ev, EVENTS, 0);

	for (int i = 0; i < n; i++) {
		struct client *cl;

		if (ev[i].data.u64 == ID_LISTENER) {
			accept_clients(c);
		} else if (ev[i].data.u64 == ID_TIMER) {
			let_silent_go(c);
		} else {
			cl = &c->client[ev[i].data.u64];
			if (cl->fd >= 0)	/* not closed earlier in this turn */
				watch(c, cl, ev[i].events & (EPOLLERR | EPOLLHUP) ? -1 : client_run(c, cl));
		}
	}
}

/* ---- Answers ----------------------------------------------------------------------------------------------------- */

void ctl_answer(struct ctl *c, ctl_client who, json_t *answer)
{
	struct client *cl = &c->client[who % CTL_CLIENTS_MAX];
	char *text = answer ? json_dumps(answer, JSON_COMPACT) : NULL;

	if (cl->fd >= 0 && handle_of(c, cl) == who && cl->waiting) {
		cl->waiting = false;
		if (!text)
			refuse(cl, "out of memory");
		else if (!append(cl, text, strlen(text), CTL_ANSWER_MAX))
			refuse(cl, "the answer is too long");
		else if (cl->asked_watch && json_integer_value(json_object_get(answer, "code")) == 0)
			cl->watching = true;
		c->watchers += cl->watching;
		watch(c, cl, EPOLLOUT);	/* sent in its own turn: the caller may be in the middle of that */
	}
	free(text);
	json_decref(answer);
}

/* lost: how many the event itself says are missing before it. */
static void send_event(struct ctl *c, struct client *cl, json_t *event, json_int_t lost)
{
	char *text;

	json_object_del(event, "lost");
	if (lost || cl->lost)
		json_object_set_new(event, "lost", json_integer(lost + (json_int_t)cl->lost));
	text = json_dumps(event, JSON_COMPACT);
	if (text && append(cl, text, strlen(text), CTL_EVENTS_MAX))
		cl->lost = 0;
	else
		cl->lost++;
	free(text);
	watch(c, cl, EPOLLOUT);
}

void ctl_event(struct ctl *c, json_t *event)
{
	json_int_t lost = json_integer_value(json_object_get(event, "lost"));

	for (unsigned i = 0; event && i < CTL_CLIENTS_MAX; i++) {
		if (c->client[i].fd >= 0 && c->client[i].watching)
			send_event(c, &c->client[i], event, lost);
	}
	json_decref(event);
}

unsigned ctl_watchers(const struct ctl *c)
{
	return c->watchers;
}

/* ---- Life -------------------------------------------------------------------------------------------------------- */

static bool add(struct ctl *c, int fd, uint64_t id)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.u64 = id};

	return epoll_ctl(c->epoll, EPOLL_CTL_ADD, fd, &ev) == 0;
}

struct ctl *ctl_new(int listener, ctl_handler *handler, void *ctx)
{
	struct ctl *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->handler = handler;
	c->ctx = ctx;
	c->listener = listener;
	c->self = geteuid();
	for (unsigned i = 0; i < CTL_CLIENTS_MAX; i++)
		c->client[i].fd = -1;
	c->epoll = epoll_create1(EPOLL_CLOEXEC);
	c->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (c->epoll < 0 || c->timer < 0 || !add(c, listener, ID_LISTENER) || !add(c, c->timer, ID_TIMER)) {
		ctl_free(c);
		return NULL;
	}
	return c;
}

void ctl_free(struct ctl *c)
{
	if (!c)
		return;
	for (unsigned i = 0; i < CTL_CLIENTS_MAX; i++) {
		if (c->client[i].fd >= 0)
			client_close(c, &c->client[i]);
	}
	if (c->epoll >= 0)
		close(c->epoll);
	if (c->timer >= 0)
		close(c->timer);
	free(c);
}

int ctl_fd(const struct ctl *c)
{
	return c->epoll;
}
