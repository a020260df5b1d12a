/* SPDX-License-Identifier: MIT */
/*
 * UDP as a benchmark needs it: one process, its sender in one network namespace and its receiver in another, so that
 * both know what was sent and what came. Datagrams go one by one through the stack (sendmmsg, no UDP GSO), as those of
 * most programs do. Every one names its trial and its number.
 *
 *   traffic flood  FROM TO ADDRESS BYTES SECONDS   as many as it can: offered, delivered, their count, late ones
 *   traffic search FROM TO ADDRESS BYTES SECONDS   the highest rate of which less than LOSS is lost; SECONDS a trial
 *
 * FROM and TO: files of network namespaces. ADDRESS: the receiver's. Prints name, value, unit; tab-separated.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	PORT = 5301,
	BATCH = 64,		/* datagrams a system call */
	BYTES_MIN = 16,		/* the mark */
	BYTES_MAX = 2048,
	BUFFER = 16 << 20,	/* the receiver shall not be what loses */
	DRAIN_MS = 150,		/* what is still on its way after the last was sent */
	PAUSE_NS = 50000,	/* a paced sender sleeps so long, then sends what is due */
	HALVES = 8,		/* of the search: down to a 256th of its first rate */
	STEPS = 5,		/* and then up, to 2^(1/32): 2 % */
	TRIES = 2,		/* a rate fails when as many trials of it lost something: others use the machine too */
};
#define LOSS 0.005

struct mark {
	uint64_t trial, number;
};

struct trial {
	uint64_t sent, received, late;
	double sending, lasted;	/* seconds: until the last was sent, until the last came */
};

static int from_fd, to_fd;
static size_t bytes;
static double seconds;

/* Of the trial under way, by the receiver. */
static _Atomic uint64_t trial_now, received, late, last_ns;

static void die(const char *what)
{
	fprintf(stderr, "traffic: %s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* A socket stays in the namespace that its thread was in. */
static int socket_in(const char *space)
{
	int ns = open(space, O_RDONLY | O_CLOEXEC), fd;

	if (ns < 0 || setns(ns, CLONE_NEWNET) < 0)
		die(space);
	close(ns);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		die("socket");
	return fd;
}

static void open_sockets(const char *from, const char *to, const char *address)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	int size = BUFFER;

	if (inet_pton(AF_INET, address, &at.sin_addr) != 1) {
		errno = EINVAL;
		die(address);
	}
	to_fd = socket_in(to);
	if (setsockopt(to_fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		setsockopt(to_fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (bind(to_fd, (struct sockaddr *)&at, sizeof(at)) < 0)
		die("bind");
	from_fd = socket_in(from);
	if (connect(from_fd, (struct sockaddr *)&at, sizeof(at)) < 0)
		die("connect");
}

static void *receiver(void *arg)
{
	static uint8_t buf[BATCH][BYTES_MAX];
	struct mmsghdr msg[BATCH] = { 0 };
	struct iovec iov[BATCH];
	uint64_t trial = 0, expected = 0;

	for (int i = 0; i < BATCH; i++) {
		iov[i] = (struct iovec){ buf[i], BYTES_MAX };
		msg[i].msg_hdr.msg_iov = &iov[i];
		msg[i].msg_hdr.msg_iovlen = 1;
	}
	for (;;) {
		int n = recvmmsg(to_fd, msg, BATCH, MSG_WAITFORONE, NULL);
		uint64_t good = 0, behind = 0, now = atomic_load(&trial_now);

		for (int i = 0; i < n; i++) {
			struct mark m;

			memcpy(&m, buf[i], sizeof(m));
			if (msg[i].msg_len != bytes || m.trial != now)
				continue;
			if (trial != now) {
				trial = now;
				expected = 0;
			}
			good++;
			behind += m.number < expected;
			expected = m.number < expected ? expected : m.number + 1;
		}
		if (good == 0)
			continue;
		atomic_store(&last_ns, now_ns());
		atomic_fetch_add(&late, behind);
		atomic_fetch_add(&received, good);
	}
	return arg;
}

/* Sends the datagrams number..number + count. What the kernel has no room for is lost, as on a wire. */
static void send_batch(uint64_t trial, uint64_t number, unsigned count)
{
	static uint8_t buf[BATCH][BYTES_MAX];
	static struct mmsghdr msg[BATCH];
	static struct iovec iov[BATCH];

	for (unsigned i = 0; i < count; i++) {
		struct mark m = { trial, number + i };

		memcpy(buf[i], &m, sizeof(m));
		iov[i] = (struct iovec){ buf[i], bytes };
		msg[i].msg_hdr.msg_iov = &iov[i];
		msg[i].msg_hdr.msg_iovlen = 1;
	}
	for (unsigned done = 0; done < count;) {
		int n = sendmmsg(from_fd, msg + done, count - done, 0);

		if (n < 0 && errno != ENOBUFS && errno != ECONNREFUSED && errno != EAGAIN)
			die("send");
		done += n > 0 ? (unsigned)n : 1;
	}
}

/* rate: datagrams a second; 0: as many as it can. */
static struct trial run(double rate)
{
	static uint64_t trials;
	uint64_t trial = ++trials, begin, now, end;
	struct trial t = { 0 };

	atomic_store(&received, 0);
	atomic_store(&late, 0);
	atomic_store(&last_ns, 0);
	atomic_store(&trial_now, trial);
	begin = now = now_ns();
	end = begin + (uint64_t)(seconds * 1e9);
	while (now < end) {
		uint64_t due = rate > 0 ? (uint64_t)((double)(now - begin) / 1e9 * rate) + 1 : t.sent + BATCH;
		unsigned count = due - t.sent < BATCH ? (unsigned)(due - t.sent) : BATCH;

		if (count)
			send_batch(trial, t.sent, count);
		t.sent += count;
		if (count < BATCH)
			nanosleep(&(struct timespec){ .tv_nsec = PAUSE_NS }, NULL);
		now = now_ns();
	}
	nanosleep(&(struct timespec){ .tv_nsec = DRAIN_MS * 1000000 }, NULL);
	t.received = atomic_load(&received);
	t.late = atomic_load(&late);
	t.sending = (double)(now - begin) / 1e9;
	t.lasted = (double)(atomic_load(&last_ns) - begin) / 1e9;
	t.lasted = t.received && t.lasted > t.sending ? t.lasted : t.sending;
	return t;
}

static bool lossless(double rate, double *delivered)
{
	for (int try = 0; try < TRIES; try++) {
		struct trial t = run(rate);

		if ((double)t.received < (double)t.sent * (1 - LOSS))
			continue;
		*delivered = (double)t.received / t.lasted;
		return true;
	}
	return false;
}

/* From what a flood says down by halves to a rate that holds; then between that and the one above it. */
static void search(void)
{
	struct trial flood = run(0);
	double saved = (double)flood.received / flood.lasted, high = (double)flood.sent / flood.sending, low, best = 0;

	/* Nothing carries unharmed three times what it saves of a flood. */
	high = high < 3 * saved ? high : 3 * saved;
	low = high;
	for (int i = 0; i < HALVES && !lossless(low, &best); i++) {
		high = low;
		low /= 2;
	}
	for (int i = 0; i < STEPS && best > 0 && low < high; i++) {
		double rate = sqrt(low * high), delivered;

		if (lossless(rate, &delivered)) {
			best = delivered > best ? delivered : best;
			low = rate;
		} else {
			high = rate;
		}
	}
	printf("lossless\t%.0f\t1/s\n", best);
}

static void flood(void)
{
	struct trial t = run(0);

	printf("offered\t%.0f\t1/s\n", (double)t.sent / t.sending);
	printf("delivered\t%.0f\t1/s\n", (double)t.received / t.lasted);
	printf("count\t%llu\tdatagrams\n", (unsigned long long)t.received);
	printf("late\t%llu\tdatagrams\n", (unsigned long long)t.late);
}

int main(int argc, char **argv)
{
	pthread_t thread;

	if (argc != 7 || (strcmp(argv[1], "flood") && strcmp(argv[1], "search"))) {
		fprintf(stderr, "usage: traffic flood|search FROM TO ADDRESS BYTES SECONDS\n");
		return 2;
	}
	bytes = strtoul(argv[5], NULL, 10);
	seconds = strtod(argv[6], NULL);
	if (bytes < BYTES_MIN || bytes > BYTES_MAX || !(seconds > 0 && seconds <= 60)) {
		fprintf(stderr, "traffic: %d to %d bytes, at most 60 seconds\n", BYTES_MIN, BYTES_MAX);
		return 2;
	}
	open_sockets(argv[2], argv[3], argv[4]);
	prctl(PR_SET_TIMERSLACK, 1);
	if (pthread_create(&thread, NULL, receiver, NULL))
		die("thread");
	if (!strcmp(argv[1], "flood"))
		flood();
	else
		search();
	return EXIT_SUCCESS;	/* and with it the receiver */
}
