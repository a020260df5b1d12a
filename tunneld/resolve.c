/* SPDX-License-Identifier: MIT */
/* The first address that the system's order of preference gives is taken, as wg(8) does. */
#include "resolve.h"

#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "log.h"
#include "udp.h"

enum { ATTEMPTS = 5 };	/* waits of 1, 2, 3, 4 s between them */

const char *resolve_endpoint(const char *host, uint16_t port, struct tnl_addr *ret)
{
	const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_DGRAM, .ai_protocol = IPPROTO_UDP};
	struct addrinfo *found;
	bool ok;
	int err;

	for (unsigned i = 1;; i++) {
		const struct timespec pause = {.tv_sec = i};

		err = getaddrinfo(host, NULL, &hints, &found);
		if (err != EAI_AGAIN || i == ATTEMPTS)
			break;
		log_warn("the name of an endpoint cannot be resolved yet, trying again in %u s", i);
		nanosleep(&pause, NULL);
	}
	if (err)
		return err == EAI_SYSTEM ? strerror(errno) : gai_strerror(err);
	ok = udp_addr(found->ai_addr, found->ai_addrlen, ret);
	ret->port = port;
	freeaddrinfo(found);
	return ok ? NULL : "no address";
}
