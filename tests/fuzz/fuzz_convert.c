/* SPDX-License-Identifier: MIT */
/*
 * What is brought in from elsewhere. First byte: a configuration of another program, wg-easy's list of clients, or an
 * archive of our own. What comes out of a conversion is terminated and converts to itself; the names in an archive lead
 * nowhere but to where its files belong.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "../../tools/archive.h"
#include "../../tools/convert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void check_text(const char *text, size_t len)
{
	struct convert r = { 0 };

	convert_text(&r, text, len);
	must(!r.text || (r.len < r.room && !r.text[r.len]));
	must(r.named <= r.peers && r.disabled <= r.peers);
	convert_free(&r);
}

static void check_easy(const char *text, size_t len)
{
	json_t *o = json_loadb(text, len, 0, NULL);
	struct convert r = { 0 };
	size_t peers;

	if (!o)
		return;
	if (!convert_easy(&r, o)) {
		must(r.text && !r.text[r.len]);
		/* the same again adds none */
		peers = r.peers;
		convert_easy(&r, o);
		must(r.peers == peers);
	}
	convert_free(&r);
	json_decref(o);
}

static void check_archive(const char *text, size_t len)
{
	struct archive a;

	if (!archive_parse(text, len, &a)) {
		for (size_t i = 0; i < a.count; i++) {
			const struct archive_file *f = &a.file[i];

			must(!strstr(f->name, "/.") && f->name[0] != '.' && f->name[0] != '/' && !f->data[f->len]);
			must(archive_find(&a, f->name) != NULL);
		}
	}
	archive_free(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text;

	if (size < 1)
		return 0;
	text = malloc(size);
	must(text != NULL);
	memcpy(text, data + 1, size - 1);
	if (data[0] % 3 == 0)
		check_text(text, size - 1);
	else if (data[0] % 3 == 1)
		check_easy(text, size - 1);
	else
		check_archive(text, size - 1);
	free(text);
	return 0;
}
