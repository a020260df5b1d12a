/* SPDX-License-Identifier: MIT */
/*
 * Two daemons that run get new keys, in the order that costs least. The preshared key matters only to the next
 * handshake, so alice is given it first. Then bob gets her new public key as a peer that takes her addresses over: what
 * he has for her waits, and what she sends with the session of her old key is no longer let in. Then she gets her new
 * private key, and her next packet makes a session. So a ping that is on its way between the last two may be lost, and
 * it is said how many were.
 */
#include "client.h"
#include "demo.h"
#include "keytext.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PINGS = 150, PING_EVERY_MS = 10, PING_WAIT_MS = 2000, LEAD_MS = 400, SESSION_WAIT_MS = 5000, STEP_MS = 1 };

static void sleep_ms(unsigned ms)
{
	const struct timespec ts = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L };

	nanosleep(&ts, NULL);
}

static uint64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

/* alice as bob shall know her from now on. */
static void describe(const struct demo *d, const uint8_t public[TNL_KEY_LEN], const uint8_t psk[TNL_KEY_LEN],
		     struct peer *ret)
{
	struct net n;

	*ret = (struct peer){ .has_psk = true };
	memcpy(ret->key, public, TNL_KEY_LEN);
	memcpy(ret->psk, psk, TNL_KEY_LEN);
	strcpy(ret->endpoint, d->alice.endpoint);
	if (net_parse(d->alice.addr4, strlen(d->alice.addr4), &n))
		peer_add_net(ret, &n);
	if (d->has6 && net_parse(d->alice.addr6, strlen(d->alice.addr6), &n))
		peer_add_net(ret, &n);
}

static int set_keys(const struct demo *d, const uint8_t private[TNL_KEY_LEN], const uint8_t public[TNL_KEY_LEN])
{
	char at_alice[PATH_MAX], at_bob[PATH_MAX];
	struct peer alice, bob = { .has_psk = true };
	int err;

	demo_socket(&d->alice, at_alice);
	demo_socket(&d->bob, at_bob);
	memcpy(bob.key, d->bob.public, TNL_KEY_LEN);
	randombytes_buf(bob.psk, sizeof(bob.psk));
	describe(d, public, bob.psk, &alice);
	err = client_peer_update(at_alice, &bob, CLIENT_PSK);
	if (!err)
		err = client_peer_set(at_bob, &alice);
	if (!err)
		err = client_set_private(at_alice, private);
	free(alice.net);
	sodium_memzero(&alice, sizeof(alice));
	sodium_memzero(&bob, sizeof(bob));
	return err ? cmd_fail(d->c, CMD_FAILED, "cannot set new keys: %s", strerror(-err)) : 0;
}

/* What bob has received from the owner of that key in sessions made with it; 0: there is none. */
static uint64_t received(const struct demo *d, const uint8_t public[TNL_KEY_LEN])
{
	struct roster r = { 0 };
	const struct peer *p;
	char path[PATH_MAX];
	uint64_t bytes = 0;

	demo_socket(&d->bob, path);
	if (!client_load(path, &r) && (p = roster_by_key(&r, public)) && p->handshake_s)
		bytes = p->rx_bytes;
	roster_free(&r);
	return bytes;
}

static int change(struct demo *d)
{
	uint8_t private[TNL_KEY_LEN], public[TNL_KEY_LEN], before[TNL_KEY_LEN];
	uint64_t begin = now_us();
	char path[PATH_MAX];
	int code, err;

	keytext_new_private(private);
	crypto_scalarmult_base(public, private);
	code = set_keys(d, private, public);
	memcpy(before, d->alice.public, TNL_KEY_LEN);
	memcpy(d->alice.public, public, TNL_KEY_LEN);
	sodium_memzero(private, sizeof(private));
	if (code)
		return code;
	for (unsigned waited = 0; !received(d, public); waited += STEP_MS) {
		if (waited >= SESSION_WAIT_MS)
			return demo_fail(d, &d->bob, CMD_TIMEOUT, "the new keys make no session");
		sleep_ms(STEP_MS);
	}
	d->change_us = (uint32_t)(now_us() - begin);
	demo_socket(&d->bob, path);
	err = client_peer_remove(path, before);
	return err ? cmd_fail(d->c, CMD_FAILED, "cannot remove the old key: %s", strerror(-err)) : 0;
}

int demo_change_keys(struct demo *d)
{
	struct ping *seen = mmap(NULL, sizeof(*seen), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int code, status;
	pid_t pid;

	if (seen == MAP_FAILED)
		return cmd_fail(d->c, CMD_FAILED, "out of memory");
	pid = fork();
	if (!pid)
		_exit(ping_run(d->bob.addr4, PINGS, PING_EVERY_MS, PING_WAIT_MS, seen) ? 1 : 0);
	if (pid < 0)
		return cmd_fail(d->c, CMD_FAILED, "fork: no process");
	sleep_ms(LEAD_MS);
	code = change(d);
	if (code)
		return code;	/* the child ends with us */
	if (waitpid(pid, &status, 0) != pid || status || !seen->answered)
		return demo_fail(d, &d->alice, CMD_FAILED, "no ping is answered while keys change");
	d->change = *seen;
	munmap(seen, sizeof(*seen));
	return 0;
}
