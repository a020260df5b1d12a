/* SPDX-License-Identifier: MIT */
/* Edits of configuration text: what changes, to the byte, and that nothing else does. */
#include <check.h>
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "conf.h"
#include "suite.h"

#define KEY_A "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk="
#define KEY_B "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg="
#define KEY_C "TrMvSoP4jYQlY6RIzBgbssQqY3vxI2Pi+y71lOWWXX0="

#define A "[Peer]\nPublicKey = " KEY_A "\n"
#define B "[Peer]\nPublicKey = " KEY_B "\n"
#define I "[Interface]\nListenPort = 1\n"

enum { TEXT_MAX = 8192 };

static const uint8_t *key(const char *base64)
{
	static uint8_t bytes[TNL_KEY_LEN];

	if (!base64)
		return NULL;
	ck_assert(text_key_from_base64(base64, strlen(base64), bytes));
	return bytes;
}

/* Applies an edit; the bytes outside the splice are compared by hand. */
static void apply(const char *text, const struct conf_edit *e, char *ret)
{
	size_t len = strlen(text), all = conf_edit_apply(text, len, e, NULL, 0);

	ck_assert_uint_lt(all, TEXT_MAX);
	ck_assert(e->at <= len && e->cut <= len - e->at);
	ck_assert_uint_eq(all, len - e->cut + e->len);
	ck_assert_uint_eq(conf_edit_apply(text, len, e, ret, all), all);
	ret[all] = 0;
	ck_assert_mem_eq(ret, text, e->at);
	ck_assert_str_eq(ret + e->at + e->len, text + e->at + e->cut);
}

/* ---- Remove ------------------------------------------------------------------------------------------------------ */

static const struct {
	const char *text, *after;	/* KEY_A removed */
} removed[] = {
	{ A, "" },
	{ I "\n" A, I },
	{ I "\n" A "\n\n", I },
	{ I "\n" A "\n" B, I "\n" B },
	{ I "\n" A B, I "\n" B },
	{ B "\n" A, B },
	{ "[Peer]\r\npublickey=" KEY_A "#x\r\n\r\n[Peer]\r\n", "[Peer]\r\n" },
	{ "[Peer]\nPublicKey = " KEY_A, "" },
	/* comment lines directly above the header speak of the section */
	{ I "\n# anna\n# phone\n" A "\n# bert\n" B, I "\n# bert\n" B },
	{ I "\n# anna\n" A "# bert\n" B, I "\n# bert\n" B },
	{ I "\n# all peers\n\n# anna\n" A "AllowedIPs = ::/0\n\n" B, I "\n# all peers\n\n" B },
	{ I "\n# stands apart\n\n" A, I "\n# stands apart\n" },
	{ I "# of the interface\n" A, I },
	/* comments inside go with it; behind a gap they stay */
	{ A "# Endpoint = old\nAllowedIPs = ::/0\n# end of a\n\n# section of customers\n\n" B,
	  "# section of customers\n\n" B },
	{ A "\n# the end\n", "# the end\n" },
	{ A "#: Name = a\n", "" },
	{ B "#: Name = b\n" A, B "#: Name = b\n" },
	{ A "\nAllowedIPs = ::/0\n\n\n" I, I },
	/* only the first of two; and the last PublicKey of a section counts */
	{ A "\n" A, A },
	{ "[Peer]\nPublicKey = " KEY_B "\nPublicKey = " KEY_A "\n" B, B },
	{ A "[broken\nx = y\n", "[broken\nx = y\n" },
	{ A "garbage\n\n\n[Foo]\n", "[Foo]\n" },
};

START_TEST(removing_takes_the_section_and_what_speaks_of_it)
{
	struct conf_edit e = { 0 };
	char got[TEXT_MAX];

	ck_assert_int_eq(conf_edit_remove_peer(removed[_i].text, strlen(removed[_i].text), key(KEY_A), &e), 0);
	apply(removed[_i].text, &e, got);
	ck_assert_str_eq(got, removed[_i].after);
}
END_TEST

static const char *const not_there[] = {
	"", I, B, "PublicKey = " KEY_A "\n", "[Interface]\nPublicKey = " KEY_A "\n", "[Foo]\nPublicKey = " KEY_A "\n",
	"[Peer]\nPublicKey = " KEY_A "\nPublicKey = " KEY_B "\n", "[Peer]\n#: PublicKey = " KEY_A "\n",
	"[Peer]\n# PublicKey = " KEY_A "\n",
};

START_TEST(no_section_is_no_edit)
{
	const struct conf_pair pair = { CONF_KEEPALIVE, "25", false };
	struct conf_edit e = { 0 };

	ck_assert_int_eq(conf_edit_remove_peer(not_there[_i], strlen(not_there[_i]), key(KEY_A), &e), -ENOENT);
	ck_assert_int_eq(conf_edit_set(not_there[_i], strlen(not_there[_i]), key(KEY_A), &pair, &e), -ENOENT);
}
END_TEST

/* ---- Add --------------------------------------------------------------------------------------------------------- */

static const struct conf_pair new_peer[] = {
	{ CONF_PUBLIC_KEY, KEY_C, false },
	{ CONF_NAME, "carla", true },
	{ CONF_ALLOWED_IPS, "10.8.0.9/32, fd00::9/128", false },
};

#define C "[Peer]\nPublicKey = " KEY_C "\n#: Name = carla\nAllowedIPs = 10.8.0.9/32, fd00::9/128\n"

static const struct {
	const char *text, *comment, *after;
} added[] = {
	{ "", NULL, C },
	{ I, NULL, I "\n" C },
	{ I "\n", NULL, I "\n" C },
	{ I "\n \n", "carla's phone", I "\n \n# carla's phone\n" C },
	{ "[Interface]", NULL, "[Interface]\n\n" C },
	{ "[Interface]\r\n", "c", "[Interface]\r\n\r\n# c\r\n[Peer]\r\nPublicKey = " KEY_C "\r\n#: Name = carla\r\n"
	  "AllowedIPs = 10.8.0.9/32, fd00::9/128\r\n" },
	{ "# only\n", NULL, "# only\n\n" C },
};

START_TEST(adding_appends)
{
	char dst[512], got[TEXT_MAX], back[TEXT_MAX];
	struct conf_edit e = { .dst = dst, .max = sizeof(dst) }, undo = { 0 };
	size_t len = strlen(added[_i].text);

	ck_assert_int_eq(conf_edit_add_peer(added[_i].text, len, added[_i].comment, new_peer, 3, &e), 0);
	apply(added[_i].text, &e, got);
	ck_assert_str_eq(got, added[_i].after);
	for (size_t max = 0; max < e.len; max++) {
		struct conf_edit small = { .dst = dst, .max = max };

		ck_assert_int_eq(conf_edit_add_peer(added[_i].text, len, added[_i].comment, new_peer, 3, &small),
				 -ENOSPC);
		ck_assert_uint_le(small.len, max);
	}
	/* and removing it leaves what was there, but for blank lines at the end */
	ck_assert_int_eq(conf_edit_remove_peer(got, strlen(got), key(KEY_C), &undo), 0);
	apply(got, &undo, back);
	while (len && strchr("\n ", added[_i].text[len - 1]))
		len--;
	ck_assert_mem_eq(back, added[_i].text, len);
	ck_assert_uint_eq(strspn(back + len, "\r\n"), strlen(back + len));
	ck_assert_uint_le(strlen(back + len), 2);
}
END_TEST

/* ---- Set --------------------------------------------------------------------------------------------------------- */

static const struct {
	const char *text, *peer;
	struct conf_pair pair;
	const char *after;
} set[] = {
	{ I, NULL, { CONF_LISTEN_PORT, "51820", false }, "[Interface]\nListenPort = 51820\n" },
	{ "[Interface]\n\tlistenport=1# why\nMTU = 1\n", NULL, { CONF_LISTEN_PORT, "2", false },
	  "[Interface]\n\tlistenport=2# why\nMTU = 1\n" },
	{ "[Interface]\nMTU =  # auto\n", NULL, { CONF_MTU, "1400", false }, "[Interface]\nMTU = 1400  # auto\n" },
	{ "[Interface]\r\nMTU=1280\r\n\r\n" A, NULL, { CONF_LISTEN_PORT, "2", false },
	  "[Interface]\r\nMTU=1280\r\nListenPort = 2\r\n\r\n" A },
	{ "[Interface]", NULL, { CONF_LISTEN_PORT, "2", false }, "[Interface]\nListenPort = 2\n" },
	{ A "# c\n\n" B, KEY_A, { CONF_KEEPALIVE, "off", false }, A "PersistentKeepalive = off\n# c\n\n" B },
	{ A B "\nPersistentKeepalive = 1\n", KEY_B, { CONF_KEEPALIVE, "25", false },
	  A B "\nPersistentKeepalive = 25\n" },
	{ A B, KEY_A, { CONF_NAME, "anna", true }, A "#: Name = anna\n" B },
	{ A "#:  Name=x # y\n" B, KEY_A, { CONF_NAME, "anna b", false }, A "#:  Name=anna b # y\n" B },
	{ A "AllowedIPs = ::/0, 10.0.0.0/8 \n", KEY_A, { CONF_ALLOWED_IPS, "10.0.0.0/8,10.1.0.1", false },
	  A "AllowedIPs = 10.0.0.0/8,10.1.0.1 \n" },
	{ A "#: Endpoint = x:1\n", KEY_A, { CONF_ENDPOINT, "y:2", false }, A "#: Endpoint = x:1\nEndpoint = y:2\n" },
	{ B A, KEY_A, { CONF_PUBLIC_KEY, KEY_C, false }, B "[Peer]\nPublicKey = " KEY_C "\n" },
	/* value NULL removes the line */
	{ A "Endpoint = x:1 # c\nAllowedIPs = ::/0\n", KEY_A, { CONF_ENDPOINT, NULL, false }, A "AllowedIPs = ::/0\n" },
	{ A "Endpoint = x:1", KEY_A, { CONF_ENDPOINT, NULL, false }, A },
	{ A B, KEY_A, { CONF_ENDPOINT, NULL, false }, A B },
};

START_TEST(setting_touches_one_line)
{
	char dst[128], got[TEXT_MAX];
	struct conf_edit e = { .dst = dst, .max = sizeof(dst) };
	size_t len = strlen(set[_i].text);

	ck_assert_int_eq(conf_edit_set(set[_i].text, len, key(set[_i].peer), &set[_i].pair, &e), 0);
	apply(set[_i].text, &e, got);
	ck_assert_str_eq(got, set[_i].after);
	for (size_t max = 0, full = e.len; max < full; max++) {
		e.max = max;
		ck_assert_int_eq(conf_edit_set(set[_i].text, len, key(set[_i].peer), &set[_i].pair, &e), -ENOSPC);
	}
}
END_TEST

START_TEST(several_lines_are_not_one)
{
	static const char text[] = A "AllowedIPs = ::/0\nAllowedIPs = 10.0.0.0/8\n";
	struct conf_pair pair = { CONF_ALLOWED_IPS, "::/0", false };
	struct conf_edit e = { 0 };

	ck_assert_int_eq(conf_edit_set(text, sizeof(text) - 1, key(KEY_A), &pair, &e), -ENOTUNIQ);
	pair.value = NULL;
	ck_assert_int_eq(conf_edit_set(text, sizeof(text) - 1, key(KEY_A), &pair, &e), -ENOTUNIQ);
}
END_TEST

static const struct conf_pair unwritable[] = {
	{ CONF_NO_KEY, "x", false }, { CONF_KEYS, "x", false }, { CONF_LISTEN_PORT, "1", false },
	{ CONF_ENDPOINT, "host", false }, { CONF_ENDPOINT, "", false }, { CONF_ENDPOINT, " a:1", false },
	{ CONF_ENDPOINT, "a:1 ", false }, { CONF_ENDPOINT, "a:1", true }, { CONF_KEEPALIVE, "65536", false },
	{ CONF_ALLOWED_IPS, "::/0,", false }, { CONF_ALLOWED_IPS, "::/0, x", false }, { CONF_NAME, "a\nb", false },
	{ CONF_NAME, "a\rb", false }, { CONF_NAME, "a # b", false }, { CONF_PUBLIC_KEY, KEY_A "=", false },
	{ CONF_ENABLED, "perhaps", false },
};

START_TEST(what_the_reader_would_refuse_is_not_written)
{
	const struct conf_pair pairs[] = { new_peer[0], unwritable[_i] };
	const struct conf_pair no_value[] = { new_peer[0], { CONF_ENDPOINT, NULL, false } };
	char dst[512];
	struct conf_edit e = { .dst = dst, .max = sizeof(dst) };

	ck_assert_int_eq(conf_edit_add_peer(A, strlen(A), NULL, pairs, 2, &e), -EINVAL);
	ck_assert_int_eq(conf_edit_set(A, strlen(A), key(KEY_A), &unwritable[_i], &e), -EINVAL);
	ck_assert_int_eq(conf_edit_add_peer(A, strlen(A), NULL, new_peer + 1, 2, &e), -EINVAL);
	ck_assert_int_eq(conf_edit_add_peer(A, strlen(A), "a\n[Interface]", new_peer, 3, &e), -EINVAL);
	ck_assert_int_eq(conf_edit_add_peer(A, strlen(A), NULL, no_value, 2, &e), -EINVAL);
	ck_assert_int_eq(conf_edit_add_peer(A, (size_t)CONF_TEXT_MAX + 1, NULL, new_peer, 3, &e), -EFBIG);
	ck_assert_int_eq(conf_edit_remove_peer(A, (size_t)CONF_TEXT_MAX + 1, key(KEY_A), &e), -EFBIG);
}
END_TEST

START_TEST(two_keys_that_exclude_each_other_are_not_written)
{
	static const char text[] = I "#: PrivateKeyFile = k\n" A;
	const struct conf_pair file = { CONF_PRIVATE_KEY_FILE, "x", true };
	const struct conf_pair key_pair = { CONF_PRIVATE_KEY, KEY_B, false };
	const struct conf_pair no_key = { CONF_PRIVATE_KEY, NULL, false };
	char dst[512];
	struct conf_edit e = { .dst = dst, .max = sizeof(dst) };

	ck_assert_int_eq(conf_edit_set(text, sizeof(text) - 1, NULL, &key_pair, &e), -EINVAL);
	ck_assert_int_eq(conf_edit_set(text, sizeof(text) - 1, NULL, &no_key, &e), 0);
	ck_assert_int_eq(conf_edit_set(text, sizeof(text) - 1, NULL, &file, &e), 0);
	ck_assert_uint_eq(e.cut, 1);
	ck_assert_int_eq(conf_edit_set(I A, strlen(I A), NULL, &key_pair, &e), 0);
}
END_TEST

/* ---- Random edits against a list of peers ------------------------------------------------------------------------ */

static uint64_t rng;

static unsigned roll(unsigned n)
{
	rng = rng * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned)(rng >> 33) % n;
}

enum { PEERS = 8 };

/* keepalive: -1 no such peer, 0 not set */
static void check_model(const char *text, const int keepalive[PEERS])
{
	int seen[PEERS], peer = -1;
	struct conf_reader r;
	struct conf_item it;

	memset(seen, -1, sizeof(seen));
	ck_assert_int_eq(conf_reader_init(&r, text, strlen(text), 0), 0);
	while (conf_next(&r, &it) != CONF_END) {
		ck_assert_msg(it.what != CONF_ERROR && it.what != CONF_WARNING, "%s in:\n%s", it.message, text);
		if (it.what == CONF_VALUE && it.key == CONF_PUBLIC_KEY) {
			peer = it.key_bytes[0];
			ck_assert(peer < PEERS && seen[peer] < 0);
			seen[peer] = 0;
		}
		if (it.what == CONF_VALUE && it.key == CONF_KEEPALIVE)
			seen[peer] = (int)it.number;
	}
	ck_assert_mem_eq(seen, keepalive, sizeof(seen));
}

static int random_edit(const char *text, int keepalive[PEERS], struct conf_edit *e)
{
	unsigned peer = roll(PEERS), number = 1 + roll(65535);
	uint8_t pub[TNL_KEY_LEN] = { (uint8_t)peer, 1 };
	char base64[TEXT_BASE64_KEY], value[16];
	const struct conf_pair add = { CONF_PUBLIC_KEY, base64, false };
	struct conf_pair pair = { CONF_KEEPALIVE, roll(4) ? value : NULL, false };
	int r;

	if (keepalive[peer] < 0) {
		text_key_to_base64(base64, pub);
		keepalive[peer] = 0;
		return conf_edit_add_peer(text, strlen(text), roll(2) ? "a peer" : NULL, &add, 1, e);
	}
	if (roll(3) == 0) {
		keepalive[peer] = -1;
		return conf_edit_remove_peer(text, strlen(text), pub, e);
	}
	snprintf(value, sizeof(value), "%u", number);
	r = conf_edit_set(text, strlen(text), pub, &pair, e);
	keepalive[peer] = pair.value ? (int)number : 0;
	return r;
}

START_TEST(random_edits_agree_with_a_model)
{
	uint64_t seed = getenv("SEED") ? strtoull(getenv("SEED"), NULL, 10) : (uint64_t)time(NULL);
	char text[2][TEXT_MAX] = { "# head\n\n[Interface]\nListenPort = 1\n# tail" };
	char dst[256];
	int keepalive[PEERS];

	printf("test_conf_edit: SEED=%llu\n", (unsigned long long)seed);
	fflush(stdout);
	rng = seed;
	memset(keepalive, -1, sizeof(keepalive));
	for (int i = 0; i < 3000; i++) {
		struct conf_edit e = { .dst = dst, .max = sizeof(dst) };

		ck_assert_int_eq(random_edit(text[i % 2], keepalive, &e), 0);
		apply(text[i % 2], &e, text[(i + 1) % 2]);
		check_model(text[(i + 1) % 2], keepalive);
	}
	ck_assert_ptr_nonnull(strstr(text[0], "# head\n\n[Interface]\nListenPort = 1\n# tail\n"));
}
END_TEST

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

/* ---- Strip ------------------------------------------------------------------------------------------------------- */

static const struct { const char *text, *after; uint64_t left_out; } stripped[] = {
	{ "", "", 0 },
	{ I A "AllowedIPs = ::/0 # all\r\n", I A "AllowedIPs = ::/0 # all\r\n", 0 },
	/* extension keys go, in both forms and any case; comments and what is unknown behind "#:" stay */
	{ "# mine\n[Interface]\nnat = yes\n#: NAT = yes\nMTU = 1400\n", "# mine\n[Interface]\nMTU = 1400\n",
	  CONF_BIT(CONF_NAT) },
	{ I "#: prose = this\n#: MTU = 1280\n", I "#: prose = this\n#: MTU = 1280\n", 0 },
	{ I "#: ClientEndpoint = a\nClientDNS = 9.9.9.9\n", I, 0 },
	{ A "#: Name = a\nNote = x\nTags = y\n" B, A B, 0 },
	{ A "Expires = x\nQuota = 1GB\n", A, CONF_BIT(CONF_EXPIRES) | CONF_BIT(CONF_QUOTA) },
	/* a peer that is off is not theirs to serve, and what it would have had is not lost */
	{ I A "Enabled = false\nQuota = 1GB\n" B, I B, 0 },
	{ A "Enabled = true\n" B "#: Enabled = FALSE", A, 0 },
	{ A "Enabled = false\nEnabled = true\n", A, 0 },
	/* no line end is made up */
	{ A "AllowedIPs = ::/0\n#: Name = a", A "AllowedIPs = ::/0\n", 0 },
	{ A "AllowedIPs = ::/0", A "AllowedIPs = ::/0", 0 },
};

START_TEST(strip_leaves_what_stock_programs_know)
{
	char got[TEXT_MAX];
	uint64_t left_out = ~UINT64_C(0);
	size_t len = conf_strip(stripped[_i].text, strlen(stripped[_i].text), got, &left_out);

	got[len] = 0;
	ck_assert_str_eq(got, stripped[_i].after);
	ck_assert_uint_eq(left_out, stripped[_i].left_out);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("conf_edit");
	TCase *t = tcase_create("conf_edit");

	if (sodium_init() < 0)
		return EXIT_FAILURE;
	tcase_add_loop_test(t, removing_takes_the_section_and_what_speaks_of_it, 0, COUNT(removed));
	tcase_add_loop_test(t, no_section_is_no_edit, 0, COUNT(not_there));
	tcase_add_loop_test(t, adding_appends, 0, COUNT(added));
	tcase_add_loop_test(t, setting_touches_one_line, 0, COUNT(set));
	tcase_add_test(t, several_lines_are_not_one);
	tcase_add_loop_test(t, what_the_reader_would_refuse_is_not_written, 0, COUNT(unwritable));
	tcase_add_test(t, two_keys_that_exclude_each_other_are_not_written);
	tcase_add_test(t, random_edits_agree_with_a_model);
	tcase_add_loop_test(t, strip_leaves_what_stock_programs_know, 0, COUNT(stripped));
	suite_add_tcase(s, t);
	return suite_run(s);
}
