/* SPDX-License-Identifier: MIT */
/*
 * watch tells what happens to peers, as it happens. tunneld says so itself at its control socket; only which peers
 * there are is no event there, and is looked at from time to time. A daemon without such a socket is asked for
 * everything every second, and what differs from the second before is an event.
 *
 * Peers are named; where they speak from is not told, only that it is another place now.
 */
#include "client.h"
#include "daemon.h"
#include "view.h"

#include <errno.h>
#include <string.h>
#include <time.h>

enum {
	FILES_TICKS = 10,	/* names are read again after so many seconds */
	LOOK_S = 5,		/* beside the stream of events: which peers are there is looked at so often */
};

struct watch {
	struct ctx *c;
	struct iface f;
	struct roster names;	/* as the files say */
	time_t named_s;		/* when they were read */
	struct roster peers;	/* as the daemon said last */
	time_t looked_s;
};

/* What an event may say beside its name and its peer. */
struct more {
	const char *when;	/* NULL: now */
	const char *message;	/* NULL: none */
	json_int_t lost;	/* so many events are missing before it */
	const json_t *code;	/* of a reload; NULL: none */
};

static void tell_text(const struct watch *w, const char *event, const struct peer *p, const struct more *m)
{
	char name[IFACE_PEER_NAME_MAX + 1], clean[256], when[64];

	view_clean(m->when, when, sizeof(when));
	if (m->lost)
		printf("%s  %s: %" JSON_INTEGER_FORMAT " events lost\n", when, w->f.name, m->lost);
	printf("%s  %s: %s", when, w->f.name, view_clean(event, clean, sizeof(clean)));
	if (p)
		printf(" %s", peer_label(p, name));
	if (m->code)
		printf(" %s", json_integer_value(m->code) ? "failed" : "done");
	if (m->message)
		printf(": %s", view_clean(m->message, clean, sizeof(clean)));
	putchar('\n');
}

static void tell_json(const struct watch *w, const char *event, const struct peer *p, const struct more *m)
{
	json_t *o = json_pack("{s:i, s:s, s:s, s:s}", "v", 1, "event", event, "time", m->when, "interface", w->f.name);
	char key[TEXT_BASE64_KEY];

	if (p) {
		text_key_to_base64(key, p->key);
		json_object_set_new(o, "name", p->name[0] ? json_string(p->name) : json_null());
		json_object_set_new(o, "public_key", json_string(key));
	}
	if (m->code)
		json_object_set_new(o, "code", json_integer(json_integer_value(m->code)));
	if (m->message)
		json_object_set_new(o, "message", json_string(m->message));
	if (m->lost)
		json_object_set_new(o, "lost", json_integer(m->lost));
	out_json(stdout, o);
}

static void tell_more(const struct watch *w, const char *event, const struct peer *p, struct more m)
{
	char when[32];
	time_t now = time(NULL);
	struct tm tm;

	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &tm));
	m.when = m.when ? m.when : when;
	if (cmd_has(w->c, OPT_JSON))
		tell_json(w, event, p, &m);
	else
		tell_text(w, event, p, &m);
	fflush(stdout);
}

static void tell(const struct watch *w, const char *event, const struct peer *p)
{
	tell_more(w, event, p, (struct more){ 0 });
}

/* ---- What the daemon has, and who is who ------------------------------------------------------------------------- */

/* What the daemon says now, under the names that the files gave. */
static int load(struct watch *w, struct roster *ret)
{
	int err;

	*ret = (struct roster){ 0 };
	err = client_load(w->f.sock, ret);
	for (size_t i = 0; i < ret->count && !err; i++) {
		const struct peer *p = roster_by_key(&w->names, ret->peer[i].key);

		if (p)
			memcpy(ret->peer[i].name, p->name, sizeof(p->name));
	}
	return err;
}

static void load_names(struct watch *w)
{
	struct iface files = w->f;

	files.running = false;
	roster_free(&w->names);
	w->c->mute = true;	/* a file may be half edited just now */
	roster_load(w->c, &files, false, &w->names);
	w->c->mute = false;
	w->named_s = time(NULL);
}

/* ---- By comparison ----------------------------------------------------------------------------------------------- */

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

/* Until the daemon does not answer. */
static void poll_daemon(struct watch *w)
{
	uint64_t before_s = (uint64_t)time(NULL), now_s;
	struct roster is;
	int err = load(w, &w->peers);

	for (unsigned tick = 1; !err && !ferror(stdout); tick++) {
		nanosleep(&(struct timespec){ .tv_sec = 1 }, NULL);
		if (tick % FILES_TICKS == 0)
			load_names(w);
		now_s = (uint64_t)time(NULL);
		err = load(w, &is);
		if (!err)
			compare_all(w, &w->peers, &is, before_s, now_s);
		roster_free(&w->peers);
		w->peers = is;
		before_s = now_s;
	}
}

/* ---- By the daemon's own events ---------------------------------------------------------------------------------- */

/* Which peers are there, and which no longer. */
static int look(struct watch *w)
{
	struct roster is;
	int err;

	load_names(w);
	err = load(w, &is);
	if (!err) {
		for (size_t i = 0; i < is.count; i++)
			if (!roster_by_key(&w->peers, is.peer[i].key))
				tell(w, "added", &is.peer[i]);
		for (size_t i = 0; i < w->peers.count; i++)
			if (!roster_by_key(&is, w->peers.peer[i].key))
				tell(w, "removed", &w->peers.peer[i]);
	}
	roster_free(&w->peers);
	w->peers = is;
	w->looked_s = time(NULL);
	return err;
}

/* Whose key that is. One that is new has its file already, but which may not have been read yet. */
static struct peer whose(struct watch *w, const uint8_t key[TNL_KEY_LEN])
{
	const struct peer *p = roster_by_key(&w->names, key);
	struct peer ret = { 0 };

	if (!p && w->named_s != time(NULL)) {
		load_names(w);
		p = roster_by_key(&w->names, key);
	}
	memcpy(ret.key, key, TNL_KEY_LEN);
	if (p)
		memcpy(ret.name, p->name, sizeof(ret.name));
	return ret;
}

/* An event of the daemon in our words. Only what is known here is passed on. */
static void pass(struct watch *w, const json_t *o)
{
	const char *event = json_string_value(json_object_get(o, "event"));
	const char *text = json_string_value(json_object_get(o, "peer"));
	const struct more m = {
		.when = json_string_value(json_object_get(o, "time")),
		.message = json_string_value(json_object_get(o, "message")),
		.lost = json_integer_value(json_object_get(o, "lost")),
		.code = json_object_get(o, "code"),
	};
	uint8_t key[TNL_KEY_LEN];
	struct peer p;

	if (!event)
		return;
	if (!text || !text_key_from_base64(text, strlen(text), key)) {
		tell_more(w, event, NULL, m);
		return;
	}
	p = whose(w, key);
	tell_more(w, event, &p, m);
}

static bool subscribe(struct daemon *d)
{
	json_t *o = NULL, *code;
	int err = daemon_send(d, "watch");
	bool is;

	if (!err)
		err = daemon_line(d, DAEMON_WAIT_MS, &o);
	if (err)
		return false;
	code = json_object_get(o, "code");
	is = json_is_integer(code) && !json_integer_value(code);
	json_decref(o);
	return is;
}

/* Until the daemon ends. False: there is no such socket, or it has no events. */
static bool follow(struct watch *w)
{
	struct daemon *d = NULL;
	json_t *o;
	int err;

	if (daemon_open(w->f.ctl, &d))
		return false;
	if (!subscribe(d)) {
		daemon_close(d);
		return false;
	}
	err = load(w, &w->peers);
	w->looked_s = time(NULL);
	while (!err && !ferror(stdout)) {
		err = daemon_line(d, LOOK_S * 1000, &o);
		if (!err) {
			pass(w, o);
			json_decref(o);
		}
		if ((!err || err == -ETIMEDOUT) && time(NULL) - w->looked_s >= LOOK_S)
			err = look(w);
		else if (err == -ETIMEDOUT)
			err = 0;
	}
	daemon_close(d);
	return true;
}

int cmd_watch(struct ctx *c)
{
	struct watch w = { .c = c };
	int code = iface_find(c, c->word[0], IFACE_RUNNING_FIRST, &w.f);

	if (code || (code = iface_need_running(c, &w.f)))
		return code;
	load_names(&w);
	if (!follow(&w))
		poll_daemon(&w);
	roster_free(&w.peers);
	roster_free(&w.names);
	if (ferror(stdout))
		return CMD_FAILED;
	tell(&w, "down", NULL);
	return cmd_fail(c, CMD_NODAEMON, "%s: the daemon has ended", w.f.name);
}
