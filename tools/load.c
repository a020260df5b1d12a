/* SPDX-License-Identifier: MIT */
/* Files into the roster. The text of a file holds keys: it is wiped before it is let go. */
#include "client.h"
#include "conf.h"
#include "link.h"
#include "roster.h"
#include "store.h"
#include "view.h"

#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct loader {
	const struct ctx *c;
	struct roster *r;
	const char *path;
	const char *name;	/* that a peer's own file gives it, or ""; NULL: the main file */
	struct peer pending;	/* whose section is read; without a key it is none */
	bool in_peer, has_key, bad;
};

static char *file_of(const char *path)
{
	char *ret = strdup(strrchr(path, '/') + 1);

	if (!ret)
		err(CMD_FAILED, "tunctl");
	return ret;
}

static void end_section(struct loader *l)
{
	struct peer *p = &l->pending;

	if (l->in_peer && l->has_key) {
		p->saved = true;
		p->own_file = l->name != NULL;
		if (l->name)
			strcpy(p->name, l->name);
		if (l->name && !*l->name)
			p->file = file_of(l->path);
		*roster_add(l->r, p->key) = *p;
	} else {
		free(p->net);
		free(p->note);
		free(p->tags);
		free(p->host);
	}
	sodium_memzero(p, sizeof(*p));
	l->in_peer = l->has_key = false;
}

static void take_dns(struct roster *r, const struct conf_item *it)
{
	struct roster_dns *d = &r->dns[r->dns_count];

	if (r->dns_count == ROSTER_DNS_MAX || it->text_len >= sizeof(d->text))
		return;
	r->dns_count++;
	d->addr = it->addr;
	snprintf(d->text, sizeof(d->text), "%.*s", (int)it->text_len, it->text);
}

static void take_interface(struct loader *l, const struct conf_item *it)
{
	struct roster *r = l->r;

	switch (it->key) {
	case CONF_PRIVATE_KEY:
		r->has_key = true;
		crypto_scalarmult_base(r->public, it->key_bytes);
		break;
	case CONF_PRIVATE_KEY_FILE:
		keyfile_take(&r->key_file, l->path, it);
		break;
	case CONF_LISTEN_PORT:
		r->port = (uint16_t)it->number;
		break;
	case CONF_NAT:
		r->nat = it->number != CONF_NAT_NO;
		break;
	case CONF_CLIENT_ENDPOINT:
		snprintf(r->client_host, sizeof(r->client_host), "%.*s", (int)it->text_len, it->text);
		break;
	case CONF_CLIENT_DNS:
		take_dns(r, it);
		break;
	case CONF_ADDRESS:
		if (r->own_count < ROSTER_OWN_MAX)
			r->own[r->own_count++] = (struct net){ .addr = it->addr, .bits = it->bits };
		break;
	default:
		break;
	}
}

static void take_host(struct peer *p, const struct conf_item *it)
{
	bool v6 = it->addr.family == 6;

	free(p->host);
	if (asprintf(&p->host, "%s%.*s%s:%u", v6 ? "[" : "", (int)it->text_len, it->text, v6 ? "]" : "",
		     it->addr.port) < 0)
		p->host = NULL;
	if (it->addr.family)
		text_from_endpoint(p->endpoint, &it->addr);
}

static void take_peer(struct loader *l, const struct conf_item *it)
{
	struct peer *p = &l->pending;

	switch (it->key) {
	case CONF_PUBLIC_KEY:
		l->has_key = true;
		memcpy(p->key, it->key_bytes, sizeof(p->key));
		break;
	case CONF_PRESHARED_KEY:
		p->has_psk = !sodium_is_zero(it->key_bytes, sizeof(it->key_bytes));
		memcpy(p->psk, it->key_bytes, sizeof(p->psk));
		break;
	case CONF_ALLOWED_IPS:
		peer_add_net(p, &(struct net){ .addr = it->addr, .bits = it->bits });
		break;
	case CONF_KEEPALIVE:
		p->keepalive_s = (uint16_t)it->number;
		break;
	case CONF_ENDPOINT:
		take_host(p, it);
		break;
	case CONF_NOTE:
		free(p->note);
		p->note = strndup(it->text, it->text_len);
		break;
	case CONF_TAGS:
		free(p->tags);
		p->tags = strndup(it->text, it->text_len);
		break;
	case CONF_ENABLED:
		p->disabled = !it->number;
		break;
	case CONF_NAME:
		snprintf(p->name, sizeof(p->name), "%.*s", (int)it->text_len, it->text);
		if (it->text_len > IFACE_PEER_NAME_MAX || !iface_peer_name_ok(p->name))
			p->name[0] = 0;
		break;
	default:
		break;
	}
}

static void take_text(struct loader *l, const char *text, size_t len)
{
	struct conf_reader reader;
	struct conf_item it;
	char path[PATH_MAX];

	if (conf_reader_init(&reader, text, len, ~UINT64_C(0))) {
		l->bad = true;
		cmd_fail(l->c, 0, "%s: too big", view_clean(l->path, path, sizeof(path)));
		return;
	}
	while (conf_next(&reader, &it) != CONF_END) {
		if (it.what == CONF_SECTION) {
			end_section(l);
			l->in_peer = it.section == CONF_PEER;
		} else if (it.what == CONF_ERROR) {
			l->bad = true;
			cmd_fail(l->c, 0, "%s:%u:%u: %s", view_clean(l->path, path, sizeof(path)), it.line, it.column,
				 it.message);
		} else if (it.what == CONF_VALUE && l->in_peer) {
			take_peer(l, &it);
		} else if (it.what == CONF_VALUE && it.section == CONF_INTERFACE && !l->name) {
			take_interface(l, &it);
		}
	}
	end_section(l);
	sodium_memzero(&it, sizeof(it));
	sodium_memzero(&reader, sizeof(reader));
}

int roster_read(const struct ctx *c, const char *path, const char *name, const char *text, size_t len,
		struct roster *r)
{
	enum { SHORTEST = 64, MANY = 4096 };	/* bytes: of a peer, of a text that may hold many */
	struct loader l = { .c = c, .r = r, .path = path, .name = name };

	if (len > MANY)
		roster_reserve(r, len / SHORTEST);
	take_text(&l, text, len);
	return l.bad ? CMD_USAGE : 0;
}

/* The public half of a key that stands in a file of its own. 0 or CMD_USAGE. */
static int load_key(const struct ctx *c, const char *path, struct roster *r)
{
	const struct keyfile *k = &r->key_file;
	char why[CONF_KEY_FILE_MESSAGE_MAX];
	uint8_t private[TNL_KEY_LEN];
	int err;

	if (!k->named)
		return 0;
	err = keyfile_read(k, private, NULL);
	if (keyfile_away(k, err))
		return 0;
	if (err)
		return cmd_fail(c, CMD_USAGE, "%s:%u:%u: %s", path, k->line, k->column, keyfile_why(k, path, err, why));
	r->has_key = true;
	crypto_scalarmult_base(r->public, private);
	sodium_memzero(private, sizeof(private));
	return 0;
}

/* 0; CMD_USAGE: it has errors, all of them said, and what was good is taken; or another exit code. */
static int load_file(const struct ctx *c, const char *path, const char *name, struct roster *r)
{
	char *text, clean[PATH_MAX];
	size_t len;
	int err = store_read(path, &text, &len), code;

	if (err)
		return cmd_fail(c, iface_code(err), "%s: %s", view_clean(path, clean, sizeof(clean)), strerror(-err));
	code = roster_read(c, path, name, text, len, r);
	store_free(text, len);
	err = name ? 0 : load_key(c, path, r);
	return code ? code : err;
}

/* ---- A directory of many files ----------------------------------------------------------------------------------- */

/* Ten thousand small files are ten thousand times three system calls, and most of the time of a command: several
 * threads share them, each with a roster of its own but for our own thread. */
enum { THREADS_MAX = 4, FILES_PER_THREAD = 500, SMALL = 8192, MANY_AT_ONCE = 1 << 20 };

static const char suffix[] = ".peer";

struct entry {
	char name[IFACE_PEER_NAME_MAX + 1];
	char *file;		/* when that is no name that we could speak: "" then; NULL: NAME.peer */
	bool regular;
};

struct share {
	const struct ctx *c;
	const struct iface *f;
	const struct entry *entry;
	size_t count;
	int dir, code;
	char path[PATH_MAX + NAME_MAX + 2], *file;	/* file: the name's place in it */
	struct roster *r, own;	/* r: where they go */
	pthread_t thread;
	bool started;
};

/* A small regular file in one read. False: it is not one, or more than that. */
static bool read_small(int dir, const char *file, char buf[SMALL], size_t *len)
{
	int fd = openat(dir, file, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd >= 0 ? read(fd, buf, SMALL) : -1;

	if (fd >= 0)
		close(fd);
	*len = got > 0 ? (size_t)got : 0;
	return got >= 0 && got < SMALL;
}

static int load_entry(struct share *s, const struct entry *e)
{
	char buf[SMALL];
	size_t len;
	int code;

	if (e->file)
		strcpy(s->file, e->file);
	else
		stpcpy(stpcpy(s->file, e->name), suffix);
	if (!e->regular || !read_small(s->dir, s->file, buf, &len)) {
		code = load_file(s->c, s->path, e->name, s->r);
		/* One bad file, which does not hide the others. */
		return code == CMD_FAILED ? CMD_USAGE : code;
	}
	code = roster_read(s->c, s->path, e->name, buf, len, s->r);
	sodium_memzero(buf, len);
	return code;
}

static void *load_share(void *arg)
{
	struct share *s = arg;

	s->file = s->path + sprintf(s->path, "%s/", s->f->dir);
	roster_reserve(s->r, s->count);
	for (size_t i = 0; i < s->count; i++) {
		int one = load_entry(s, &s->entry[i]);

		s->code = s->code ? s->code : one;
	}
	return NULL;
}

static void take_entry(const struct dirent *e, size_t len, struct entry *ret)
{
	ret->regular = e->d_type == DT_REG;
	ret->file = NULL;
	snprintf(ret->name, sizeof(ret->name), "%.*s", (int)len, e->d_name);
	if (len < sizeof(ret->name) && iface_peer_name_ok(ret->name))
		return;
	ret->name[0] = 0;
	ret->file = strdup(e->d_name);
	if (!ret->file)
		err(CMD_FAILED, "tunctl");
}

/* The files of a directory that the daemon reads: every one of that suffix that is not hidden, though its name may be
 * none for us. To be freed by free_entries(). */
static size_t list_entries(DIR *d, struct entry **ret)
{
	struct entry *list = NULL;
	size_t count = 0, room = 0, cut = sizeof(suffix) - 1;
	struct dirent *e;

	while ((e = readdir(d))) {
		size_t len = strlen(e->d_name);

		if (len <= cut || e->d_name[0] == '.' || strcmp(e->d_name + len - cut, suffix))
			continue;
		if (count == room) {
			room = room ? 2 * room : 64;
			list = reallocarray(list, room, sizeof(*list));
			if (!list)
				err(CMD_FAILED, "tunctl");
		}
		take_entry(e, len - cut, &list[count++]);
	}
	*ret = list;
	return count;
}

static void free_entries(struct entry *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(list[i].file);
	free(list);
}

/* What others have read, behind what is there: the peers themselves move, their memory with them. */
static void take_over(struct roster *r, struct roster *from)
{
	for (size_t i = 0; i < from->count; i++)
		*roster_add(r, from->peer[i].key) = from->peer[i];
	if (from->count)
		sodium_memzero(from->peer, from->count * sizeof(*from->peer));
	from->count = 0;
	roster_free(from);
}

static int load_entries(const struct ctx *c, const struct iface *f, int dir, const struct entry *list, size_t count,
			struct roster *r)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	size_t n = count / FILES_PER_THREAD + 1, done = 0;
	struct share share[THREADS_MAX] = { { .c = NULL } };
	int code = 0;

	n = n > THREADS_MAX ? THREADS_MAX : n;
	n = cores > 0 && n > (size_t)cores ? (size_t)cores : n;
	roster_reserve(r, count);
	/* An arena of a thread's own grows by single pages, each with a word to the other processor. */
	mallopt(M_ARENA_MAX, 1);
	mallopt(M_TOP_PAD, MANY_AT_ONCE);
	for (size_t i = 0; i < n; i++) {
		struct share *s = &share[i];

		*s = (struct share){ .c = c, .f = f, .dir = dir, .entry = list + done };
		s->count = (count - done) / (n - i);
		done += s->count;
		s->r = &s->own;
		/* The last share is our own, and those that nobody else takes. */
		s->started = i + 1 < n && !pthread_create(&s->thread, NULL, load_share, s);
		if (s->started)
			continue;
		s->r = r;
		load_share(s);
	}
	for (size_t i = 0; i < n; i++) {
		if (share[i].started)
			pthread_join(share[i].thread, NULL);
		code = code ? code : share[i].code;
		take_over(r, &share[i].own);
	}
	return code;
}

static int load_directory(const struct ctx *c, const struct iface *f, struct roster *r)
{
	DIR *d = opendir(f->dir);
	struct entry *list;
	size_t count;
	int code;

	if (!d)
		return errno == ENOENT ? 0 : cmd_fail(c, iface_code(-errno), "%s: %s", f->dir, strerror(errno));
	count = list_entries(d, &list);
	code = count ? load_entries(c, f, dirfd(d), list, count, r) : 0;
	free_entries(list, count);
	closedir(d);
	return code;
}

int roster_load_files(const struct ctx *c, const struct iface *f, bool strict, struct roster *r)
{
	int code = f->conf[0] ? load_file(c, f->conf, NULL, r) : 0, more;

	more = load_directory(c, f, r);
	code = code ? code : more;
	if (code && (strict || code != CMD_USAGE))
		return code;
	roster_sort(r);
	return 0;
}

static int joined(const struct ctx *c, const struct iface *f, int err, struct roster *r)
{
	if (!r->own_count)
		r->own_count = link_addresses(f->name, r->own, ROSTER_OWN_MAX);
	return err ? cmd_fail(c, iface_code(err), "%s: %s", f->sock, strerror(-err)) : 0;
}

int roster_join_all(const struct ctx *c, const struct iface *f, struct roster *r)
{
	return f->running ? joined(c, f, client_load(f->sock, r), r) : 0;
}

int roster_join(const struct ctx *c, const struct iface *f, const uint8_t *key, const struct net *net, size_t count,
		struct roster *r)
{
	static const uint8_t nobody[TNL_KEY_LEN];	/* no question at all would mean all peers */

	if (!f->running)
		return 0;
	if (client_ask(f->sock, key ? key : nobody, net, count, r))
		return roster_join_all(c, f, r);
	return joined(c, f, 0, r);
}

int roster_load(const struct ctx *c, const struct iface *f, bool strict, struct roster *r)
{
	int live = f->running ? client_begin(f->sock) : -1;
	int code = roster_load_files(c, f, strict, r);

	if (!code && f->running)
		return joined(c, f, client_finish(live, r), r);
	if (live >= 0)
		close(live);
	return code;
}
