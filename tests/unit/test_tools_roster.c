/* SPDX-License-Identifier: MIT */
/* Peers by name, key and address; requests against what is; the texts that peer add writes. */
#include "../../tools/page.h"
#include "../../tools/request.h"
#include "../../tools/roster.h"
#include "../../tools/view.h"
#include "suite.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct roster r;
static const uint8_t zero[TNL_KEY_LEN];

/* Keys that differ in their first byte begin with different letters in base64; 0x10 and 0x11 share the first. */
static struct peer *add(const char *name, uint8_t first, const char *net)
{
	uint8_t key[TNL_KEY_LEN] = { first };
	struct peer *p = roster_add(&r, key);
	struct net n;

	strcpy(p->name, name);
	if (net) {
		ck_assert(net_parse(net, strlen(net), &n));
		peer_add_net(p, &n);
	}
	return p;
}

static void setup(void)
{
	r = (struct roster){ 0 };
	add("anna-phone", 0x30, "10.8.0.7/32");
	add("bo", 0x20, "10.8.0.8/24");
	add("", 0x10, "fd00::9");
	add("exit", 0x40, "0.0.0.0/0");
	roster_sort(&r);
}

static void teardown(void)
{
	roster_free(&r);
}

static void expect_found(const char *text, uint8_t first)
{
	struct peer *p;

	ck_assert_msg(!roster_find(&r, text, &p), "%s", text);
	ck_assert_uint_eq(p->key[0], first);
}

static void expect_not_found(const char *text, int err)
{
	struct peer *p;

	ck_assert_msg(roster_find(&r, text, &p) == err, "%s", text);
}

START_TEST(a_peer_is_named_in_four_ways)
{
	expect_found("anna-phone", 0x30);
	expect_found("MAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", 0x30);
	expect_found("MAAAAA", 0x30);
	expect_found("10.8.0.7", 0x30);
	expect_found("10.8.0.7/32", 0x30);
	expect_found("10.8.0.0/24", 0x20);
	expect_found("fd00:0::9", 0x10);
	expect_found("0.0.0.0/0", 0x40);
}
END_TEST

START_TEST(what_names_no_peer_finds_none)
{
	expect_not_found("", -ENOENT);
	expect_not_found("anna", -ENOENT);
	expect_not_found("Bo", -ENOENT);
	expect_not_found("MAAAA", -ENOENT);
	expect_not_found("maaaaa", -ENOENT);
	expect_not_found("10.8.0.9", -ENOENT);	/* inside two networks, but neither is meant */
	expect_not_found("MAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=x", -ENOENT);
	expect_not_found("../bo", -ENOENT);
}
END_TEST

START_TEST(a_start_of_two_keys_names_neither)
{
	uint8_t key[TNL_KEY_LEN] = { 0x30, [31] = 1 };

	roster_add(&r, key);
	roster_sort(&r);
	expect_not_found("MAAAAA", -ENOTUNIQ);
	expect_found("MAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", 0x30);
	expect_found("anna-phone", 0x30);
}
END_TEST

START_TEST(a_name_goes_before_a_key_and_an_address)
{
	add("MAAAAA", 0x50, NULL);
	add("10.8.0.7", 0x60, NULL);
	roster_sort(&r);
	expect_found("MAAAAA", 0x50);
	expect_found("10.8.0.7", 0x60);
}
END_TEST

START_TEST(owner_is_of_the_very_network)
{
	struct net n;

	ck_assert(net_parse("10.8.0.99/24", 12, &n));
	ck_assert_str_eq(roster_owner(&r, &n, NULL)->name, "bo");
	ck_assert_ptr_null(roster_owner(&r, &n, roster_by_name(&r, "bo")));
	n.bits = 25;
	ck_assert_ptr_null(roster_owner(&r, &n, NULL));
}
END_TEST

START_TEST(many_peers_are_found_by_key)
{
	uint8_t key[TNL_KEY_LEN] = { 0 };

	for (unsigned i = 0; i < 3000; i++) {
		key[3] = (uint8_t)(i * 7);
		key[9] = (uint8_t)(i >> 8);
		key[30] = (uint8_t)i;
		roster_add(&r, key)->rx_bytes = i + 1;
	}
	roster_sort(&r);
	for (unsigned i = 0; i < 3000; i++) {
		key[3] = (uint8_t)(i * 7);
		key[9] = (uint8_t)(i >> 8);
		key[30] = (uint8_t)i;
		ck_assert_uint_eq(roster_by_key(&r, key)->rx_bytes, i + 1);
	}
	key[31] = 1;
	ck_assert_ptr_null(roster_by_key(&r, key));
	ck_assert_uint_eq(roster_by_name(&r, "anna-phone")->key[0], 0x30);
}
END_TEST

START_TEST(online_is_180_seconds)
{
	struct peer p = { .handshake_s = 1000 };

	ck_assert(peer_online(&p, 1179) && !peer_online(&p, 1180) && peer_online(&p, 999));
	p.handshake_s = 0;
	ck_assert(!peer_online(&p, 10));
}
END_TEST

START_TEST(names_are_safe_as_files)
{
	static const char *const good[] = { "a", "anna-phone", "A.b_c-9", "_x", "9",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" };
	static const char *const bad[] = { "", ".", "..", ".hidden", "-n", "a/b", "../x", "a b", "a\n", "b\303\266",
		"a*", "a%s", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" };

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		ck_assert_msg(iface_peer_name_ok(good[i]), "%s", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(!iface_peer_name_ok(bad[i]), "%s", bad[i]);
}
END_TEST

/* ---- Requests ---------------------------------------------------------------------------------------------------- */

static int request_of(struct request *q, bool set, const char *name, enum opt_id id, const char *value);

static int request(struct request *q, const char *name, enum opt_id id, const char *value)
{
	return request_of(q, false, name, id, value);
}

static int request_of(struct request *q, bool set, const char *name, enum opt_id id, const char *value)
{
	static const struct cmd *cmd;
	struct ctx c = { .word = { name }, .word_count = 1 };

	for (size_t i = 0; i < cmd_count && !cmd; i++)
		if (!strcmp(cmd_table[i].name, "peer add"))
			cmd = &cmd_table[i];
	c.cmd = cmd;
	c.val[id] = value;
	if (id == OPT_IP)
		c.ip[c.ip_count++] = value;
	if (id == OPT_TAG)
		c.tag[c.tag_count++] = value;
	return request_parse(&c, set, q);
}

START_TEST(what_only_a_change_can_ask_for)
{
	static const struct { enum opt_id id; const char *value; } given[] = {
		{ OPT_NOTE, "" }, { OPT_TAG, "" }, { OPT_PSK, "none" }, { OPT_ENDPOINT, "none" },
	};
	struct request q;

	for (size_t i = 0; i < sizeof(given) / sizeof(given[0]); i++) {
		ck_assert_int_eq(request_of(&q, true, "anna", given[i].id, given[i].value), 0);
		ck_assert_int_eq(request_of(&q, false, "anna", given[i].id, given[i].value), CMD_USAGE);
	}
	ck_assert_int_eq(request_of(&q, true, "anna", OPT_IP, "auto"), CMD_USAGE);
	ck_assert_int_eq(request_of(&q, true, "anna", OPT_PSK, "auto"), CMD_USAGE);
}
END_TEST

START_TEST(bad_values_are_usage_errors)
{
	static const struct { enum opt_id id; const char *value; } bad[] = {
		{ OPT_PUBKEY, "" }, { OPT_PUBKEY, "MAAAAA" }, { OPT_IP, "10.8.0" }, { OPT_IP, "10.8.0.1/33" },
		{ OPT_IP, "" },
		{ OPT_KEEPALIVE, "" }, { OPT_KEEPALIVE, "-1" }, { OPT_KEEPALIVE, "65536" }, { OPT_KEEPALIVE, "25s" },
		{ OPT_KEEPALIVE, "99999999999999999999" }, { OPT_NOTE, "" }, { OPT_NOTE, "a\nPresharedKey = x" },
		{ OPT_NOTE, "a # b" }, { OPT_NOTE, " a" }, { OPT_ENDPOINT, "host" }, { OPT_ENDPOINT, ":51820" },
		{ OPT_ENDPOINT, "10.0.0.1:" }, { OPT_ENDPOINT, "10.0.0.1:x" }, { OPT_ENDPOINT, "10.0.0.1:1\n" },
		{ OPT_PSK, "/nonexistent" }, { OPT_PSK, "/dev/null" }, { OPT_SERVER, "a b" }, { OPT_SERVER, "" },
		{ OPT_TAG, "a b" }, { OPT_TAG, "a,b" }, { OPT_TAG, "-a" },
		{ OPT_TAG, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" },
	};
	struct request q;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(request(&q, "anna", bad[i].id, bad[i].value) == CMD_USAGE, "%s", bad[i].value);
	ck_assert_int_eq(request(&q, "../anna", OPT_JSON, ""), CMD_USAGE);
	ck_assert_int_eq(request(&q, "anna", OPT_JSON, ""), 0);
	ck_assert(q.auto_net && q.keepalive_s == -1 && !q.has_key);
}
END_TEST

START_TEST(endpoints_become_numbers)
{
	struct request q;

	ck_assert_int_eq(request(&q, "anna", OPT_ENDPOINT, "10.0.0.1:51820"), 0);
	ck_assert_str_eq(q.endpoint, "10.0.0.1:51820");
	ck_assert_int_eq(request(&q, "anna", OPT_ENDPOINT, "[fd00::0:1]:7"), 0);
	ck_assert_str_eq(q.endpoint, "[fd00::1]:7");
}
END_TEST

START_TEST(the_same_again_is_no_difference)
{
	struct peer *p = roster_by_name(&r, "anna-phone");
	struct request q;

	p->saved = true;
	ck_assert_int_eq(request(&q, "anna-phone", OPT_IP, "10.8.0.7"), 0);
	ck_assert_ptr_null(request_differs(&q, p));
	ck_assert_int_eq(request(&q, "anna-phone", OPT_IP, "auto"), 0);
	ck_assert_ptr_null(request_differs(&q, p));
	ck_assert_int_eq(request(&q, "anna-phone", OPT_IP, "10.8.0.9"), 0);
	ck_assert_str_eq(request_differs(&q, p), "addresses");
	ck_assert_int_eq(request(&q, "anna-phone", OPT_PUBKEY, "MAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="), 0);
	ck_assert_ptr_null(request_differs(&q, p));
	ck_assert_int_eq(request(&q, "anna-phone", OPT_PUBKEY, "MBAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="), 0);
	ck_assert_str_eq(request_differs(&q, p), "key");
	ck_assert_int_eq(request(&q, "anna-phone", OPT_KEEPALIVE, "25"), 0);
	ck_assert_str_eq(request_differs(&q, p), "keepalive");
	ck_assert_int_eq(request(&q, "anna-phone", OPT_NOTE, "x"), 0);
	ck_assert_str_eq(request_differs(&q, p), "note");
	ck_assert_int_eq(request(&q, "anna-phone", OPT_PSK, "auto"), 0);
	ck_assert_str_eq(request_differs(&q, p), "preshared key");
	p->has_psk = true;
	ck_assert_ptr_null(request_differs(&q, p));
	ck_assert_int_eq(request(&q, "anna-phone", OPT_ENDPOINT, "10.0.0.1:1"), 0);
	ck_assert_str_eq(request_differs(&q, p), "endpoint");
}
END_TEST

/* ---- Texts ------------------------------------------------------------------------------------------------------- */

START_TEST(peer_file_says_what_is_set)
{
	struct peer *p = roster_by_name(&r, "anna-phone");
	struct page page;
	struct net n;

	ck_assert(page_peer_file(&page, p));
	ck_assert_str_eq(page.text, "[Peer]\n"
				    "PublicKey = MAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
				    "AllowedIPs = 10.8.0.7/32\n");
	ck_assert_uint_eq(page.len, strlen(page.text));
	ck_assert(net_parse("fd00::7", 7, &n));
	peer_add_net(p, &n);
	p->has_psk = true;
	p->keepalive_s = 25;
	p->note = strdup("her phone");
	p->tags = strdup("family, phones");
	p->host = strdup("example.net:1");
	strcpy(p->endpoint, "10.0.0.1:1");
	ck_assert(page_peer_file(&page, p));
	ck_assert_str_eq(page.text, "[Peer]\n"
				    "#: Note = her phone\n"
				    "#: Tags = family, phones\n"
				    "PublicKey = MAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
				    "PresharedKey = AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
				    "AllowedIPs = 10.8.0.7/32, fd00::7/128\n"
				    "Endpoint = example.net:1\n"
				    "PersistentKeepalive = 25\n");
}
END_TEST

START_TEST(a_file_that_does_not_fit_is_none)
{
	struct peer *p = roster_by_name(&r, "bo");
	struct page page;
	struct net n;

	ck_assert(net_parse("fd00:1111:2222:3333:4444:5555:6666:7777", 39, &n));
	for (int i = 0; i < 400; i++)
		peer_add_net(p, &n);
	ck_assert(!page_peer_file(&page, p));
	ck_assert_uint_eq(page.len, 0);
	ck_assert_int_eq(page.text[0], 0);
}
END_TEST

static void expect_client(const char *address, uint16_t port, const uint8_t *private, const char *endpoint)
{
	struct page_client from = { .peer = roster_by_name(&r, "anna-phone"), .private = private, .server = &r,
				    .address = address };
	struct page page;
	char want[512];

	r.port = port;
	snprintf(want, sizeof(want), "[Interface]\n"
				     "%s"
				     "Address = 10.8.0.7/32\n"
				     "\n"
				     "[Peer]\n"
				     "PublicKey = AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
				     "AllowedIPs = 10.8.0.0/24\n"
				     "%s\n"
				     "PersistentKeepalive = 25\n",
		 private ? "PrivateKey = AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
			 : "# PrivateKey = yours\n# PublicKey = MAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
		 endpoint);
	ck_assert(page_client_config(&page, &from));
	ck_assert_str_eq(page.text, want);
}

START_TEST(client_config_knows_the_server)
{
	ck_assert(net_parse("10.8.0.1/24", 11, &r.own[0]));
	r.own_count = 1;
	expect_client("vpn.example.net", 51820, zero, "Endpoint = vpn.example.net:51820");
	expect_client("vpn.example.net:7", 51820, NULL, "Endpoint = vpn.example.net:7");
	expect_client("[fd00::1]", 51820, NULL, "Endpoint = [fd00::1]:51820");
	expect_client("[fd00::1]:7", 0, NULL, "Endpoint = [fd00::1]:7");
	expect_client("vpn.example.net", 0, NULL, "# Endpoint = the server's HOST:PORT");
	expect_client(NULL, 0, NULL, "# Endpoint = the server's HOST:PORT");
}
END_TEST

START_TEST(a_copy_stands_alone)
{
	const uint8_t key[TNL_KEY_LEN] = { 7 };
	struct roster from = { .port = 9 }, copy;
	struct peer *p = roster_add(&from, key);
	struct net n;

	ck_assert(net_parse("10.0.0.1/32", 11, &n));
	peer_add_net(p, &n);
	p->note = strdup("note");
	roster_add(&from, (const uint8_t[TNL_KEY_LEN]){ 8 });
	roster_copy(&from, &copy);
	p->note[0] = 'x';
	p->net[0].bits = 8;
	roster_free(&from);
	ck_assert_uint_eq(copy.count, 2);
	ck_assert_uint_eq(copy.port, 9);
	ck_assert_str_eq(copy.peer[0].note, "note");
	ck_assert_ptr_null(copy.peer[0].host);
	ck_assert(net_equal(&copy.peer[0].net[0], &n));
	peer_add_net(&copy.peer[0], &n);
	peer_add_net(&copy.peer[1], &n);
	ck_assert_ptr_nonnull(roster_by_key(&copy, key));
	roster_free(&copy);
	roster_copy(&(struct roster){ 0 }, &copy);
	roster_free(&copy);
}
END_TEST

START_TEST(view_lets_no_control_character_through)
{
	char text[16];

	ck_assert_str_eq(view_clean("a\033[31mb\177\n", text, sizeof(text)), "a?[31mb??");
	ck_assert_str_eq(view_clean("0123456789abcdefgh", text, sizeof(text)), "0123456789abcde");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("tools_roster");
	TCase *tc = tcase_create("all");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_peer_is_named_in_four_ways);
	tcase_add_test(tc, what_names_no_peer_finds_none);
	tcase_add_test(tc, a_start_of_two_keys_names_neither);
	tcase_add_test(tc, a_name_goes_before_a_key_and_an_address);
	tcase_add_test(tc, owner_is_of_the_very_network);
	tcase_add_test(tc, many_peers_are_found_by_key);
	tcase_add_test(tc, online_is_180_seconds);
	tcase_add_test(tc, names_are_safe_as_files);
	tcase_add_test(tc, what_only_a_change_can_ask_for);
	tcase_add_test(tc, bad_values_are_usage_errors);
	tcase_add_test(tc, endpoints_become_numbers);
	tcase_add_test(tc, the_same_again_is_no_difference);
	tcase_add_test(tc, peer_file_says_what_is_set);
	tcase_add_test(tc, a_file_that_does_not_fit_is_none);
	tcase_add_test(tc, client_config_knows_the_server);
	tcase_add_test(tc, a_copy_stands_alone);
	tcase_add_test(tc, view_lets_no_control_character_through);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
