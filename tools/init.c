/* SPDX-License-Identifier: MIT */
/*
 * init: a server from nothing. Everything is decided first; then files are written, the client's before the peer's and
 * the interface's last, since only that makes the others count; then the interface starts. When a step fails, all of
 * them are taken back. Killed in between, it leaves either nothing that counts or a whole configuration.
 *
 * Where an interface is configured already, init changes nothing: it says what there is.
 */
#include "around.h"
#include "conf.h"
#include "deliver.h"
#include "found.h"
#include "keep.h"
#include "launch.h"
#include "link.h"
#include "plan.h"
#include "service.h"
#include "store.h"
#include "view.h"

#include <errno.h>
#include <signal.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct init {
	const struct ctx *c;
	struct iface iface;
	struct around around;
	struct roster server;		/* as the new configuration will be read */
	uint8_t server_private[TNL_KEY_LEN], client_private[TNL_KEY_LEN];
	struct peer client;
	char client_path[PATH_MAX];
	bool service, start;
	bool made_etc, made_dir, wrote_client, wrote_conf;
	struct delivery out;
};

/* ---- Deciding ---------------------------------------------------------------------------------------------------- */

/* What is asked for by --ip, or a plan of our own. */
static int decide_nets(struct init *in)
{
	const struct ctx *c = in->c;
	const struct around *a = &in->around;
	struct roster *s = &in->server;
	uint8_t id[5];

	for (unsigned i = 0; i < c->ip_count && s->own_count < ROSTER_OWN_MAX; i++) {
		struct net *n = &s->own[s->own_count++];
		const struct net *clash;
		char text[TEXT_ADDR];

		if (!net_parse(c->ip[i], strlen(c->ip[i]), n) || n->bits + 2 > (n->addr.family == 4 ? 32 : 128))
			return cmd_fail(c, CMD_USAGE, "--ip %s: not an address in a network, like 10.8.0.1/24",
					c->ip[i]);
		if ((clash = plan_clash(n, a->net, a->count)))
			return cmd_fail(c, CMD_CONFLICT, "--ip %s overlaps %s, which this machine has a use for "
					"(leave it out, a free one is found)", c->ip[i], net_text(clash, text));
	}
	if (s->own_count)
		return 0;
	randombytes_buf(id, sizeof(id));
	if (!plan_ipv4(a->net, a->count, randombytes_random(), &s->own[0]) ||
	    !plan_ipv6(a->net, a->count, id, &s->own[1]))
		return cmd_fail(c, CMD_CONFLICT, "no private network is free here (use --ip)");
	s->own_count = 2;
	return 0;
}

static int decide_port(struct init *in)
{
	const struct ctx *c = in->c;
	const char *text = c->val[OPT_PORT];
	uint64_t port;

	if (!text) {
		in->server.port = around_pick_port(&in->around);
		return in->server.port ? 0 : cmd_fail(c, CMD_CONFLICT, "no UDP port is free (use --port)");
	}
	if (!text_number(text, strlen(text), UINT16_MAX, &port) || !port)
		return cmd_fail(c, CMD_USAGE, "--port %s: not a number from 1 to %d", text, UINT16_MAX);
	if (in->around.port[port] || !around_port_free((uint16_t)port))
		return cmd_fail(c, CMD_CONFLICT, "UDP port %s is in use (leave --port out, a free one is found)", text);
	in->server.port = (uint16_t)port;
	return 0;
}

/* The address by which this machine speaks to the world, if the world can speak to that. */
static int find_host(struct init *in)
{
	struct tnl_addr v4, v6, *own;
	bool has4 = link_own_address(4, &v4), has6 = link_own_address(6, &v6);
	char text[TEXT_ADDR];

	if (!has4 && !has6)
		return cmd_fail(in->c, CMD_USAGE, "no route leads out, so how will clients reach this machine? "
				"(use --endpoint HOST)");
	own = has4 && (plan_public(&v4) || !has6 || !plan_public(&v6)) ? &v4 : &v6;
	text_from_addr(text, own);
	snprintf(in->server.client_host, sizeof(in->server.client_host), own->family == 6 ? "[%s]" : "%s", text);
	if (!plan_public(own))
		cmd_note(in->c, "warning: %s is a private address, clients elsewhere need another (use --endpoint "
			 "HOST)", text);
	return 0;
}

/* Nothing that would be more than one word in a configuration. Whether it is a host, the codec knows. */
static bool is_word(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] <= ' ' || text[i] == 127 || text[i] == '#')
			return false;
	return len > 0;
}

static int decide_host(struct init *in)
{
	const char *text = in->c->val[OPT_ENDPOINT];
	struct tnl_addr a;

	if (!text)
		return find_host(in);
	if (!is_word(text, strlen(text)) || strlen(text) + 3 > sizeof(in->server.client_host))
		return cmd_fail(in->c, CMD_USAGE, "--endpoint %s: not HOST or HOST:PORT", text);
	snprintf(in->server.client_host, sizeof(in->server.client_host),
		 text_addr(text, strlen(text), NULL, &a) && a.family == 6 ? "[%s]" : "%s", text);
	return 0;
}

static bool add_dns(struct roster *s, const char *text, size_t len)
{
	struct roster_dns *d = &s->dns[s->dns_count];

	if (s->dns_count == ROSTER_DNS_MAX || !is_word(text, len) || len >= sizeof(d->text))
		return false;
	s->dns_count++;
	snprintf(d->text, sizeof(d->text), "%.*s", (int)len, text);
	text_addr(d->text, len, NULL, &d->addr);
	return true;
}

/* Two are enough, and keep the code small. Those that this machine asks serve its clients, too. */
static int decide_dns(struct init *in)
{
	const char *text = in->c->val[OPT_DNS];
	struct roster *s = &in->server;

	for (size_t len; text && *text; text += len + (text[len] == ',')) {
		len = strcspn(text, ",");
		if (!add_dns(s, text, len))
			return cmd_fail(in->c, CMD_USAGE, "--dns: up to %d addresses or domains with commas between",
					ROSTER_DNS_MAX);
	}
	if (in->c->val[OPT_DNS])
		return 0;
	for (size_t i = 0; i < in->around.dns_count && i < 2; i++)
		s->dns[s->dns_count++] = in->around.dns[i];
	if (!s->dns_count) {
		add_dns(s, "9.9.9.9", 7);
		add_dns(s, "2620:fe::fe", 11);
	}
	return 0;
}

static int decide_client(struct init *in)
{
	const char *name = cmd_has(in->c, OPT_CLIENT) ? in->c->val[OPT_CLIENT] : "phone";
	struct net got, none;
	int code;

	if ((code = iface_new_peer_name(in->c, name)))
		return code;
	if ((size_t)snprintf(in->client_path, PATH_MAX, "%s/%s.peer", in->iface.dir, name) >= PATH_MAX)
		return cmd_fail(in->c, CMD_USAGE, "the path of the file is too long");
	strcpy(in->client.name, name);
	keytext_new_private(in->server_private);
	keytext_new_private(in->client_private);
	crypto_scalarmult_base(in->server.public, in->server_private);
	crypto_scalarmult_base(in->client.key, in->client_private);
	in->server.has_key = in->server.nat = true;
	for (size_t i = 0; i < in->server.own_count; i++)
		if (!pick_address(&in->server.own[i], &none, 0, &got))
			peer_add_net(&in->client, &got);
	return 0;
}

/* The place is free: neither an interface of somebody else, nor peers that would join ours. */
static int check_free(struct init *in)
{
	const struct iface *f = &in->iface;
	struct roster r = { 0 };
	int code;

	if (f->conf[0])
		return cmd_fail(in->c, CMD_CONFLICT, "%s describes %s already (another name: tunctl init NAME)",
				f->conf, f->name);
	if (f->running || link_state(f->name).exists)
		return cmd_fail(in->c, CMD_CONFLICT, "there is an interface %s, of no file in %.*s (another name: "
				"tunctl init NAME)", f->name, (int)(strrchr(f->dir, '/') - f->dir), f->dir);
	code = roster_load(in->c, f, true, &r);
	for (size_t i = 0; i < r.count && !code; i++)
		if (strcmp(r.peer[i].name, in->client.name))
			code = cmd_fail(in->c, CMD_CONFLICT, "%s holds peers of an earlier %s (move it away)", f->dir,
					f->name);
	roster_free(&r);
	return code;
}

static bool make_conf(const struct init *in, struct page *ret)
{
	const struct roster *s = &in->server;
	char text[TEXT_ADDR];

	*ret = (struct page){ 0 };
	page_put(ret, "# The server %s. Its peers are in %s.d, see tunctl(1) and tunneld.conf(5).\n[Interface]\n",
		 in->iface.name, in->iface.name);
	page_put_key(ret, "PrivateKey", in->server_private);
	page_put(ret, "ListenPort = %u\nAddress = ", s->port);
	for (size_t i = 0; i < s->own_count; i++)
		page_put(ret, "%s%s", i ? ", " : "", net_text(&s->own[i], text));
	page_put(ret, "\nNAT = yes\nClientEndpoint = %s\n", s->client_host);
	for (size_t i = 0; i < s->dns_count; i++)
		page_put(ret, "%s%s", i ? ", " : "ClientDNS = ", s->dns[i].text);
	page_put(ret, s->dns_count ? "\n" : "");
	return page_fits(ret);
}

/* What was made of the options can be read again. */
static int check_conf(const struct init *in)
{
	struct page page;
	struct conf_reader r;
	struct conf_item it;
	int code = 0;

	if (!make_conf(in, &page) || conf_reader_init(&r, page.text, page.len, ~UINT64_C(0)))
		return cmd_fail(in->c, CMD_FAILED, "the configuration would be too big");
	while (!code && conf_next(&r, &it) != CONF_END)
		if (it.what == CONF_ERROR)
			code = cmd_fail(in->c, CMD_USAGE, "--endpoint %s: %s", in->server.client_host, it.message);
	sodium_memzero(&page, sizeof(page));
	sodium_memzero(&it, sizeof(it));
	sodium_memzero(&r, sizeof(r));
	return code;
}

static int decide(struct init *in)
{
	int code;

	around_load(in->c, &in->around);
	if ((code = decide_dns(in)) || (code = decide_nets(in)) || (code = decide_port(in)) ||
	    (code = decide_client(in)) || (code = check_free(in)) || (code = decide_host(in)) ||
	    (code = check_conf(in)))
		return code;
	in->start = !cmd_has(in->c, OPT_NO_START);
	in->service = in->start && service_here(in->c);
	if ((size_t)snprintf(in->iface.conf, PATH_MAX, "%.*s.conf", (int)strlen(in->iface.dir) - 2, in->iface.dir) >=
	    PATH_MAX)
		return cmd_fail(in->c, CMD_USAGE, "the path of the file is too long");
	return deliver_begin(in->c, true, true, &in->out);
}

/* ---- Doing ------------------------------------------------------------------------------------------------------- */

static int write_files(struct init *in)
{
	struct iface *f = &in->iface;
	char etc[PATH_MAX];
	struct page page;
	int err;

	snprintf(etc, sizeof(etc), "%.*s", (int)(strrchr(f->dir, '/') - f->dir), f->dir);
	in->made_etc = !mkdir(etc, 0755);
	in->made_dir = (in->made_etc || errno == EEXIST) && !mkdir(f->dir, 0700);
	if ((!in->made_dir && errno != EEXIST) || access(f->dir, W_OK))
		return cmd_fail(in->c, iface_code(-errno), "%s: %s%s", etc, strerror(errno),
				errno == EACCES ? " (are you root?)" : "");
	err = page_peer_file(&page, &in->client) ? store_write(in->client_path, page.text, page.len) : -E2BIG;
	in->wrote_client = !err;
	if (err)
		return cmd_fail(in->c, iface_code(err), "%s: %s", in->client_path, strerror(-err));
	if (cmd_has(in->c, OPT_KEEP_KEY) && (err = keep_save(f, in->client.name, in->client_private)))
		return cmd_fail(in->c, iface_code(err), "%s: %s", f->dir, strerror(-err));
	err = make_conf(in, &page) ? store_write(f->conf, page.text, page.len) : -E2BIG;
	in->wrote_conf = !err;
	sodium_memzero(&page, sizeof(page));
	return err ? cmd_fail(in->c, iface_code(err), "%s: %s", f->conf, strerror(-err)) : 0;
}

/* In reverse. Directories go only when they are ours and empty. */
static void undo(struct init *in)
{
	char etc[PATH_MAX];

	if (in->wrote_conf)
		store_remove(in->iface.conf);
	if (in->wrote_client)
		store_remove(in->client_path);
	if (in->wrote_client && cmd_has(in->c, OPT_KEEP_KEY))
		keep_remove(&in->iface, in->client.name);
	if (in->made_dir)
		rmdir(in->iface.dir);
	snprintf(etc, sizeof(etc), "%.*s", (int)(strrchr(in->iface.dir, '/') - in->iface.dir), in->iface.dir);
	if (in->made_etc)
		rmdir(etc);
	deliver_undo(&in->out);
}

static int start(struct init *in)
{
	if (in->service)
		return service_enable(in->c, in->iface.name);
	return in->start ? launch(in->c, &in->iface) : 0;
}

/* ---- Saying ------------------------------------------------------------------------------------------------------ */

static void report_json(const struct init *in)
{
	json_t *o = found_json(&in->iface, &in->server, true, in->start);

	json_object_set_new(o, "boot", json_boolean(in->service));
	json_object_set_new(o, "peer", view_peer_json(&in->client, 0, false));
	if (in->out.text)
		json_object_set_new(o, "config", json_string(in->out.page.text));
	out_json(stdout, o);
}

static void report(const struct init *in)
{
	const struct roster *s = &in->server;
	FILE *f = deliver_alone(&in->out) ? stderr : stdout;
	char nets[256], own[256];

	if (cmd_has(in->c, OPT_JSON)) {
		report_json(in);
		return;
	}
	if (!cmd_has(in->c, OPT_QUIET))
		fprintf(f, "%s: %s, UDP port %u, %s\n", in->iface.name, in->start ? "up" : "configured", s->port,
			found_nets(s, own, sizeof(own)));
	deliver_show(&in->out);
	if (cmd_has(in->c, OPT_QUIET))
		return;
	fprintf(f, "%s: %s%s\n", in->client.name, view_nets(&in->client, nets, sizeof(nets)),
		in->out.code ? "; scan the code with the WireGuard app, it is shown this once" : "");
	fprintf(f, "Clients reach this machine at %s: let UDP port %u through where your provider filters.\n",
		s->client_host, s->port);
	if (!in->start)
		fprintf(f, "Start it: systemctl enable --now tunneld@%s, or: tunctl up %s\n", in->iface.name,
			in->iface.name);
	else if (!in->service)
		fprintf(f, "No service of systemd starts it at boot: let your boot scripts run: tunctl up %s\n",
			in->iface.name);
	fprintf(f, "More clients: tunctl peer add NAME --qr. What is going on: tunctl status\n");
}

static void print_plan(const struct init *in)
{
	char own[256];

	printf("would write: %s (peer %s)\n", in->client_path, in->client.name);
	printf("would write: %s (UDP port %u, %s, clients come to %s)\n", in->iface.conf, in->server.port,
	       found_nets(&in->server, own, sizeof(own)), in->server.client_host);
	if (in->service)
		printf("would run: systemctl enable --now tunneld@%s\n", in->iface.name);
	else if (in->start)
		printf("would start: %s\n", in->iface.name);
}

static int init(struct init *in)
{
	struct page_client from = { .peer = &in->client, .private = in->client_private, .server = &in->server };
	int code;

	if ((code = decide(in)))
		return code;
	if (cmd_has(in->c, OPT_DRY_RUN)) {
		print_plan(in);
		return CMD_DONE;
	}
	if ((code = iface_lock(in->c, &in->iface)))
		return code;
	if (!access(in->iface.conf, F_OK))	/* somebody else was faster */
		return found_report(in->c, &in->iface);
	if ((code = deliver_files(&in->out, &from)) || (code = write_files(in)) || (code = start(in))) {
		undo(in);
		return code;
	}
	signal(SIGPIPE, SIG_IGN);	/* nobody reads it: that is to be said, too */
	report(in);
	if (cmd_flush())
		return CMD_DONE;
	return cmd_fail(in->c, CMD_FAILED, "standard output: write failed; %s is there, the key of \"%s\" may be lost "
			"(use: tunctl remove %s; tunctl add %s)", in->iface.name, in->client.name, in->client.name,
			in->client.name);
}

int cmd_init(struct ctx *c)
{
	static struct init in;	/* too big for a stack: it holds pages */
	int code;

	in.c = c;
	code = found_look(c, &in.iface);
	if (!code)
		code = found_ours(&in.iface) ? found_report(c, &in.iface) : init(&in);
	if (in.iface.lock > 0)
		close(in.iface.lock);
	around_free(&in.around);
	deliver_end(&in.out);
	free(in.client.net);
	sodium_memzero(&in, sizeof(in));
	return code;
}
