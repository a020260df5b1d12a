/* SPDX-License-Identifier: MIT */
/*
 * A request for the state waits for the engine's part of it: one question is under way at a time, and its answer
 * serves all who asked. Nothing that is told here names an endpoint or holds a key but public ones.
 */
#include "service.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "ctl.h"
#include "log.h"
#include "notify.h"
#include "reader.h"
#include "reload.h"
#include "sockfile.h"
#include "told.h"
#include "udp.h"

enum { ID_CTL, ID_RELOAD, ID_TIMER, ID_WATCHDOG };	/* epoll data */
enum {
	TICK_S = 1,
	RELOAD_TICKS = 120,	/* names that cannot be resolved take most of it */
};

/* Who waits for an answer. */
struct queue {
	ctl_client who[CTL_CLIENTS_MAX];
	unsigned count;
};

struct service {
	struct service_env env;
	struct sockfile sock;
	struct ctl *ctl;
	struct timespec since;
	pid_t pid, engine;
	int epoll, timer, watchdog;
	bool watching;				/* the engine has been told to tell events */
	bool ready;
	struct queue asking;			/* for the state */
	const struct network *network;		/* NULL: there is no file */
	struct reader *reader;
	struct reload *reload;			/* NULL: there is no file */
	unsigned reload_ticks;			/* since it began */
	struct queue reloading, later;		/* for the reload under way, and for one more behind it */
	bool again;
	bool whole, whole_later;		/* not of routes only */
	bool asked_alive;
	int socket_error;			/* of the last attempt to open them */
	struct timespec reload_time;
	json_t *reload_answer;			/* the last one; NULL: none yet */
};

static void enqueue(struct queue *q, ctl_client who)
{
	/* More than there are places: those before them have gone, their answers go nowhere. */
	if (q->count == CTL_CLIENTS_MAX)
		memmove(q->who, q->who + 1, --q->count * sizeof(q->who[0]));
	q->who[q->count++] = who;
}

/* Takes the reference to o. */
static void answer_all(struct service *s, struct queue *q, json_t *o)
{
	for (unsigned i = 0; i < q->count; i++)
		ctl_answer(s->ctl, q->who[i], json_incref(o));
	q->count = 0;
	json_decref(o);
}

/* ---- State ------------------------------------------------------------------------------------------------------- */

static json_t *state_json(const struct service *s, const struct msg_state *m)
{
	const struct service_env *env = &s->env;
	json_t *o = json_pack("{s:i, s:i, s:s, s:s, s:i, s:i, s:s?, s:o, s:b, s:i}", "v", 1, "code", 0, "interface",
			      env->name, "version", env->version, "pid", (int)s->pid, "engine_pid", (int)s->engine,
			      "config", env->file, "since", told_time(&s->since), "up", env->link->up, "mtu",
			      (int)env->link->mtu);
	json_t *more = json_pack("{s:i, s:b, s:I, s:i, s:s, s:{s:b, s:b, s:b, s:b, s:b}, "
				 "s:{s:b, s:b, s:i, s:i, s:i}, s:o}", "port", m->port, "socket_open", m->open,
				 "fwmark", (json_int_t)m->fwmark, "workers", (int)m->workers, "cipher", m->cipher,
				 "tun", "vnet", env->tun->vnet, "csum", env->tun->csum, "tso", env->tun->tso, "uso",
				 env->tun->uso, "uring", env->tun->uring, "udp", "gso", env->udp->gso, "gro",
				 env->udp->gro, "buffer_wanted", UDP_SOCKBUF, "receive_buffer",
				 (int)env->udp->rcvbuf, "send_buffer", (int)env->udp->sndbuf, "packets",
				 told_packets(m->verdict));
	json_t *handshakes = json_pack("{s:I, s:I, s:I, s:I, s:I}", "read", (json_int_t)m->handshakes_read, "loaded",
				       (json_int_t)m->handshakes_loaded, "answered",
				       (json_int_t)m->handshakes_answered, "sessions", (json_int_t)m->sessions,
				       "gave_up", (json_int_t)m->gave_up);

	json_object_update(o, more);
	json_object_set_new(o, "handshakes", handshakes);
	json_object_set_new(o, "watchers", json_integer(ctl_watchers(s->ctl)));
	json_decref(more);
	return o;
}

static json_t *last_reload_json(const struct service *s)
{
	return s->reload_answer ? json_pack("{s:o, s:O}", "time", told_time(&s->reload_time), "code",
					    json_object_get(s->reload_answer, "code")) : json_null();
}

static void ask_state(struct service *s, ctl_client who)
{
	const struct msg m = {.type = MSG_ASK, .body.ask.what = MSG_ASK_STATE};

	enqueue(&s->asking, who);
	if (s->asking.count == 1)
		s->env.tell(s->env.ctx, &m);
}

static void tell_state(struct service *s, const struct msg_state *m)
{
	json_t *o = state_json(s, m), *network = network_json(s->network);

	json_object_update(o, network);
	json_decref(network);
	json_object_set_new(o, "reload", last_reload_json(s));
	answer_all(s, &s->asking, o);
}

/* ---- Reload ------------------------------------------------------------------------------------------------------ */

static void tick(struct service *s, bool on)
{
	const struct itimerspec when = {.it_value.tv_sec = on ? TICK_S : 0, .it_interval.tv_sec = TICK_S};

	timerfd_settime(s->timer, 0, &when, NULL);
}

static void begin_reload(struct service *s);
static void event(struct service *s, const char *what, json_t *more);

static void remember(struct service *s, json_t *answer)
{
	clock_gettime(CLOCK_REALTIME, &s->reload_time);
	json_decref(s->reload_answer);
	s->reload_answer = json_incref(answer);
	event(s, "reload", json_pack("{s:O}", "code", json_object_get(answer, "code")));
	notify_send("READY=1\n");
}

static void reload_ended(struct service *s, json_t *answer)
{
	if (s->whole)
		remember(s, answer);
	answer_all(s, &s->reloading, answer);
	tick(s, false);
	if (!s->again)
		return;
	s->again = false;
	s->whole = s->whole_later;
	s->whole_later = false;
	s->reloading = s->later;
	s->later.count = 0;
	begin_reload(s);
}

static void begin_reload(struct service *s)
{
	json_t *answer;

	if (s->whole)
		notify_reloading();
	s->reload_ticks = 0;
	tick(s, true);
	answer = reload_start(s->reload, s->whole);
	if (answer)
		reload_ended(s, answer);
}

/* who 0: a signal. While one is under way, what it has read may be too old: then one more follows. */
static void want_reload(struct service *s, ctl_client who, bool whole)
{
	const char *why = !s->reload ? "there is no configuration file: the daemon was started without one" :
			  !s->ready ? "it is not up yet" : NULL;

	if (why && who)
		ctl_answer(s->ctl, who, told_error(s->reload ? 75 : 1, why));
	if (why) {
		log_info("reload: %s", why);
		return;
	}
	s->again = reload_running(s->reload);
	if (s->again)
		s->whole_later |= whole;
	else
		s->whole = whole;
	if (who)
		enqueue(s->again ? &s->later : &s->reloading, who);
	if (!s->again)
		begin_reload(s);
}

void service_reload(struct service *s)
{
	want_reload(s, 0, true);
}

static void take_tick(struct service *s)
{
	uint64_t ticks;

	if (read(s->timer, &ticks, sizeof(ticks)) < 0)
		return;
	if (reload_running(s->reload) && ++s->reload_ticks > RELOAD_TICKS)
		reload_ended(s, reload_abort(s->reload));
}

/* ---- Events ------------------------------------------------------------------------------------------------------ */

/* Takes the reference to more: fields behind "time". */
static void event(struct service *s, const char *what, json_t *more)
{
	struct timespec now;
	json_t *o;

	if (ctl_watchers(s->ctl)) {
		clock_gettime(CLOCK_REALTIME, &now);
		o = json_pack("{s:i, s:s, s:o}", "v", 1, "event", what, "time", told_time(&now));
		json_object_update(o, more);
		ctl_event(s->ctl, o);
	}
	json_decref(more);
}

static void engine_event(struct service *s, const struct msg_event *m)
{
	static const char *const names[MSG_EVENTS] = {"connect", "disconnect", "roam"};
	char key[TEXT_BASE64_KEY];
	json_t *more;

	text_key_to_base64(key, m->key);
	more = json_pack("{s:s}", "peer", key);
	if (m->lost)
		json_object_set_new(more, "lost", json_integer(m->lost));
	event(s, names[m->what], more);
}

void service_link(struct service *s, bool up)
{
	event(s, up ? "link_up" : "link_down", json_object());
}

void service_sockets(struct service *s, int err, uint16_t port)
{
	if (err && err != s->socket_error)
		event(s, "error", json_pack("{s:o}", "message", json_sprintf("port %u: %s", port, strerror(-err))));
	s->socket_error = err;
}

/* The engine tells events only while somebody listens. */
static void follow_watchers(struct service *s)
{
	struct msg m = {.type = MSG_ASK, .body.ask.what = MSG_ASK_SILENCE};
	bool wanted = ctl_watchers(s->ctl) != 0;

	if (wanted == s->watching)
		return;
	s->watching = wanted;
	if (wanted)
		m.body.ask.what = MSG_ASK_EVENTS;
	s->env.tell(s->env.ctx, &m);
}

/* ---- Watchdog ---------------------------------------------------------------------------------------------------- */

/* The manager hears that we are well only when the engine's owner and every worker have gone round since we last asked.
 * Who asks again and again changes nothing: one question is open at a time there. */
static void ask_alive(struct service *s)
{
	const struct msg m = {.type = MSG_ASK, .body.ask.what = MSG_ASK_ALIVE};
	uint64_t ticks;

	if (read(s->watchdog, &ticks, sizeof(ticks)) > 0 && !s->asked_alive) {
		s->asked_alive = true;
		s->env.tell(s->env.ctx, &m);
	}
}

static void begin_watchdog(struct service *s)
{
	uint64_t ms = notify_watchdog_ms() / 3;	/* one answer may be late */
	struct itimerspec when = {.it_value = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000}};

	when.it_interval = when.it_value;
	timerfd_settime(s->watchdog, 0, &when, NULL);	/* all zero is off */
}

/* ---- Requests ---------------------------------------------------------------------------------------------------- */

static void request(void *ctx, ctl_client who, enum ctl_request what)
{
	struct service *s = ctx;

	switch (what) {
	case CTL_STATE:
		ask_state(s, who);
		break;
	case CTL_RELOAD:
	case CTL_ROUTES:
		if (what == CTL_ROUTES && !s->reload)
			ctl_answer(s->ctl, who, json_pack("{s:i, s:i, s:b}", "v", 1, "code", 0, "file", false));
		else
			want_reload(s, who, what == CTL_RELOAD);
		break;
	case CTL_WATCH:
		ctl_answer(s->ctl, who, json_pack("{s:i, s:i}", "v", 1, "code", 0));
		break;
	case CTL_REQUESTS:
		break;
	}
}

void service_heard(struct service *s, const struct msg *m)
{
	/* What was not asked for is left alone: an engine that has been taken over must not make us work, or let us
	 * flood the manager. */
	switch (m->type) {
	case MSG_STATE:
		if (s->asking.count)
			tell_state(s, &m->body.state);
		break;
	case MSG_EVENT:
		engine_event(s, &m->body.event);
		break;
	case MSG_ALIVE:
		if (s->asked_alive)
			notify_send("WATCHDOG=1\n");
		s->asked_alive = false;
		break;
	default:
		break;
	}
}

pid_t service_child(const struct service *s)
{
	return s->reader ? reader_child(s->reader) : 0;
}

void service_engine(struct service *s, pid_t pid)
{
	s->engine = pid;
}

/* ---- Life -------------------------------------------------------------------------------------------------------- */

/* Jansson seeds its tables from a file that will be out of reach. */
static void seed_tables(void)
{
	size_t seed = 0;

	if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed) || !seed)
		seed = (size_t)getpid();
	json_object_seed(seed);
}

struct service *service_start(const struct service_env *env)
{
	struct service *s = calloc(1, sizeof(*s));

	if (!s) {
		log_error("out of memory");
		return NULL;
	}
	s->env = *env;
	s->pid = getpid();
	s->sock = (struct sockfile){.listener = -1, .watch = -1};
	s->epoll = s->timer = s->watchdog = -1;
	clock_gettime(CLOCK_REALTIME, &s->since);
	seed_tables();
	s->reader = env->reader;
	if (!env->config || s->reader || reader_start(env->file, env->config, env->silent, &s->reader))
		return s;
	service_close(s);
	return NULL;
}

static bool add(struct service *s, int fd, uint64_t id)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.u64 = id};

	return epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &ev) == 0;
}

static bool open_reload(struct service *s, struct network *network)
{
	const struct reload_env env = {
		.uapi = s->env.uapi, .reader = s->reader, .network = network, .config = s->env.config,
		.epoll = s->epoll, .id = ID_RELOAD,
	};

	s->reload = reload_new(&env);
	return s->reload != NULL;
}

bool service_open(struct service *s, struct network *network)
{
	int err = sockfile_create(&s->sock, SOCKFILE_CTL_DIR, s->env.name, false);

	s->network = network;
	if (err < 0) {
		log_error("%s/%s.sock: %s", SOCKFILE_CTL_DIR, s->env.name, strerror(-err));
		return false;
	}
	s->ctl = ctl_new(s->sock.listener, request, s);
	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	s->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	s->watchdog = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (s->ctl && s->epoll >= 0 && s->timer >= 0 && s->watchdog >= 0 && add(s, ctl_fd(s->ctl), ID_CTL) &&
	    add(s, s->timer, ID_TIMER) && add(s, s->watchdog, ID_WATCHDOG) && (!s->reader || open_reload(s, network)))
		return true;
	log_error("cannot serve the control socket: %m");
	return false;
}

void service_ready(struct service *s)
{
	s->ready = true;
	begin_watchdog(s);
	notify_send("READY=1\n");
}

void service_stopping(struct service *s)
{
	if (s->ready)
		notify_send("STOPPING=1\n");
	s->ready = false;
}

void service_close(struct service *s)
{
	if (!s)
		return;
	reload_free(s->reload);
	reader_end(s->reader);
	ctl_free(s->ctl);
	json_decref(s->reload_answer);
	sockfile_remove(&s->sock);
	if (s->epoll >= 0)
		close(s->epoll);
	if (s->timer >= 0)
		close(s->timer);
	if (s->watchdog >= 0)
		close(s->watchdog);
	free(s);
}

int service_fd(const struct service *s)
{
	return s->epoll;
}

void service_serve(struct service *s)
{
	struct epoll_event ev[4];
	int n = epoll_wait(s->epoll, ev, 4, 0);
	json_t *answer;

	for (int i = 0; i < n; i++) {
		if (ev[i].data.u64 == ID_CTL)
			ctl_serve(s->ctl);
		else if (ev[i].data.u64 == ID_TIMER)
			take_tick(s);
		else if (ev[i].data.u64 == ID_WATCHDOG)
			ask_alive(s);
		else if (s->reload && (answer = reload_serve(s->reload)))
			reload_ended(s, answer);
	}
	follow_watchers(s);
}
