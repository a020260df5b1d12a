/* SPDX-License-Identifier: MIT */
/*
 * The command behind completion. `words` is what the scripts call: the words of the line on standard input, one a line,
 * the last without more behind it is the one at the cursor. Names come from directories and the main file alone: a key
 * press must not wait for a daemon, nor read ten thousand files.
 */
#include "complete.h"
#include "conf.h"
#include "iface.h"
#include "store.h"

#include <dirent.h>
#include <sodium.h>
#include <string.h>

enum { INPUT_MAX = 16384, INTERFACES_MAX = 64 };

static void name(const struct complete *q, const char *text)
{
	if (!strncmp(text, q->begins, strlen(q->begins)))
		printf("%s%s\t\n", q->before, text);
}

static void peers_of_directory(const struct complete *q, const char *dir)
{
	static const char suffix[] = ".peer";
	DIR *d = opendir(dir);
	struct dirent *e;

	while (d && (e = readdir(d))) {
		size_t len = strlen(e->d_name), cut = sizeof(suffix) - 1;

		if (len <= cut || strcmp(e->d_name + len - cut, suffix))
			continue;
		e->d_name[len - cut] = 0;
		if (iface_peer_name_ok(e->d_name))
			name(q, e->d_name);
	}
	if (d)
		closedir(d);
}

static void peers_of_file(const struct complete *q, const char *path)
{
	struct conf_reader reader;
	struct conf_item it;
	size_t len;
	char *text;

	if (!*path || store_read(path, &text, &len))
		return;
	if (!conf_reader_init(&reader, text, len, ~UINT64_C(0))) {
		while (conf_next(&reader, &it) != CONF_END) {
			char one[IFACE_PEER_NAME_MAX + 1];

			if (it.what != CONF_VALUE || it.section != CONF_PEER || it.key != CONF_NAME ||
			    it.text_len >= sizeof(one))
				continue;
			memcpy(one, it.text, it.text_len);
			one[it.text_len] = 0;
			if (iface_peer_name_ok(one))
				name(q, one);
		}
		sodium_memzero(&it, sizeof(it));
		sodium_memzero(&reader, sizeof(reader));
	}
	store_free(text, len);
}

/* Of the interface that the line names, else of all. */
static void print_names(const struct ctx *c, const struct complete *q)
{
	char list[INTERFACES_MAX][IFNAMSIZ];
	size_t count = iface_names(c, list, INTERFACES_MAX);

	for (size_t i = 0; i < count; i++) {
		struct iface f;

		if (q->more == COMPLETE_INTERFACES) {
			name(q, list[i]);
		} else if ((!q->interface || !strcmp(q->interface, list[i])) && !iface_paths(c, list[i], &f)) {
			peers_of_directory(q, f.dir);
			peers_of_file(q, f.conf);
		}
	}
}

static int print_words(const struct ctx *c)
{
	static char input[INPUT_MAX];
	const char *word[COMPLETE_WORDS_MAX];
	size_t len = fread(input, 1, sizeof(input) - 1, stdin), count = 0;
	char *rest = input, *one;
	struct complete q;

	input[len] = 0;
	if (len && input[len - 1] == '\n')
		input[len - 1] = 0;
	while (count < COMPLETE_WORDS_MAX && (one = strsep(&rest, "\n")))
		word[count++] = one;
	q = complete_words(stdout, word, count);
	if (q.more == COMPLETE_FILES)
		puts(":files");
	else if (q.more == COMPLETE_DIRS)
		puts(":dirs");
	else if (q.more != COMPLETE_NOTHING)
		print_names(c, &q);
	return CMD_DONE;
}

int cmd_completion(struct ctx *c)
{
	if (!strcmp(c->word[0], "words"))
		return print_words(c);
	if (!complete_script(stdout, c->word[0]))
		return cmd_fail(c, CMD_USAGE, "no completion for \"%s\" (there are: bash, zsh, fish)", c->word[0]);
	return CMD_DONE;
}
