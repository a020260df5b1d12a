/* SPDX-License-Identifier: MIT */
#include "convert.h"

#include "conf.h"
#include "iface.h"
#include "page.h"
#include "store.h"

#include <err.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { WG_EASY_PORT = 51820, WG_EASY_BITS = 24 };	/* what its .json file does not say */

#define MARK "#[disabled] "
enum { MARK_LEN = sizeof(MARK) - 1 };

/* Not by realloc(): what it leaves behind holds keys. */
static void put(struct convert *r, const char *s, size_t len)
{
	char *more;

	if (r->room - r->len <= len) {
		r->room = 2 * (r->room + len) + 256;
		more = malloc(r->room);
		if (!more)
			err(CMD_FAILED, "tunctl");
		if (r->len)
			memcpy(more, r->text, r->len);
		store_free(r->text, r->len);
		r->text = more;
	}
	memcpy(r->text + r->len, s, len);
	r->len += len;
	r->text[r->len] = 0;
}

static void put_line(struct convert *r, const char *before, const char *value)
{
	put(r, before, strlen(before));
	put(r, value, strlen(value));
	put(r, "\n", 1);
}

/* ---- Names ------------------------------------------------------------------------------------------------------- */

/* A name, and the number to try behind it when it is wanted once more. */
struct given {
	char name[IFACE_PEER_NAME_MAX + 1];
	unsigned next;
};

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct given *)a)->name, ((const struct given *)b)->name);
}

static struct given *find_given(const struct convert *r, const char *name)
{
	struct given want, **found;

	snprintf(want.name, sizeof(want.name), "%s", name);
	found = tfind(&want, &r->names, by_name);
	return found ? *found : NULL;
}

static void take_name(struct convert *r, const char *name)
{
	struct given *g = malloc(sizeof(*g));

	if (!g)
		err(CMD_FAILED, "tunctl");
	snprintf(g->name, sizeof(g->name), "%s", name);
	g->next = 2;
	if (!tsearch(g, &r->names, by_name))
		err(CMD_FAILED, "tunctl");
}

/* "Anna's phone" -> "Anna-s-phone", and "-2" behind it when that is another's. */
static void safe_name(const struct convert *r, const char *from, char ret[IFACE_PEER_NAME_MAX + 1])
{
	enum { TAIL = 8 };
	char stem[IFACE_PEER_NAME_MAX + 1 - TAIL];
	struct given *other;
	size_t len = 0;

	for (; *from && len + 1 < sizeof(stem); from++) {
		const char one[2] = { *from, 0 };
		bool ok = iface_peer_name_ok(one) || (len && strchr(".-", *from));

		stem[len] = ok ? *from : len ? '-' : '_';
		len++;
	}
	stem[len] = 0;
	strcpy(ret, stem);
	other = find_given(r, stem);
	while (other && find_given(r, ret))
		snprintf(ret, IFACE_PEER_NAME_MAX + 1, "%s-%u", stem, other->next++);
}

/* As it can stand behind "Note = ". */
static void put_note(struct convert *r, const char *text)
{
	char note[PAGE_NOTE_MAX + 1];
	size_t len = 0;

	for (; *text && len < PAGE_NOTE_MAX; text++)
		note[len++] = (unsigned char)*text < ' ' || *text == '#' || *text == 127 ? ' ' : *text;
	while (len && note[len - 1] == ' ')
		len--;
	note[len] = 0;
	text = note + strspn(note, " ");
	if (*text)
		put_line(r, "#: Note = ", text);
}

/* The lines behind a [Peer] header. */
static void put_own_lines(struct convert *r, const char *name, bool disabled)
{
	char safe[IFACE_PEER_NAME_MAX + 1];

	if (*name) {
		safe_name(r, name, safe);
		put_line(r, "#: Name = ", safe);
		if (strcmp(safe, name))
			put_note(r, name);
		take_name(r, safe);
		r->named++;
	}
	if (disabled)
		put_line(r, "#: Enabled = ", "false");
	r->disabled += disabled;
}

/* ---- Texts ------------------------------------------------------------------------------------------------------- */

/* What stands in line between `before` and the last `behind` ("": the end). */
static bool between(const char *line, size_t len, const char *before, const char *behind, char *ret, size_t max)
{
	size_t skip = strlen(before), cut = strlen(behind), end = len;

	if (len < skip || memcmp(line, before, skip))
		return false;
	while (cut && end > skip && (len - end < cut || memcmp(line + end, behind, cut)))
		end--;
	while (end > skip && strchr(" \r\n\t", line[end - 1]))
		end--;
	if (end <= skip || end - skip >= max)
		return false;
	memcpy(ret, line + skip, end - skip);
	ret[end - skip] = 0;
	return strlen(ret) == end - skip;
}

static void name_of_comment(const char *line, size_t len, char *ret, size_t max)
{
	(void)(between(line, len, "### begin ", " ###", ret, max) ||
	       between(line, len, "# Client: ", " (", ret, max) || between(line, len, "### Client ", "", ret, max));
}

static bool is_header(const char *line, size_t len)
{
	return len >= 6 && !strncasecmp(line, "[Peer]", 6);
}

static bool off_header(const char *line, size_t len)
{
	return len > MARK_LEN && !memcmp(line, MARK, MARK_LEN) && is_header(line + MARK_LEN, len - MARK_LEN);
}

/* Has the section that lies before us a name of its own? Its header is read already. */
static bool has_name(struct conf_lines at)
{
	struct conf_line l;

	while (conf_line(&at, &l) && l.kind != CONF_HEADER && !off_header(at.text + l.start, l.end - l.start))
		if (l.kind == CONF_PAIR && l.name_len == 4 && !strncasecmp(at.text + l.name, "Name", 4))
			return true;
	return false;
}

static bool is_save_config(const char *text, const struct conf_line *l)
{
	return l->kind == CONF_PAIR && !l->extension && l->name_len == 10 &&
	       !strncasecmp(text + l->name, "SaveConfig", 10) && l->value_len == 4 &&
	       !strncasecmp(text + l->value, "true", 4);
}

/* PiVPN puts "#[disabled] " before each line from "### begin" to "### end". Elsewhere such a line is a comment that
 * somebody has made, and to let it speak would do what nobody asked for. */
static size_t off_mark(const char *line, size_t len, enum conf_kind kind, bool *in_off)
{
	bool marked = len > MARK_LEN && !memcmp(line, MARK, MARK_LEN), header = off_header(line, len);

	if (header || kind == CONF_HEADER)
		*in_off = header;
	return marked && (*in_off || line[MARK_LEN] == '#') ? MARK_LEN : 0;
}

void convert_text(struct convert *r, const char *text, size_t len)
{
	struct conf_lines lines;
	struct conf_line l;
	char name[PAGE_NOTE_MAX] = "";
	bool in_off = false;

	if (conf_lines_init(&lines, text, len))
		return;
	while (conf_line(&lines, &l)) {
		size_t n = l.end - l.start, skip = off_mark(text + l.start, n, l.kind, &in_off);
		const char *line = text + l.start + skip;

		n -= skip;
		name_of_comment(line, n, name, sizeof(name));
		if (is_save_config(text, &l))
			put(r, "# ", 2);
		put(r, line, n);
		if (!is_header(line, n))
			continue;
		if (line[n - 1] != '\n')
			put(r, "\n", 1);
		put_own_lines(r, has_name(lines) ? "" : name, skip != 0);
		name[0] = 0;
		r->peers++;
	}
}

/* ---- wg-easy ----------------------------------------------------------------------------------------------------- */

static const char *text_of(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text && *text && !text[strcspn(text, "\r\n#")] ? text : NULL;
}

static const char *put_interface(struct convert *r, const json_t *server)
{
	const char *key = text_of(server, "privateKey"), *address = text_of(server, "address");
	char line[128];

	if (!key || !address)
		return "no server with privateKey and address in it";
	put_line(r, "[Interface]", "");
	put_line(r, "PrivateKey = ", key);
	snprintf(line, sizeof(line), "%.100s/%d", address, WG_EASY_BITS);
	put_line(r, "Address = ", line);
	snprintf(line, sizeof(line), "%d", WG_EASY_PORT);
	put_line(r, "ListenPort = ", line);
	return NULL;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* False: it was there. */
static bool take_key(struct convert *r, const char *key, size_t len)
{
	char *mine = strndup(key, len);
	char *const *found = mine ? tsearch(mine, &r->keys, by_text) : NULL;

	if (!found)
		err(CMD_FAILED, "tunctl");
	if (*found == mine)
		return true;
	free(mine);
	return false;
}

/* The public keys of the text so far. */
static void take_keys(struct convert *r)
{
	struct conf_lines lines;
	struct conf_line l;

	if (!r->len || conf_lines_init(&lines, r->text, r->len))
		return;
	while (conf_line(&lines, &l))
		if (l.kind == CONF_PAIR && l.name_len == 9 && !strncasecmp(r->text + l.name, "PublicKey", 9))
			take_key(r, r->text + l.value, l.value_len);
}

const char *convert_easy(struct convert *r, const json_t *file)
{
	json_t *clients = json_object_get(file, "clients"), *o;
	const char *id, *why;

	take_keys(r);
	why = r->len ? NULL : put_interface(r, json_object_get(file, "server"));
	if (why || !json_is_object(clients))
		return why ? why : "no clients in it";
	json_object_foreach(clients, id, o) {
		const char *key = text_of(o, "publicKey"), *address = text_of(o, "address");
		const char *name = json_string_value(json_object_get(o, "name"));

		if (!key || !address)
			return "a client without publicKey or address in it";
		if (!take_key(r, key, strlen(key)))
			continue;
		put_line(r, "\n[Peer]", "");
		put_own_lines(r, name ? name : id, json_is_false(json_object_get(o, "enabled")));
		put_line(r, "PublicKey = ", key);
		if (text_of(o, "preSharedKey"))
			put_line(r, "PresharedKey = ", text_of(o, "preSharedKey"));
		put_line(r, "AllowedIPs = ", address);
		r->peers++;
	}
	return NULL;
}

void convert_free(struct convert *r)
{
	store_free(r->text, r->len);
	tdestroy(r->names, free);
	tdestroy(r->keys, free);
	*r = (struct convert){ 0 };
}
