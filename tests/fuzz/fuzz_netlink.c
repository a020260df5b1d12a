/* SPDX-License-Identifier: MIT */
/* A route as an answer says it: whatever the attributes are, nothing behind the message is read. */
#include <stdlib.h>
#include <string.h>

#include "../../tunneld/netlink_own.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct netlink_route_seen seen = { .family = 99 };
	struct nlmsghdr *h;

	if (size < sizeof(*h))
		return 0;
	h = malloc(size);	/* of exactly this size, so that the sanitizer sees a byte too many */
	if (!h)
		return 0;
	memcpy(h, data, size);
	if (h->nlmsg_len > size || h->nlmsg_len < sizeof(*h))
		h->nlmsg_len = (uint32_t)size;	/* that is checked before it gets there */
	if (netlink_read_route(h, &seen) ? seen.family > 6 : seen.family != 99)
		abort();
	free(h);
	return 0;
}
