/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "hash.h"
#include "sides.h"
#include "suite.h"

static void derive(uint8_t key[NOISE_KEY_LEN], const char *label)
{
	hash_two(key, label, strlen(label), NULL, 0);
}

void sides_init(struct sides *s)
{
	uint8_t key[NOISE_KEY_LEN];

	memset(s, 0, sizeof(*s));
	derive(key, "initiator");
	noise_identity_set(&s->initiator, key);
	derive(key, "responder");
	noise_identity_set(&s->responder, key);
	derive(s->e_i, "ephemeral of the initiator");
	derive(s->e_r, "ephemeral of the responder");
	derive(s->psk, "preshared");
	ck_assert(noise_static_static(&s->initiator, s->responder.static_public, s->static_static));
}

void sides_initiate(struct sides *s, const uint8_t timestamp[TIMESTAMP_LEN])
{
	ck_assert(noise_create_initiation(&s->hs_i, &s->initiator, s->responder.static_public, s->static_static,
					  s->e_i, timestamp, s->initiation));
}

bool sides_consume(struct sides *s)
{
	uint8_t who[NOISE_KEY_LEN], when[TIMESTAMP_LEN];

	return noise_consume_initiation_static(&s->hs_r, &s->responder, s->initiation, who) &&
	       noise_consume_initiation_timestamp(&s->hs_r, s->static_static, s->initiation, when);
}

bool sides_respond(struct sides *s, struct noise_keys *ret)
{
	return noise_create_response(&s->hs_r, s->initiator.static_public, s->psk, s->e_r, s->response, ret);
}

bool sides_conclude(struct sides *s, struct noise_keys *ret)
{
	return noise_consume_response(&s->hs_i, &s->initiator, s->psk, s->response, ret);
}
