/* SPDX-License-Identifier: MIT */
/*
 * Five steps, each of which waits for one descriptor: the reader's answer; what is live; that the difference was taken;
 * and, if the network then refuses, that the difference was taken back. What the file wanted last time is kept, since
 * the difference to that decides what of the live state is the file's and what is the peers' own, their endpoints.
 */
#include "reload.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "diff.h"
#include "log.h"
#include "talk.h"

enum { LINES_MAX = 1000 };	/* told of one reload */

enum step { IDLE, READING, GETTING, SETTING, UNDOING };

struct reload {
	struct reload_env env;
	enum step step;
	bool whole;
	struct config *own;		/* that the last reload brought; NULL: env.config holds */
	struct config *want;
	struct diff_state *live;	/* before the change */
	struct talk talk;
	json_t *changed, *warnings, *error;
	size_t untold;			/* lines beyond LINES_MAX */
};

struct reload *reload_new(const struct reload_env *env)
{
	struct reload *r = calloc(1, sizeof(*r));

	if (r) {
		r->env = *env;
		r->talk.fd = -1;
	}
	return r;
}

bool reload_running(const struct reload *r)
{
	return r->step != IDLE;
}

static const struct config *in_force(const struct reload *r)
{
	return r->own ? r->own : r->env.config;
}

static void tell(void *ctx, const char *line)
{
	struct reload *r = ctx;

	if (json_array_size(r->changed) < LINES_MAX)
		json_array_append_new(r->changed, json_string(line));
	else
		r->untold++;
}

static void tell_nobody(void *ctx, const char *line)
{
	(void)ctx;
	(void)line;
}

/* ---- The end ----------------------------------------------------------------------------------------------------- */

static void watch(struct reload *r, int fd, uint32_t events, int how)
{
	struct epoll_event ev = {.events = events, .data.u64 = r->env.id};

	epoll_ctl(r->env.epoll, how, fd, &ev);
}

static void clear(struct reload *r)
{
	if (r->step == READING)
		watch(r, reader_fd(r->env.reader), 0, EPOLL_CTL_DEL);
	talk_end(&r->talk);	/* epoll forgets it by that */
	config_free(r->want);
	diff_state_free(r->live);
	json_decref(r->changed);
	json_decref(r->warnings);
	json_decref(r->error);
	r->want = NULL;
	r->live = NULL;
	r->changed = r->warnings = r->error = NULL;
	r->untold = 0;
	r->step = IDLE;
}

void reload_free(struct reload *r)
{
	if (!r)
		return;
	clear(r);
	config_free(r->own);
	free(r);
}

static json_t *failed(struct reload *r, json_t *why)
{
	json_t *ret = json_pack("{s:i, s:i, s:o}", "v", 1, "code", 1, "error", why);

	log_error("reload: nothing has changed: %s", json_string_value(json_object_get(ret, "error")));
	clear(r);
	return ret;
}

static json_t *failed_by(struct reload *r, const char *what, int err)
{
	return failed(r, json_sprintf("%s: %s", what, strerror(-err)));
}

static bool same_hooks(const struct config *a, const struct config *b, unsigned phase)
{
	if (a->hook_count[phase] != b->hook_count[phase])
		return false;
	for (size_t i = 0; i < a->hook_count[phase]; i++) {
		if (strcmp(a->hooks[phase][i], b->hooks[phase][i]))
			return false;
	}
	return true;
}

static bool same_dns(const struct config *a, const struct config *b)
{
	if (a->dns_count != b->dns_count)
		return false;
	for (size_t i = 0; i < a->dns_count; i++) {
		if (strcmp(a->dns[i].text, b->dns[i].text))
			return false;
	}
	return true;
}

static void note_later(struct reload *r, const char *what)
{
	json_array_append_new(r->warnings, json_sprintf("%s: takes effect at the next start", what));
}

/* What the old file's commands have set up, the old file's commands take down; the same for what a process is born
 * with. */
static void note_what_stays(struct reload *r)
{
	static const char *const names[] = {"PreUp", "PostUp", "PreDown", "PostDown"};
	const struct config *was = r->env.config, *want = r->want;

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!same_hooks(was, want, i))
			note_later(r, names[i]);
	}
	if (!same_dns(was, want))
		note_later(r, "DNS");
	if (was->workers != want->workers)
		note_later(r, "Workers");
	if (was->no_offload != want->no_offload)
		note_later(r, "NoOffload");
}

static json_t *answer(struct reload *r)
{
	json_t *ret;

	if (r->untold)
		json_array_append_new(r->changed, json_sprintf("and %zu more", r->untold));
	log_info("reload: %zu changes", json_array_size(r->changed) + (r->untold ? r->untold - 1 : 0));
	ret = json_pack("{s:i, s:i, s:O, s:O}", "v", 1, "code", 0, "changed", r->changed, "warnings", r->warnings);
	clear(r);
	return ret;
}

static json_t *done(struct reload *r)
{
	note_what_stays(r);
	config_free(r->own);
	r->own = r->want;
	r->want = NULL;
	return answer(r);
}

/* ---- The steps --------------------------------------------------------------------------------------------------- */

json_t *reload_start(struct reload *r, bool whole)
{
	r->whole = whole;
	r->changed = json_array();
	r->warnings = json_array();
	if (!reader_ask(r->env.reader))
		return failed(r, json_string("the reader of the configuration is gone (use: tunctl restart)"));
	r->step = READING;
	watch(r, reader_fd(r->env.reader), EPOLLIN, EPOLL_CTL_ADD);
	return NULL;
}

static json_t *refuse_file(struct reload *r, json_t *errors)
{
	json_t *ret = json_pack("{s:i, s:i, s:o}", "v", 1, "code", 2, "errors", errors), *line;
	size_t i;

	json_array_foreach(errors, i, line)
		log_error("reload: nothing has changed: %s", json_string_value(line));
	clear(r);
	return ret;
}

static json_t *lines_of(char *text)
{
	json_t *ret = json_array();
	char *line;

	while ((line = strsep(&text, "\n"))) {
		if (*line && json_array_size(ret) < LINES_MAX)
			json_array_append_new(ret, json_string(line));
	}
	return ret;
}

/* set: not an empty one; NULL asks for the live state. */
static json_t *begin_talk(struct reload *r, enum step step, const struct diff_set *set)
{
	int err = talk_begin(&r->talk, r->env.uapi, set ? set->ops : NULL, set ? set->count : 0);

	r->step = step;
	if (err)
		return failed_by(r, "cannot talk to the engine", err);
	watch(r, r->talk.fd, talk_events(&r->talk), EPOLL_CTL_ADD);
	return NULL;
}

static json_t *change_routes(struct reload *r)
{
	int err = network_routes(r->env.network, r->want, tell, r);
	size_t last = json_array_size(r->changed);

	if (err < 0)
		return failed(r, last ? json_incref(json_array_get(r->changed, last - 1)) :
				 json_string(strerror(-err)));
	return answer(r);
}

static json_t *has_read(struct reload *r)
{
	char *messages = NULL;
	json_t *lines;
	int n = reader_take(r->env.reader, &r->want, &messages);

	if (n == 0)
		return NULL;
	if (n < 0)
		return failed(r, json_string("the reader of the configuration is gone (use: tunctl restart)"));
	watch(r, reader_fd(r->env.reader), 0, EPOLL_CTL_DEL);
	lines = lines_of(messages);
	free(messages);
	r->step = GETTING;
	if (!r->want)
		return refuse_file(r, lines);
	json_decref(r->warnings);
	r->warnings = lines;
	if (!r->whole)
		return change_routes(r);
	r->live = diff_state_new();
	if (!r->live)
		return failed_by(r, "cannot compare", -ENOMEM);
	network_prepare(r->env.network, r->want);
	return begin_talk(r, GETTING, NULL);
}

/* NULL: no memory. */
static struct diff_state *state_of(const struct config *c)
{
	struct diff_state *s = diff_state_new();
	struct uapi_op op = {.what = UAPI_PRIVATE_KEY};
	bool ok = s != NULL;

	memcpy(op.key, c->private_key, sizeof(op.key));
	ok = ok && (!c->has_private_key || diff_state_add(s, &op));
	ok = ok && diff_state_add(s, &(struct uapi_op){.what = UAPI_LISTEN_PORT, .number = c->port});
	ok = ok && diff_state_add(s, &(struct uapi_op){.what = UAPI_FWMARK, .number = c->fwmark});
	for (size_t i = 0; ok && i < c->op_count; i++)
		ok = diff_state_add(s, &c->ops[i]);
	explicit_bzero(&op, sizeof(op));
	if (ok)
		return s;
	diff_state_free(s);
	return NULL;
}

static json_t *change_network(struct reload *r);

static json_t *set_difference(struct reload *r)
{
	struct diff_state *was = state_of(in_force(r)), *want = state_of(r->want);
	struct diff_set set = {0};
	json_t *ret;

	if (!was || !want || !diff_make(r->live, was, want, tell, r, &set))
		ret = failed_by(r, "cannot compare", -ENOMEM);
	else
		ret = set.count ? begin_talk(r, SETTING, &set) : change_network(r);
	diff_set_free(&set);
	diff_state_free(was);
	diff_state_free(want);
	return ret;
}

/* Back to what was live, since the network did not follow. */
static json_t *undo(struct reload *r, int err)
{
	struct diff_state *want = state_of(r->want);
	struct diff_set set = {0};
	size_t last = json_array_size(r->changed);
	json_t *ret;

	/* The last line says why. */
	r->error = last ? json_incref(json_array_get(r->changed, last - 1)) : json_string(strerror(-err));
	if (want && diff_make(want, NULL, r->live, tell_nobody, NULL, &set) && set.count)
		ret = begin_talk(r, UNDOING, &set);
	else
		ret = failed(r, json_incref(r->error));
	diff_set_free(&set);
	diff_state_free(want);
	return ret;
}

static json_t *change_network(struct reload *r)
{
	int err = network_change(r->env.network, r->want, tell, r);

	return err < 0 ? undo(r, err) : done(r);
}

static bool take_live(void *ctx, const struct uapi_op *op)
{
	return diff_state_add(ctx, op);
}

static bool take_nothing(void *ctx, const struct uapi_op *op)
{
	(void)ctx;
	(void)op;
	return true;
}

static json_t *has_talked(struct reload *r)
{
	int n = talk_serve(&r->talk, r->step == GETTING ? take_live : take_nothing, r->live);

	if (n == 0) {
		watch(r, r->talk.fd, talk_events(&r->talk), EPOLL_CTL_MOD);
		return NULL;
	}
	talk_end(&r->talk);
	if (r->step == UNDOING)
		return failed(r, json_incref(r->error));
	if (n < 0)
		return failed_by(r, r->step == GETTING ? "cannot get the live state" : "the settings were refused", n);
	return r->step == GETTING ? set_difference(r) : change_network(r);
}

json_t *reload_serve(struct reload *r)
{
	switch (r->step) {
	case IDLE:
		return NULL;
	case READING:
		return has_read(r);
	default:
		return has_talked(r);
	}
}

json_t *reload_abort(struct reload *r)
{
	return failed(r, json_string("it took too long"));
}
