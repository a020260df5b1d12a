/* SPDX-License-Identifier: MIT */
/*
 * Each client is a small machine that is run when epoll says so, until it would block: first what is still to be sent,
 * then what has been read, then more reading. A client whose answer is not taken is not read from either, so what one
 * client can make us hold is one answer and one transaction; both count against limits that all clients share. Reading
 * is bounded per turn, so that a large transaction comes in slices between which others are served.
 *
 * What is asked is done in the order of arrival, one after the other, so that a get sees all or nothing of any set; but
 * in slices, between which handshakes have their turn. While slices are left, an event of our own is due. Nobody's turn
 * depends on a client: an answer is collected whole, in chunks that are given back as they are sent.
 *
 * When there is no place for one more client, the one that has been silent longest gives way.
 */
#include "control.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include <linux/if.h>
#include <linux/sockios.h>

#include "apply.h"
#include "log.h"
#include "outbox.h"

enum {
	CLIENTS_MAX = 512,
	READ_LEN = 16384,
	READS_PER_TURN = 4,
	ACCEPTS_PER_TURN = 16,
	OPS_FIRST = 512,
	CHUNK_FIRST = APPLY_GET_MIN,
	CHUNK_LEN = 256 << 10,	/* text of some thousand peers: a slice */
	ID_WORK = CONTROL_ID + 1 + CLIENTS_MAX,
};
#define GONE UINT32_MAX			/* instead of events to wait for: close the client */
#define OPS_HELD_MAX ((size_t)512 << 20)	/* bytes of collected transactions, all clients together */

struct client {
	int fd;			/* -1: free */
	bool known;		/* to epoll */
	uint32_t watched;	/* events asked of epoll */
	uint64_t last;		/* when it was last heard of, in turns */
	bool eof;
	struct uapi_parser parser;
	struct uapi_op *ops;	/* the set that is coming in */
	size_t count, room;
	enum { JOB_NONE, JOB_SET, JOB_GET } job;	/* in the queue */
	struct client *next_job;
	struct apply_set set;
	struct apply_get get;
	struct outbox out;	/* the answer */
	size_t in_len, in_off;
	uint8_t in[READ_LEN];
};

struct control {
	struct device *device;
	int epoll, listener;
	int names;		/* a socket to ask for the index of an interface by its name */
	int work;		/* an eventfd: due while there are jobs */
	struct client *first_job, *last_job;
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

	/* Pages that go back to the kernel are wiped before anybody else gets them. */
	if (cl->ops)
		munmap(cl->ops, bytes);
	c->ops_held -= bytes;
	cl->ops = NULL;
	cl->count = cl->room = 0;
}

static void end_job(struct control *c, struct client *cl)
{
	struct client **link = &c->first_job, *before = NULL;

	while (*link && *link != cl) {
		before = *link;
		link = &before->next_job;
	}
	if (!*link)
		return;
	*link = cl->next_job;
	if (c->last_job == cl)
		c->last_job = before;
	cl->next_job = NULL;
	cl->job = JOB_NONE;
}

static void client_close(struct control *c, struct client *cl)
{
	close(cl->fd);	/* epoll forgets it by that */
	end_job(c, cl);
	drop_ops(c, cl);
	outbox_drop(&cl->out);
	uapi_wipe(&cl->parser);
	sodium_memzero(cl->in, sizeof(cl->in));
	cl->fd = -1;
}

/* ---- Requests ---------------------------------------------------------------------------------------------------- */

/* An answer that is only an error number. Without memory even for that the client is cut off. */
static bool answer_errno(struct client *cl, bool set, int err)
{
	struct uapi_out o = outbox_add(&cl->out, UAPI_OP_MAX);

	if (!o.dst)
		return false;
	uapi_put_errno(&o, set, err);
	outbox_filled(&cl->out, o.len);
	return true;
}

static void enqueue(struct control *c, struct client *cl, unsigned job)
{
	cl->job = job;
	if (c->first_job)
		c->last_job->next_job = cl;
	else
		c->first_job = cl;
	c->last_job = cl;
}

/* True: the answer is there, or nothing is and the client is to be given up. */
static bool slice_of_get(const struct control *c, struct client *cl)
{
	struct uapi_out o = outbox_add(&cl->out, outbox_empty(&cl->out) ? CHUNK_FIRST : CHUNK_LEN);
	bool whole;

	if (!o.dst) {
		outbox_drop(&cl->out);
		answer_errno(cl, false, -ENOMEM);
		return true;
	}
	whole = apply_get(c->device, &cl->get, &o);
	outbox_filled(&cl->out, o.len);
	return whole;
}

static bool slice_of_set(const struct control *c, struct client *cl)
{
	if (!apply_set(c->device, &cl->set))
		return false;
	answer_errno(cl, true, cl->set.err);
	return true;
}

static bool slice(const struct control *c, struct client *cl)
{
	return cl->job == JOB_SET ? slice_of_set(c, cl) : slice_of_get(c, cl);
}

/* What cl asked for, if it is its turn. False: not done yet. */
static bool job_done(struct control *c, struct client *cl)
{
	const uint64_t one = 1;
	bool done = c->first_job == cl && slice(c, cl);

	if (done) {
		end_job(c, cl);
		drop_ops(c, cl);
	}
	if (c->first_job && write(c->work, &one, sizeof(one)) < 0)
		log_debug("cannot remind myself: %m");
	return done;
}

/* Twice as many lines: the pages move, nothing is copied, and no copy left behind; millions of them take no longer. */
static bool make_room(struct control *c, struct client *cl)
{
	size_t room = cl->room ? 2 * cl->room : OPS_FIRST;
	size_t bytes = room * sizeof(*cl->ops), old = cl->room * sizeof(*cl->ops);
	void *ops;

	if (c->ops_held - old + bytes > OPS_HELD_MAX)
		return false;
	if (old)
		ops = mremap(cl->ops, old, bytes, MREMAP_MAYMOVE);
	else
		ops = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (ops == MAP_FAILED)
		return false;
	if (!old)
		madvise(ops, bytes, MADV_DONTDUMP);
	c->ops_held += bytes - old;
	cl->ops = ops;
	cl->room = room;
	return true;
}

static bool collect(struct control *c, struct client *cl, const struct uapi_op *op)
{
	if (cl->count == cl->room && !make_room(c, cl))
		return false;
	cl->ops[cl->count++] = *op;
	return true;
}

/* False: give the client up. */
static bool take_op(struct control *c, struct client *cl, const struct uapi_op *op)
{
	switch (op->what) {
	case UAPI_GET:
		cl->get = (struct apply_get){.ops = cl->ops, .count = cl->count};
		enqueue(c, cl, JOB_GET);
		return true;
	case UAPI_SET_BEGIN:
		cl->count = 0;
		return true;
	case UAPI_END:
		cl->set = (struct apply_set){.ops = cl->ops, .count = cl->count};
		enqueue(c, cl, JOB_SET);
		return true;
	default:
		if (collect(c, cl, op))
			return true;
		drop_ops(c, cl);
		uapi_skip(&cl->parser);
		return answer_errno(cl, true, -ENOMEM);
	}
}

/* Parses until an answer is due or the bytes are used up. False: give the client up. */
static bool parse(struct control *c, struct client *cl)
{
	struct uapi_op op;
	bool ok = true;

	while (ok && outbox_empty(&cl->out) && !cl->job && cl->in_off < cl->in_len) {
		size_t used;
		int n = uapi_parse(&cl->parser, cl->in + cl->in_off, cl->in_len - cl->in_off, &used, &op);

		cl->in_off += used;
		if (n > 0) {
			ok = take_op(c, cl, &op);
		} else if (n < 0) {
			log_debug("a client's request, line %u: %s", cl->parser.line, strerror(-n));
			drop_ops(c, cl);
			/* "get" with something behind it is answered like a set: nothing reads that number. */
			ok = answer_errno(cl, true, n);
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
	int how = cl->known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

	if (cl->known && events == cl->watched)
		return true;
	cl->known = true;
	cl->watched = events;
	return epoll_ctl(c->epoll, how, cl->fd, &ev) == 0;
}

/* Runs the client until it would block or its turn is over. What to wait for: events, none while it is in the queue, or
 * GONE. */
static uint32_t client_run(struct control *c, struct client *cl)
{
	unsigned reads = 0;

	for (;;) {
		bool asked = cl->job != JOB_NONE;
		int sent;
		ssize_t n;

		if (asked && !job_done(c, cl))
			return 0;
		if (asked && outbox_empty(&cl->out))
			return GONE;
		sent = outbox_send(&cl->out, cl->fd);
		if (sent <= 0)
			return sent < 0 ? GONE : EPOLLOUT;
		if (cl->in_off < cl->in_len) {
			if (!parse(c, cl))
				return GONE;
			continue;
		}
		if (cl->eof)
			return GONE;
		if (reads++ == READS_PER_TURN)
			return EPOLLIN;
		n = recv(cl->fd, cl->in, sizeof(cl->in), MSG_DONTWAIT);
		if (n < 0)
			return errno == EAGAIN || errno == EINTR ? EPOLLIN : GONE;
		cl->eof = n == 0;
		cl->in_len = (size_t)n;
	}
}

static bool taken(const struct control *c, unsigned i)
{
	return c->client[i] && c->client[i]->fd >= 0;
}

/* A place for one more client: a free one, or that of the one that was heard of least recently. CLIENTS_MAX: all are in
 * the queue. */
static unsigned find_place(struct control *c)
{
	unsigned oldest = CLIENTS_MAX;

	for (unsigned i = 0; i < CLIENTS_MAX; i++) {
		if (!taken(c, i))
			return i;
		if (!c->client[i]->job && (oldest == CLIENTS_MAX || c->client[i]->last < c->client[oldest]->last))
			oldest = i;
	}
	if (oldest < CLIENTS_MAX)
		client_close(c, c->client[oldest]);
	return oldest;
}

static void accept_one(struct control *c, int fd)
{
	const struct text_scope scope = {.index = interface_index, .ctx = c};
	unsigned i = find_place(c);
	struct client *cl = i == CLIENTS_MAX ? NULL : c->client[i] ? c->client[i] : malloc(sizeof(*cl));

	if (!cl) {
		close(fd);
		return;
	}
	c->client[i] = cl;
	memset(cl, 0, sizeof(*cl));
	cl->fd = fd;
	cl->out.held = &c->out_held;
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

static void serve(struct control *c, unsigned i, uint32_t events)
{
	struct client *cl = c->client[i];
	uint32_t want;

	/* It hung up with its set in the queue, which takes effect all the same. */
	if (cl->job == JOB_SET && events & (EPOLLERR | EPOLLHUP)) {
		epoll_ctl(c->epoll, EPOLL_CTL_DEL, cl->fd, NULL);
		return;
	}
	want = events & EPOLLERR || (cl->job && events & EPOLLHUP) ? GONE : client_run(c, cl);
	if (want == GONE || !watch(c, cl, CONTROL_ID + 1 + i, want))
		client_close(c, cl);
}

static void work(struct control *c)
{
	uint64_t count;

	if (read(c->work, &count, sizeof(count)) < 0 || !c->first_job)
		return;
	for (unsigned i = 0; i < CLIENTS_MAX; i++)
		if (c->client[i] == c->first_job) {
			serve(c, i, 0);
			return;
		}
}

void control_event(struct control *c, uint64_t id, uint32_t events)
{
	c->turn++;
	if (id == ID_WORK) {
		work(c);
	} else if (id == CONTROL_ID) {
		accept_clients(c);
	} else if (taken(c, (unsigned)(id - CONTROL_ID - 1))) {	/* else closed earlier in this batch of events */
		c->client[id - CONTROL_ID - 1]->last = c->turn;
		serve(c, (unsigned)(id - CONTROL_ID - 1), events);
	}
}

struct control *control_new(struct device *d, int epoll, int listener, int names)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.u64 = CONTROL_ID};
	struct epoll_event due = {.events = EPOLLIN, .data.u64 = ID_WORK};
	struct control *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->device = d;
	c->epoll = epoll;
	c->listener = listener;
	c->names = names;
	c->work = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (c->work < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &ev) < 0 ||
	    epoll_ctl(epoll, EPOLL_CTL_ADD, c->work, &due) < 0) {
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
		if (taken(c, i))
			client_close(c, c->client[i]);
		free(c->client[i]);
	}
	if (c->work >= 0)
		close(c->work);
	free(c);
}
