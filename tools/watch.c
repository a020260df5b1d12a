/* SPDX-License-Identifier: MIT */
/*
 * watch tells what happens to peers, as it happens: the daemon is asked every second, and what differs from the second
 * before is an event. Peers are named; where they speak from is not told, only that it is another place now.
 */
#include "client.h"
#include "view.h"

#include <errno.h>
#include <string.h>
#include <time.h>

enum { FILES_TICKS = 10 };	/* names are read again after so many seconds */

struct watch {
	struct ctx *c;
	struct iface f;
};

static void tell(const struct watch *w, const char *event, const struct peer *p)
{
	char name[IFACE_PEER_NAME_MAX + 1], key[TEXT_BASE64_KEY], when[32];
	time_t now = time(NULL);
	struct tm tm;
	json_t *o;

	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &tm));
	if (!cmd_has(w->c, OPT_JSON)) {
		printf("%s  %s: %s%s%s\n", when, w->f.name, event, p ? " " : "", p ? peer_label(p, name) : "");
	} else {
		o = json_pack("{s:i, s:s, s:s, s:s}", "v", 1, "event", event, "time", when, "interface", w->f.name);
		if (p) {
			text_key_to_base64(key, p->key);
			json_object_set_new(o, "name", p->name[0] ? json_string(p->name) : json_null());
			json_object_set_new(o, "public_key", json_string(key));
		}
		out_json(stdout, o);
	}
	fflush(stdout);
}

/* was: NULL when it was not live. */
static void compare(const struct watch *w, const struct peer *was, const struct peer *is, uint64_t before_s,
		    uint64_t now_s)
{
	bool online = is && is->live && peer_online(is, now_s), were = was && was->live && peer_online(was, before_s);
	const struct peer *p = is ? is : was;
	bool live = is && is->live, lived = was && was->live;

	if (live && !lived)
		tell(w, "added", p);
	if (online && !were)
		tell(w, "connect", p);
	if (!online && were)
		tell(w, "disconnect", p);
	if (online && were && is->endpoint[0] && was->endpoint[0] && strcmp(is->endpoint, was->endpoint))
		tell(w, "roam", p);
	if (!live && lived)
		tell(w, "removed", p);
}

/* Both sorted by key. */
static void compare_all(const struct watch *w, const struct roster *was, const struct roster *is, uint64_t before_s,
			uint64_t now_s)
{
	for (size_t i = 0; i < is->count; i++)
		compare(w, roster_by_key(was, is->peer[i].key), &is->peer[i], before_s, now_s);
	for (size_t i = 0; i < was->count; i++)
		if (!roster_by_key(is, was->peer[i].key))
			compare(w, &was->peer[i], NULL, before_s, now_s);
}

/* What the daemon says now, under the names that the files gave. */
static int load(struct watch *w, const struct roster *names, struct roster *ret)
{
	int err;

	*ret = (struct roster){ 0 };
	err = client_load(w->f.sock, ret);
	for (size_t i = 0; i < ret->count && !err; i++) {
		const struct peer *p = roster_by_key(names, ret->peer[i].key);

		if (p)
			memcpy(ret->peer[i].name, p->name, sizeof(p->name));
	}
	return err;
}

static int load_names(struct watch *w, struct roster *names)
{
	struct iface files = w->f;
	int code;

	files.running = false;
	roster_free(names);
	w->c->mute = true;	/* a file may be half edited just now */
	code = roster_load(w->c, &files, false, names);
	w->c->mute = false;
	return code;
}

int cmd_watch(struct ctx *c)
{
	struct roster names = { 0 }, was = { 0 }, is;
	struct watch w = { .c = c };
	uint64_t before_s = (uint64_t)time(NULL), now_s;
	int code = iface_find(c, c->word[0], IFACE_RUNNING_FIRST, &w.f), err;

	if (!code && !w.f.running)
		return cmd_fail(c, CMD_NODAEMON, "%s is not running", w.f.name);
	if (code)
		return code;
	load_names(&w, &names);
	err = load(&w, &names, &was);
	for (unsigned tick = 1; !err && !ferror(stdout); tick++) {
		nanosleep(&(struct timespec){ .tv_sec = 1 }, NULL);
		if (tick % FILES_TICKS == 0)
			load_names(&w, &names);
		now_s = (uint64_t)time(NULL);
		err = load(&w, &names, &is);
		if (!err)
			compare_all(&w, &was, &is, before_s, now_s);
		roster_free(&was);
		was = is;
		before_s = now_s;
	}
	roster_free(&was);
	roster_free(&names);
	if (!err)
		return CMD_FAILED;
	tell(&w, "down", NULL);
	return cmd_fail(c, CMD_NODAEMON, "%s: the daemon has ended", w.f.name);
}
