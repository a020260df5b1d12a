/* SPDX-License-Identifier: MIT */
/*
 * Configuration text: lines tile it, items lie inside it, and an edit of a text does what it says and nothing else.
 * First byte: which edit.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../libtunnel/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ADDED_MAX = 512 };

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void check_lines(const char *text, size_t len)
{
	struct conf_lines lines;
	struct conf_line l;
	size_t off = 0;

	must(!conf_lines_init(&lines, text, len));
	while (conf_line(&lines, &l)) {
		must(l.start == off && l.end > l.start && l.end <= len);
		must(l.name >= l.start || l.kind == CONF_BLANK);
		if (l.kind == CONF_PAIR || l.kind == CONF_HEADER)
			must(l.name + l.name_len <= l.end);
		if (l.kind == CONF_PAIR)
			must(l.name_len && l.value > l.name && l.value + l.value_len <= l.end);
		off = l.end;
	}
	must(off == len);
}

/* What a text holds, to be compared before and after an edit. */
struct summary {
	size_t errors, warnings, values, sections;
	bool has_peer;			/* some [Peer] has the public key that was asked for */
	uint8_t last_key[TNL_KEY_LEN];	/* the last public key */
};

static void check_value(const char *text, size_t len, const struct conf_item *it)
{
	must(it->text >= text && it->text_len <= len && (size_t)(it->text - text) <= len - it->text_len);
	must(it->key > CONF_NO_KEY && it->key < CONF_KEYS);
	if (it->key == CONF_ALLOWED_IPS || it->key == CONF_ADDRESS)
		must(it->bits <= (it->addr.family == 4 ? 32 : 128));
	if (it->key == CONF_LISTEN_PORT || it->key == CONF_KEEPALIVE || it->key == CONF_MTU)
		must(it->number <= UINT16_MAX);
	if (it->key == CONF_ENDPOINT)
		must(it->addr.port && it->text_len);
	if (it->key == CONF_PRIVATE_KEY_FILE)
		must(it->text_len && !text_key_from_base64(it->text, it->text_len, (uint8_t[TNL_KEY_LEN]){ 0 }));
}

/* The text as a file of one key: it begins with that key, and ends after it but for blanks. */
static void check_key_file(const char *text, size_t len)
{
	uint8_t key[TNL_KEY_LEN];
	char base64[TEXT_BASE64_KEY];

	if (conf_key_file(text, len, key))
		return;
	text_key_to_base64(base64, key);
	must(len >= TEXT_BASE64_KEY - 1 && len <= CONF_KEY_FILE_MAX && !memcmp(text, base64, TEXT_BASE64_KEY - 1));
	for (size_t i = TEXT_BASE64_KEY - 1; i < len; i++)
		must(text[i] && strchr(" \t\n\v\f\r", text[i]));
}

static struct summary read_all(const char *text, size_t len, const uint8_t *pub)
{
	struct summary s = { 0 };
	struct conf_reader r;
	struct conf_item it;
	uint32_t line = 1;

	must(!conf_reader_init(&r, text, len, 0));
	while (conf_next(&r, &it) != CONF_END) {
		must(it.column > 0 && it.line > 0);
		must(it.line >= line || it.what == CONF_ERROR);	/* a section is found wanting at its end */
		line = it.line > line ? it.line : line;
		s.errors += it.what == CONF_ERROR;
		s.warnings += it.what == CONF_WARNING;
		s.sections += it.what == CONF_SECTION;
		s.values += it.what == CONF_VALUE;
		must((it.what == CONF_ERROR || it.what == CONF_WARNING) == (it.message[0] != 0));
		if (it.what != CONF_VALUE)
			continue;
		check_value(text, len, &it);
		if (it.key != CONF_PUBLIC_KEY)
			continue;
		memcpy(s.last_key, it.key_bytes, TNL_KEY_LEN);
		s.has_peer |= !memcmp(it.key_bytes, pub, TNL_KEY_LEN);
	}
	must(conf_next(&r, &it) == CONF_END);
	return s;
}

static char *edited(const char *text, size_t len, const struct conf_edit *e, size_t *ret_len)
{
	size_t all = conf_edit_apply(text, len, e, NULL, 0);
	char *out = malloc(all + 1);

	must(out && e->at <= len && e->cut <= len - e->at);
	must(conf_edit_apply(text, len, e, out, all + 1) == all);
	must(!memcmp(out, text, e->at));
	must(!memcmp(out + all - (len - e->at - e->cut), text + e->at + e->cut, len - e->at - e->cut));
	check_lines(out, all);
	*ret_len = all;
	return out;
}

static void check_add(const char *text, size_t len, const struct summary *before)
{
	static const uint8_t pub[TNL_KEY_LEN] = { 0xfe, 0xed };
	char base64[TEXT_BASE64_KEY], dst[ADDED_MAX], *more, *less;
	const struct conf_pair pairs[] = {
		{ CONF_PUBLIC_KEY, base64, false }, { CONF_NAME, "a", true },
		{ CONF_ALLOWED_IPS, "::/0, 10.0.0.0/8", false },
	};
	struct conf_edit e = { .dst = dst, .max = sizeof(dst) };
	struct summary after;
	size_t more_len, less_len;

	text_key_to_base64(base64, pub);
	must(!conf_edit_add_peer(text, len, "added", pairs, 3, &e));
	more = edited(text, len, &e, &more_len);
	after = read_all(more, more_len, pub);
	must(after.errors == before->errors && after.warnings == before->warnings);
	must(after.sections == before->sections + 1 && after.values == before->values + 4);
	must(!memcmp(after.last_key, pub, sizeof(pub)));
	if (!before->has_peer) {
		must(!conf_edit_remove_peer(more, more_len, pub, &e));
		less = edited(more, more_len, &e, &less_len);
		after = read_all(less, less_len, pub);
		must(after.errors == before->errors && after.values == before->values && !after.has_peer);
		must(less_len <= len + 4 && conf_edit_remove_peer(less, less_len, pub, &e) == -ENOENT);
		free(less);
	}
	free(more);
}

static void check_set(const char *text, size_t len, const uint8_t *pub, const struct conf_pair *pair,
		      const struct summary *before)
{
	char dst[ADDED_MAX], again[ADDED_MAX], *out;
	struct conf_edit e = { .dst = dst, .max = sizeof(dst) }, f = { .dst = again, .max = sizeof(again) };
	int r = conf_edit_set(text, len, pub, pair, &e);
	struct summary after;
	size_t out_len;

	must(r == 0 || r == -ENOENT || r == -ENOTUNIQ);
	if (r)
		return;
	out = edited(text, len, &e, &out_len);
	after = read_all(out, out_len, pub ? pub : before->last_key);
	must(after.sections == before->sections && after.errors <= before->errors);
	/* doing it again changes nothing */
	must(!conf_edit_set(out, out_len, pub, pair, &f));
	if (pair->value)
		must(f.cut == f.len && !memcmp(out + f.at, f.dst, f.len));
	else
		must(!f.cut && !f.len);
	free(out);
}

static void check_remove(const char *text, size_t len, const uint8_t *pub, const struct summary *before)
{
	struct conf_edit e = { 0 };
	int r = conf_edit_remove_peer(text, len, pub, &e);
	struct summary after;
	size_t out_len;
	char *out;

	must(r == 0 || r == -ENOENT);
	if (r)
		return;
	out = edited(text, len, &e, &out_len);
	after = read_all(out, out_len, pub);
	must(out_len < len && after.sections == before->sections - 1);
	must(after.errors <= before->errors && after.values < before->values);
	free(out);
}

static void check_strip(const char *text, size_t len, const struct summary *before)
{
	char *once = malloc(len + 1), *twice = malloc(len + 1);
	uint64_t left_out;
	size_t once_len, twice_len;
	struct conf_reader r;
	struct conf_item it;

	must(once && twice);
	once_len = conf_strip(text, len, once, &left_out);
	must(once_len <= len && !(left_out & CONF_BIT(CONF_NAME)));
	check_lines(once, once_len);
	must(!conf_reader_init(&r, once, once_len, 0));
	while (conf_next(&r, &it) != CONF_END)
		must(it.what != CONF_VALUE || it.key < CONF_NAME);
	must(read_all(once, once_len, before->last_key).errors <= before->errors);
	twice_len = conf_strip(once, once_len, twice, &left_out);
	must(twice_len == once_len && !memcmp(once, twice, once_len) && !left_out);
	free(once);
	free(twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct conf_pair keepalive = { CONF_KEEPALIVE, "25", false }, name = { CONF_NAME, "anna", true },
		no_endpoint = { CONF_ENDPOINT, NULL, false }, port = { CONF_LISTEN_PORT, "51820", false };
	uint8_t zero[TNL_KEY_LEN] = { 0 };
	struct summary s;
	char *text;

	if (size < 1)
		return 0;
	text = malloc(size);
	must(text);
	memcpy(text, data + 1, size - 1);
	check_lines(text, size - 1);
	s = read_all(text, size - 1, zero);
	check_strip(text, size - 1, &s);
	check_key_file(text, size - 1);
	switch (data[0] % 6) {
	case 0:
		s = read_all(text, size - 1, (const uint8_t[TNL_KEY_LEN]){ 0xfe, 0xed });
		check_add(text, size - 1, &s);
		break;
	case 1:
		check_remove(text, size - 1, s.last_key, &s);
		break;
	case 2:
		check_set(text, size - 1, s.last_key, &keepalive, &s);
		break;
	case 3:
		check_set(text, size - 1, s.last_key, &name, &s);
		break;
	case 4:
		check_set(text, size - 1, s.last_key, &no_endpoint, &s);
		break;
	case 5:
		check_set(text, size - 1, NULL, &port, &s);
		break;
	}
	free(text);
	return 0;
}
