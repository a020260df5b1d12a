/* SPDX-License-Identifier: MIT */
/*
 * Edits as one splice each. One pass over the lines finds the section and how far it reaches; nothing else of the text
 * is looked at, so errors elsewhere do not hinder an edit. What is to be written is checked with the reader's own rules
 * first: an edit cannot make a good text bad.
 */
#include <errno.h>
#include <string.h>

#include "conf_key.h"

#define NOWHERE UINT32_MAX

/* Where a section lies, in offsets, and where one key stands in it. */
struct extent {
	uint32_t lead;		/* the comment lines directly above the header, or the header */
	uint32_t gap;		/* the blank lines above that */
	uint32_t pairs_end;	/* behind the last pair, or the header */
	uint32_t own_end;	/* behind the last line of its own: pairs, and comments that follow without a gap */
	unsigned hits;
	struct conf_line hit;
	bool rival;		/* a key that cannot stand beside that one is there */
	bool match;
};

/* One pass. */
struct scan {
	const uint8_t *pub;		/* NULL: looks for [Interface] */
	enum conf_key key;
	uint32_t gap, comment;		/* the blank, then comment lines that end here begin there; or NOWHERE */
	uint32_t tentative;		/* own_end, if the comment does not turn out to stand above the next header */
	bool adjacent;			/* no blank line since own_end */
	struct conf_lines lines;
	struct extent e;
};

static bool begins_section(const struct conf_line *l)
{
	return l->kind == CONF_HEADER || (l->kind == CONF_GARBAGE && l->section == CONF_UNKNOWN);
}

static void scan_header(struct scan *s, const struct conf_line *l)
{
	memset(&s->e, 0, sizeof(s->e));
	s->e.lead = s->comment != NOWHERE ? s->comment : l->start;
	s->e.gap = s->gap != NOWHERE ? s->gap : l->start;
	s->e.pairs_end = s->e.own_end = l->end;
	s->e.match = !s->pub && l->kind == CONF_HEADER && l->section == CONF_INTERFACE;
}

static void scan_pair(struct scan *s, const char *text, const struct conf_line *l)
{
	enum conf_key key = conf_key_find(text + l->name, l->name_len);
	uint8_t found[TNL_KEY_LEN];

	s->e.pairs_end = s->e.own_end = l->end;
	if (l->extension && !(conf_rows[key].flags & CONF_EXTENDS))
		return;		/* the reader ignores it too */
	if (key == s->key && key) {
		s->e.hits++;
		s->e.hit = *l;
	}
	s->e.rival |= key && key == conf_key_rival(s->key);
	if (s->pub && l->section == CONF_PEER && key == CONF_PUBLIC_KEY)
		s->e.match = text_key_from_base64(text + l->value, l->value_len, found) &&
			     !memcmp(found, s->pub, sizeof(found));
}

static void scan_blank(struct scan *s, const struct conf_line *l)
{
	if (s->gap == NOWHERE || s->comment != NOWHERE)
		s->gap = l->start;
	s->comment = NOWHERE;
	s->e.own_end = s->tentative;
	s->adjacent = false;
}

static void scan_comment(struct scan *s, const struct conf_line *l)
{
	if (s->comment == NOWHERE)
		s->comment = l->start;
	if (s->gap == NOWHERE)
		s->gap = l->start;
	if (s->adjacent)
		s->tentative = l->end;
}

static void scan_content(struct scan *s, const char *text, const struct conf_line *l)
{
	if (begins_section(l))
		scan_header(s, l);
	else if (l->kind == CONF_PAIR)
		scan_pair(s, text, l);
	else
		s->e.own_end = l->end;
	s->tentative = s->e.own_end;
	s->gap = s->comment = NOWHERE;
	s->adjacent = true;
}

/* Finds the first section that matches. False: there is none. */
static bool find_section(const char *text, size_t len, const uint8_t *pub, enum conf_key key, struct extent *ret)
{
	struct scan s = { .pub = pub, .key = key, .gap = NOWHERE, .comment = NOWHERE };
	bool more = !conf_lines_init(&s.lines, text, len);

	while (more) {
		struct conf_line l;

		more = conf_line(&s.lines, &l);
		if (!more)
			s.e.own_end = s.tentative;
		else if (s.e.match && begins_section(&l))
			more = false;
		else if (l.kind == CONF_BLANK)
			scan_blank(&s, &l);
		else if (l.kind == CONF_COMMENT)
			scan_comment(&s, &l);
		else
			scan_content(&s, text, &l);
	}
	*ret = s.e;
	return s.e.match;
}

/* ---- Writing ----------------------------------------------------------------------------------------------------- */

static int put(struct conf_edit *e, const char *s, size_t len)
{
	if (len > e->max - e->len)
		return -ENOSPC;
	memcpy(e->dst + e->len, s, len);
	e->len += len;
	return 0;
}

static const char *line_end(const char *text, size_t len)
{
	const char *lf = len ? memchr(text, '\n', len) : NULL;

	return lf && lf > text && lf[-1] == '\r' ? "\r\n" : "\n";
}

static int put_string(struct conf_edit *e, const char *s)
{
	return put(e, s, strlen(s));
}

static int put_line(struct conf_edit *e, const char *before, const char *what, const char *eol)
{
	int r = put_string(e, before);

	if (!r)
		r = put_string(e, what);
	return r ? r : put_string(e, eol);
}

static int put_pair(struct conf_edit *e, const struct conf_pair *pair, const char *eol)
{
	int r = pair->extension ? put_string(e, "#: ") : 0;

	if (!r)
		r = put_string(e, conf_rows[pair->key].name);
	return r ? r : put_line(e, " = ", pair->value, eol);
}

/* Reads the pair back as the reader would: in its section, it must give values and no error. */
static bool is_writable(const struct conf_pair *pair, unsigned where)
{
	const struct conf_row *row = (unsigned)pair->key < CONF_KEYS ? &conf_rows[pair->key] : &conf_rows[CONF_NO_KEY];
	const char *value = pair->value;
	struct conf_item item;
	size_t len;

	if (!row->name || !(row->flags & where) || (pair->extension && !(row->flags & CONF_EXTENDS)))
		return false;
	if (!value)
		return true;
	len = strlen(value);
	if (!len || len > CONF_LINE_MAX / 2 || value[strcspn(value, "\r\n#")] || conf_blank(value[0]) ||
	    conf_blank(value[len - 1]))
		return false;
	for (;;) {
		size_t all = row->flags & CONF_LIST ? strcspn(value, ",") : strlen(value);
		uint32_t off = 0, part = (uint32_t)all;

		conf_trim(value, &off, &part);
		if (!conf_value(pair->key, value + off, part, &item))
			return false;
		if (!value[all])
			return true;
		value += all + 1;
	}
}

/* ---- The edits --------------------------------------------------------------------------------------------------- */

static bool ends_blank(const char *text, size_t len)
{
	struct conf_lines lines;
	struct conf_line l = { .kind = CONF_BLANK };

	conf_lines_init(&lines, text, len);
	while (conf_line(&lines, &l))
		;
	return l.kind == CONF_BLANK;
}

int conf_edit_add_peer(const char *text, size_t len, const char *comment, const struct conf_pair *pair, size_t count,
		       struct conf_edit *ret)
{
	const char *eol = line_end(text, len);
	bool has_key = false;
	int r = 0;

	for (size_t i = 0; i < count; i++) {
		if (!pair[i].value || !is_writable(&pair[i], CONF_IN_PEER))
			return -EINVAL;
		has_key |= pair[i].key == CONF_PUBLIC_KEY;
	}
	if (!has_key || (comment && (comment[strcspn(comment, "\r\n")] || strlen(comment) > CONF_LINE_MAX / 2)))
		return -EINVAL;
	if (len > CONF_TEXT_MAX)
		return -EFBIG;
	ret->at = len;
	ret->cut = ret->len = 0;
	if (len && text[len - 1] != '\n')
		r = put_string(ret, eol);
	if (!r && !ends_blank(text, len))
		r = put_string(ret, eol);
	if (!r && comment)
		r = put_line(ret, "# ", comment, eol);
	if (!r)
		r = put_line(ret, "[Peer]", "", eol);
	for (size_t i = 0; i < count && !r; i++)
		r = put_pair(ret, &pair[i], eol);
	return r;
}

int conf_edit_remove_peer(const char *text, size_t len, const uint8_t pub[TNL_KEY_LEN], struct conf_edit *ret)
{
	struct conf_lines behind;
	struct conf_line l;
	struct extent e;
	uint32_t end;

	if (len > CONF_TEXT_MAX)
		return -EFBIG;
	if (!find_section(text, len, pub, CONF_NO_KEY, &e))
		return -ENOENT;
	conf_lines_init(&behind, text, len);
	behind.off = end = e.own_end;
	while (conf_line(&behind, &l) && l.kind == CONF_BLANK)
		end = l.end;
	ret->at = end == len ? e.gap : e.lead;
	ret->cut = end - ret->at;
	ret->len = 0;
	return 0;
}

static int replace_value(const struct conf_line *l, const char *value, struct conf_edit *ret)
{
	int r = 0;

	if (l->end - l->start - l->value_len + strlen(value) > CONF_LINE_MAX)
		return -EINVAL;
	ret->at = l->value;
	ret->cut = l->value_len;
	if (!l->value_len)
		r = put_string(ret, " ");
	return r ? r : put_string(ret, value);
}

static int insert_pair(const char *text, size_t len, const struct extent *e, const struct conf_pair *pair,
		       struct conf_edit *ret)
{
	const char *eol = line_end(text, len);
	int r = 0;

	ret->at = e->pairs_end;
	ret->cut = 0;
	if (text[e->pairs_end - 1] != '\n')
		r = put_string(ret, eol);
	return r ? r : put_pair(ret, pair, eol);
}

int conf_edit_set(const char *text, size_t len, const uint8_t *pub, const struct conf_pair *pair, struct conf_edit *ret)
{
	struct extent e;

	if (!is_writable(pair, pub ? CONF_IN_PEER : CONF_IN_INTERFACE))
		return -EINVAL;
	if (len > CONF_TEXT_MAX)
		return -EFBIG;
	if (!find_section(text, len, pub, pair->key, &e))
		return -ENOENT;
	if (e.hits > 1)
		return -ENOTUNIQ;
	if (e.rival && pair->value)
		return -EINVAL;
	ret->len = 0;
	if (pair->value)
		return e.hits ? replace_value(&e.hit, pair->value, ret) : insert_pair(text, len, &e, pair, ret);
	ret->at = e.hits ? e.hit.start : len;
	ret->cut = e.hits ? e.hit.end - e.hit.start : 0;
	return 0;
}

size_t conf_edit_apply(const char *text, size_t len, const struct conf_edit *e, char *dst, size_t max)
{
	size_t behind = len - e->at - e->cut, all = e->at + e->len + behind;

	if (all > max)
		return all;
	if (e->at)
		memcpy(dst, text, e->at);
	if (e->len)
		memcpy(dst + e->at, e->dst, e->len);
	if (behind)
		memcpy(dst + e->at + e->len, text + e->at + e->cut, behind);
	return all;
}
