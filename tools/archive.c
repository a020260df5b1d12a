/* SPDX-License-Identifier: MIT */
#include "archive.h"

#include "store.h"

#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define FORMAT "tunneld-backup"

enum { SUM = 32 };

static struct archive_file *add(struct archive *a, const char *name)
{
	struct archive_file *f;

	if (a->count == a->room) {
		a->room = 2 * a->room + 16;
		a->file = reallocarray(a->file, a->room, sizeof(*a->file));
		if (!a->file)
			err(CMD_FAILED, "tunctl");
	}
	f = &a->file[a->count++];
	*f = (struct archive_file){ .data = NULL };
	snprintf(f->name, sizeof(f->name), "%s", name);
	return f;
}

void archive_free(struct archive *a)
{
	for (size_t i = 0; i < a->count; i++)
		store_free(a->file[i].data, a->file[i].len);
	free(a->file);
	*a = (struct archive){ .count = 0 };
}

static bool state_dir(const struct ctx *c, const struct iface *f, char ret[PATH_MAX])
{
	return snprintf(ret, PATH_MAX, "%s/tunneld/%s", cmd_has(c, OPT_VAR) ? c->val[OPT_VAR] : "/var/lib",
			f->name) < PATH_MAX;
}

bool archive_path(const struct ctx *c, const struct iface *f, const char *name, char ret[PATH_MAX])
{
	char state[PATH_MAX];

	if (!strcmp(name, "conf") || !strcmp(name, "key"))
		return snprintf(ret, PATH_MAX, "%s/tunneld/%s.%s", iface_etc_dir(c), f->name, name) < PATH_MAX;
	if (!strncmp(name, "d/", 2))
		return snprintf(ret, PATH_MAX, "%s/%s", f->dir, name + 2) < PATH_MAX;
	return state_dir(c, f, state) && snprintf(ret, PATH_MAX, "%s/%s", state, name + strlen("state/")) < PATH_MAX;
}

/* A name that can be a file of ours and nothing else. */
static bool name_ok(const char *name)
{
	char stem[ARCHIVE_NAME_MAX];
	size_t len = strlen(name);
	const char *dot = strrchr(name, '.');

	if (len >= ARCHIVE_NAME_MAX)
		return false;
	if (!strcmp(name, "conf") || !strcmp(name, "key"))
		return true;
	if (!strncmp(name, "state/", 6))
		return iface_peer_name_ok(name + 6);
	if (strncmp(name, "d/", 2) || !dot || (strcmp(dot, ".peer") && strcmp(dot, ".key")))
		return false;
	snprintf(stem, sizeof(stem), "%.*s", (int)(dot - name - 2), name + 2);
	return iface_peer_name_ok(stem);
}

static int cmp_file(const void *a, const void *b)
{
	return strcmp(((const struct archive_file *)a)->name, ((const struct archive_file *)b)->name);
}

static void sort(struct archive *a)
{
	if (a->count)
		qsort(a->file, a->count, sizeof(*a->file), cmp_file);
}

static int cmp_name(const void *name, const void *file)
{
	return strcmp(name, ((const struct archive_file *)file)->name);
}

const struct archive_file *archive_find(const struct archive *a, const char *name)
{
	return a->count ? bsearch(name, a->file, a->count, sizeof(*a->file), cmp_name) : NULL;
}

/* ---- Collecting -------------------------------------------------------------------------------------------------- */

static int add_file(const struct ctx *c, const struct iface *f, const char *name, struct archive *a)
{
	char path[PATH_MAX];
	struct archive_file *file = add(a, name);
	int e = archive_path(c, f, name, path) ? store_read(path, &file->data, &file->len) : -ENAMETOOLONG;

	return e ? cmd_fail(c, iface_code(e), "%s: %s", path, strerror(-e)) : 0;
}

static int add_directory(const struct ctx *c, const struct iface *f, const char *dir, const char *prefix,
			 struct archive *a)
{
	char name[ARCHIVE_NAME_MAX];
	DIR *d = opendir(dir);
	struct dirent *e;
	int code = 0;

	if (!d)
		return errno == ENOENT ? 0 : cmd_fail(c, iface_code(-errno), "%s: %s", dir, strerror(errno));
	while (!code && (e = readdir(d))) {
		snprintf(name, sizeof(name), "%s%s", prefix, e->d_name);
		if (name_ok(name) && e->d_type != DT_DIR)
			code = add_file(c, f, name, a);
	}
	closedir(d);
	return code;
}

int archive_collect_rest(const struct ctx *c, const struct iface *f, struct archive *ret)
{
	char dir[PATH_MAX];
	int code = 0;

	*ret = (struct archive){ .count = 0 };
	strcpy(ret->interface, f->name);
	if (archive_path(c, f, "conf", dir) && !access(dir, F_OK))
		code = add_file(c, f, "conf", ret);
	if (!code)
		code = add_directory(c, f, f->dir, "d/", ret);
	if (!code && state_dir(c, f, dir))
		code = add_directory(c, f, dir, "state/", ret);
	sort(ret);
	return code;
}

int archive_collect(const struct ctx *c, const struct iface *f, struct archive *ret)
{
	*ret = (struct archive){ .count = 0 };
	if (!f->conf[0] || f->foreign)
		return cmd_fail(c, CMD_NOENT, "%s has no configuration of ours", f->name);
	return archive_collect_rest(c, f, ret);
}

/* ---- The key ----------------------------------------------------------------------------------------------------- */

int archive_collect_key(const struct ctx *c, const struct iface *f, struct archive *a)
{
	const struct archive_file *conf = archive_find(a, "conf");
	char why[CONF_KEY_FILE_MESSAGE_MAX];
	uint8_t private[TNL_KEY_LEN];
	struct archive_file *file;
	struct keyfile k;
	int e;

	keyfile_find(&k, f->conf, conf->data, conf->len);
	if (!k.named)
		return 0;
	e = keyfile_read(&k, private, NULL);
	if (e)
		return cmd_fail(c, iface_code(e), "%s:%u:%u: %s; a backup without the key would not bring %s back",
				f->conf, k.line, k.column, keyfile_why(&k, f->conf, e, why), f->name);
	file = add(a, "key");
	file->data = malloc(TEXT_BASE64_KEY + 1);
	if (!file->data)
		err(CMD_FAILED, "tunctl");
	text_key_to_base64(file->data, private);
	strcat(file->data, "\n");
	file->len = TEXT_BASE64_KEY;
	sodium_memzero(private, sizeof(private));
	sort(a);
	return 0;
}

/* ETC/tunneld/NAME or ETC/tunneld/DIR/NAME that can be neither a configuration nor a peer. */
static bool is_our_place(const struct ctx *c, const char *path)
{
	const char *etc = iface_etc_dir(c), *dir = "/tunneld/", *slash;
	size_t len = strlen(etc);
	char sub[IFACE_PEER_NAME_MAX + 1];

	if (strncmp(path, etc, len) || strncmp(path + len, dir, strlen(dir)))
		return false;
	path += len + strlen(dir);
	slash = strchr(path, '/');
	if (slash) {
		if ((size_t)snprintf(sub, sizeof(sub), "%.*s", (int)(slash - path), path) >= sizeof(sub) ||
		    !iface_peer_name_ok(sub))
			return false;
		path = slash + 1;
	}
	return iface_peer_name_ok(path) && !strstr(path, ".conf") && !strstr(path, ".peer");
}

bool archive_key_is(const struct archive *a, const char *path)
{
	const struct archive_file *key = archive_find(a, "key");
	struct keyfile k = { .named = true };
	uint8_t want[TNL_KEY_LEN], is[TNL_KEY_LEN];
	bool same;

	snprintf(k.path, sizeof(k.path), "%s", path);
	same = !conf_key_file(key->data, key->len, want) && !keyfile_read(&k, is, NULL) &&
	       !sodium_memcmp(is, want, sizeof(is));
	sodium_memzero(want, sizeof(want));
	sodium_memzero(is, sizeof(is));
	return same;
}

bool archive_key_path(const struct ctx *c, const struct iface *f, const struct archive *a, struct keyfile *k,
		      char ret[PATH_MAX])
{
	const struct archive_file *conf = archive_find(a, "conf");
	char path[PATH_MAX];

	if (!archive_path(c, f, "conf", path))
		return false;
	keyfile_find(k, path, conf->data, conf->len);
	if (!is_our_place(c, k->path) && !archive_key_is(a, k->path))
		return archive_path(c, f, "key", ret);
	strcpy(ret, k->path);
	return true;
}

/* What is wrong with the key in an archive, or NULL. */
static const char *judge_key(const struct archive *a)
{
	const struct archive_file *key = archive_find(a, "key"), *conf = archive_find(a, "conf");
	uint8_t private[TNL_KEY_LEN];
	struct keyfile k;
	bool bad;

	if (!key)
		return NULL;
	bad = conf_key_file(key->data, key->len, private) != 0;
	sodium_memzero(private, sizeof(private));
	if (bad)
		return "the private key in it is none";
	keyfile_find(&k, "", conf->data, conf->len);
	return k.named ? NULL : "there is a private key in it that no PrivateKeyFile names";
}

/* ---- Text -------------------------------------------------------------------------------------------------------- */

/* Over names and bytes, each with its length in front, so that none can be taken for another. */
static void checksum(const struct archive *a, char ret[2 * SUM + 1])
{
	crypto_generichash_state state;
	unsigned char sum[SUM];

	crypto_generichash_init(&state, NULL, 0, sizeof(sum));
	crypto_generichash_update(&state, (const unsigned char *)a->interface, sizeof(a->interface));
	for (size_t i = 0; i < a->count; i++) {
		uint64_t len = a->file[i].len;
		unsigned char le[8];

		for (unsigned k = 0; k < 8; k++)
			le[k] = (unsigned char)(len >> 8 * k);
		crypto_generichash_update(&state, (const unsigned char *)a->file[i].name, strlen(a->file[i].name) + 1);
		crypto_generichash_update(&state, le, sizeof(le));
		crypto_generichash_update(&state, (const unsigned char *)a->file[i].data, a->file[i].len);
	}
	crypto_generichash_final(&state, sum, sizeof(sum));
	sodium_bin2hex(ret, 2 * SUM + 1, sum, sizeof(sum));
}

static json_t *file_json(const struct archive_file *f)
{
	size_t max = sodium_base64_ENCODED_LEN(f->len, sodium_base64_VARIANT_ORIGINAL);
	char *base64 = malloc(max);
	json_t *o = NULL;

	if (base64) {
		sodium_bin2base64(base64, max, (const unsigned char *)f->data, f->len, sodium_base64_VARIANT_ORIGINAL);
		o = json_pack("{s:s, s:s}", "name", f->name, "data", base64);
	}
	store_free(base64, base64 ? max : 0);
	return o;
}

char *archive_text(const struct archive *a, size_t *len)
{
	char sum[2 * SUM + 1], when[32];
	json_t *files = json_array(), *o;
	time_t now = time(NULL);
	struct tm tm;
	char *text;

	checksum(a, sum);
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &tm));
	for (size_t i = 0; i < a->count; i++)
		json_array_append_new(files, file_json(&a->file[i]));
	o = json_pack("{s:i, s:s, s:s, s:s, s:s, s:o}", "v", 1, "format", FORMAT, "interface", a->interface, "created",
		      when, "checksum", sum, "files", files);
	text = json_dumps(o, JSON_INDENT(1));
	json_decref(o);
	*len = text ? strlen(text) : 0;
	return text;
}

static const char *take_file(struct archive *a, const json_t *o)
{
	const char *name = json_string_value(json_object_get(o, "name"));
	const json_t *data = json_object_get(o, "data");
	struct archive_file *f;
	size_t max;

	if (!name || !name_ok(name) || !json_is_string(data))
		return "a file in it has a name that is none of ours, or no data";
	max = json_string_length(data) / 4 * 3 + 4;
	f = add(a, name);
	f->data = malloc(max + 1);
	if (!f->data)
		return "there is not enough memory for it";
	if (sodium_base642bin((unsigned char *)f->data, max, json_string_value(data), json_string_length(data), NULL,
			      &f->len, NULL, sodium_base64_VARIANT_ORIGINAL)) {
		f->len = 0;
		return "a file in it is no base64";
	}
	f->data[f->len] = 0;
	return NULL;
}

static const char *take_all(struct archive *a, const json_t *o)
{
	const char *format = json_string_value(json_object_get(o, "format"));
	const char *name = json_string_value(json_object_get(o, "interface"));
	const char *sum = json_string_value(json_object_get(o, "checksum")), *why = NULL;
	const json_t *files = json_object_get(o, "files");
	char is[2 * SUM + 1];

	if (!format || strcmp(format, FORMAT) || json_integer_value(json_object_get(o, "v")) != 1)
		return "it is no backup that this version knows";
	if (!name || !iface_name_ok(name) || !sum)
		return "it names no interface, or has no checksum";
	strcpy(a->interface, name);
	for (size_t i = 0; i < json_array_size(files) && !why; i++)
		why = take_file(a, json_array_get(files, i));
	if (why)
		return why;
	checksum(a, is);
	if (strcmp(is, sum))
		return "its checksum is wrong: it was changed or cut short";
	sort(a);
	for (size_t i = 1; i < a->count; i++)
		if (!cmp_file(&a->file[i - 1], &a->file[i]))
			return "a file is in it twice";
	return archive_find(a, "conf") ? judge_key(a) : "there is no configuration in it";
}

const char *archive_parse(const char *text, size_t len, struct archive *ret)
{
	const char *why;
	json_t *o;

	*ret = (struct archive){ .count = 0 };
	o = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
	why = o ? take_all(ret, o) : "it is no backup: no JSON, or cut short";
	json_decref(o);
	return why;
}
