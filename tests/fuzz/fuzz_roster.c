/* SPDX-License-Identifier: MIT */
/*
 * Files of peers as tunctl takes them in. First byte odd: a peer's own file, else the main one. Each peer that comes of
 * it can be found again by all that it is called, and nothing of it is more than a file can say.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../tools/roster.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void check_peer(const struct roster *r, const struct peer *p)
{
	char label[IFACE_PEER_NAME_MAX + 1], key[TEXT_BASE64_KEY];
	struct peer *found;
	int err;

	must(!p->name[0] || iface_peer_name_ok(p->name));
	must(strlen(p->endpoint) < sizeof(p->endpoint) && p->saved && !p->live);
	for (size_t i = 0; i < p->net_count; i++)
		must(p->net[i].addr.family == 4 ? p->net[i].bits <= 32 : p->net[i].bits <= 128);
	found = roster_by_key(r, p->key);
	must(found && !memcmp(found->key, p->key, sizeof(p->key)));
	text_key_to_base64(key, p->key);
	err = roster_find(r, key, &found);
	must(!err || err == -ENOTUNIQ);	/* the file names it twice */
	must(strlen(peer_label(p, label)) <= IFACE_PEER_NAME_MAX);
	roster_find(r, label, &found);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct ctx c = { .mute = true };
	struct roster r = { 0 };
	char *text;

	if (size < 1)
		return 0;
	text = malloc(size);	/* of its exact size, so that reading on is seen */
	must(text != NULL);
	memcpy(text, data + 1, size - 1);
	roster_read(&c, "x", data[0] & 1 ? "anna" : NULL, text, size - 1, &r);
	roster_sort(&r);
	for (size_t i = 0; i < r.count; i++)
		check_peer(&r, &r.peer[i]);
	roster_free(&r);
	free(text);
	return 0;
}
