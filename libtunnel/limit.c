/* SPDX-License-Identifier: MIT */
#include "limit.h"

#include <sodium.h>
#include <string.h>

#define SECOND UINT64_C(1000000000)
#define COST (SECOND / LIMIT_PER_SECOND)
#define FULL (COST * LIMIT_BURST)
#define IDLE SECOND

enum { PROBES = 32 };	/* slots that a source may be filed in, from where its hash points */

static bool live(const struct limit_slot *s, uint64_t now)
{
	return s->key && now - s->seen <= IDLE;
}

/* The source's slot, or one that it may take over; NULL when all it may use are live. */
static struct limit_slot *find(struct limit *l, uint64_t key, uint64_t now)
{
	struct limit_slot *vacant = NULL;

	for (uint64_t i = 0; i < PROBES; i++) {
		struct limit_slot *s = &l->slot[(key + i) % LIMIT_SLOTS];

		if (s->key == key)
			return s;
		if (!vacant && !live(s, now))
			vacant = s;
	}
	return vacant;
}

bool limit_pass(struct limit *l, uint8_t family, const uint8_t ip[16], uint64_t now)
{
	uint8_t source[9] = { family }, hash[crypto_shorthash_BYTES];
	struct limit_slot *s;
	uint64_t key;

	memcpy(source + 1, ip, family == 4 ? 4 : 8);
	crypto_shorthash(hash, source, sizeof(source), l->secret);
	memcpy(&key, hash, sizeof(key));
	if (!key)
		key = 1;	/* 0 is the empty slot */
	s = find(l, key, now);
	if (!s)
		return false;
	if (s->key != key || !live(s, now))
		*s = (struct limit_slot){ .key = key, .seen = now, .tokens = FULL };
	s->tokens += now - s->seen;
	if (s->tokens > FULL)
		s->tokens = FULL;
	s->seen = now;
	if (s->tokens < COST)
		return false;
	s->tokens -= COST;
	return true;
}
