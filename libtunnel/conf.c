/* SPDX-License-Identifier: MIT */
/*
 * Lines and items. conf_line() only finds the parts of a line; what they mean is decided when an item is asked for. The
 * reader is a machine of few steps that returns as soon as it has something to tell and goes on from there at the next
 * call: a line may give a warning, then several values; the end of a section an error, then the next section.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "conf_key.h"

enum step { LINE, HEADER, PAIR, SUPPORT, VALUES, FINISHED };

/* ---- Lines ------------------------------------------------------------------------------------------------------- */

int conf_lines_init(struct conf_lines *l, const char *text, size_t len)
{
	memset(l, 0, sizeof(*l));
	if (len > CONF_TEXT_MAX)
		return -EFBIG;
	l->text = text;
	l->len = (uint32_t)len;
	return 0;
}

bool conf_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

void conf_trim(const char *text, uint32_t *off, uint32_t *len)
{
	while (*len && conf_blank(text[*off + *len - 1]))
		--*len;
	while (*len && conf_blank(text[*off])) {
		++*off;
		--*len;
	}
}

static bool is_word(const char *s, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i], folded = c | 0x20;

		if (!(folded >= 'a' && folded <= 'z') && !(c >= '0' && c <= '9'))
			return false;
	}
	return len > 0;
}

/* text[off .. off + len) as name = value; both are set only if there is a name. */
static bool cut_pair(const char *text, uint32_t off, uint32_t len, struct conf_line *ret)
{
	const char *equals = len ? memchr(text + off, '=', len) : NULL;
	uint32_t name = off, name_len, value, value_len;

	if (!equals)
		return false;
	name_len = (uint32_t)(equals - text) - off;
	value = name + name_len + 1;
	value_len = len - name_len - 1;
	conf_trim(text, &name, &name_len);
	if (!name_len)
		return false;
	conf_trim(text, &value, &value_len);
	if (!value_len)
		value = (uint32_t)(equals - text) + 1;
	ret->kind = CONF_PAIR;
	ret->name = name;
	ret->name_len = name_len;
	ret->value = value;
	ret->value_len = value_len;
	return true;
}

/* How much of text[off .. off + len) stands before a comment. */
static uint32_t before_comment(const char *text, uint32_t off, uint32_t len)
{
	const char *hash = len ? memchr(text + off, '#', len) : NULL;

	return hash ? (uint32_t)(hash - text) - off : len;
}

static void cut_comment(const char *text, uint32_t off, uint32_t len, struct conf_line *ret)
{
	struct conf_line pair = *ret;

	ret->kind = CONF_COMMENT;
	if (len < 2 || text[off + 1] != ':')
		return;
	if (!cut_pair(text, off + 2, before_comment(text, off + 2, len - 2), &pair))
		return;
	if (!is_word(text + pair.name, pair.name_len))
		return;		/* prose that happens to have a '=' */
	pair.extension = true;
	*ret = pair;
}

static void cut_header(struct conf_lines *l, uint32_t off, uint32_t len, struct conf_line *ret)
{
	const char *text = l->text;

	l->section = CONF_UNKNOWN;	/* what follows a misspelt header is not the section before it */
	if (len > 1 && text[off + len - 1] == ']') {
		ret->kind = CONF_HEADER;
		ret->name = off + 1;
		ret->name_len = len - 2;
		conf_trim(text, &ret->name, &ret->name_len);
		if (conf_same_word(text + ret->name, ret->name_len, "Interface"))
			l->section = CONF_INTERFACE;
		else if (conf_same_word(text + ret->name, ret->name_len, "Peer"))
			l->section = CONF_PEER;
	}
	ret->section = l->section;
}

bool conf_line(struct conf_lines *l, struct conf_line *ret)
{
	const char *text = l->text, *lf;
	uint32_t off = l->off, len = l->len - l->off;

	if (!len)
		return false;
	lf = memchr(text + off, '\n', len);
	memset(ret, 0, sizeof(*ret));
	ret->start = off;
	ret->end = lf ? (uint32_t)(lf - text) + 1 : l->len;
	ret->line = ++l->line;
	ret->section = l->section;
	ret->kind = CONF_GARBAGE;
	l->off = ret->end;
	len = ret->end - off;
	conf_trim(text, &off, &len);
	ret->name = off;
	if (!len) {
		ret->kind = CONF_BLANK;
	} else if (text[off] == '#') {
		cut_comment(text, off, len, ret);
	} else {
		len = before_comment(text, off, len);
		conf_trim(text, &off, &len);
		if (text[off] == '[')
			cut_header(l, off, len, ret);
		else
			cut_pair(text, off, len, ret);
	}
	return true;
}

/* ---- Items ------------------------------------------------------------------------------------------------------- */

int conf_reader_init(struct conf_reader *r, const char *text, size_t len, uint64_t supported)
{
	memset(r, 0, sizeof(*r));
	r->supported = supported;
	return conf_lines_init(&r->lines, text, len);
}

static void place(const struct conf_reader *r, uint32_t off, struct conf_item *ret)
{
	ret->section = r->at.section;
	ret->key = r->key;
	ret->line = r->at.line;
	ret->column = off - r->at.start + 1;
}

static bool tell(const struct conf_reader *r, enum conf_what what, uint32_t off, struct conf_item *ret)
{
	place(r, off, ret);
	ret->what = what;
	return true;
}

#define complain(r, what, off, ret, ...) \
	(snprintf((ret)->message, sizeof((ret)->message), __VA_ARGS__), tell(r, what, off, ret))

static bool end_section(struct conf_reader *r, struct conf_item *ret)
{
	uint32_t line = r->header_line;

	r->header_line = 0;
	if (!line || r->seen & CONF_BIT(CONF_PUBLIC_KEY))
		return false;
	r->key = CONF_PUBLIC_KEY;
	complain(r, CONF_ERROR, 0, ret, "[Peer] without a PublicKey");
	ret->section = CONF_PEER;
	ret->line = line;
	ret->column = r->header_column;
	return true;
}

/* Some editors begin a file with a mark that nobody sees. What follows is of no section, and of the lines of UTF-16
 * nothing is worth a word. */
static bool refuse_mark(struct conf_reader *r, struct conf_item *ret)
{
	const char *text = r->lines.text;
	uint32_t len = r->at.end;
	bool utf8 = len >= 3 && !memcmp(text, "\xEF\xBB\xBF", 3);

	r->wide = len >= 2 && (!memcmp(text, "\xFF\xFE", 2) || !memcmp(text, "\xFE\xFF", 2));
	if (!utf8 && !r->wide)
		return false;
	r->at.section = r->lines.section = CONF_UNKNOWN;
	return complain(r, CONF_ERROR, 0, ret, "a byte order mark of UTF-%s: save the file as plain UTF-8",
			utf8 ? "8" : "16");
}

static bool step_line(struct conf_reader *r, struct conf_item *ret)
{
	r->key = CONF_NO_KEY;
	if (!conf_line(&r->lines, &r->at)) {
		r->step = FINISHED;
		return end_section(r, ret);
	}
	if (!r->at.start && refuse_mark(r, ret))
		return true;
	if (r->at.end - r->at.start - (r->lines.text[r->at.end - 1] == '\n') > CONF_LINE_MAX)
		return complain(r, CONF_ERROR, r->at.start + CONF_LINE_MAX, ret, "a line has at most %d bytes",
				CONF_LINE_MAX);
	if (r->at.kind == CONF_PAIR)
		r->step = PAIR;
	else if (r->at.kind == CONF_HEADER)
		r->step = HEADER;
	else if (r->at.kind == CONF_GARBAGE && !r->wide)
		return complain(r, CONF_ERROR, r->at.name, ret, "expected Key = value, [Interface] or [Peer]");
	return r->step == HEADER && end_section(r, ret);
}

static bool step_header(struct conf_reader *r, struct conf_item *ret)
{
	uint32_t bracket = r->at.name;

	while (r->lines.text[bracket] != '[')
		bracket--;
	r->step = LINE;
	r->key = CONF_NO_KEY;
	/* There is one interface, in however many sections. */
	r->seen &= CONF_BIT(CONF_PRIVATE_KEY) | CONF_BIT(CONF_PRIVATE_KEY_FILE);
	if (r->at.section == CONF_UNKNOWN)
		return complain(r, CONF_ERROR, bracket, ret, "unknown section, there are [Interface] and [Peer]");
	tell(r, CONF_SECTION, bracket, ret);
	if (r->at.section == CONF_PEER) {
		r->header_line = ret->line;
		r->header_column = ret->column;
	}
	return true;
}

static bool refuse_name(struct conf_reader *r, struct conf_item *ret)
{
	enum conf_key near = conf_key_near(r->lines.text + r->at.name, r->at.name_len);
	enum conf_what what = r->at.extension ? CONF_WARNING : CONF_ERROR;

	r->step = LINE;
	if (near)
		return complain(r, what, r->at.name, ret, "unknown key, did you mean %s?", conf_rows[near].name);
	return complain(r, what, r->at.name, ret, "unknown key");
}

static bool step_pair(struct conf_reader *r, struct conf_item *ret)
{
	static const uint8_t here[] = {
		[CONF_NONE] = 0, [CONF_INTERFACE] = CONF_IN_INTERFACE, [CONF_PEER] = CONF_IN_PEER,
	};
	static const char *const homes[] = { "", "[Interface]", "[Peer]", "[Interface] or [Peer]" };
	const struct conf_row *row;
	enum conf_key rival;
	bool again;

	r->key = conf_key_find(r->lines.text + r->at.name, r->at.name_len);
	r->next = r->at.value;
	r->step = LINE;
	if (r->at.section == CONF_UNKNOWN)
		return false;
	if (!r->key)
		return refuse_name(r, ret);
	row = &conf_rows[r->key];
	if (r->at.extension && !(row->flags & CONF_EXTENDS))
		return complain(r, CONF_WARNING, r->at.name, ret, "ignored: %s is written without \"#:\"", row->name);
	if (!(row->flags & here[r->at.section]))
		return complain(r, CONF_ERROR, r->at.name, ret, "%s belongs in %s", row->name,
				homes[row->flags & CONF_IN_BOTH]);
	rival = conf_key_rival(r->key);
	if (rival && r->seen & CONF_BIT(rival))
		return complain(r, CONF_ERROR, r->at.name, ret, "%s: there is a %s already (leave one of them out)",
				row->name, conf_rows[rival].name);
	again = r->seen & CONF_BIT(r->key) && !(row->flags & CONF_REPEATS);
	r->seen |= CONF_BIT(r->key);
	r->step = SUPPORT;
	if (again)
		return complain(r, CONF_WARNING, r->at.name, ret, "%s is here more than once, the last one counts",
				row->name);
	return false;
}

static bool step_support(struct conf_reader *r, struct conf_item *ret)
{
	const struct conf_row *row = &conf_rows[r->key];

	r->step = VALUES;
	if (!(row->flags & CONF_EXTENDS) || row->flags & CONF_INFORMS || r->supported & CONF_BIT(r->key))
		return false;
	return complain(r, CONF_WARNING, r->at.name, ret, "%s is not supported by this version", row->name);
}

static bool step_values(struct conf_reader *r, struct conf_item *ret)
{
	const struct conf_row *row = &conf_rows[r->key];
	const char *text = r->lines.text, *comma = NULL;
	uint32_t off = r->next, end = r->at.value + r->at.value_len, len = end - off;

	r->step = LINE;
	if (!r->at.value_len && row->flags & CONF_MAY_BE_EMPTY)
		return false;
	if (row->flags & CONF_LIST && len)
		comma = memchr(text + off, ',', len);
	if (comma) {
		len = (uint32_t)(comma - text) - off;
		r->next = off + len + 1;
		r->step = VALUES;
	}
	conf_trim(text, &off, &len);
	if (conf_value(r->key, text + off, len, ret))
		return tell(r, CONF_VALUE, off, ret);
	memset(ret, 0, sizeof(*ret));
	return complain(r, CONF_ERROR, off, ret, "%s: %s", row->name, row->want);
}

enum conf_what conf_next(struct conf_reader *r, struct conf_item *ret)
{
	static bool (*const steps[])(struct conf_reader *, struct conf_item *) = {
		[LINE] = step_line, [HEADER] = step_header, [PAIR] = step_pair, [SUPPORT] = step_support,
		[VALUES] = step_values,
	};

	memset(ret, 0, sizeof(*ret));
	while (r->step != FINISHED)
		if (steps[r->step](r, ret))
			return ret->what;
	ret->what = CONF_END;
	ret->line = r->lines.line;
	return CONF_END;
}
