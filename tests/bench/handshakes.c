/* SPDX-License-Identifier: MIT */
/*
 * Handshakes that a daemon answers, by as many initiators as there are PEERS, each a protocol machine of its own, with
 * a clock of ours. LAPS times over, all make their initiations, then these go out and the answers are awaited, then the
 * answers are tried: only what concludes a handshake counts. Clock and processor time of the daemon count in the middle
 * part alone, where we do next to nothing. There are never so many under way that the daemon would take it for
 * a flood and answer with cookies.
 *
 *   handshakes SOCKET ADDRESS PORT PID...    the daemon's control socket, its endpoint, its processes
 *
 * Prints name, value, unit; tab-separated. The daemon keeps the peers that it is given here.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tunnel.h"
#include "uapi.h"
#include "wire.h"

enum {
	PEERS = 500,
	LAPS = 12,
	WINDOW = 48,		/* initiations without an answer; wireguard-go feels under load at 128 */
	PATIENCE_MS = 300,	/* a later answer is none */
	KEEPALIVE = 25,		/* seconds; what makes an initiator speak, and begin anew */
	STEP = 200,		/* seconds of their clock between two laps: the session before is dead by then */
	PEER_TEXT = 128,
};

struct initiator {
	struct tnl *t;
	uint8_t public_key[TNL_KEY_LEN], initiation[INITIATION_LEN];
	uint32_t index;		/* its own, in the initiation under way */
};

struct answer {
	uint8_t data[RESPONSE_LEN];
	bool whole;
};

static struct initiator initiators[PEERS];
static struct answer answers[PEERS];
static struct tnl_path path;	/* to the daemon */
static struct tnl_now clock_of_all;

static void die(const char *what)
{
	fprintf(stderr, "handshakes: %s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

static void must(int err)
{
	errno = -err;
	if (err)
		die("initiator");
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Seconds of processor time of these processes. */
static double used(char **pids)
{
	unsigned long user, sys;
	double sum = 0;
	char name[64];

	for (; *pids; pids++) {
		FILE *f;

		snprintf(name, sizeof(name), "/proc/%s/stat", *pids);
		f = fopen(name, "r");
		if (!f || fscanf(f, "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
				 &sys) != 2)
			die(name);
		fclose(f);
		sum += (double)(user + sys);
	}
	return sum / (double)sysconf(_SC_CLK_TCK);
}

/* ---- Initiators -------------------------------------------------------------------------------------------------- */

static void entropy(void *ctx, void *dst, size_t len)
{
	(void)ctx;
	randombytes_buf(dst, len);
}

static void make(struct initiator *i, const uint8_t daemon[TNL_KEY_LEN])
{
	static const struct tnl_limits lim = { .peers = 1, .sessions = 3, .prefixes = 1, .workers = 1 };
	static const struct tnl_env env = { .random = entropy };
	struct tnl_peer_conf conf = { .remote = path.remote, .keepalive_s = KEEPALIVE };
	size_t size = (tnl_footprint(&lim) + 63) / 64 * 64;
	uint8_t key[TNL_KEY_LEN];
	void *mem = aligned_alloc(64, size);
	tnl_peer peer;

	if (!mem)
		die("memory");
	i->t = tnl_init(memset(mem, 0, size), &lim, &env);
	randombytes_buf(key, sizeof(key));
	crypto_scalarmult_base(i->public_key, key);
	must(tnl_set_identity(i->t, 0, key));
	must(tnl_peer_add(i->t, daemon, &peer));
	must(tnl_peer_set(i->t, clock_of_all, peer, &conf, TNL_SET_ENDPOINT | TNL_SET_KEEPALIVE));
	tnl_set_up(i->t, clock_of_all, true);
}

static void initiate(struct initiator *i)
{
	struct tnl_event ev;
	struct tnl_msg out;
	bool made = false;

	while (tnl_advance(i->t, clock_of_all, &out, 1)) {
		if (out.len != INITIATION_LEN || get_le32(out.data) != WIRE_INITIATION)
			continue;
		memcpy(i->initiation, out.data, INITIATION_LEN);
		i->index = get_le32(out.data + INITIATION_SENDER);
		made = true;
	}
	while (tnl_event(i->t, &ev))
		;
	if (!made) {
		errno = EPROTO;
		die("initiation");
	}
}

/* True: this answer makes a session of one of them. */
static bool concludes(struct answer *a)
{
	bool ready = false;
	struct tnl_event ev;
	struct tnl_msg out;

	for (struct initiator *i = initiators; a->whole && i < initiators + PEERS; i++) {
		if (i->index != get_le32(a->data + RESPONSE_RECEIVER))
			continue;
		tnl_control(i->t, clock_of_all, &path, a->data, RESPONSE_LEN, false, &out);
		while (tnl_event(i->t, &ev))
			ready |= ev.what == TNL_EV_READY;
	}
	return ready;
}

/* ---- The daemon -------------------------------------------------------------------------------------------------- */

static void introduce(const char *socket_path, const char *port, const uint8_t key[TNL_KEY_LEN])
{
	struct text t;
	double seconds;
	int err;

	text_init(&t, (PEERS + 2) * PEER_TEXT);
	text_add(&t, "set=1\n");
	text_add_key(&t, "private_key", key);
	text_add(&t, "listen_port=%s\n", port);
	for (int i = 0; i < PEERS; i++)
		text_add_key(&t, "public_key", initiators[i].public_key);
	text_add(&t, "\n");
	err = uapi_set(socket_path, &t, &seconds);
	if (err) {
		errno = err < 0 ? -err : err;
		die(socket_path);
	}
}

/* Returns how long it took until the last answer. */
static double fire(int fd)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	double begin = now(), last = begin;
	int sent = 0, got = 0;

	while (got < PEERS) {
		ssize_t n;

		while (sent < PEERS && sent - got < WINDOW &&
		       send(fd, initiators[sent].initiation, INITIATION_LEN, 0) > 0)
			sent++;
		if (poll(&wait, 1, PATIENCE_MS) != 1)
			break;
		n = recv(fd, answers[got].data, RESPONSE_LEN, MSG_TRUNC);
		answers[got++].whole = n == RESPONSE_LEN;
		last = now();
	}
	return last - begin;
}

static int connect_to(const char *address, const char *port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)strtoul(port, NULL, 10)) };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (inet_pton(AF_INET, address, &at.sin_addr) != 1 || connect(fd, (struct sockaddr *)&at, sizeof(at)) < 0)
		die(address);
	path.remote = (struct tnl_addr){ .port = ntohs(at.sin_port), .family = 4 };
	memcpy(path.remote.ip, &at.sin_addr, 4);
	return fd;
}

int main(int argc, char **argv)
{
	uint8_t key[TNL_KEY_LEN], daemon[TNL_KEY_LEN];
	double lasted = 0, cpu = 0;
	unsigned long done = 0;
	int fd;

	if (argc < 5 || sodium_init() < 0) {
		fprintf(stderr, "usage: handshakes SOCKET ADDRESS PORT PID...\n");
		return 2;
	}
	fd = connect_to(argv[2], argv[3]);
	clock_of_all = (struct tnl_now){ .boot = TNL_SEC, .wall = (tnl_ns)time(NULL) * TNL_SEC };
	randombytes_buf(key, sizeof(key));
	crypto_scalarmult_base(daemon, key);
	for (int i = 0; i < PEERS; i++)
		make(&initiators[i], daemon);
	introduce(argv[1], argv[3], key);
	for (int lap = 0; lap < LAPS; lap++) {
		double before;

		for (int i = 0; i < PEERS; i++)
			initiate(&initiators[i]);
		memset(answers, 0, sizeof(answers));
		before = used(argv + 4);
		lasted += fire(fd);
		cpu += used(argv + 4) - before;
		for (int i = 0; i < PEERS; i++)
			done += concludes(&answers[i]);
		clock_of_all.boot += STEP * TNL_SEC;
		clock_of_all.wall += STEP * TNL_SEC;
	}
	if (!done) {
		fprintf(stderr, "handshakes: no answer from %s port %s\n", argv[2], argv[3]);
		return EXIT_FAILURE;
	}
	printf("handshakes\t%.0f\t1/s\n", (double)done / lasted);
	printf("cpu\t%.1f\tus\n", cpu * 1e6 / (double)done);
	printf("unanswered\t%lu\thandshakes\n", PEERS * LAPS - done);
	return EXIT_SUCCESS;
}
