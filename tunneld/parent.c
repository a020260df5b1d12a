/* SPDX-License-Identifier: MIT */
/*
 * Start: socket file, TUN device, engine, and then away with the privileges, before the engine's first message is read.
 * What follows (settings of a file, hooks) runs inside the same loop that serves the engine, so that a hook may use the
 * tunnel.
 *
 * The socket file comes first because it is the lock: a predecessor that is about to end holds it to the last. The end
 * is the same list backwards. The UDP sockets live where the daemon was started, whatever happens to the interface,
 * because this process never changes its namespace.
 */
#include "parent.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>
#include <net/if.h>

#include "conf.h"
#include "grant.h"
#include "hooks.h"
#include "log.h"
#include "msg.h"
#include "netlink.h"
#include "network.h"
#include "notify.h"
#include "offload.h"
#include "queues.h"
#include "sandbox.h"
#include "service.h"
#include "sockfile.h"
#include "spawn.h"
#include "tun.h"
#include "udp.h"

enum {
	START_MS = 30000,	/* the engine is up within milliseconds; a machine may be loaded */
	ROUTES_MS = 200,	/* a burst of route changes is told once in this time */
};

struct parent {
	const struct parent_args *args;
	struct hooks *hooks;
	struct netlink *netlink;
	struct network *network;	/* NULL: no configuration file */
	struct netlink_state state;	/* what the engine was told last */
	struct sockfile sock;
	struct tun_info info;
	struct udp_info udp;
	unsigned no_offload;		/* CONF_OFFLOAD_ bits */
	struct spawn engine;
	struct service *service;
	struct queues queues;
	int signals, null;
	unsigned ifindex;	/* at the start; the interface may move later */
	bool ready;		/* the engine has said MSG_READY */
	char ciphers[sizeof(((struct msg_ready *)0)->ciphers)];	/* and what it uses */
	bool up;		/* all that the file asks for was there */
	int64_t routes_quiet;	/* ms, until when news of routes are held back; 0: they are not */
	bool stop;
	int status;		/* of the process, once stop is set */
};

static void stop(struct parent *p, int status)
{
	if (!p->stop)
		p->status = status;
	p->stop = true;
}

/* ---- What the engine may ask for --------------------------------------------------------------------------------- */

static int answer_ready(struct parent *p, const struct msg *m)
{
	if (p->ready)
		return -EPROTO;
	p->ready = true;
	memcpy(p->ciphers, m->body.ready.ciphers, sizeof(p->ciphers));
	service_engine(p->service, (pid_t)m->body.ready.pid);
	p->info.uring = m->body.ready.uring == 1;
	return 0;
}

static int answer_open(struct parent *p, const struct msg *m)
{
	int error, err = grant_sockets(p->engine.channel, m, offload_udp_flags(p->no_offload), p->queues.workers,
				       &error);

	service_sockets(p->service, error, m->body.open.port);
	return err;
}

static int answer_mark(struct parent *p, const struct msg *m)
{
	return grant_mark(p->engine.channel, m);
}

static int answer_news(struct parent *p, const struct msg *m)
{
	service_heard(p->service, m);
	return 0;
}

static const struct {
	uint32_t type;
	int (*answer)(struct parent *p, const struct msg *m);	/* an error ends the engine */
} requests[] = {
	{MSG_READY, answer_ready},
	{MSG_OPEN, answer_open},
	{MSG_MARK, answer_mark},
	{MSG_STATE, answer_news},
	{MSG_ALIVE, answer_news},
	{MSG_EVENT, answer_news},
};

static void engine_gone(struct parent *p)
{
	struct netlink_state ignored;
	char how[64];

	spawn_end(&p->engine, how, sizeof(how));
	if (p->stop)
		return;
	if (netlink_state(p->netlink, p->queues.fd[0], &ignored) == -ENODEV) {
		log_info("the interface was removed");
		stop(p, 0);
	} else {
		log_error("the engine ended unexpectedly: %s", how);
		stop(p, 1);
	}
}

static void serve_engine(struct parent *p)
{
	struct msg m;
	int n = msg_recv(p->engine.channel, MSG_FROM_ENGINE, &m);

	if (n == -EAGAIN)
		return;
	for (size_t i = 0; n == 1 && i < sizeof(requests) / sizeof(requests[0]); i++) {
		if (requests[i].type == m.type)
			n = requests[i].answer(p, &m) < 0 ? -EPROTO : 2;
	}
	if (n == 2)
		return;
	if (n != 0) {
		log_error("the engine sent what it must not; ending it");
		spawn_kill(&p->engine);
	}
	engine_gone(p);
}

/* An engine that does not read what it is told hangs. */
static void tell(void *ctx, const struct msg *m)
{
	struct parent *p = ctx;
	int err = p->engine.there ? msg_send(p->engine.channel, m) : 0;

	if (err == -EAGAIN) {
		log_error("the engine hangs; ending it");
		spawn_kill(&p->engine);
	}
}

/* ---- News -------------------------------------------------------------------------------------------------------- */

static void check_link(struct parent *p)
{
	struct netlink_state now = p->state;
	int err = netlink_state(p->netlink, p->queues.fd[0], &now);
	struct msg m = {.type = MSG_LINK};

	if (err == -ENODEV) {
		log_info("the interface was removed");
		stop(p, 0);
		return;
	}
	if (err < 0)
		log_debug("cannot ask for the state of the interface: %s", strerror(-err));
	if (now.up == p->state.up && now.mtu == p->state.mtu)
		return;
	if (now.up != p->state.up)
		service_link(p->service, now.up);
	p->state = now;
	m.body.link.up = now.up;
	m.body.link.mtu = now.mtu;
	tell(p, &m);
}

static void take_signals(struct parent *p)
{
	struct signalfd_siginfo si;

	while (read(p->signals, &si, sizeof(si)) == sizeof(si)) {
		if (si.ssi_signo == SIGTERM || si.ssi_signo == SIGINT)
			stop(p, 0);
		else if (si.ssi_signo == SIGHUP)
			service_reload(p->service);
		/* SIGCHLD: the engine's channel says the same; the hook runner is asked only when needed. */
	}
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* One turn: sleeps until something happens or `wait` is readable; true: it is. */
static bool serve(struct parent *p, int wait, int timeout_ms)
{
	int64_t quiet = p->routes_quiet ? p->routes_quiet - now_ms() : 0;
	int ready;
	struct pollfd fds[] = {
		{.fd = p->engine.there ? p->engine.channel : -1, .events = POLLIN},
		{.fd = p->signals, .events = POLLIN},
		{.fd = p->sock.watch, .events = POLLIN},
		{.fd = netlink_link_fd(p->netlink), .events = POLLIN},
		/* Left alone while the news is held back, so that a storm of routes costs nothing. */
		{.fd = quiet > 0 ? -1 : netlink_route_fd(p->netlink), .events = POLLIN},
		{.fd = wait, .events = POLLIN},
		{.fd = service_fd(p->service), .events = POLLIN},
		{.fd = network_fd(p->network), .events = POLLIN},
	};

	if (quiet <= 0)
		p->routes_quiet = 0;
	else if (timeout_ms < 0 || timeout_ms > quiet)
		timeout_ms = (int)quiet;
	ready = poll(fds, sizeof(fds) / sizeof(fds[0]), network_wait_ms(p->network, timeout_ms));
	network_serve(p->network);
	if (ready <= 0)
		return false;
	if (fds[1].revents)
		take_signals(p);
	if (fds[2].revents && !sockfile_check(&p->sock)) {
		log_info("the socket file was removed");
		stop(p, 0);
	}
	if (fds[3].revents && netlink_drain(fds[3].fd))
		check_link(p);
	if (fds[4].revents && netlink_drain_routes(p->netlink, p->ifindex)) {
		p->routes_quiet = now_ms() + ROUTES_MS;
		tell(p, &(struct msg){.type = MSG_ROUTES});
	}
	if (fds[0].revents && p->engine.there)
		serve_engine(p);
	if (fds[6].revents)
		service_serve(p->service);
	return fds[5].revents != 0;
}

/* ---- Start ------------------------------------------------------------------------------------------------------- */

/* One worker per processor that we may use, unless told otherwise. */
static unsigned worker_count(const struct parent_args *args)
{
	unsigned want = args->workers;
	cpu_set_t cpus;

	if (!want && args->config)
		want = args->config->workers;
	if (!want && sched_getaffinity(0, sizeof(cpus), &cpus) == 0)
		want = (unsigned)CPU_COUNT(&cpus);
	return want < 1 ? 1 : want > POOL_MAX ? POOL_MAX : want;
}

static bool open_interface(struct parent *p)
{
	int err = sockfile_create(&p->sock, SOCKFILE_DIR, p->args->name, true);

	if (err < 0) {
		log_error("%s/%s.sock: %s", SOCKFILE_DIR, p->args->name,
			  err == -EADDRINUSE ? "another daemon answers there" : strerror(-err));
		return false;
	}
	p->netlink = netlink_open();
	if (!p->netlink) {
		log_error("netlink: %m");
		return false;
	}
	if (p->args->config && !(p->network = network_open(p->netlink, p->args->name)))
		return false;
	if (p->network)
		network_prepare(p->network, p->args->config);
	if (!queues_open(&p->queues, p->args->name, offload_tun_flags(p->no_offload), worker_count(p->args),
			 p->no_offload & CONF_OFFLOAD_LANES ? 1 : LANES, &p->info))
		return false;
	p->ifindex = if_nametoindex(p->info.name);
	/* Between its making and the moment that it is ours, anybody may have taken a queue; or it was there before. */
	if (netlink_queues(p->netlink, p->ifindex) > queues_count(&p->queues)) {
		log_error("somebody else holds a queue of the interface");
		return false;
	}
	udp_probe(offload_udp_flags(p->no_offload), &p->udp);
	/* Refused by kernels that do not let it be set: then super-packets are split in two. */
	netlink_link_set(p->netlink, p->ifindex, 0, tun_gso_segs(TUN_MTU_DEFAULT), false);
	err = netlink_link_set(p->netlink, p->ifindex, TUN_MTU_DEFAULT, 0, false);
	if (err < 0)
		log_error("cannot set the MTU: %s", strerror(-err));
	return !err;
}

static bool start_service(struct parent *p)
{
	const struct service_env env = {
		.name = p->args->name, .version = p->args->version, .file = p->args->file, .tun = &p->info,
		.udp = &p->udp, .link = &p->state, .config = p->args->config, .reader = p->args->reader,
		.uapi = p->sock.path, .silent = p->args->ready_fd >= 0, .tell = tell, .ctx = p,
	};

	p->hooks = p->args->hooks;
	if (p->args->config && !p->args->engine && !hooks_start(p->args->config, p->args->name, &p->hooks))
		return false;
	p->service = service_start(&env);
	return p->service != NULL;
}

static bool start_engine(struct parent *p)
{
	struct msg m = {.type = MSG_START, .fds = 2 + queues_count(&p->queues), .fd = {p->sock.listener, udp_any()}};
	int err = p->args->engine ? spawn_elsewhere(&p->engine, p->args->engine) : spawn_engine(&p->engine);

	memcpy(m.fd + 2, p->queues.fd, (m.fds - 2) * sizeof(m.fd[0]));
	memcpy(m.body.start.name, p->info.name, sizeof(m.body.start.name));
	m.body.start.tun = p->info;
	m.body.start.lanes = p->queues.lanes;
	m.body.start.share = p->args->share;
	m.body.start.level = log_level();
	m.body.start.udp = p->udp;
	if (!err)
		err = msg_send(p->engine.channel, &m);
	close(m.fd[1]);
	if (err) {
		log_error("cannot start the engine: %s", strerror(-err));
		return false;
	}
	return true;
}

static bool wait_ready(struct parent *p)
{
	int64_t until = now_ms() + START_MS;

	while (!p->ready && !p->stop) {
		serve(p, -1, 1000);
		if (now_ms() > until) {
			log_error("the engine does not come up");
			return false;
		}
	}
	return p->ready;
}

static bool run_hooks(struct parent *p, enum hooks_phase phase)
{
	if (!p->hooks)
		return true;
	hooks_begin(p->hooks, phase);
	while (!p->stop) {
		if (serve(p, hooks_fd(p->hooks), -1))
			return hooks_result(p->hooks);
	}
	return false;
}

/* Sends the device's settings as any client would, and waits for the answer while serving the engine. */
static bool feed_settings(struct parent *p)
{
	int client = config_feed(p->args->config, p->sock.path);
	bool ok = false;

	if (client < 0) {
		log_error("cannot hand the settings over: %s", strerror(-client));
		return false;
	}
	while (!p->stop) {
		if (serve(p, client, -1)) {
			ok = config_fed(client);
			break;
		}
	}
	close(client);
	return ok;
}

static bool configure(struct parent *p)
{
	struct config *c = p->args->config;

	if (!c)
		return true;
	return run_hooks(p, HOOKS_PRE_UP) && feed_settings(p) &&
	       network_up(p->network, c, p->ifindex) && run_hooks(p, HOOKS_DNS_UP) && run_hooks(p, HOOKS_POST_UP);
}

/* The caller goes on from here, and whatever it holds of ours is let go. */
static void detach(struct parent *p)
{
	if (p->args->ready_fd < 0)
		return;
	tell(p, &(struct msg){.type = MSG_DETACH});
	if (p->hooks)
		hooks_detach(p->hooks);
	log_to_syslog();
	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		dup2(p->null, fd);
	if (write(p->args->ready_fd, "", 1) < 0)
		log_debug("nobody waits for us");
	close(p->args->ready_fd);
}

static bool open_signals(struct parent *p)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);	/* the engine inherits this: what ends it is its parent */
	signal(SIGPIPE, SIG_IGN);
	p->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	p->null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (p->signals < 0 || p->null < 0)
		log_error("cannot set the loop up: %m");
	return p->signals >= 0 && p->null >= 0;
}

static void end(struct parent *p)
{
	char how[64];

	if (p->service)
		service_stopping(p->service);
	if (hooks_owe_pre_down(p->hooks)) {
		hooks_begin(p->hooks, HOOKS_PRE_DOWN);
		/* A hook may talk to the engine, and the engine to us. */
		while (!serve(p, hooks_fd(p->hooks), -1))
			;
		hooks_result(p->hooks);
	}
	if (p->network)
		network_down(p->network, !p->status ? NETWORK_ENDED : p->up ? NETWORK_FAILED : NETWORK_NEVER_UP);
	if (p->engine.there) {
		tell(p, &(struct msg){.type = MSG_STOP});
		spawn_end(&p->engine, how, sizeof(how));
	}
	queues_close(&p->queues);
	service_close(p->service);	/* before the file that is the lock */
	sockfile_remove(&p->sock);
	network_close(p->network);
	netlink_close(p->netlink);
	if (p->hooks)
		hooks_end(p->hooks);	/* PostDown */
	config_free(p->args->config);
}

int parent_main(const struct parent_args *args)
{
	struct parent p = {
		.args = args,
		.no_offload = args->no_offload | (args->config ? args->config->no_offload : 0),
		.sock = {.listener = -1, .watch = -1},
		.signals = -1,
		.status = 1,
	};

	sandbox_early();
	notify_open();
	if (args->ready_fd >= 0)
		log_prepare_syslog();
	p.up = open_signals(&p) && start_service(&p) && open_interface(&p) && service_open(p.service, p.network) &&
	       start_engine(&p);
	if (p.up) {
		sandbox_parent((const pid_t[]){p.engine.pid, service_child(p.service)}, 2);
		check_link(&p);
		p.up = wait_ready(&p) && configure(&p);
	}
	if (p.up) {
		service_ready(p.service);
		detach(&p);
		offload_log(p.no_offload, &p.info, &p.udp);
		log_info("cipher: %s", p.ciphers);
		log_info("ready");
	}
	while (p.up && !p.stop)
		serve(&p, -1, -1);
	end(&p);
	return p.status;
}
