/* SPDX-License-Identifier: MIT */
/*
 * A request for the state waits for the engine's part of it: one question is under way at a time, and its answer
 * serves all who asked. Nothing that is told here names an endpoint or holds a key but public ones.
 */
#include "service.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "ctl.h"
#include "log.h"
#include "sockfile.h"
#include "udp.h"

struct service {
	struct service_env env;
	struct sockfile sock;
	struct ctl *ctl;
	struct timespec since;
	pid_t pid, engine;
	ctl_client asking[CTL_CLIENTS_MAX];	/* who waits for the state */
	unsigned asking_count;
};

/* 2026-11-24T10:00:00.123Z */
static json_t *time_json(const struct timespec *at)
{
	char text[40], part[32];
	struct tm tm;

	gmtime_r(&at->tv_sec, &tm);
	strftime(part, sizeof(part), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text, sizeof(text), "%s.%03uZ", part, (unsigned)(at->tv_nsec / 1000000) % 1000);
	return json_string(text);
}

/* ---- State ------------------------------------------------------------------------------------------------------- */

static json_t *counts_json(const uint64_t verdict[TNL_VERDICTS])
{
	static const char *const names[] = {
		[TNL_PASS] = "pass", [TNL_EMPTY] = "empty", [TNL_WAIT] = "wait", [TNL_CONTROL] = "control",
		[TNL_DROP_DOWN] = "drop_down", [TNL_DROP_SHORT] = "drop_short", [TNL_DROP_TYPE] = "drop_type",
		[TNL_DROP_MAC1] = "drop_mac1", [TNL_DROP_INDEX] = "drop_index", [TNL_DROP_EXPIRED] = "drop_expired",
		[TNL_DROP_AUTH] = "drop_auth", [TNL_DROP_REPLAY] = "drop_replay", [TNL_DROP_SOURCE] = "drop_source",
		[TNL_DROP_INNER] = "drop_inner", [TNL_DROP_NOROUTE] = "drop_noroute",
		[TNL_DROP_NOPATH] = "drop_nopath",
	};
	json_t *ret = json_object();

	_Static_assert(sizeof(names) / sizeof(names[0]) == TNL_VERDICTS, "every verdict has a name");
	for (unsigned v = 0; v < TNL_VERDICTS; v++)
		json_object_set_new(ret, names[v], json_integer((json_int_t)verdict[v]));
	return ret;
}

static json_t *state_json(const struct service *s, const struct msg_state *m)
{
	const struct service_env *env = &s->env;
	json_t *o = json_pack("{s:i, s:i, s:s, s:s, s:i, s:i, s:s?, s:o, s:b, s:i}", "v", 1, "code", 0, "interface",
			      env->name, "version", env->version, "pid", (int)s->pid, "engine_pid", (int)s->engine,
			      "config", env->file, "since", time_json(&s->since), "up", env->link->up, "mtu",
			      (int)env->link->mtu);
	json_t *more = json_pack("{s:i, s:b, s:I, s:i, s:s, s:{s:b, s:b, s:b, s:b}, s:{s:b, s:b, s:i, s:i, s:i}, s:o}",
				 "port", m->port, "socket_open", m->open, "fwmark", (json_int_t)m->fwmark, "workers",
				 (int)m->workers, "cipher", m->cipher, "tun", "vnet", env->tun->vnet, "csum",
				 env->tun->csum, "tso", env->tun->tso, "uso", env->tun->uso, "udp", "gso",
				 env->udp->gso, "gro", env->udp->gro, "buffer_wanted", UDP_SOCKBUF,
				 "receive_buffer", (int)env->udp->rcvbuf, "send_buffer", (int)env->udp->sndbuf,
				 "packets", counts_json(m->verdict));
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

static void ask_state(struct service *s, ctl_client who)
{
	const struct msg m = {.type = MSG_ASK, .body.ask.what = MSG_ASK_STATE};

	/* More than there are places: those before them have gone, their answers go nowhere. */
	if (s->asking_count == CTL_CLIENTS_MAX)
		memmove(s->asking, s->asking + 1, --s->asking_count * sizeof(s->asking[0]));
	s->asking[s->asking_count++] = who;
	if (s->asking_count == 1)
		s->env.tell(s->env.ctx, &m);
}

static void tell_state(struct service *s, const struct msg_state *m)
{
	json_t *o = state_json(s, m);

	for (unsigned i = 0; i < s->asking_count; i++)
		ctl_answer(s->ctl, s->asking[i], json_incref(o));
	s->asking_count = 0;
	json_decref(o);
}

/* ---- Requests ---------------------------------------------------------------------------------------------------- */

static void request(void *ctx, ctl_client who, enum ctl_request what)
{
	struct service *s = ctx;

	switch (what) {
	case CTL_STATE:
		ask_state(s, who);
		break;
	default:
		ctl_answer(s->ctl, who, json_pack("{s:i, s:i, s:s}", "v", 1, "code", 2, "error", "not yet"));
	}
}

void service_heard(struct service *s, const struct msg *m)
{
	if (m->type == MSG_STATE)
		tell_state(s, &m->body.state);
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

struct service *service_open(const struct service_env *env)
{
	struct service *s = calloc(1, sizeof(*s));
	int err;

	if (!s) {
		log_error("out of memory");
		return NULL;
	}
	s->env = *env;
	s->pid = getpid();
	clock_gettime(CLOCK_REALTIME, &s->since);
	seed_tables();
	err = sockfile_create(&s->sock, SOCKFILE_CTL_DIR, env->name, false);
	if (err < 0) {
		log_error("%s/%s.sock: %s", SOCKFILE_CTL_DIR, env->name, strerror(-err));
		service_close(s);
		return NULL;
	}
	s->ctl = ctl_new(s->sock.listener, request, s);
	if (!s->ctl) {
		log_error("cannot serve the control socket: %m");
		service_close(s);
		return NULL;
	}
	return s;
}

void service_close(struct service *s)
{
	if (!s)
		return;
	ctl_free(s->ctl);
	sockfile_remove(&s->sock);
	free(s);
}

int service_fd(const struct service *s)
{
	return ctl_fd(s->ctl);
}

void service_serve(struct service *s)
{
	ctl_serve(s->ctl);
}
