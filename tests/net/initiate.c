/* SPDX-License-Identifier: MIT */
/*
 * A flood of initiations that a daemon has to take seriously: all are genuine, of as many peers as it was told of.
 *
 *   initiate ADDRESS PORT KEY      KEY: the daemon's public key, in base64
 *
 * Prints the public keys of the initiators, one a line, waits for a line, and sends until it is ended by SIGTERM, some
 * four times as fast as a processor can answer. Then it prints how many responses and how many cookies came.
 */
#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "cookie.h"
#include "noise.h"
#include "wire.h"

enum { PEERS = 100, LAPS = 20, EACH = 20, PAUSE_NS = 1000000 };

static uint8_t message[LAPS][PEERS][INITIATION_LEN];
static volatile sig_atomic_t ended;

static void end(int sig)
{
	(void)sig;
	ended = 1;
}

static void die(const char *what)
{
	perror(what);
	exit(2);
}

static void initiation(uint8_t *msg, const struct noise_identity *id, const uint8_t *daemon, const uint8_t *mac1_key,
		       uint32_t lap)
{
	uint8_t static_static[NOISE_KEY_LEN], ephemeral[NOISE_KEY_LEN], timestamp[TIMESTAMP_LEN] = { 0 };
	struct noise_handshake hs;

	randombytes_buf(ephemeral, sizeof(ephemeral));
	put_be32(timestamp, lap + 1);
	if (!noise_static_static(id, daemon, static_static) ||
	    !noise_create_initiation(&hs, id, daemon, static_static, ephemeral, timestamp, msg))
		die("initiation");
	put_le32(msg, WIRE_INITIATION);
	put_le32(msg + INITIATION_SENDER, randombytes_random());
	cookie_add_macs(msg, INITIATION_LEN, mac1_key, NULL);
}

static void prepare(const uint8_t daemon[NOISE_KEY_LEN])
{
	uint8_t mac1_key[COOKIE_KEY_LEN], key[NOISE_KEY_LEN];
	struct noise_identity id;
	char text[64];

	cookie_mac1_key(mac1_key, daemon);
	for (uint32_t i = 0; i < PEERS; i++) {
		randombytes_buf(key, sizeof(key));
		noise_identity_set(&id, key);
		for (uint32_t lap = 0; lap < LAPS; lap++)
			initiation(message[lap][i], &id, daemon, mac1_key, lap);
		puts(sodium_bin2base64(text, sizeof(text), id.static_public, NOISE_KEY_LEN,
				       sodium_base64_VARIANT_ORIGINAL));
	}
	fflush(stdout);
}

static void flood(int fd)
{
	const uint8_t(*all)[INITIATION_LEN] = message[0];
	const struct timespec pause = { .tv_nsec = PAUSE_NS };
	unsigned long responses = 0, cookies = 0;
	uint8_t answer[RESPONSE_LEN];
	ssize_t n;

	for (unsigned at = 0; !ended; nanosleep(&pause, NULL)) {
		for (int i = 0; i < EACH; i++, at = (at + 1) % (LAPS * PEERS))
			(void)!send(fd, all[at], INITIATION_LEN, MSG_DONTWAIT);
		while ((n = recv(fd, answer, sizeof(answer), MSG_DONTWAIT)) > 0) {
			responses += n == RESPONSE_LEN;
			cookies += n == COOKIE_LEN;
		}
	}
	printf("%lu responses, %lu cookies\n", responses, cookies);
}

int main(int argc, char **argv)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	uint8_t daemon[NOISE_KEY_LEN];
	size_t len;

	if (argc != 4 || sodium_init() < 0 || inet_pton(AF_INET, argv[1], &to.sin_addr) != 1 ||
	    sodium_base642bin(daemon, sizeof(daemon), argv[3], strlen(argv[3]), NULL, &len, NULL,
			      sodium_base64_VARIANT_ORIGINAL) || len != sizeof(daemon)) {
		fprintf(stderr, "usage: initiate ADDRESS PORT KEY\n");
		return 2;
	}
	to.sin_port = htons((uint16_t)atoi(argv[2]));
	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		die(argv[1]);
	signal(SIGTERM, end);
	prepare(daemon);
	if (getchar() == '\n')
		flood(fd);
	return 0;
}
