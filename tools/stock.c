/* SPDX-License-Identifier: MIT */
/*
 * export --wg-quick: the interface as one file that stock programs read. Main file first, every byte of it that is not
 * an extension; behind it the peers that have files of their own, in the order in which the daemon reads them. A key
 * that stands in a file of its own becomes a PrivateKey: it is the interface that is asked for, wherever it is to run.
 */
#include "conf.h"
#include "deliver.h"
#include "out.h"
#include "store.h"

#include <dirent.h>
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct stock {
	const struct ctx *c;
	struct iface iface;
	char *text;
	size_t len, room;
	uint64_t left_out;
};

/* Not by realloc(): what it leaves behind holds keys. */
static bool make_room(struct stock *s, size_t more)
{
	size_t room = 2 * (s->len + more);
	char *text;

	if (s->room - s->len >= more)
		return true;
	if (!(text = malloc(room)))
		return false;
	if (s->len)
		memcpy(text, s->text, s->len);
	store_free(s->text, s->len);
	s->text = text;
	s->room = room;
	return true;
}

/* title: NULL, or what to write above it. */
static int append(struct stock *s, const char *path, const char *title)
{
	uint64_t left_out;
	char *text;
	size_t len;
	int err = store_read(path, &text, &len);

	if (!err && !make_room(s, len + (title ? strlen(title) : 0) + sizeof("\n\n# \n")))
		err = -ENOMEM;
	if (err)
		return cmd_fail(s->c, iface_code(err), "%s: %s", path, strerror(-err));
	if (title && s->len && s->text[s->len - 1] != '\n')
		s->text[s->len++] = '\n';
	if (title)
		s->len += (size_t)sprintf(s->text + s->len, "\n# %s\n", title);
	s->len += conf_strip(text, len, s->text + s->len, &left_out);
	s->left_out |= left_out;
	store_free(text, len);
	return 0;
}

/* Into the text so far, which is the main file's. */
static int append_key(struct stock *s, const struct keyfile *k)
{
	char base64[TEXT_BASE64_KEY], line[2 * TEXT_BASE64_KEY], why[CONF_KEY_FILE_MESSAGE_MAX];
	const struct conf_pair pair = { .key = CONF_PRIVATE_KEY, .value = base64 };
	struct conf_edit edit = { .dst = line, .max = sizeof(line) };
	uint8_t private[TNL_KEY_LEN];
	char *text;
	size_t len = 0;
	int err = keyfile_read(k, private, NULL);

	if (err)
		return cmd_fail(s->c, CMD_USAGE, "%s:%u:%u: %s", s->iface.conf, k->line, k->column,
				keyfile_why(k, s->iface.conf, err, why));
	text_key_to_base64(base64, private);
	err = conf_edit_set(s->text, s->len, NULL, &pair, &edit);
	if (!err)
		len = conf_edit_apply(s->text, s->len, &edit, NULL, 0);
	text = err ? NULL : malloc(len);
	if (text) {
		conf_edit_apply(s->text, s->len, &edit, text, len);
		store_free(s->text, s->len);
		s->text = text;
		s->len = s->room = len;
		s->left_out &= ~CONF_BIT(CONF_PRIVATE_KEY_FILE);
	}
	sodium_memzero(private, sizeof(private));
	sodium_memzero(base64, sizeof(base64));
	sodium_memzero(line, sizeof(line));
	return text ? 0 : cmd_fail(s->c, CMD_FAILED, "PrivateKey: %s", strerror(err ? -err : ENOMEM));
}

static int is_peer_file(const struct dirent *e)
{
	const char *dot = strrchr(e->d_name, '.');

	return e->d_name[0] != '.' && dot && !strcmp(dot, ".peer");
}

static int append_directory(struct stock *s)
{
	struct dirent **list;
	int count = scandir(s->iface.dir, &list, is_peer_file, alphasort), code = 0;

	if (count < 0)
		return errno == ENOENT ? 0 : cmd_fail(s->c, iface_code(-errno), "%s: %s", s->iface.dir,
						      strerror(errno));
	for (int i = 0; i < count; i++) {
		char path[PATH_MAX + NAME_MAX + 2], title[NAME_MAX + 1];

		snprintf(path, sizeof(path), "%s/%s", s->iface.dir, list[i]->d_name);
		snprintf(title, sizeof(title), "%s", list[i]->d_name);
		*strrchr(title, '.') = 0;
		code = code ? code : append(s, path, title);
		free(list[i]);
	}
	free(list);
	return code;
}

static void tell_left_out(const struct stock *s)
{
	char text[512] = "";
	size_t len = 0;

	for (unsigned k = 0; k < CONF_KEYS && len < sizeof(text); k++)
		if (s->left_out & CONF_BIT(k))
			len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s", len ? ", " : "",
						conf_key_name(k));
	if (s->left_out)
		cmd_note(s->c, "left out, for stock programs cannot do it: %s", text);
}

static int put(const struct stock *s)
{
	const char *file = s->c->val[OPT_OUTPUT];
	int code;

	if (file && strcmp(file, "-")) {
		code = deliver_check_file(s->c, file, true);
		return code ? code : deliver_write_file(s->c, file, s->text, s->len);
	}
	if (cmd_has(s->c, OPT_JSON))
		out_json(stdout, json_pack("{s:i, s:s, s:s%}", "v", 1, "interface", s->iface.name, "config", s->text,
					   s->len));
	else
		fwrite(s->text, 1, s->len, stdout);
	return CMD_DONE;
}

static int export(struct stock *s)
{
	struct roster r = { 0 };
	int code = iface_find(s->c, s->c->word[0], IFACE_CONFIGURED_FIRST, &s->iface);

	if (code)
		return code;
	if (!s->iface.conf[0])
		return cmd_fail(s->c, CMD_NOENT, "no file describes %s", s->iface.name);
	s->iface.running = false;	/* the files are meant, not what runs */
	code = roster_load(s->c, &s->iface, true, &r);
	if (!code)
		code = append(s, s->iface.conf, NULL);
	if (!code && r.key_file.named)
		code = append_key(s, &r.key_file);
	roster_free(&r);
	if (!code && !(code = append_directory(s)))
		code = put(s);
	if (!code)
		tell_left_out(s);
	return code;
}

int cmd_export(struct ctx *c)
{
	struct stock s = { .c = c, .iface.lock = -1 };
	int code;

	if (!cmd_has(c, OPT_WG_QUICK))
		return cmd_fail(c, CMD_USAGE, "for which program? (--wg-quick; for a peer's own machine: peer export)");
	if (!cmd_has(c, OPT_OUTPUT) && isatty(STDOUT_FILENO))
		return cmd_fail(c, CMD_USAGE, "there is a secret in it (-o FILE writes a file, -o - shows it here)");
	code = export(&s);
	store_free(s.text, s.len);
	return code;
}
