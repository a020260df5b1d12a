/* SPDX-License-Identifier: MIT */
#include "lint.h"

#include "conf.h"
#include "keyfile.h"
#include "store.h"

#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* One file while it is read. */
struct reading {
	struct lint *l;
	unsigned file;
	bool own_file;		/* of a peer */
	bool in_peer, secret;
	const char *name;	/* that the file's name gives the peer; NULL: the main file */
	const char *conf;	/* the file that it is, or will be */
};

/* One more place in an array that doubles. */
static void *append(void *array, size_t *count, size_t *room, size_t size)
{
	void **base = array;

	if (*count == *room) {
		*room = *room ? 2 * *room : 16;
		*base = reallocarray(*base, *room, size);
		if (!*base)
			err(CMD_FAILED, "tunctl");
	}
	memset((char *)*base + *count * size, 0, size);
	return (char *)*base + (*count)++ * size;
}

void lint_say(struct lint *l, bool error, struct lint_place at, const char *fmt, ...)
{
	struct lint_problem *p = append(&l->problem, &l->problem_count, &l->problem_room, sizeof(*p));
	va_list ap;

	p->at = at;
	p->error = error;
	p->together = l->together;
	va_start(ap, fmt);
	vsnprintf(p->message, sizeof(p->message), fmt, ap);
	va_end(ap);
	*(error ? &l->errors : &l->warnings) += 1;
}

static struct lint_place place(const struct reading *r, const struct conf_item *it)
{
	return (struct lint_place){ r->file, it->line, it->column };
}

static void begin_section(struct reading *r, const struct conf_item *it)
{
	struct lint *l = r->l;
	struct lint_peer *p;

	r->in_peer = it->section == CONF_PEER;
	if (r->in_peer) {
		p = append(&l->peer, &l->peer_count, &l->peer_room, sizeof(*p));
		p->at = p->name_at = place(r, it);
		if (r->name)
			snprintf(p->name, sizeof(p->name), "%s", r->name);
	} else if (it->section == CONF_INTERFACE && r->own_file) {
		lint_say(l, true, place(r, it), "only a [Peer] section is allowed in a file of this directory");
	} else if (it->section == CONF_INTERFACE) {
		l->has_interface = true;
	}
}

static void take_key_file(struct reading *r, const struct conf_item *it)
{
	char why[CONF_KEY_FILE_MESSAGE_MAX];
	uint8_t private[TNL_KEY_LEN];
	struct lint *l = r->l;
	struct keyfile k;
	bool shared = false;
	int e;

	keyfile_take(&k, r->conf, it);
	e = keyfile_read(&k, private, &shared);
	l->names_key = true;
	l->has_key = !e;
	if (e && keyfile_away(&k, e))
		lint_say(l, false, place(r, it), "PrivateKeyFile: it is there only while its service runs");
	else if (e)
		lint_say(l, true, place(r, it), "%s", keyfile_why(&k, r->conf, e, why));
	else
		crypto_scalarmult_base(l->public, private);
	if (shared)
		lint_say(l, false, place(r, it),
			 "PrivateKeyFile: others may read the key (use: chmod 600 %.150s)", k.path);
	sodium_memzero(private, sizeof(private));
}

static void take_interface(struct reading *r, const struct conf_item *it)
{
	struct lint *l = r->l;
	struct lint_net *n;

	switch (it->key) {
	case CONF_PRIVATE_KEY:
		l->names_key = l->has_key = r->secret = true;
		crypto_scalarmult_base(l->public, it->key_bytes);
		break;
	case CONF_PRIVATE_KEY_FILE:
		take_key_file(r, it);
		break;
	case CONF_ADDRESS:
		n = append(&l->own, &l->own_count, &l->own_room, sizeof(*n));
		*n = (struct lint_net){ place(r, it), { it->addr, it->bits }, 0 };
		break;
	case CONF_SAVE_CONFIG:
		if (it->number)
			lint_say(l, true, place(r, it), "SaveConfig: only wg-quick does that (leave it out)");
		break;
	default:
		break;
	}
}

static void take_net(struct reading *r, const struct conf_item *it)
{
	struct lint *l = r->l;
	struct lint_net *n = append(&l->net, &l->net_count, &l->net_room, sizeof(*n));
	struct net written;
	char text[TEXT_ADDR];

	*n = (struct lint_net){ place(r, it), { it->addr, it->bits }, l->peer_count - 1 };
	l->peer[n->peer].nets++;
	if (net_parse(it->text, it->text_len, &written) && !net_equal(&written, &n->net))
		lint_say(l, false, n->at, "AllowedIPs: it has host bits, %s is meant", net_text(&n->net, text));
}

static void take_peer(struct reading *r, const struct conf_item *it)
{
	struct lint_peer *p = &r->l->peer[r->l->peer_count - 1];
	char name[IFACE_PEER_NAME_MAX + 2];

	switch (it->key) {
	case CONF_PUBLIC_KEY:
		p->has_key = true;
		p->key_at = place(r, it);
		memcpy(p->key, it->key_bytes, sizeof(p->key));
		break;
	case CONF_PRESHARED_KEY:
		r->secret = true;
		break;
	case CONF_ALLOWED_IPS:
		take_net(r, it);
		break;
	case CONF_ENABLED:
		p->disabled = !it->number;
		break;
	case CONF_NAME:
		snprintf(name, sizeof(name), "%.*s", (int)it->text_len, it->text);
		if (r->name)
			break;	/* the file's name counts */
		p->name_at = place(r, it);
		if (iface_peer_name_ok(name))
			strcpy(p->name, name);
		else
			lint_say(r->l, false, p->name_at,
				 "Name: it cannot name the peer (1 to %d of A-Z a-z 0-9 . _ -)", IFACE_PEER_NAME_MAX);
		break;
	default:
		break;
	}
}

static void read_text(struct reading *r, const char *text, size_t len)
{
	struct conf_reader reader;
	struct conf_item it;

	if (conf_reader_init(&reader, text, len, CONF_SUPPORTED)) {
		lint_say(r->l, true, (struct lint_place){ r->file, 0, 0 }, "it is too big");
		return;
	}
	while (conf_next(&reader, &it) != CONF_END) {
		if (it.what == CONF_ERROR || it.what == CONF_WARNING)
			lint_say(r->l, it.what == CONF_ERROR, place(r, &it), "%s", it.message);
		else if (it.what == CONF_SECTION)
			begin_section(r, &it);
		else if (r->in_peer)
			take_peer(r, &it);
		else if (it.section == CONF_INTERFACE && !r->own_file)
			take_interface(r, &it);
	}
	sodium_memzero(&it, sizeof(it));
	sodium_memzero(&reader, sizeof(reader));
}

static unsigned add_file(struct lint *l, const char *path)
{
	char **f = append(&l->file, &l->file_count, &l->file_room, sizeof(*f));

	*f = strdup(path);
	if (!*f)
		err(CMD_FAILED, "tunctl");
	return (unsigned)(l->file_count - 1);
}

static int read_file(struct lint *l, const char *path, const char *name)
{
	struct reading r = { .l = l, .own_file = name != NULL, .name = name, .conf = path };
	struct stat st;
	char *text;
	size_t len;
	int e = name ? store_read(path, &text, &len) : store_read_any(path, &text, &len);

	if (e)
		return e;
	r.file = add_file(l, path);
	read_text(&r, text, len);
	store_free(text, len);
	if (r.secret && strcmp(path, "-") && !stat(path, &st) && st.st_mode & S_IRWXO)
		lint_say(l, false, (struct lint_place){ r.file, 0, 0 },
			 "everybody may read its keys (use: chmod 600 %s)", path);
	return 0;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_peer_file(const struct dirent *e)
{
	size_t len = strlen(e->d_name), cut = strlen(".peer");

	return len > cut && e->d_name[0] != '.' && !strcmp(e->d_name + len - cut, ".peer");
}

/* In alphabetical order, as the daemon reads them: of two that claim the same, the last one gets it. */
static void read_directory(struct lint *l, const char *dir)
{
	struct dirent **list;
	int count = scandir(dir, &list, is_peer_file, by_name), e;

	for (int i = 0; i < count; i++) {
		char path[PATH_MAX + NAME_MAX + 2], name[NAME_MAX + 1];

		snprintf(path, sizeof(path), "%s/%s", dir, list[i]->d_name);
		snprintf(name, sizeof(name), "%.*s", (int)(strlen(list[i]->d_name) - strlen(".peer")), list[i]->d_name);
		free(list[i]);
		e = read_file(l, path, name);
		if (e)
			lint_say(l, true, (struct lint_place){ add_file(l, path), 0, 0 }, "%s", strerror(-e));
		else if (!iface_peer_name_ok(name))
			lint_say(l, false, (struct lint_place){ (unsigned)l->file_count - 1, 0, 0 },
				 "tunctl cannot name this peer (1 to %d of A-Z a-z 0-9 . _ -)", IFACE_PEER_NAME_MAX);
	}
	if (count >= 0)
		free(list);
	else if (errno != ENOENT)
		lint_say(l, true, (struct lint_place){ add_file(l, dir), 0, 0 }, "%s", strerror(errno));
}

static int by_place(const void *a, const void *b)
{
	const struct lint_place *x = &((const struct lint_problem *)a)->at, *y = &((const struct lint_problem *)b)->at;

	if (x->file != y->file)
		return x->file < y->file ? -1 : 1;
	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	return x->column < y->column ? -1 : x->column > y->column;
}

static void finish(struct lint *l)
{
	l->together = true;
	lint_together(l);
	if (l->problem_count)
		qsort(l->problem, l->problem_count, sizeof(*l->problem), by_place);
}

int lint_file(const char *path, struct lint *ret)
{
	static const char suffix[] = ".conf";
	size_t len = strlen(path), cut = sizeof(suffix) - 1;
	char dir[PATH_MAX] = "";
	int e;

	*ret = (struct lint){ 0 };
	if (len > cut && !strcmp(path + len - cut, suffix) &&
	    snprintf(dir, sizeof(dir), "%.*s.d", (int)(len - cut), path) >= (int)sizeof(dir))
		return -ENAMETOOLONG;
	e = read_file(ret, path, NULL);
	if (e)
		return e;
	if (*dir)
		read_directory(ret, dir);
	finish(ret);
	return 0;
}

void lint_text(const char *path, const char *text, size_t len, const char *conf, const char *dir, struct lint *ret)
{
	struct reading r = { .l = ret, .conf = conf };

	*ret = (struct lint){ 0 };
	r.file = add_file(ret, path);
	read_text(&r, text, len);
	if (*dir)
		read_directory(ret, dir);
	finish(ret);
}

void lint_free(struct lint *l)
{
	for (size_t i = 0; i < l->file_count; i++)
		free(l->file[i]);
	free(l->file);
	free(l->problem);
	free(l->peer);
	free(l->net);
	free(l->own);
	*l = (struct lint){ 0 };
}

void lint_print(const struct lint *l, FILE *f)
{
	for (size_t i = 0; i < l->problem_count; i++) {
		const struct lint_problem *p = &l->problem[i];

		fputs(l->file[p->at.file], f);
		if (p->at.line)
			fprintf(f, ":%u:%u", p->at.line, p->at.column);
		fprintf(f, ": %s: %s\n", p->error ? "error" : "warning", p->message);
	}
}
