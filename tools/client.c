/* SPDX-License-Identifier: MIT */
#include "client.h"

#include "uapi.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { IO_WAIT_S = 10, READ_SIZE = 1 << 16 };

static int open_socket(const char *path)
{
	const struct timeval wait = { .tv_sec = IO_WAIT_S };
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd, err;

	if (strlen(path) >= sizeof(to.sun_path))
		return -ENAMETOOLONG;
	strcpy(to.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)) ||
	    connect(fd, (const struct sockaddr *)&to, sizeof(to))) {
		err = -errno;
		close(fd);
		return err;
	}
	return fd;
}

int client_probe(const char *path)
{
	int fd = open_socket(path);

	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

static int send_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t done = send(fd, data, len, MSG_NOSIGNAL);

		if (done < 0 && errno != EINTR)
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
		if (done > 0) {
			data += done;
			len -= (size_t)done;
		}
	}
	return 0;
}

/* ---- Answers ----------------------------------------------------------------------------------------------------- */

/* What an answer is read into. */
struct answer {
	struct roster *r;	/* NULL: only its errno matters */
	size_t saved;		/* the first so many peers come from files and are sorted */
	uint64_t *heads;	/* of their keys: a search touches little memory */
	bool repeats;		/* a peer may come more than once, and there are few */
	size_t at;		/* the peer that the lines speak of; SIZE_MAX: none yet */
	int err;
};

static uint64_t *heads_of(const struct roster *r)
{
	uint64_t *heads = calloc(r->count + 1, sizeof(*heads));

	for (size_t i = 0; heads && i < r->count; i++)
		heads[i] = key_head(r->peer[i].key);
	return heads;
}

static struct peer *find_known(const struct answer *a, const uint8_t key[TNL_KEY_LEN])
{
	uint64_t head = key_head(key);
	size_t low = 0, high = a->saved;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (a->heads[middle] < head)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < a->saved && a->heads[low] == head; low++)
		if (!memcmp(a->r->peer[low].key, key, TNL_KEY_LEN))
			return &a->r->peer[low];
	for (size_t i = a->saved; a->repeats && i < a->r->count; i++)
		if (!memcmp(a->r->peer[i].key, key, TNL_KEY_LEN))
			return &a->r->peer[i];
	return NULL;
}

static void begin_peer(struct answer *a, const uint8_t key[TNL_KEY_LEN])
{
	struct peer *p = find_known(a, key);

	if (!p)
		p = roster_add(a->r, key);
	p->live = true;
	p->has_psk = false;
	p->net_count = 0;
	a->at = (size_t)(p - a->r->peer);
}

static void take_peer_line(struct peer *p, const struct uapi_op *op)
{
	switch (op->what) {
	case UAPI_PSK:
		p->has_psk = !sodium_is_zero(op->key, sizeof(op->key));
		memcpy(p->psk, op->key, sizeof(p->psk));
		break;
	case UAPI_ENDPOINT:
		text_from_endpoint(p->endpoint, &op->addr);
		break;
	case UAPI_KEEPALIVE:
		p->keepalive_s = (uint16_t)op->number;
		break;
	case UAPI_ALLOWED_IP:
		peer_add_net(p, &(struct net){ .addr = op->addr, .bits = op->bits });
		break;
	case UAPI_HANDSHAKE_SEC:
		p->handshake_s = op->number;
		break;
	case UAPI_RX_BYTES:
		p->rx_bytes = op->number;
		break;
	case UAPI_TX_BYTES:
		p->tx_bytes = op->number;
		break;
	default:
		break;
	}
}

static void take_line(struct answer *a, const struct uapi_op *op)
{
	if (op->what == UAPI_ERRNO) {
		a->err = -(int)op->number;
	} else if (!a->r) {
		return;
	} else if (op->what == UAPI_PEER) {
		begin_peer(a, op->key);
	} else if (op->what == UAPI_PRIVATE_KEY) {
		a->r->has_key = true;
		crypto_scalarmult_base(a->r->public, op->key);
	} else if (op->what == UAPI_LISTEN_PORT) {
		a->r->port = (uint16_t)op->number;
	} else if (op->what == UAPI_FWMARK) {
		a->r->fwmark = (uint32_t)op->number;
	} else if (a->at != SIZE_MAX) {
		take_peer_line(&a->r->peer[a->at], op);
	}
}

/* 1: the answer is whole, 0: it goes on, or a negative errno. */
static int parse_piece(struct uapi_parser *p, const char *data, size_t len, struct answer *a)
{
	struct uapi_op op;
	size_t off = 0, used;
	int got = 0;

	while (off < len) {
		got = uapi_parse(p, data + off, len - off, &used, &op);
		off += used;
		if (got < 0 || (got == 1 && op.what == UAPI_END))
			break;
		if (got == 1)
			take_line(a, &op);
		got = 0;
	}
	sodium_memzero(&op, sizeof(op));
	return got;
}

static int read_answer(int fd, struct answer *a)
{
	struct uapi_parser *p = calloc(1, sizeof(*p));
	char *data = malloc(READ_SIZE);
	int err = p && data ? 0 : -ENOMEM;

	if (!err)
		uapi_init(p, UAPI_ANSWERS, NULL);
	while (!err) {
		ssize_t got = recv(fd, data, READ_SIZE, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			err = errno == EAGAIN ? -ETIMEDOUT : -errno;
		else if (!got)
			err = -EPROTO;
		else
			err = parse_piece(p, data, (size_t)got, a);
	}
	if (data)
		sodium_memzero(data, READ_SIZE);
	if (p)
		uapi_wipe(p);
	free(data);
	free(p);
	return err == 1 ? a->err : err;
}

/* ---- Requests ---------------------------------------------------------------------------------------------------- */

static int ask(const char *path, const char *request, size_t len, struct answer *a)
{
	int fd = open_socket(path), err;

	if (fd < 0)
		return fd;
	err = send_all(fd, request, len);
	if (!err)
		err = read_answer(fd, a);
	close(fd);
	return err;
}

int client_begin(const char *path)
{
	int fd = open_socket(path), err = fd < 0 ? 0 : send_all(fd, "get=1\n\n", 7);

	if (!err)
		return fd;
	close(fd);
	return err;
}

static int finish(int fd, bool repeats, struct roster *r)
{
	struct answer a = { .r = r, .saved = r->count, .heads = heads_of(r), .repeats = repeats, .at = SIZE_MAX };
	int err = fd < 0 ? fd : a.heads ? read_answer(fd, &a) : -ENOMEM;

	if (fd >= 0)
		close(fd);
	free(a.heads);
	roster_sort(r);
	return err;
}

int client_finish(int fd, struct roster *r)
{
	return finish(fd, false, r);
}

int client_load(const char *path, struct roster *r)
{
	return client_finish(client_begin(path), r);
}

static bool put_key(struct uapi_out *o, enum uapi_what what, const uint8_t key[TNL_KEY_LEN])
{
	struct uapi_op op = { .what = what };
	bool ok;

	memcpy(op.key, key, sizeof(op.key));
	ok = uapi_put(o, &op);
	sodium_memzero(&op, sizeof(op));
	return ok;
}

static bool put_number(struct uapi_out *o, enum uapi_what what, uint64_t number)
{
	return uapi_put(o, &(struct uapi_op){ .what = what, .number = number });
}

/* How a section about a peer begins. */
enum manner { MAKE, UPDATE, MAKE_ANEW };

static bool put_peer(struct uapi_out *o, const struct peer *p, enum manner manner, unsigned which,
		     const struct tnl_addr *endpoint)
{
	static const uint8_t none[TNL_KEY_LEN];
	bool ok = put_number(o, UAPI_SET_BEGIN, 0);

	if (manner == MAKE_ANEW)
		ok = ok && put_key(o, UAPI_PEER, p->key) && put_number(o, UAPI_REMOVE, 0);
	ok = ok && put_key(o, UAPI_PEER, p->key);
	if (manner == UPDATE)
		ok = ok && put_number(o, UAPI_UPDATE_ONLY, 0);
	if (which & CLIENT_PSK)
		ok = ok && put_key(o, UAPI_PSK, p->has_psk ? p->psk : none);
	if (which & CLIENT_KEEPALIVE)
		ok = ok && put_number(o, UAPI_KEEPALIVE, p->keepalive_s);
	if (which & CLIENT_ENDPOINT && p->endpoint[0])
		ok = ok && uapi_put(o, &(struct uapi_op){ .what = UAPI_ENDPOINT, .addr = *endpoint });
	if (which & CLIENT_NETS)
		ok = ok && put_number(o, UAPI_REPLACE_ALLOWED_IPS, 0);
	for (size_t i = 0; ok && which & CLIENT_NETS && i < p->net_count; i++)
		ok = uapi_put(o, &(struct uapi_op){ .what = UAPI_ALLOWED_IP, .addr = p->net[i].addr,
						    .bits = (uint8_t)p->net[i].bits });
	return ok && put_number(o, UAPI_END, 0);
}

static bool put_question(struct uapi_out *o, const uint8_t *key, const struct net *net, size_t count)
{
	static const char begin[] = "get=1\n";
	bool ok = true;

	memcpy(o->dst, begin, sizeof(begin) - 1);
	o->len = sizeof(begin) - 1;
	if (key)
		ok = put_key(o, UAPI_PEER, key);
	for (size_t i = 0; ok && i < count; i++)
		ok = uapi_put(o, &(struct uapi_op){ .what = UAPI_ALLOWED_IP, .addr = net[i].addr,
						    .bits = (uint8_t)net[i].bits });
	return ok && put_number(o, UAPI_END, 0);
}

int client_ask(const char *path, const uint8_t *key, const struct net *net, size_t count, struct roster *r)
{
	enum { LINES = 3 };	/* besides the networks */
	struct uapi_out o = { .max = (LINES + count) * UAPI_OP_MAX };
	int fd, err;

	o.dst = malloc(o.max);
	if (!o.dst)
		return -ENOMEM;
	fd = put_question(&o, key, net, count) ? open_socket(path) : -E2BIG;
	err = fd < 0 ? fd : send_all(fd, o.dst, o.len);
	free(o.dst);
	if (fd >= 0 && err)
		close(fd);
	return err ? err : finish(fd, true, r);
}

static uint32_t scope_index(void *ctx, const char *name)
{
	(void)ctx;
	return if_nametoindex(name);
}

static int set_peer(const char *path, const struct peer *p, enum manner manner, unsigned which)
{
	enum { LINES = 10 };	/* besides the addresses */
	const struct text_scope scope = { .index = scope_index };
	struct uapi_out o = { .max = (LINES + p->net_count) * UAPI_OP_MAX };
	struct answer a = { .at = SIZE_MAX };
	struct tnl_addr endpoint;
	int err;

	if (p->endpoint[0] && !text_endpoint(p->endpoint, strlen(p->endpoint), &scope, &endpoint))
		return -EINVAL;
	o.dst = malloc(o.max);
	if (!o.dst)
		return -ENOMEM;
	err = put_peer(&o, p, manner, which, &endpoint) ? ask(path, o.dst, o.len, &a) : -E2BIG;
	sodium_memzero(o.dst, o.max);
	free(o.dst);
	return err;
}

enum { ALL = CLIENT_PSK | CLIENT_NETS | CLIENT_KEEPALIVE | CLIENT_ENDPOINT };

int client_peer_set(const char *path, const struct peer *p)
{
	return set_peer(path, p, MAKE, ALL);
}

int client_peer_update(const char *path, const struct peer *p, unsigned which)
{
	return set_peer(path, p, UPDATE, which);
}

int client_peer_kick(const char *path, const struct peer *p)
{
	return set_peer(path, p, MAKE_ANEW, ALL);
}

bool client_refused(int err)
{
	switch (-err) {
	case EINVAL:
	case ENOSPC:
	case ENOMEM:
	case E2BIG:
	case EEXIST:
	case EADDRINUSE:
	case EPERM:
	case EACCES:
		return true;
	default:
		return false;
	}
}

int client_peer_remove(const char *path, const uint8_t key[TNL_KEY_LEN])
{
	char text[4 * UAPI_OP_MAX];
	struct uapi_out o = { .dst = text, .max = sizeof(text) };
	struct answer a = { .at = SIZE_MAX };

	if (!put_number(&o, UAPI_SET_BEGIN, 0) || !put_key(&o, UAPI_PEER, key) || !put_number(&o, UAPI_REMOVE, 0) ||
	    !put_number(&o, UAPI_END, 0))
		return -E2BIG;
	return ask(path, o.dst, o.len, &a);
}

int client_set_private(const char *path, const uint8_t key[TNL_KEY_LEN])
{
	char text[3 * UAPI_OP_MAX];
	struct uapi_out o = { .dst = text, .max = sizeof(text) };
	struct answer a = { .at = SIZE_MAX };
	int err = -E2BIG;

	if (put_number(&o, UAPI_SET_BEGIN, 0) && put_key(&o, UAPI_PRIVATE_KEY, key) && put_number(&o, UAPI_END, 0))
		err = ask(path, o.dst, o.len, &a);
	sodium_memzero(text, sizeof(text));
	return err;
}
