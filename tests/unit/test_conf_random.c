/* SPDX-License-Identifier: MIT */
/*
 * Ten thousand random configuration files: made by a generator that knows the grammar, then a third of them damaged.
 * Each is cut into lines and written back, read to its end, and edited to and fro; the bytes must be the same.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "conf.h"
#include "suite.h"

enum { FILES = 10000, TEXT_MAX = 1 << 14, EDIT_MAX = 512, PEERS_MAX = 6 };

static char text[TEXT_MAX], copy[TEXT_MAX + EDIT_MAX], back[TEXT_MAX + 2 * EDIT_MAX];
static size_t len;
static uint8_t keys[PEERS_MAX][TNL_KEY_LEN];
static unsigned key_count;

static unsigned pick(unsigned below)
{
	return (unsigned)random() % below;
}

static const char *one_of(const char *const list[], unsigned count)
{
	return list[pick(count)];
}
#define ONE_OF(...) \
	one_of((const char *const[]){ __VA_ARGS__ }, sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *))

static void put(const char *s)
{
	size_t n = strlen(s);

	if (len + n < sizeof(text)) {
		memcpy(text + len, s, n);
		len += n;
	}
}

static const char *blanks(void)
{
	return ONE_OF("", "", " ", "  ", "\t", " \t ");
}

static void put_key(const uint8_t key[TNL_KEY_LEN])
{
	char base64[TEXT_BASE64_KEY];

	text_key_to_base64(base64, key);
	put(base64);
}

static void put_net(void)
{
	char net[TEXT_ADDR];

	if (pick(3))
		snprintf(net, sizeof(net), "10.%u.%u.%u/%u", pick(256), pick(256), pick(256), pick(33));
	else
		snprintf(net, sizeof(net), "fd00::%x:%x/%u", pick(65536), pick(65536), pick(129));
	put(net);
}

/* The end of a line: perhaps a comment before it. */
static void put_end(const char *eol)
{
	put(blanks());
	if (!pick(5))
		put(ONE_OF("#", "# what = this", "#: no", "# [Peer]", "##"));
	put(eol);
}

static void put_name(const char *name)
{
	put(blanks());
	for (; *name; name++) {
		const char one[2] = { pick(8) ? *name : (char)(*name ^ (((*name | 0x20) >= 'a' && (*name | 0x20) <= 'z')
									     ? 0x20 : 0)), 0 };

		put(one);
	}
	put(blanks());
	put("=");
	put(blanks());
}

static void put_peer(const char *eol)
{
	uint8_t *key = keys[key_count++];

	for (unsigned i = 0; i < TNL_KEY_LEN; i++)
		key[i] = (uint8_t)random();
	put(ONE_OF("[Peer]", "[peer]", " [ Peer ]", "[PEER]"));
	put_end(eol);
	if (pick(2)) {
		put("#: Name = ");
		put(ONE_OF("anna", "Bo's phone", "x", "a b c"));
		put(eol);
	}
	put_name("PublicKey");
	put_key(key);
	put_end(eol);
	if (pick(2)) {
		put_name("AllowedIPs");
		for (unsigned i = pick(3); i < 3; i++) {
			put_net();
			put(i < 2 ? ONE_OF(",", ", ", " , ") : "");
		}
		put_end(eol);
	}
	if (!pick(3)) {
		put_name("PersistentKeepalive");
		put(ONE_OF("25", "0", "off", "65535"));
		put_end(eol);
	}
	if (!pick(3)) {
		put_name("Endpoint");
		put(ONE_OF("example.net:51820", "10.0.0.1:7", "[fd00::1]:9"));
		put_end(eol);
	}
}

static void put_between(const char *eol)
{
	while (pick(2)) {
		put(ONE_OF("", "  ", "# a comment", "#", "#: Note = of nobody", "\t# [Interface]"));
		put(eol);
	}
}

static void generate(void)
{
	const char *eol = pick(4) ? "\n" : "\r\n";
	unsigned peers = pick(PEERS_MAX + 1);

	len = key_count = 0;
	put_between(eol);
	put(ONE_OF("[Interface]", "[interface]", "  [Interface]  "));
	put_end(eol);
	for (unsigned n = pick(6); n; n--) {
		put_name(ONE_OF("Address", "DNS", "MTU", "PostUp", "ListenPort", "FwMark", "Table", "Bogus"));
		put(ONE_OF("10.8.0.1/24", "1420", "off", "echo %i = x", "", "auto"));
		put_end(eol);
	}
	for (unsigned i = 0; i < peers; i++) {
		put_between(eol);
		put_peer(eol);
	}
	put_between(eol);
	if (len && !pick(4))
		len--;	/* no line end at the end, or half of one */
}

static void damage(void)
{
	for (unsigned n = 1 + pick(8); n && len; n--) {
		size_t at = pick((unsigned)len), cut = pick((unsigned)(len - at < 40 ? len - at : 40) + 1);

		if (pick(2)) {
			text[at] = (char)random();
		} else {
			memmove(text + at, text + at + cut, len - at - cut);
			len -= cut;
		}
	}
}

/* Lines tile the text: written one after the other they are the text. */
static void write_back(void)
{
	struct conf_lines lines;
	struct conf_line l;
	size_t off = 0;

	ck_assert_int_eq(conf_lines_init(&lines, text, len), 0);
	while (conf_line(&lines, &l)) {
		memcpy(copy + off, text + l.start, l.end - l.start);
		off += l.end - l.start;
	}
	ck_assert_uint_eq(off, len);
	ck_assert(!len || !memcmp(copy, text, len));
}

static void read_all(void)
{
	struct conf_reader reader;
	struct conf_item item;
	unsigned items = 0;

	ck_assert_int_eq(conf_reader_init(&reader, text, len, CONF_SUPPORTED), 0);
	while (conf_next(&reader, &item) != CONF_END)
		ck_assert_uint_lt(items++, TEXT_MAX);
}

/* A line that was not there is put in and taken out. */
static void edit_to_and_fro(const uint8_t *pub)
{
	char dst[EDIT_MAX];
	struct conf_edit e = { .dst = dst, .max = sizeof(dst) };
	struct conf_pair in = { CONF_TAGS, "one, two", true }, out = { CONF_TAGS, NULL, true };
	bool ended = len && text[len - 1] == '\n';
	size_t n, m;

	if (conf_edit_set(text, len, pub, &in, &e))
		return;		/* damaged beyond recognition */
	if (e.cut)
		return;		/* it was there */
	n = conf_edit_apply(text, len, &e, copy, sizeof(copy));
	ck_assert_uint_eq(n, len + e.len);
	ck_assert_int_eq(conf_edit_set(copy, n, pub, &out, &e), 0);
	m = conf_edit_apply(copy, n, &e, back, sizeof(back));
	/* A line behind one without an end gives it one. */
	ck_assert(m == len || (!ended && m > len && m <= len + 2));
	ck_assert(!len || !memcmp(back, text, len));
}

START_TEST(random_files_come_back_to_the_byte)
{
	unsigned seed = (unsigned)time(NULL);

	printf("seed %u\n", seed);
	srandom(seed);
	for (unsigned i = 0; i < FILES; i++) {
		generate();
		if (i % 3 == 2)
			damage();
		write_back();
		read_all();
		for (unsigned k = 0; k < key_count; k++)
			edit_to_and_fro(keys[k]);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("conf_random");
	TCase *tc = tcase_create("all");

	tcase_add_test(tc, random_files_come_back_to_the_byte);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
