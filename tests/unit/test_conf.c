/* SPDX-License-Identifier: MIT */
/* Reading configuration text: exact tables of text and items, the place of every error, lines that tile any text. */
#include <arpa/inet.h>
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

enum { LOG_MAX = 16384 };

static void say_addr(char *log, const struct conf_item *it, bool prefix)
{
	char text[TEXT_ADDR];

	if (prefix)
		text_from_prefix(text, &it->addr, it->bits);
	else
		text_from_addr(text, &it->addr);
	strcat(log, text);
}

static void say_value(char *log, const struct conf_item *it)
{
	switch (it->key) {
	case CONF_PRIVATE_KEY:
	case CONF_PUBLIC_KEY:
	case CONF_PRESHARED_KEY:
		text_key_to_base64(log + strlen(log), it->key_bytes);
		break;
	case CONF_ADDRESS:
	case CONF_ALLOWED_IPS:
		say_addr(log, it, true);
		break;
	case CONF_ENDPOINT:
		sprintf(log + strlen(log), "%.*s|", (int)it->text_len, it->text);
		if (it->addr.family)
			say_addr(log, it, false);
		sprintf(log + strlen(log), "|%u", it->addr.port);
		break;
	case CONF_LISTEN_PORT:
	case CONF_FWMARK:
	case CONF_MTU:
	case CONF_TABLE:
	case CONF_SAVE_CONFIG:
	case CONF_KEEPALIVE:
	case CONF_ENABLED:
	case CONF_NO_OFFLOAD:
		sprintf(log + strlen(log), "%llu", (unsigned long long)it->number);
		break;
	default:
		sprintf(log + strlen(log), "'%.*s'", (int)it->text_len, it->text);
	}
}

/* "line:column what" for each item. */
static void read_all(const char *text, size_t len, uint64_t supported, char *log)
{
	struct conf_reader r;
	struct conf_item it;

	log[0] = 0;
	ck_assert_int_eq(conf_reader_init(&r, text, len, supported), 0);
	while (conf_next(&r, &it) != CONF_END) {
		ck_assert_uint_lt(strlen(log), LOG_MAX - 1024);
		sprintf(log + strlen(log), "%u:%u ", it.line, it.column);
		if (it.what == CONF_SECTION)
			strcat(log, it.section == CONF_PEER ? "[Peer]" : "[Interface]");
		else if (it.what == CONF_VALUE)
			sprintf(log + strlen(log), "%s ", conf_key_name(it.key));
		else
			sprintf(log + strlen(log), "%s: %s", it.what == CONF_ERROR ? "error" : "warning", it.message);
		if (it.what == CONF_VALUE)
			say_value(log, &it);
		strcat(log, "\n");
	}
}

#define I "[Interface]\n"
#define P "[Peer]\nPublicKey=" KEY_A "\n"
#define I_ "1:1 [Interface]\n"
#define P_ "1:1 [Peer]\n2:11 PublicKey " KEY_A "\n"

static const struct {
	const char *text, *items;
} good[] = {
	{ "", "" },
	{ "\n \t\r\n# comment\n#: prose, a = b\n#:\n#: =\n", "" },
	{ "[Interface]", I_ },
	{ " [ iNTERFACE ] # x = y\r\n\tpRIVATEkEY\t=  " KEY_B "\t# secret\r\n",
	  "1:2 [Interface]\n2:16 PrivateKey " KEY_B "\n" },
	{ I "ListenPort = 0\nFwMark = 0xCafe\n", I_ "2:14 ListenPort 0\n3:10 FwMark 51966\n" },
	{ I "ListenPort=65535\nFwMark=OFF\n", I_ "2:12 ListenPort 65535\n3:8 FwMark 0\n" },
	{ I "FwMark=4294967295\n", I_ "2:8 FwMark 4294967295\n" },
	{ I "Address = 10.8.0.1/24,fd00::1/64 , 10.9.0.1\nAddress = fd01::1\nAddress =\n",
	  I_ "2:11 Address 10.8.0.1/24\n2:23 Address fd00::1/64\n2:36 Address 10.9.0.1/32\n"
	  "3:11 Address fd01::1/128\n" },
	{ I "DNS = 10.8.0.1, fd00::53,corp.example, x\n",
	  I_ "2:7 DNS '10.8.0.1'\n2:17 DNS 'fd00::53'\n2:26 DNS 'corp.example'\n2:40 DNS 'x'\n" },
	{ I "ClientEndpoint = vpn.example\nClientDNS = 9.9.9.9,x\n",
	  I_ "2:18 ClientEndpoint 'vpn.example'\n3:13 ClientDNS '9.9.9.9'\n3:21 ClientDNS 'x'\n" },
	{ I "ClientEndpoint = 192.0.2.1:7\n", I_ "2:18 ClientEndpoint '192.0.2.1:7'\n" },
	{ I "ClientEndpoint = [fd00::1]\n", I_ "2:18 ClientEndpoint '[fd00::1]'\n" },
	{ I "ClientEndpoint = [fd00::1]:7\n", I_ "2:18 ClientEndpoint '[fd00::1]:7'\n" },
	{ I "MTU = 1420\nMTU =\nTable = off\n", I_ "2:7 MTU 1420\n"
	  "3:1 warning: MTU is here more than once, the last one counts\n4:9 Table 4294967296\n" },
	{ I "NoOffload = gso, USO\n#: NoOffload = all\nNoOffload =\n",
	  I_ "2:1 warning: NoOffload is not supported by this version\n2:13 NoOffload 16\n2:18 NoOffload 8\n"
	  "3:4 warning: NoOffload is not supported by this version\n3:16 NoOffload 255\n"
	  "4:1 warning: NoOffload is not supported by this version\n" },
	{ I "Table = auto\n", I_ "2:9 Table 8589934592\n" },
	{ I "Table = main\n", I_ "2:9 Table 254\n" },
	{ I "Table = 0x100\nSaveConfig = True\n", I_ "2:9 Table 256\n3:14 SaveConfig 1\n" },
	{ I "PostUp = iptables -A FORWARD -i %i -m x --y=z; true # no\nPostUp = b\nPreDown=a\nPreUp=\n",
	  I_ "2:10 PostUp 'iptables -A FORWARD -i %i -m x --y=z; true'\n3:10 PostUp 'b'\n4:9 PreDown 'a'\n" },
	{ P "PresharedKey = " KEY_B, P_ "3:16 PresharedKey " KEY_B "\n" },
	{ P "AllowedIPs = 10.1.2.3/8, 10.8.0.2 ,::/0\nAllowedIPs =\nAllowedIPs = fd00::ffff/64\n",
	  P_ "3:14 AllowedIPs 10.0.0.0/8\n3:26 AllowedIPs 10.8.0.2/32\n3:36 AllowedIPs ::/0\n"
	  "5:14 AllowedIPs fd00::/64\n" },
	{ P "Endpoint = vpn.example.org:51820\n", P_ "3:12 Endpoint vpn.example.org||51820\n" },
	{ P "Endpoint = 192.0.2.1:1\n", P_ "3:12 Endpoint 192.0.2.1|192.0.2.1|1\n" },
	{ P "Endpoint = [2001:db8::1]:65535\n", P_ "3:12 Endpoint 2001:db8::1|2001:db8::1|65535\n" },
	{ P "Endpoint = 2001:db8::1:443\n", P_ "3:12 Endpoint 2001:db8::1|2001:db8::1|443\n" },
	{ P "Endpoint = [fe80::1%eth0]:9\n", P_ "3:12 Endpoint fe80::1%eth0||9\n" },
	{ P "Endpoint = a.:9\n", P_ "3:12 Endpoint a.||9\n" },
	{ P "PersistentKeepalive = off\n", P_ "3:23 PersistentKeepalive 0\n" },
	{ P "PersistentKeepalive = 25\n", P_ "3:23 PersistentKeepalive 25\n" },
	{ P "#: Name = anna phone # not this\n#:Tags=a,b\n  #: Enabled = false\n",
	  P_ "3:11 Name 'anna phone'\n4:8 Tags 'a,b'\n5:6 warning: Enabled is not supported by this version\n"
	  "5:16 Enabled 0\n" },
	{ P "Quota = 5GB\n", P_ "3:1 warning: Quota is not supported by this version\n3:9 Quota '5GB'\n" },
	{ I "Name = x\nJc = 4\nListen = a\nListen = b\n", I_ "2:8 Name 'x'\n"
	  "3:1 warning: Jc is not supported by this version\n3:6 Jc '4'\n"
	  "4:1 warning: Listen is not supported by this version\n4:10 Listen 'a'\n"
	  "5:1 warning: Listen is not supported by this version\n5:10 Listen 'b'\n" },
	{ I "#: PrivateKeyFile = /etc/tunneld/wg 0.key # this\nPrivateKeyFile=b\n",
	  I_ "2:4 warning: PrivateKeyFile is not supported by this version\n"
	  "2:21 PrivateKeyFile '/etc/tunneld/wg 0.key'\n"
	  "3:1 warning: PrivateKeyFile is here more than once, the last one counts\n"
	  "3:1 warning: PrivateKeyFile is not supported by this version\n3:16 PrivateKeyFile 'b'\n" },
	{ P "#: Nmae = x\n#: unrelated = x\n#: PublicKey = x\n",
	  P_ "3:4 warning: unknown key, did you mean Name?\n4:4 warning: unknown key\n"
	  "5:4 warning: ignored: PublicKey is written without \"#:\"\n" },
};

START_TEST(good_text_gives_exactly_these_items)
{
	char log[LOG_MAX];

	read_all(good[_i].text, strlen(good[_i].text), 0, log);
	ck_assert_str_eq(log, good[_i].items);
}
END_TEST

#define WANT_ENDPOINT "error: Endpoint: host:port, or [IPv6 address]:port\n"
#define WANT_ALLOWED "error: AllowedIPs: networks like 10.8.0.2/32 or fd00::/64\n"
#define WANT_HOST "error: ClientEndpoint: host or host:port, an IPv6 address in brackets\n"
#define WANT_KEEPALIVE "error: PersistentKeepalive: a number of seconds, 0 to 65535, or off\n"
#define WANT_PATH "error: PrivateKeyFile: the path of a file with a key in it (a key itself: PrivateKey)\n"
#define FILE_UNSUPPORTED "warning: PrivateKeyFile is not supported by this version\n"
#define WANT_PRIVATE "error: PrivateKey: 44 characters of base64, as from genkey\n"

static const struct {
	const char *text, *items;
} bad[] = {
	{ "ListenPort = 1\n", "1:1 error: ListenPort belongs in [Interface]\n" },
	{ "Name = 1\n", "1:1 error: Name belongs in [Interface] or [Peer]\n" },
	{ I "  Endpoint = x\n", I_ "2:3 error: Endpoint belongs in [Peer]\n" },
	{ P "MTU = x\n", P_ "3:1 error: MTU belongs in [Interface]\n" },
	{ I "AlowedIPs = x\nPriavteKey=x\nJ=x\nXyzzy=x\nS9=x\n", I_ "2:1 error: unknown key, did you mean AllowedIPs?\n"
	  "3:1 error: unknown key, did you mean PrivateKey?\n4:1 error: unknown key\n5:1 error: unknown key\n"
	  "6:1 error: unknown key, did you mean S1?\n" },
	/* three letters too many or too few, then four */
	{ I "PreUp123=x\nPreUp1234=x\nPersistentKeepal=x\nPersistentKeepa=x\n",
	  I_ "2:1 error: unknown key, did you mean PreUp?\n3:1 error: unknown key\n"
	  "4:1 error: unknown key, did you mean PersistentKeepalive?\n5:1 error: unknown key\n" },
	{ KEY_A "\n" I KEY_B "\n", "1:1 error: unknown key\n2:1 [Interface]\n3:1 error: unknown key\n" },
	{ I "  what\n = x\n[Peer\nfoo\n", I_ "2:3 error: expected Key = value, [Interface] or [Peer]\n"
	  "3:2 error: expected Key = value, [Interface] or [Peer]\n"
	  "4:1 error: expected Key = value, [Interface] or [Peer]\n"
	  "5:1 error: expected Key = value, [Interface] or [Peer]\n" },
	{ "\xEF\xBB\xBF[Interface]\nMTU = 1420\n" P,
	  "1:1 error: a byte order mark of UTF-8: save the file as plain UTF-8\n"
	  "3:1 [Peer]\n4:11 PublicKey " KEY_A "\n" },
	{ "\xEF\xBB\xBFMTU = 1420\nfoo\n",
	  "1:1 error: a byte order mark of UTF-8: save the file as plain UTF-8\n"
	  "2:1 error: expected Key = value, [Interface] or [Peer]\n" },
	{ "\xFF\xFE[\n", "1:1 error: a byte order mark of UTF-16: save the file as plain UTF-8\n" },
	{ "\xFE\xFF", "1:1 error: a byte order mark of UTF-16: save the file as plain UTF-8\n" },
	{ "\xFF\xFE[\nI\n = x\n", "1:1 error: a byte order mark of UTF-16: save the file as plain UTF-8\n" },
	{ "\xEF\xBB", "1:1 error: expected Key = value, [Interface] or [Peer]\n" },
	{ "  [Peers]\nfoo = bar\n[]\n" I, "1:3 error: unknown section, there are [Interface] and [Peer]\n"
	  "3:1 error: unknown section, there are [Interface] and [Peer]\n4:1 [Interface]\n" },
	{ "\n  [Peer]\nName = x\n[Peer]\nPublicKey = x\n[Peer]\n" I, "2:3 [Peer]\n3:8 Name 'x'\n"
	  "2:3 error: [Peer] without a PublicKey\n4:1 [Peer]\n"
	  "5:13 error: PublicKey: 44 characters of base64, as from pubkey\n6:1 [Peer]\n"
	  "6:1 error: [Peer] without a PublicKey\n7:1 [Interface]\n" },
	{ "[Peer]", "1:1 [Peer]\n1:1 error: [Peer] without a PublicKey\n" },
	{ I "PrivateKey =\nPrivateKey = " KEY_A "=\n", I_ "2:13 " WANT_PRIVATE
	  "3:1 warning: PrivateKey is here more than once, the last one counts\n3:14 " WANT_PRIVATE },
	{ I "PrivateKey = yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBml=\n", I_ "2:14 " WANT_PRIVATE },
	{ I "PrivateKey = " KEY_A "\nPrivateKeyFile = k\n", I_ "2:14 PrivateKey " KEY_A "\n"
	  "3:1 error: PrivateKeyFile: there is a PrivateKey already (leave one of them out)\n" },
	{ I "#: PrivateKeyFile = k\n" P I "  PrivateKey = x\n", I_ "2:4 " FILE_UNSUPPORTED "2:21 PrivateKeyFile 'k'\n"
	  "3:1 [Peer]\n4:11 PublicKey " KEY_A "\n5:1 [Interface]\n"
	  "6:3 error: PrivateKey: there is a PrivateKeyFile already (leave one of them out)\n" },
	{ I "PrivateKeyFile =\n", I_ "2:1 " FILE_UNSUPPORTED "2:17 " WANT_PATH },
	{ I "PrivateKeyFile = " KEY_A "\n", I_ "2:1 " FILE_UNSUPPORTED "2:18 " WANT_PATH },
	{ I "PrivateKeyFile = a\033b\n", I_ "2:1 " FILE_UNSUPPORTED "2:18 " WANT_PATH },
	{ P "PrivateKeyFile = a\n", P_ "3:1 error: PrivateKeyFile belongs in [Interface]\n" },
	{ I "ListenPort = 65536\n", I_ "2:14 error: ListenPort: a number, 0 to 65535\n" },
	{ I "ListenPort = 1 2\n", I_ "2:14 error: ListenPort: a number, 0 to 65535\n" },
	{ I "MTU = 67\n", I_ "2:7 error: MTU: a number, 68 to 65535\n" },
	{ I "FwMark = 0x\n", I_ "2:10 error: FwMark: a 32-bit number, decimal or 0x..., or off\n" },
	{ I "FwMark = 0x100000000\n", I_ "2:10 error: FwMark: a 32-bit number, decimal or 0x..., or off\n" },
	{ I "Table = 0\n", I_ "2:9 error: Table: a routing table's number, main, auto or off\n" },
	{ I "SaveConfig =\n", I_ "2:13 error: SaveConfig: true or false\n" },
	{ I "Address = 10.8.0.1/33, 10.8.0.1/24, x\n",
	  I_ "2:11 error: Address: addresses like 10.8.0.1/24 or fd00::1/64\n2:24 Address 10.8.0.1/24\n"
	  "2:37 error: Address: addresses like 10.8.0.1/24 or fd00::1/64\n" },
	{ I "DNS = 10.8.0.256\n", I_ "2:7 error: DNS: addresses of servers, or search domains\n" },
	{ P "AllowedIPs = 10.0.0.0/8,\n", P_ "3:14 AllowedIPs 10.0.0.0/8\n3:25 " WANT_ALLOWED },
	{ P "AllowedIPs = ,10.0.0.0/8\n", P_ "3:14 " WANT_ALLOWED "3:15 AllowedIPs 10.0.0.0/8\n" },
	{ P "AllowedIPs = 10.0.0.0/, ::/129 ,1.2.3\n",
	  P_ "3:14 " WANT_ALLOWED "3:25 " WANT_ALLOWED "3:33 " WANT_ALLOWED },
	{ I "ClientEndpoint = fd00::1\n", I_ "2:18 " WANT_HOST },
	{ I "ClientEndpoint = a b\n", I_ "2:18 " WANT_HOST },
	{ I "ClientEndpoint = [fd00::1\n", I_ "2:18 " WANT_HOST },
	{ I "ClientEndpoint = [192.0.2.1]\n", I_ "2:18 " WANT_HOST },
	{ I "ClientEndpoint = host:0\n", I_ "2:18 " WANT_HOST },
	{ P "Endpoint = host\n", P_ "3:12 " WANT_ENDPOINT },
	{ P "Endpoint = host:\n", P_ "3:12 " WANT_ENDPOINT },
	{ P "Endpoint = host:0\n", P_ "3:12 " WANT_ENDPOINT },
	{ P "Endpoint = ho st:1\n", P_ "3:12 " WANT_ENDPOINT },
	{ P "Endpoint = 192.0.2.256:1\n", P_ "3:12 " WANT_ENDPOINT },
	{ P "Endpoint = [host]:1\n", P_ "3:12 " WANT_ENDPOINT },
	{ P "Endpoint = [fe80::1%]:1\n", P_ "3:12 " WANT_ENDPOINT },
	{ P "Endpoint = a..b:1\n", P_ "3:12 " WANT_ENDPOINT },
	{ P "Endpoint = :1\n", P_ "3:12 " WANT_ENDPOINT },
	{ P "Endpoint =\n", P_ "3:11 " WANT_ENDPOINT },
	{ P "PersistentKeepalive = 65536\nPersistentKeepalive = on\n", P_ "3:23 " WANT_KEEPALIVE
	  "4:1 warning: PersistentKeepalive is here more than once, the last one counts\n4:23 " WANT_KEEPALIVE },
};

START_TEST(every_error_has_its_place)
{
	char log[LOG_MAX];

	read_all(bad[_i].text, strlen(bad[_i].text), 0, log);
	ck_assert_str_eq(log, bad[_i].items);
}
END_TEST

START_TEST(supported_keys_do_not_warn)
{
	static const char text[] = P "Enabled = true\nExpires = 2030-01-01\n";
	char log[LOG_MAX];

	read_all(text, sizeof(text) - 1, CONF_BIT(CONF_ENABLED), log);
	ck_assert_str_eq(log, P_ "3:11 Enabled 1\n4:1 warning: Expires is not supported by this version\n"
			 "4:11 Expires '2030-01-01'\n");
}
END_TEST

START_TEST(nul_bytes_are_no_text)
{
	static const char text[] = I "PostUp = a\0b\nListenPort = 1\0\nMTU\0 = 1\n";
	char log[LOG_MAX];

	read_all(text, sizeof(text) - 1, 0, log);
	ck_assert_str_eq(log, I_ "2:10 error: PostUp: a command\n3:14 error: ListenPort: a number, 0 to 65535\n"
			 "4:1 error: unknown key, did you mean MTU?\n");
}
END_TEST

/* Each known key is found under its name; a hint for a name with one letter lost is that name. */
START_TEST(every_key_is_known_and_hinted)
{
	for (unsigned k = CONF_NO_KEY + 1; k < CONF_KEYS; k++) {
		const char *name = conf_key_name(k);
		char text[128], log[LOG_MAX], want[64];
		size_t len = strlen(name);

		snprintf(text, sizeof(text), I "%s = ?\n", name);
		read_all(text, strlen(text), UINT64_MAX, log);
		ck_assert_msg(!strstr(log, "unknown key"), "%s", name);
		if (len < 4)
			continue;
		snprintf(text, sizeof(text), I "%.*s%s = ?\n", (int)len - 2, name, name + len - 1);
		read_all(text, strlen(text), UINT64_MAX, log);
		snprintf(want, sizeof(want), "did you mean %s?", name);
		ck_assert_msg(strstr(log, want), "%s: %s", text, log);
	}
	ck_assert_ptr_null(conf_key_name(CONF_NO_KEY));
	ck_assert_ptr_null(conf_key_name(CONF_KEYS));
}
END_TEST

START_TEST(bounds_are_exact)
{
	size_t len = sizeof(I) + 2 * CONF_LINE_MAX + 64;
	char *text = malloc(len), log[LOG_MAX];
	struct conf_reader r;

	ck_assert_int_eq(conf_reader_init(&r, "", CONF_TEXT_MAX, 0), 0);
	ck_assert_int_eq(conf_reader_init(&r, "", (size_t)CONF_TEXT_MAX + 1, 0), -EFBIG);
	for (unsigned more = 0; more < 2; more++) {
		char *p = stpcpy(text, I);

		memset(p, ' ', CONF_LINE_MAX + more);
		memcpy(p, "MTU=x", 5);
		strcpy(p + CONF_LINE_MAX + more, "\nMTU=x\n");
		read_all(text, strlen(text), 0, log);
		ck_assert_str_eq(log, more ? I_ "2:65537 error: a line has at most 65536 bytes\n"
				 "3:5 error: MTU: a number, 68 to 65535\n" :
				 I_ "2:5 error: MTU: a number, 68 to 65535\n"
				 "3:1 warning: MTU is here more than once, the last one counts\n"
				 "3:5 error: MTU: a number, 68 to 65535\n");
	}
	free(text);
}
END_TEST

/* ---- Random texts ------------------------------------------------------------------------------------------------ */

static uint64_t rng;

static unsigned roll(unsigned n)
{
	rng = rng * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned)(rng >> 33) % n;
}

static void append_line(char *text)
{
	static const char *const lines[] = {
		"", " ", "\t", "# comment", "#: Name = x", "#:prose = of = sorts", "[Interface]", "[Peer]",
		"[peer] # anna",
		"PublicKey = " KEY_A, "privatekey=" KEY_B, "AllowedIPs = 10.0.0.0/8, ::/0,", "Unknown = key", "garbage",
		"[broken", "Endpoint = h:1 #", "=", "MTU", "PostUp = a = b", "\x7f\xff", "#",
	};
	static const char *const ends[] = { "\n", "\n", "\n", "\r\n", "\n\n", "\r\r\n", " \n" };

	strcat(text, lines[roll(sizeof(lines) / sizeof(lines[0]))]);
	strcat(text, ends[roll(sizeof(ends) / sizeof(ends[0]))]);
}

/* Written back line by line, and each slice where it says. */
static void check_tiling(const char *text, size_t len, char *copy)
{
	struct conf_lines lines;
	struct conf_line l;
	size_t off = 0;
	uint32_t count = 0;

	ck_assert_int_eq(conf_lines_init(&lines, text, len), 0);
	while (conf_line(&lines, &l)) {
		ck_assert_uint_eq(l.start, off);
		ck_assert_uint_eq(l.line, ++count);
		ck_assert(l.end > l.start && l.end <= len);
		ck_assert_ptr_null(memchr(text + l.start, '\n', l.end - l.start - 1));
		ck_assert(l.kind != CONF_PAIR || (l.name >= l.start && l.name_len && l.name + l.name_len < l.value &&
						  l.value + l.value_len <= l.end));
		memcpy(copy + off, text + l.start, l.end - l.start);
		off = l.end;
	}
	ck_assert_uint_eq(off, len);
	ck_assert_mem_eq(copy, text, len);
}

START_TEST(random_texts_are_written_back_unchanged)
{
	static char text[4096], copy[4096], log[1 << 20];
	uint64_t seed = getenv("SEED") ? strtoull(getenv("SEED"), NULL, 10) : (uint64_t)time(NULL);

	printf("test_conf: SEED=%llu\n", (unsigned long long)seed);
	fflush(stdout);
	rng = seed;
	for (int i = 0; i < 10000; i++) {
		size_t len;

		text[0] = 0;
		for (unsigned n = roll(20); n; n--)
			append_line(text);
		len = strlen(text);
		if (len && roll(3) == 0)
			text[--len] = 0;
		check_tiling(text, len, copy);
		if (i % 10 == 0)
			read_all(text, len, 0, log);
		ck_assert_mem_eq(copy, text, len);
	}
}
END_TEST

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

int main(void)
{
	Suite *s = suite_create("conf");
	TCase *t = tcase_create("conf");

	if (sodium_init() < 0)
		return EXIT_FAILURE;
	tcase_add_loop_test(t, good_text_gives_exactly_these_items, 0, COUNT(good));
	tcase_add_loop_test(t, every_error_has_its_place, 0, COUNT(bad));
	tcase_add_test(t, supported_keys_do_not_warn);
	tcase_add_test(t, nul_bytes_are_no_text);
	tcase_add_test(t, every_key_is_known_and_hinted);
	tcase_add_test(t, bounds_are_exact);
	tcase_add_test(t, random_texts_are_written_back_unchanged);
	suite_add_tcase(s, t);
	return suite_run(s);
}
