/* SPDX-License-Identifier: MIT */
/*
 * Each client is a small machine that is run when epoll says so, until it would block: first what is still to be sent,
 * then what has been read, then more reading. A client whose answer is not taken is not read from either, so what one
 * client can make us hold is one answer and one transaction; both count against limits that all clients share. Reading
 * is bounded per turn, so that a large transaction comes in slices between which others are served.
 *
 * When there is no place for one more client, the one that has been silent longest gives way.
 */
#include "control.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <linux/if.h>
#include <linux/sockios.h>

#include "apply.h"
#include "log.h"

enum {
	CLIENTS_MAX = 512,
	READ_LEN = 16384,
	READS_PER_TURN = 4,
	ACCEPTS_PER_TURN = 16,
	OPS_FIRST = 64,
};
#define OPS_HELD_MAX ((size_t)512 << 20)	/* bytes of collected transactions, all clients together */
#define OUT_HELD_MAX ((size_t)1 << 30)		/* bytes of answers not yet sent, all clients together */

struct client {
	int fd;			/* -1: free */
	uint32_t watched;	/* events asked of epoll */
	uint64_t last;		/* when it was last heard of, in turns */
	bool eof;
	struct uapi_parser parser;
	struct uapi_op *ops;	/* the set that is coming in */
	size_t count, room;
	char *out;		/* the answer that is going out: out_len bytes of out_max, out_off sent */
	size_t out_len, out_off, out_max;
	size_t in_len, in_off;
	uint8_t in[READ_LEN];
};

struct control {
	struct device *device;
	int epoll, listener;
	int names;		/* a socket to ask for the index of an interface by its name */
	uint64_t turn;
	size_t ops_held, out_held;	/* bytes */
	struct client *client[CLIENTS_MAX];
};

/* fe80::1%eth0: wg(8) writes the name. */
static uint32_t interface_index(void *ctx, const char *name)
{
	const struct control *c = ctx;
	struct ifreq ifr = {0};

	if (strlen(name) >= sizeof(ifr.ifr_name))
		return 0;
	memcpy(ifr.ifr_name, name, strlen(name));
	return ioctl(c->names, SIOCGIFINDEX, &ifr) < 0 ? 0 : (uint32_t)ifr.ifr_ifindex;
}

static void drop_ops(struct control *c, struct client *cl)
{
	size_t bytes = cl->room * sizeof(*cl->ops);

	apply_free(cl->ops, bytes);
	c->ops_held -= bytes;
	cl->ops = NULL;
	cl->count = cl->room = 0;
}

static void drop_out(struct control *c, struct client *cl)
{
	apply_free(cl->out, cl->out_max);
	c->out_held -= cl->out_max;
	cl->out = NULL;
	cl->out_len = cl->out_off = cl->out_max = 0;
}

static void client_close(struct control *c, struct client *cl)
{
	close(cl->fd);	/* epoll forgets it by that */
	drop_ops(c, cl);
	drop_out(c, cl);
	uapi_wipe(&cl->parser);
	sodium_memzero(cl->in, sizeof(cl->in));
	cl->fd = -1;
}

/* ---- Requests ---------------------------------------------------------------------------------------------------- */

static void take_out(struct control *c, struct client *cl, char *out, size_t len, size_t max)
{
	cl->out = out;
	cl->out_len = len;
	cl->out_max = max;
	c->out_held += max;
}

/* An answer that is only an error number. Without memory even for that the client is cut off. */
static bool answer_errno(struct control *c, struct client *cl, bool set, int err)
{
	struct uapi_out o = {.dst = malloc(UAPI_OP_MAX), .max = UAPI_OP_MAX};

	if (!o.dst)
		return false;
	uapi_put_errno(&o, set, err);
	take_out(c, cl, o.dst, o.len, o.max);
	return true;
}

static bool answer_get(struct control *c, struct client *cl)
{
	size_t len, max;
	char *out = apply_get(c->device, OUT_HELD_MAX - c->out_held, &len, &max);

	if (!out)
		return answer_errno(c, cl, false, -ENOMEM);
	take_out(c, cl, out, len, max);
	return true;
}

static bool collect(struct control *c, struct client *cl, const struct uapi_op *op)
{
	if (cl->count == cl->room) {
		size_t room = cl->room ? 2 * cl->room : OPS_FIRST;
		size_t bytes = room * sizeof(*op), old = cl->room * sizeof(*op);
		struct uapi_op *ops = c->ops_held + bytes <= OPS_HELD_MAX ? malloc(bytes) : NULL;

		if (!ops)
			return false;
		if (old)
			memcpy(ops, cl->ops, old);
		apply_free(cl->ops, old);
		c->ops_held += bytes - old;
		cl->ops = ops;
		cl->room = room;
	}
	cl->ops[cl->count++] = *op;
	return true;
}

/* False: give the client up. */
static bool take_op(struct control *c, struct client *cl, const struct uapi_op *op)
{
	int err;

	switch (op->what) {
	case UAPI_GET:
		return answer_get(c, cl);
	case UAPI_SET_BEGIN:
		cl->count = 0;
		return true;
	case UAPI_END:
		err = apply_set(c->device, cl->ops, cl->count);
		drop_ops(c, cl);
		return answer_errno(c, cl, true, err);
	default:
		if (collect(c, cl, op))
			return true;
		drop_ops(c, cl);
		uapi_skip(&cl->parser);
		return answer_errno(c, cl, true, -ENOMEM);
	}
}

/* Parses until an answer is due or the bytes are used up. False: give the client up. */
static bool parse(struct control *c, struct client *cl)
{
	struct uapi_op op;
	bool ok = true;

	while (ok && !cl->out && cl->in_off < cl->in_len) {
		size_t used;
		int n = uapi_parse(&cl->parser, cl->in + cl->in_off, cl->in_len - cl->in_off, &used, &op);

		cl->in_off += used;
		if (n > 0) {
			ok = take_op(c, cl, &op);
		} else if (n < 0) {
			log_debug("a client's request, line %u: %s", cl->parser.line, strerror(-n));
			drop_ops(c, cl);
			/* "get" with something behind it is answered like a set: nothing reads that number. */
			ok = answer_errno(c, cl, true, n);
		}
	}
	if (cl->in_off == cl->in_len) {
		sodium_memzero(cl->in, cl->in_len);
		cl->in_off = cl->in_len = 0;
	}
	sodium_memzero(&op, sizeof(op));
	return ok;
}

/* ---- Connections ------------------------------------------------------------------------------------------------- */

static bool watch(struct control *c, struct client *cl, uint64_t id, uint32_t events)
{
	struct epoll_event ev = {.events = events, .data.u64 = id};
	bool fresh = cl->watched == 0;

	if (events == cl->watched)
		return true;
	cl->watched = events;
	return epoll_ctl(c->epoll, fresh ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, cl->fd, &ev) == 0;
}

/* Sends what there is. 1: all of it; 0: the client must read first; -1: it is gone. */
static int transmit(struct control *c, struct client *cl)
{
	while (cl->out) {
		ssize_t n = send(cl->fd, cl->out + cl->out_off, cl->out_len - cl->out_off,
				 MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : -1;
		cl->out_off += (size_t)n;
		if (cl->out_off == cl->out_len)
			drop_out(c, cl);
	}
	return 1;
}

/* Runs the client until it would block or its turn is over. What to wait for; 0: close it. */
static uint32_t client_run(struct control *c, struct client *cl)
{
	unsigned reads = 0;

	for (;;) {
		int sent = transmit(c, cl);
		ssize_t n;

		if (sent <= 0)
			return sent < 0 ? 0 : EPOLLOUT;
		if (cl->in_off < cl->in_len) {
			if (!parse(c, cl))
				return 0;
			continue;
		}
		if (cl->eof)
			return 0;
		if (reads++ == READS_PER_TURN)
			return EPOLLIN;
		n = recv(cl->fd, cl->in, sizeof(cl->in), MSG_DONTWAIT);
		if (n < 0)
			return errno == EAGAIN || errno == EINTR ? EPOLLIN : 0;
		cl->eof = n == 0;
		cl->in_len = (size_t)n;
	}
}

/* A place for one more client: a free one, or that of the one that was heard of least recently. */
static unsigned find_place(struct control *c)
{
	unsigned oldest = 0;

	for (unsigned i = 0; i < CLIENTS_MAX; i++) {
		if (!c->client[i] || c->client[i]->fd < 0)
			return i;
		if (c->client[i]->last < c->client[oldest]->last)
			oldest = i;
	}
	client_close(c, c->client[oldest]);
	return oldest;
}

static void accept_one(struct control *c, int fd)
{
	const struct text_scope scope = {.index = interface_index, .ctx = c};
	unsigned i = find_place(c);
	struct client *cl = c->client[i] ? c->client[i] : malloc(sizeof(*cl));

	if (!cl) {
		close(fd);
		return;
	}
	c->client[i] = cl;
	memset(cl, 0, sizeof(*cl));
	cl->fd = fd;
	cl->last = c->turn;
	uapi_init(&cl->parser, UAPI_REQUESTS, &scope);
	if (!watch(c, cl, CONTROL_ID + 1 + i, EPOLLIN))
		client_close(c, cl);
}

static void accept_clients(struct control *c)
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

void control_event(struct control *c, uint64_t id, uint32_t events)
{
	struct client *cl;
	uint32_t want;

	c->turn++;
	if (id == CONTROL_ID) {
		accept_clients(c);
		return;
	}
	cl = c->client[id - CONTROL_ID - 1];
	if (!cl || cl->fd < 0)
		return;		/* closed earlier in this batch of events */
	cl->last = c->turn;
	want = events & EPOLLERR ? 0 : client_run(c, cl);
	if (!want || !watch(c, cl, id, want))
		client_close(c, cl);
}

struct control *control_new(struct device *d, int epoll, int listener)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.u64 = CONTROL_ID};
	struct control *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->device = d;
	c->epoll = epoll;
	c->listener = listener;
	c->names = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (c->names < 0)
		c->names = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (c->names < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &ev) < 0) {
		control_free(c);
		return NULL;
	}
	return c;
}

void control_free(struct control *c)
{
	if (!c)
		return;
	for (unsigned i = 0; i < CLIENTS_MAX; i++) {
		if (c->client[i] && c->client[i]->fd >= 0)
			client_close(c, c->client[i]);
		free(c->client[i]);
	}
	if (c->names >= 0)
		close(c->names);
	free(c);
}
