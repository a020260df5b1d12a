/* SPDX-License-Identifier: MIT */
/* Sealing and opening, by every cipher there is, for each packet of a run of 1, 8 or 45. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aead.h"
#include "micro.h"

enum { LEN_MAX = 1420, RUN_MAX = 45, PACKETS = 45 * 8 * 40, FEW = 45 * 8 };

struct runs {
	struct aead *ctx;
	size_t len;
	unsigned run, packets;
	uint8_t key[AEAD_KEY_LEN];
	struct aead_item item[RUN_MAX];
	uint8_t buf[RUN_MAX][LEN_MAX + AEAD_TAG_LEN], sealed[RUN_MAX][LEN_MAX + AEAD_TAG_LEN];
};

static void seal_lap(void *arg)
{
	struct runs *r = arg;

	for (unsigned i = 0; i < r->packets; i += r->run)
		aead_seal_run(r->ctx, r->item, r->run, r->key);
}

/* An opened packet is plaintext, so each needs its ciphertext anew: the figure includes a copy of some 20 ns. */
static void open_lap(void *arg)
{
	struct runs *r = arg;

	for (unsigned i = 0; i < r->packets; i += r->run) {
		for (unsigned k = 0; k < r->run; k++)
			memcpy(r->buf[k], r->sealed[k], r->len + AEAD_TAG_LEN);
		aead_open_run(r->ctx, r->item, r->run, r->key);
		assert(r->item[r->run - 1].opened);
	}
}

static void prepare(struct runs *r)
{
	for (unsigned k = 0; k < RUN_MAX; k++) {
		r->item[k] = (struct aead_item){ .buf = r->buf[k], .len = r->len, .counter = k };
		aead_seal_ad(r->sealed[k], r->buf[k], r->len, NULL, 0, r->key, k);
	}
}

void micro_aead(void)
{
	static const size_t lens[] = { 64, 512, LEN_MAX };
	static const unsigned run[] = { 1, 8, RUN_MAX };
	static struct runs r;
	char name[64];

	r.packets = micro_counting() ? FEW : PACKETS;
	for (unsigned engine = 0; engine < aead_count(); engine++) {
		r.ctx = micro_memory(aead_ctx_size());
		aead_ctx_init(r.ctx, engine);
		for (unsigned i = 0; i < 9; i++) {
			r.len = lens[i / 3];
			r.run = run[i % 3];
			prepare(&r);
			snprintf(name, sizeof(name), "seal_%zu_x%u_%s", r.len, r.run, aead_name(engine));
			micro_run(name, seal_lap, &r, r.packets);
			snprintf(name, sizeof(name), "open_%zu_x%u_%s", r.len, r.run, aead_name(engine));
			micro_run(name, open_lap, &r, r.packets);
		}
		aead_ctx_wipe(r.ctx);
		free(r.ctx);
	}
	printf("# the cipher that tunneld would take %s: %s\n", micro_counting() ? "under valgrind" : "here",
	       aead_description());
}
