/* SPDX-License-Identifier: MIT */
/* The difference of two states: exact tables first, then random states, applied to a slow obvious model of a device. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../tunneld/diff.h"
#include "suite.h"

static char told[8192];
static unsigned told_count;

static void hear(void *ctx, const char *line)
{
	(void)ctx;
	snprintf(told + strlen(told), sizeof(told) - strlen(told), "%s\n", line);
	told_count++;
}

/* "private N", "port N", "mark N", "peer N", "psk N", "at N", "keepalive N", "net A/B": one line each. */
static struct diff_state *state(const char *text)
{
	struct diff_state *s = diff_state_new();
	char what[16];
	unsigned n, bits;
	int used;

	for (; sscanf(text, " %15s %u%n", what, &n, &used) == 2; text += used) {
		struct uapi_op op = { .what = UAPI_WHATS };

		if (!strcmp(what, "private") || !strcmp(what, "peer") || !strcmp(what, "psk")) {
			op.what = what[1] == 'r' ? UAPI_PRIVATE_KEY : what[1] == 'e' ? UAPI_PEER : UAPI_PSK;
			if (n)
				memset(op.key, (int)n, sizeof(op.key));
		} else if (!strcmp(what, "at")) {
			op.what = UAPI_ENDPOINT;
			op.addr = (struct tnl_addr){ .family = 4, .ip = { 10, 0, 0, (uint8_t)n }, .port = 1 };
		} else if (!strcmp(what, "net")) {
			ck_assert_int_eq(sscanf(text + used, "/%u%n", &bits, &(int){ 0 }), 1);
			op.what = UAPI_ALLOWED_IP;
			op.addr = (struct tnl_addr){ .family = 4, .ip = { 10, (uint8_t)n } };
			op.bits = (uint8_t)bits;
			text += strcspn(text + used, " ");
		} else {
			op.what = what[0] == 'p' ? UAPI_LISTEN_PORT : what[0] == 'm' ? UAPI_FWMARK : UAPI_KEEPALIVE;
			op.number = n;
		}
		ck_assert(diff_state_add(s, &op));
	}
	return s;
}

/* The transaction as text, keys by their first byte. */
static void write_set(const struct diff_set *set, char *dst, size_t max)
{
	size_t len = 0;

	dst[0] = 0;
	for (size_t i = 0; i < set->count; i++) {
		const struct uapi_op *op = &set->ops[i];

		switch (op->what) {
		case UAPI_PRIVATE_KEY:
			len += (size_t)snprintf(dst + len, max - len, "private %u ", op->key[1]);
			break;
		case UAPI_LISTEN_PORT:
			len += (size_t)snprintf(dst + len, max - len, "port %u ", (unsigned)op->number);
			break;
		case UAPI_FWMARK:
			len += (size_t)snprintf(dst + len, max - len, "mark %u ", (unsigned)op->number);
			break;
		case UAPI_PEER:
			len += (size_t)snprintf(dst + len, max - len, "peer %u ", op->key[0]);
			break;
		case UAPI_REMOVE:
			len += (size_t)snprintf(dst + len, max - len, "remove ");
			break;
		case UAPI_UPDATE_ONLY:
			len += (size_t)snprintf(dst + len, max - len, "only ");
			break;
		case UAPI_PSK:
			len += (size_t)snprintf(dst + len, max - len, "psk %u ", op->key[0]);
			break;
		case UAPI_ENDPOINT:
			len += (size_t)snprintf(dst + len, max - len, "at %u ", op->addr.ip[3]);
			break;
		case UAPI_KEEPALIVE:
			len += (size_t)snprintf(dst + len, max - len, "keepalive %u ", (unsigned)op->number);
			break;
		case UAPI_ALLOWED_IP:
			len += (size_t)snprintf(dst + len, max - len, "%snet %u/%u ", op->minus ? "-" : "",
						op->addr.ip[1], op->bits);
			break;
		default:
			ck_abort_msg("operation %d", (int)op->what);
		}
	}
	if (len)
		dst[len - 1] = 0;
}

static const struct {
	const char *claim, *live, *was, *want, *set;
	unsigned lines;
} table[] = {
	{ "nothing to do", "private 8 port 5 peer 1 net 1/16", NULL, "private 8 port 5 peer 1 net 1/16", "", 0 },
	{ "from nothing", "", NULL, "private 8 port 5 mark 3 peer 1 psk 9 at 7 keepalive 25 net 1/16 net 2/16",
	  "private 8 port 5 mark 3 peer 1 psk 9 at 7 keepalive 25 net 1/16 net 2/16", 4 },
	{ "to nothing", "peer 2 net 2/16 peer 1 net 1/16", NULL, "", "peer 1 remove peer 2 remove", 2 },
	{ "the order does not matter", "peer 2 net 2/16 net 3/16 peer 1", NULL, "peer 1 peer 2 net 3/16 net 2/16", "",
	  0 },
	{ "a preshared key goes", "peer 1 psk 9", NULL, "peer 1", "peer 1 psk 0", 1 },
	{ "a keepalive goes", "peer 1 keepalive 25", NULL, "peer 1", "peer 1 keepalive 0", 1 },
	{ "an allowed IP is more", "peer 1 net 1/16", NULL, "peer 1 net 1/16 net 2/16", "peer 1 net 2/16", 1 },
	{ "an allowed IP is less", "peer 1 net 1/16 net 2/16", NULL, "peer 1 net 1/16", "peer 1 only -net 2/16", 1 },
	{ "the same address with other bits is another", "peer 1 net 1/16", NULL, "peer 1 net 1/24",
	  "peer 1 net 1/24 peer 1 only -net 1/16", 1 },
	{ "an allowed IP moves in one line", "peer 1 net 1/16 peer 2", NULL, "peer 1 peer 2 net 1/16",
	  "peer 2 net 1/16", 1 },
	{ "it moves from a peer that goes to one that comes", "peer 1 net 1/16", NULL, "peer 2 net 1/16",
	  "peer 2 net 1/16 peer 1 remove", 2 },
	{ "two exchange theirs", "peer 1 net 1/16 peer 2 net 2/16", NULL, "peer 1 net 2/16 peer 2 net 1/16",
	  "peer 1 net 2/16 peer 2 net 1/16", 2 },
	{ "who roamed is left alone", "peer 1 at 9", "peer 1 at 1", "peer 1 at 1", "", 0 },
	{ "unless the file moved it", "peer 1 at 9", "peer 1 at 1", "peer 1 at 2", "peer 1 at 2", 1 },
	{ "to where it is already", "peer 1 at 2", "peer 1 at 1", "peer 1 at 2", "", 0 },
	{ "an endpoint that was lost comes back", "peer 1", "peer 1 at 1", "peer 1 at 1", "peer 1 at 1", 1 },
	{ "no endpoint in the file is no opinion", "peer 1 at 9", "peer 1 at 1", "peer 1", "", 0 },
	{ "a port of 0 leaves the one that was found", "port 777", "port 0", "port 0", "", 0 },
	{ "unless there was another", "port 777", "port 777", "port 0", "port 0", 1 },
	{ "a mark set by hand stays", "mark 7", "mark 0", "mark 0", "", 0 },
	{ "a mark of the file goes with it", "mark 7", "mark 7", "", "mark 0", 1 },
	{ "a key set by hand stays", "private 8", "", "", "", 0 },
	{ "the file's key goes with it", "private 8", "private 8", "", "private 0", 1 },
	{ "of a peer that comes twice the later counts", "", NULL, "peer 1 psk 9 net 1/16 peer 2 peer 1 net 2/16",
	  "peer 1 psk 9 net 2/16 peer 2", 2 },
	{ "an allowed IP is the last claimant's", "", NULL, "peer 1 net 1/16 peer 2 net 1/16",
	  "peer 1 peer 2 net 1/16", 2 },
};

START_TEST(diff_is_what_the_table_says)
{
	struct diff_state *live = state(table[_i].live), *was = table[_i].was ? state(table[_i].was) : NULL;
	struct diff_state *want = state(table[_i].want);
	struct diff_set set;
	char text[1024];

	told[0] = 0;
	told_count = 0;
	ck_assert(diff_make(live, was, want, hear, NULL, &set));
	write_set(&set, text, sizeof(text));
	ck_assert_msg(!strcmp(text, table[_i].set), "%s: \"%s\"", table[_i].claim, text);
	ck_assert_msg(told_count == table[_i].lines, "%s: told:\n%s", table[_i].claim, told);
	diff_set_free(&set);
	diff_state_free(live);
	diff_state_free(was);
	diff_state_free(want);
}
END_TEST

/* ---- Random states against a model ------------------------------------------------------------------------------- */

enum { PEERS = 6, NETS = 12 };

struct model {
	struct { bool there; unsigned psk, keepalive; } peer[PEERS];
	unsigned owner[NETS];	/* peer + 1; 0: nobody's */
};

static void random_model(struct model *m)
{
	memset(m, 0, sizeof(*m));
	for (unsigned i = 0; i < PEERS; i++) {
		m->peer[i].there = rand() % 3 != 0;
		m->peer[i].psk = m->peer[i].there ? (unsigned)rand() % 3 : 0;
		m->peer[i].keepalive = m->peer[i].there ? (unsigned)rand() % 3 : 0;
	}
	for (unsigned i = 0; i < NETS; i++) {
		unsigned owner = (unsigned)rand() % (PEERS + 1);

		m->owner[i] = owner && m->peer[owner - 1].there ? owner : 0;
	}
}

static struct diff_state *state_of_model(const struct model *m)
{
	char text[4096];
	size_t len = 0;

	for (unsigned i = 0; i < PEERS; i++) {
		if (!m->peer[i].there)
			continue;
		len += (size_t)snprintf(text + len, sizeof(text) - len, " peer %u psk %u keepalive %u", i + 1,
					m->peer[i].psk, m->peer[i].keepalive);
		for (unsigned k = 0; k < NETS; k++)
			if (m->owner[k] == i + 1)
				len += (size_t)snprintf(text + len, sizeof(text) - len, " net %u/16", k + 1);
	}
	text[len] = 0;
	return state(text);
}

/* A device, line by line. A net that somebody owns before and after must be somebody's all the time. */
static void apply(struct model *m, const struct model *want, const struct diff_set *set)
{
	struct model before = *m;
	unsigned p = 0;

	for (size_t i = 0; i < set->count; i++) {
		const struct uapi_op *op = &set->ops[i];
		unsigned net = op->what == UAPI_ALLOWED_IP ? op->addr.ip[1] - 1u : 0;

		if (op->what == UAPI_PEER) {
			p = op->key[0] - 1u;
			m->peer[p].there = true;
		} else if (op->what == UAPI_REMOVE) {
			ck_assert_msg(!want->peer[p].there, "a peer that stays is removed");
			memset(&m->peer[p], 0, sizeof(m->peer[p]));
			for (unsigned k = 0; k < NETS; k++)
				m->owner[k] = m->owner[k] == p + 1 ? 0 : m->owner[k];
		} else if (op->what == UAPI_PSK) {
			m->peer[p].psk = op->key[0];
		} else if (op->what == UAPI_KEEPALIVE) {
			m->peer[p].keepalive = (unsigned)op->number;
		} else if (op->what == UAPI_ALLOWED_IP && op->minus) {
			m->owner[net] = m->owner[net] == p + 1 ? 0 : m->owner[net];
		} else if (op->what == UAPI_ALLOWED_IP) {
			m->owner[net] = p + 1;
		}
		for (unsigned k = 0; k < NETS; k++)
			ck_assert(m->owner[k] || !before.owner[k] || !want->owner[k]);
	}
}

START_TEST(diff_leads_from_any_state_to_any_other)
{
	unsigned seed = (unsigned)time(NULL);

	srand(seed);
	for (unsigned round = 0; round < 300; round++) {
		struct model have, want;
		struct diff_state *a, *b;
		struct diff_set set;

		random_model(&have);
		random_model(&want);
		a = state_of_model(&have);
		b = state_of_model(&want);
		told[0] = 0;
		ck_assert(diff_make(a, NULL, b, hear, NULL, &set));
		apply(&have, &want, &set);
		ck_assert_msg(!memcmp(&have, &want, sizeof(have)), "seed %u, round %u", seed, round);
		diff_set_free(&set);
		diff_state_free(a);
		diff_state_free(b);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("tunneld diff");
	TCase *c = tcase_create("diff");

	tcase_add_loop_test(c, diff_is_what_the_table_says, 0, sizeof(table) / sizeof(table[0]));
	tcase_add_test(c, diff_leads_from_any_state_to_any_other);
	suite_add_tcase(s, c);
	return suite_run(s);
}
