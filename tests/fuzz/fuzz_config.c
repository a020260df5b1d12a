/* SPDX-License-Identifier: MIT */
/*
 * A configuration from the process that reads files, which others may have written. First how many peers' lines,
 * addresses and commands of each phase it says to hold, then what else is not zero in the struct: their number, and for
 * each two bytes for the place and one that stands there. The rest is what lies behind the struct.
 *
 * Claims: what is taken is what a file can say, as far as that is taken for granted later, and packs to what it was.
 */
#include <stdlib.h>
#include <string.h>

#include "../../tunneld/config.h"
#include "conf.h"
#include "rig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { COUNTS = 2 + HOOKS_PHASES };

static void check(const struct config *c)
{
	must(!c->op_count || c->ops[0].what == UAPI_PEER);
	for (size_t i = 0; i < c->op_count; i++) {
		const struct uapi_op *op = &c->ops[i];

		must(op->what != UAPI_PRIVATE_KEY && op->what < UAPI_WHATS);
		must(op->what != UAPI_KEEPALIVE || op->number <= UINT16_MAX);
		must(op->what != UAPI_ENDPOINT || op->addr.port);
		must(op->what != UAPI_ALLOWED_IP || op->bits <= (op->addr.family == 4 ? 32 : 128));
	}
	for (size_t i = 0; i < c->address_count; i++)
		must(c->addresses[i].bits <= (c->addresses[i].addr.family == 4 ? 32 : 128));
	must(c->dns_count <= CONFIG_DNS_MAX && c->mtu <= UINT16_MAX && strnlen(c->nat_via, IFNAMSIZ) < IFNAMSIZ);
	for (size_t i = 0; i < c->dns_count; i++)
		must(strnlen(c->dns[i].text, CONFIG_DNS_TEXT) < CONFIG_DNS_TEXT);
}

static void check_again(const struct config *c, const char *packed, size_t len)
{
	size_t again_len;
	char *again = config_pack(c, &again_len);

	must(again && again_len == len);
	must(!memcmp(again + sizeof(*c), packed + sizeof(*c), len - sizeof(*c)));
	free(again);
}

/* The struct that the input describes; how many bytes of the input it took. */
static size_t describe(const uint8_t *data, size_t size, struct config *ret)
{
	size_t at = COUNTS + 1;

	ret->op_count = data[0];
	ret->address_count = data[1];
	for (unsigned i = 0; i < HOOKS_PHASES; i++)
		ret->hook_count[i] = data[2 + i];
	for (unsigned n = data[COUNTS]; n && size - at >= 3; n--, at += 3)
		((uint8_t *)ret)[(data[at] | data[at + 1] << 8) % sizeof(*ret)] = data[at + 2];
	return at;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config head = { .table = CONF_TABLE_AUTO }, *got;
	size_t at, len;
	char *packed;

	if (size < COUNTS + 1)
		return 0;
	at = describe(data, size, &head);
	len = sizeof(head) + size - at;
	packed = malloc(len);	/* of its exact size, so that reading on is seen */
	must(packed != NULL);
	memcpy(packed, &head, sizeof(head));
	memcpy(packed + sizeof(head), data + at, size - at);
	got = config_unpack(packed, len);
	if (got) {
		check(got);
		check_again(got, packed, len);
	}
	config_free(got);
	free(packed);
	return 0;
}
