/* SPDX-License-Identifier: MIT */
/* The UAPI codec: exact tables of text and operations, every way to cut the bytes, the vectors, both directions. */
#include <check.h>
#include <errno.h>
#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "suite.h"
#include "uapi.h"

#define HEX_1 "2020202020202020202020202020202020202020202020202020202020202020"
#define HEX_2 "e84b5a6d2717c1003a13b431570353dbaca9146cf150c5f8575680feba52027a"
#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"
#define PEER_1 "public_key=" HEX_1 "\n"

enum { LOG_MAX = 8192 };

static uint32_t known_scope(void *ctx, const char *name)
{
	return strcmp(name, ctx) ? 0 : 7;
}

static const struct text_scope scope = { known_scope, (char[]){ "eth0" } };

/* An operation in a form that a table can hold. */
static void describe(char *log, const struct uapi_op *op)
{
	char text[2 * UAPI_OP_MAX] = "";
	struct uapi_out o = { .dst = text, .max = sizeof(text) - 1 };

	ck_assert(uapi_put(&o, op));
	for (size_t i = 0; i < o.len; i++)
		if (text[i] == '\n')
			text[i] = ';';
	ck_assert_uint_lt(strlen(log) + o.len, LOG_MAX);
	strcat(log, text);
}

static void feed(struct uapi_parser *p, const char *src, size_t len, char *log)
{
	for (size_t off = 0, used; off < len; off += used) {
		struct uapi_op op;
		int r = uapi_parse(p, src + off, len - off, &used, &op);

		ck_assert_uint_le(used, len - off);
		ck_assert_uint_gt(used, 0);
		if (r > 0)
			describe(log, &op);
		else if (r < 0)
			sprintf(log + strlen(log), "!%d;", -r);
		else
			ck_assert_uint_eq(used, len - off);
	}
}

static void parse_whole(enum uapi_mode mode, const char *text, char log[LOG_MAX])
{
	struct uapi_parser p;

	log[0] = 0;
	uapi_init(&p, mode, &scope);
	feed(&p, text, strlen(text), log);
}

static const struct {
	const char *text, *ops;
} requests[] = {
	{ "get=1\n\n", "get=1;;" },
	{ "get=1\n\nget=1\n\n", "get=1;;get=1;;" },
	{ "get=1\n", "" },
	{ "set=1\n\n", "set=1;;" },
	{ "set=1\nlisten_port=1\n", "set=1;listen_port=1;" },
	{ "set=1\nprivate_key=" HEX_2 "\nfwmark=4294967295\nreplace_peers=true\n\nget=1\n\n",
	  "set=1;private_key=" HEX_2 ";fwmark=4294967295;replace_peers=true;;get=1;;" },
	{ "set=1\n" PEER_1 "update_only=true\nremove=true\nreplace_allowed_ips=true\nprotocol_version=1\n"
	  "persistent_keepalive_interval=25\npreshared_key=" ZEROS "\n\n",
	  "set=1;public_key=" HEX_1 ";update_only=true;remove=true;replace_allowed_ips=true;protocol_version=1;"
	  "persistent_keepalive_interval=25;preshared_key=" ZEROS ";;" },
	/* host bits cleared, canonical text, minus kept */
	{ "set=1\n" PEER_1 "allowed_ip=10.255.2.3/9\nallowed_ip=2001:DB8:FFFF:0::ffff/33\nallowed_ip=-::/0\n\n",
	  "set=1;public_key=" HEX_1 ";allowed_ip=10.128.0.0/9;allowed_ip=2001:db8:8000::/33;allowed_ip=-::/0;;" },
	{ "set=1\n" PEER_1 "allowed_ip=255.255.255.255/32\nallowed_ip=255.255.255.255/0\n\n",
	  "set=1;public_key=" HEX_1 ";allowed_ip=255.255.255.255/32;allowed_ip=0.0.0.0/0;;" },
	/* scopes mean something for link-local addresses only */
	{ "set=1\n" PEER_1 "endpoint=[fe80::1%eth0]:1\nendpoint=[fe80::1%3]:2\nendpoint=[2001:db8::1%3]:65535\n"
	  "endpoint=[::ffff:192.0.2.1]:4\n\n",
	  "set=1;public_key=" HEX_1 ";endpoint=[fe80::1%7]:1;endpoint=[fe80::1%3]:2;endpoint=[2001:db8::1]:65535;"
	  "endpoint=192.0.2.1:4;;" },
	/* one error a request, at the bad line; the next request is whole */
	{ "set=1\nlisten_port=x\nlisten_port=1\nfwmark=x\n\nget=1\n\n", "set=1;!22;get=1;;" },
	{ "set=1\nlisten_port\n\nget=1\n\n", "set=1;!71;get=1;;" },
	{ "get=1\nlisten_port=1\n\nget=1\n\n", "!22;get=1;;" },
	/* what narrows a get, in any order; nothing of a set does */
	{ "get=1\n" PEER_1 "allowed_ip=10.255.2.3/9\npublic_key=" HEX_2 "\n\nset=1\n\n",
	  "public_key=" HEX_1 ";allowed_ip=10.128.0.0/9;public_key=" HEX_2 ";get=1;;set=1;;" },
	{ "get=1\nallowed_ip=::1/128\nallowed_ip=-::1/128\n\n", "allowed_ip=::1/128;!22;" },
	{ "get=1\n" PEER_1 "remove=true\n\nget=1\n" PEER_1 "preshared_key=" HEX_1 "\n\nget=1\nset=1\n\nget=1\nx\n\n",
	  "public_key=" HEX_1 ";!22;public_key=" HEX_1 ";!22;!22;!71;" },
	{ "get=2\n\nset=2\n\nset=1 \n\nget\n\nset=1\n\n", "!22;!22;!22;!71;set=1;;" },
	{ "set=1\r\n\nset=1\nlisten_port=1\r\n\n", "!22;set=1;!22;" },
	{ "\n\n", "!71;!71;" },
	/* places */
	{ "set=1\n" PEER_1 "private_key=" HEX_2 "\n\n", "set=1;public_key=" HEX_1 ";!22;" },
	{ "set=1\nendpoint=192.0.2.1:1\n\n", "set=1;!22;" },
	{ "set=1\nrx_bytes=1\n\nset=1\nerrno=0\n\n", "set=1;!22;set=1;!22;" },
	{ "set=1\n" PEER_1 "rx_bytes=1\n\n", "set=1;public_key=" HEX_1 ";!22;" },
};

START_TEST(requests_give_exactly_these_operations)
{
	char log[LOG_MAX];

	parse_whole(UAPI_REQUESTS, requests[_i].text, log);
	ck_assert_str_eq(log, requests[_i].ops);
}
END_TEST

static const struct {
	const char *text, *ops;
} answers[] = {
	{ "errno=0\n\n", "errno=0;;" },
	{ "errno=-98\n\nerrno=22\n\n", "errno=98;;errno=22;;" },
	{ "private_key=" HEX_2 "\nlisten_port=51820\nfwmark=1\n" PEER_1 "preshared_key=" ZEROS "\nprotocol_version=1\n"
	  "endpoint=[fd00::1]:1\nlast_handshake_time_sec=1700000000\nlast_handshake_time_nsec=999999999\n"
	  "tx_bytes=18446744073709551615\nrx_bytes=0\npersistent_keepalive_interval=0\nallowed_ip=::/0\n"
	  "public_key=" HEX_2 "\nerrno=0\n\n",
	  "private_key=" HEX_2 ";listen_port=51820;fwmark=1;public_key=" HEX_1 ";preshared_key=" ZEROS
	  ";protocol_version=1;endpoint=[fd00::1]:1;last_handshake_time_sec=1700000000;"
	  "last_handshake_time_nsec=999999999;tx_bytes=18446744073709551615;rx_bytes=0;"
	  "persistent_keepalive_interval=0;allowed_ip=::/0;public_key=" HEX_2 ";errno=0;;" },
	/* what a newer server may say is skipped; what a request alone may say too */
	{ "jc=4\n" PEER_1 "mood=good=bad\nremove=true\nerrno=0\n\n", "public_key=" HEX_1 ";errno=0;;" },
	{ "listen_port=70000\nerrno=0\n\nerrno=0\n\n", "!22;errno=0;;" },
	{ PEER_1 "allowed_ip=-10.0.0.0/8\nerrno=0\n\n", "public_key=" HEX_1 ";!22;" },
	{ PEER_1 "tx_bytes=18446744073709551616\nerrno=0\n\n", "public_key=" HEX_1 ";!22;" },
	{ PEER_1 "last_handshake_time_nsec=1000000000\n\n", "public_key=" HEX_1 ";!22;" },
	{ "listen_port=1\n\nerrno=0\n\n", "listen_port=1;!71;errno=0;;" },
	{ "errno=0\nlisten_port=1\n\n", "errno=0;!71;" },
	{ "hello\n\n\n", "!71;!71;" },
};

START_TEST(answers_give_exactly_these_operations)
{
	char log[LOG_MAX];

	parse_whole(UAPI_ANSWERS, answers[_i].text, log);
	ck_assert_str_eq(log, answers[_i].ops);
}
END_TEST

/* Two cuts at all places, and every byte alone. */
START_TEST(cuts_do_not_matter)
{
	enum uapi_mode mode = (size_t)_i < sizeof(requests) / sizeof(requests[0]) ? UAPI_REQUESTS : UAPI_ANSWERS;
	size_t i = mode == UAPI_REQUESTS ? (size_t)_i : (size_t)_i - sizeof(requests) / sizeof(requests[0]);
	const char *text = mode == UAPI_REQUESTS ? requests[i].text : answers[i].text;
	const char *ops = mode == UAPI_REQUESTS ? requests[i].ops : answers[i].ops;
	size_t len = strlen(text);
	struct uapi_parser p;
	char log[LOG_MAX];

	for (size_t a = 0; a <= len; a++)
		for (size_t b = a; b <= len; b += len > 300 ? 7 : 1) {
			log[0] = 0;
			uapi_init(&p, mode, &scope);
			feed(&p, text, a, log);
			feed(&p, text + a, b - a, log);
			feed(&p, text + b, len - b, log);
			ck_assert_str_eq(log, ops);
		}
	log[0] = 0;
	uapi_init(&p, mode, &scope);
	for (size_t a = 0; a < len; a++)
		feed(&p, text + a, 1, log);
	ck_assert_str_eq(log, ops);
}
END_TEST

static const char *const bad_values[] = {
	"listen_port=", "listen_port=+1", "listen_port= 1", "listen_port=1 ", "listen_port=0x1", "listen_port=65536",
	"listen_port=18446744073709551617", "fwmark=4294967296", "fwmark=0x1", "fwmark=-1", "private_key=",
	"private_key=" HEX_1 "0", "private_key=0x" HEX_1, "private_key=" HEX_1 " ", "replace_peers=TRUE",
	"replace_peers=", "replace_peers=true ", "replace_peers=1", "Listen_port=1", "listen_port =1", "=1",
	PEER_1 "endpoint=192.0.2.1:0", PEER_1 "endpoint=[192.0.2.1]:1", PEER_1 "endpoint=192.0.2.1:",
	PEER_1 "endpoint=:1", PEER_1 "endpoint=[]:1", PEER_1 "endpoint=[::1:1", PEER_1 "endpoint=::1]:1",
	PEER_1 "endpoint=[fe80::1%eth1]:1", PEER_1 "endpoint=[fe80::1%]:1", PEER_1 "endpoint=[fe80::1%0]:1",
	PEER_1 "endpoint=192.0.2.1%eth0:1", PEER_1 "endpoint=[fe80::1%averyveryverylongname]:1",
	PEER_1 "endpoint=192.0.2.01:1", PEER_1 "endpoint=1.2.3:1", PEER_1 "endpoint=[::1]1", PEER_1 "endpoint=[::1]:",
	PEER_1 "allowed_ip=10.0.0.0", PEER_1 "allowed_ip=10.0.0.0/", PEER_1 "allowed_ip=/8", PEER_1 "allowed_ip=-",
	PEER_1 "allowed_ip=--10.0.0.0/8", PEER_1 "allowed_ip=10.0.0.0/-1", PEER_1 "allowed_ip=10.0.0.0/8/8",
	PEER_1 "allowed_ip=fe80::1%3/64", PEER_1 "allowed_ip=[::]/0", PEER_1 "protocol_version=0",
	PEER_1 "protocol_version=", PEER_1 "persistent_keepalive_interval=-1", PEER_1 "remove=", PEER_1 "remove",
};

START_TEST(bad_values_are_refused)
{
	char text[512], log[LOG_MAX];
	const char *want = strrchr(bad_values[_i], '\n');
	bool pair = strchr(want ? want + 1 : bad_values[_i], '=');

	snprintf(text, sizeof(text), "set=1\n%s\n\n", bad_values[_i]);
	parse_whole(UAPI_REQUESTS, text, log);
	ck_assert_str_eq(strrchr(log, '!'), pair ? "!22;" : "!71;");
	ck_assert_uint_eq(strlen(log), (want ? strlen("set=1;!22;" PEER_1) : strlen("set=1;!22;")));
}
END_TEST

START_TEST(nul_bytes_end_nothing)
{
	static const char text[] = "set=1\nlisten_port=1\0\n\nset=1\nreplace_peers=true\0x\n\nset=1\n"
				   PEER_1 "endpoint=192.0.2.1\0.9:1\n\n";
	struct uapi_parser p;
	char log[LOG_MAX] = "";

	uapi_init(&p, UAPI_REQUESTS, NULL);
	feed(&p, text, sizeof(text) - 1, log);
	ck_assert_str_eq(log, "set=1;!22;set=1;!22;set=1;public_key=" HEX_1 ";!22;");
}
END_TEST

START_TEST(long_lines_are_refused_and_not_kept)
{
	char *text = malloc(3 * UAPI_LINE_MAX);
	size_t step = (size_t)_i, len = 0;
	struct uapi_parser p;
	char log[LOG_MAX] = "";

	/* as long as a line may be; one byte longer; very long behind an error */
	len += (size_t)sprintf(text, "set=1\nfwmark=%0*d\n\nset=1\nfwmark=%0*d", UAPI_LINE_MAX - 7, 5,
			       UAPI_LINE_MAX - 6, 5);
	uapi_init(&p, UAPI_REQUESTS, NULL);
	for (size_t off = 0; off < len; off += step)
		feed(&p, text + off, step < len - off ? step : len - off, log);
	ck_assert_str_eq(log, "set=1;fwmark=5;;set=1;!22;");
	ck_assert(!uapi_idle(&p));
	for (int i = 0; i < 3; i++)
		feed(&p, text + 20, UAPI_LINE_MAX - 100, log);
	feed(&p, "\nfwmark=1\n\nget=1\n\n", 18, log);
	ck_assert_str_eq(log, "set=1;fwmark=5;;set=1;!22;get=1;;");
	ck_assert(uapi_idle(&p));
	free(text);
}
END_TEST

START_TEST(a_skipped_request_is_gone)
{
	struct uapi_parser p;
	char log[LOG_MAX] = "";

	uapi_init(&p, UAPI_REQUESTS, NULL);
	uapi_skip(&p);
	feed(&p, "set=1\nfwmark=1\n", 15, log);
	uapi_skip(&p);
	feed(&p, "fwmark=2\n\nget=1\n\n", 17, log);
	ck_assert_str_eq(log, "set=1;fwmark=1;get=1;;");
	ck_assert(uapi_idle(&p));
}
END_TEST

START_TEST(lines_are_counted)
{
	struct uapi_parser p;
	char log[LOG_MAX] = "";

	uapi_init(&p, UAPI_REQUESTS, NULL);
	feed(&p, "get=1\n\nset=1\nfwmark=1\nfwmark=x\n", 31, log);
	ck_assert_uint_eq(p.line, 3);
}
END_TEST

static bool holds(const void *mem, size_t len, const char *what)
{
	return memmem(mem, len, what, strlen(what));
}

START_TEST(no_key_stays_in_the_parser)
{
	static const char text[] = "set=1\nprivate_key=" HEX_2 "\n";
	struct uapi_parser p;
	char log[LOG_MAX] = "";

	uapi_init(&p, UAPI_REQUESTS, NULL);
	feed(&p, text, sizeof(text) - 10, log);
	ck_assert(holds(&p, sizeof(p), "e84b5a6d"));
	feed(&p, text + sizeof(text) - 10, 9, log);
	ck_assert_str_eq(log, "set=1;private_key=" HEX_2 ";");
	ck_assert(!holds(&p, sizeof(p), "e84b5a6d"));
	feed(&p, text + 6, 30, log);
	ck_assert(holds(&p, sizeof(p), "e84b5a6d"));
	uapi_wipe(&p);
	ck_assert(!holds(&p, sizeof(p), "e84b5a6d"));
}
END_TEST

START_TEST(a_server_answers_in_order)
{
	uint8_t pub[TNL_KEY_LEN], private[TNL_KEY_LEN], zero[TNL_KEY_LEN] = { 0 };
	struct tnl_peer_conf conf = { .keepalive_s = 65535 };
	struct tnl_stat stat = { .tx_bytes = UINT64_MAX, .rx_bytes = 3, .handshake_wall = 1700000000 * TNL_SEC + 5 };
	struct tnl_addr remote, net;
	char text[2048];
	struct uapi_out o = { .dst = text, .max = sizeof(text) };
	uint8_t bits;

	ck_assert(text_key_from_hex(HEX_1, 64, pub) && text_key_from_hex(HEX_2, 64, private));
	ck_assert(text_endpoint("[fe80::1%9]:65535", 17, NULL, &remote));
	ck_assert(text_prefix("10.9.8.7/32", 11, false, &net, &bits));
	ck_assert(uapi_put_device(&o, private, 51820, 0xffffffff));
	ck_assert(uapi_put_peer(&o, pub, &conf, &remote, &stat));
	ck_assert(uapi_put_prefix(&o, &net, bits));
	memcpy(conf.psk, private, sizeof(private));
	conf.keepalive_s = 0;
	ck_assert(uapi_put_peer(&o, private, &conf, &(struct tnl_addr){ 0 }, &(struct tnl_stat){ 0 }));
	ck_assert(uapi_put_errno(&o, false, -5));
	text[o.len] = 0;
	ck_assert_str_eq(text, "private_key=" HEX_2 "\nlisten_port=51820\nfwmark=4294967295\n" PEER_1
		"protocol_version=1\nendpoint=[fe80::1%9]:65535\nlast_handshake_time_sec=1700000000\n"
		"last_handshake_time_nsec=5\ntx_bytes=18446744073709551615\nrx_bytes=3\n"
		"persistent_keepalive_interval=65535\nallowed_ip=10.9.8.7/32\npublic_key=" HEX_2 "\npreshared_key="
		HEX_2 "\nprotocol_version=1\nlast_handshake_time_sec=0\nlast_handshake_time_nsec=0\ntx_bytes=0\n"
		"rx_bytes=0\npersistent_keepalive_interval=0\nerrno=5\n\n");
	o.len = 0;
	ck_assert(uapi_put_device(&o, zero, 0, 0) && uapi_put_device(&o, NULL, 0, 0));
	ck_assert_uint_eq(o.len, 0);
	ck_assert(uapi_put_errno(&o, true, -98) && uapi_put_errno(&o, true, 98) && uapi_put_errno(&o, true, 0));
	text[o.len] = 0;
	ck_assert_str_eq(text, "errno=-98\n\nerrno=-98\n\nerrno=0\n\n");
}
END_TEST

START_TEST(what_does_not_fit_is_not_begun)
{
	struct tnl_peer_conf conf = { .psk = { 0xab }, .keepalive_s = 65535 };
	struct tnl_stat stat = { UINT64_MAX, UINT64_MAX, UINT64_MAX, { { { 0 }, 0, 0, 0, 0 }, { { 0 }, 0, 0, 0, 0 } } };
	struct tnl_addr remote = { .scope = UINT32_MAX, .port = 65535, .family = 6 };
	uint8_t key[TNL_KEY_LEN] = { 1 };
	char text[UAPI_PEER_MAX + 1];
	size_t need = 0;

	memset(remote.ip, 0xfe, sizeof(remote.ip));
	for (size_t max = 0; max <= UAPI_PEER_MAX; max++) {
		struct uapi_out o = { .dst = text, .max = max };

		memset(text, '#', sizeof(text));
		if (uapi_put_peer(&o, key, &conf, &remote, &stat)) {
			need = need ? need : max;
			ck_assert_uint_eq(o.len, need);
		} else {
			ck_assert_uint_eq(o.len, 0);
			ck_assert(!need && !holds(text, max, "public_key"));
		}
		ck_assert_int_eq(text[max], '#');
	}
	ck_assert_uint_gt(need, 0);
	ck_assert(uapi_put_device(&(struct uapi_out){ .dst = text, .max = UAPI_DEVICE_MAX }, key, 65535, UINT32_MAX));
}
END_TEST

/* "public_key=K1" with a real key for K1. */
static void vector_line(char *dst, const char *line)
{
	if (!strcmp(line, "public_key=K1"))
		sprintf(dst, "public_key=%s\n", HEX_1);
	else if (!strcmp(line, "public_key=K2"))
		sprintf(dst, "public_key=%s\n", HEX_2);
	else
		sprintf(dst, "%s\n", line);
}

static void check_vectors(json_t *list, bool good)
{
	char text[2048], log[LOG_MAX];
	json_t *lines, *line;
	size_t i, j;

	ck_assert_uint_gt(json_array_size(list), 10);
	json_array_foreach(list, i, lines) {
		strcpy(text, "set=1\n");
		json_array_foreach(lines, j, line)
			vector_line(text + strlen(text), json_string_value(line));
		strcat(text, "\n");
		parse_whole(UAPI_REQUESTS, text, log);
		ck_assert_msg(!strchr(log, '!') == good && (strstr(log, ";;") != NULL) == good,
			      "%s vector %zu: %s", good ? "good" : "bad", i, log);
	}
}

START_TEST(agrees_with_vectors)
{
	json_t *v = json_load_file("tests/vectors/uapi.json", 0, NULL);

	ck_assert_ptr_nonnull(v);
	check_vectors(json_object_get(v, "good"), true);
	check_vectors(json_object_get(v, "bad"), false);
	json_decref(v);
}
END_TEST

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

int main(void)
{
	Suite *s = suite_create("uapi");
	TCase *t = tcase_create("uapi");

	if (sodium_init() < 0)
		return EXIT_FAILURE;
	tcase_add_loop_test(t, requests_give_exactly_these_operations, 0, COUNT(requests));
	tcase_add_loop_test(t, answers_give_exactly_these_operations, 0, COUNT(answers));
	tcase_add_loop_test(t, cuts_do_not_matter, 0, COUNT(requests) + COUNT(answers));
	tcase_add_loop_test(t, bad_values_are_refused, 0, COUNT(bad_values));
	tcase_add_test(t, nul_bytes_end_nothing);
	tcase_add_loop_test(t, long_lines_are_refused_and_not_kept, 1, 4);
	tcase_add_loop_test(t, long_lines_are_refused_and_not_kept, 5000, 5001);
	tcase_add_test(t, a_skipped_request_is_gone);
	tcase_add_test(t, lines_are_counted);
	tcase_add_test(t, no_key_stays_in_the_parser);
	tcase_add_test(t, a_server_answers_in_order);
	tcase_add_test(t, what_does_not_fit_is_not_begun);
	tcase_add_test(t, agrees_with_vectors);
	suite_add_tcase(s, t);
	return suite_run(s);
}
