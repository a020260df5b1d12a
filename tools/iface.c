/* SPDX-License-Identifier: MIT */
#include "iface.h"

#include "client.h"
#include "pick.h"
#include "restore.h"
#include "store.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_RULE "1 to 15 of A-Z a-z 0-9 . _ = + -, first none of . -"

enum { LOCK_WAIT_MS = 5000, LIST_MAX = 256 };

/* Names of interfaces, each once. */
struct names {
	char name[LIST_MAX][IFNAMSIZ];
	size_t count;
};

const char *iface_etc_dir(const struct ctx *c)
{
	return cmd_has(c, OPT_ETC) ? c->val[OPT_ETC] : "/etc";
}

const char *iface_run_dir(const struct ctx *c)
{
	return cmd_has(c, OPT_RUN) ? c->val[OPT_RUN] : "/var/run";
}

static bool name_ok(const char *name, size_t max, const char *also)
{
	size_t len = strlen(name);

	if (!len || len > max || name[0] == '.' || name[0] == '-')
		return false;
	for (size_t i = 0; i < len; i++) {
		char ch = name[i];

		if (!(ch >= 'a' && ch <= 'z') && !(ch >= 'A' && ch <= 'Z') && !(ch >= '0' && ch <= '9') &&
		    !strchr(also, ch))
			return false;
	}
	return true;
}

bool iface_name_ok(const char *name)
{
	return name_ok(name, IFNAMSIZ - 1, "._-=+");
}

bool iface_peer_name_ok(const char *name)
{
	return name_ok(name, IFACE_PEER_NAME_MAX, "._-");
}

int iface_new_peer_name(const struct ctx *c, const char *name)
{
	struct net n;

	if (!iface_peer_name_ok(name))
		return cmd_fail(c, CMD_USAGE, "\"%s\" cannot be a name (1 to %d of A-Z a-z 0-9 . _ -, first a letter, "
				"digit or _)", name, IFACE_PEER_NAME_MAX);
	if (net_parse(name, strlen(name), &n))
		return cmd_fail(c, CMD_USAGE, "\"%s\" cannot be a name: it is an address (use --ip %s)", name, name);
	return 0;
}

int iface_code(int err)
{
	switch (-err) {
	case EACCES:
	case EPERM:
	case EROFS:
		return CMD_PERM;
	case EBUSY:
		return CMD_BUSY;
	default:
		return CMD_FAILED;
	}
}

/* Every DIR/NAME.suffix whose NAME can be an interface. */
static void list(const char *dir, const char *suffix, struct names *ret)
{
	size_t cut = strlen(suffix);
	DIR *d = opendir(dir);
	struct dirent *e;

	while (d && (e = readdir(d)) && ret->count < LIST_MAX) {
		char name[IFNAMSIZ];
		size_t len = strlen(e->d_name), i = 0;

		if (len <= cut || len - cut >= sizeof(name) || strcmp(e->d_name + len - cut, suffix))
			continue;
		memcpy(name, e->d_name, len - cut);
		name[len - cut] = 0;
		while (i < ret->count && strcmp(ret->name[i], name))
			i++;
		if (i == ret->count && iface_name_ok(name))
			strcpy(ret->name[ret->count++], name);
	}
	if (d)
		closedir(d);
}

static void list_configured(const struct ctx *c, struct names *ret)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/tunneld", iface_etc_dir(c));
	list(path, ".conf", ret);
	if (ret->count)
		return;
	snprintf(path, sizeof(path), "%s/wireguard", iface_etc_dir(c));
	list(path, ".conf", ret);
}

static void list_running(const struct ctx *c, struct names *ret)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/wireguard", iface_run_dir(c));
	list(path, ".sock", ret);
}

/* The only one, or an error that names the choice. */
static int choose(const struct ctx *c, enum iface_first first, char ret[IFNAMSIZ])
{
	struct names n = { .count = 0 };
	char text[256] = "";
	size_t len = 0;

	first == IFACE_RUNNING_FIRST ? list_running(c, &n) : list_configured(c, &n);
	if (!n.count)
		first == IFACE_RUNNING_FIRST ? list_configured(c, &n) : list_running(c, &n);
	if (!n.count)
		return cmd_fail(c, CMD_NOENT, "there is no interface in %s/wireguard or %s/tunneld (make one: tunctl "
				"init)", iface_run_dir(c), iface_etc_dir(c));
	if (n.count == 1) {
		strcpy(ret, n.name[0]);
		return 0;
	}
	for (size_t i = 0; i < n.count && len + IFNAMSIZ + 3 < sizeof(text); i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s", i ? ", " : "", n.name[i]);
	return cmd_fail(c, CMD_USAGE, "there are %zu interfaces: %s (name one, or use -i)", n.count, text);
}

static int fill_paths(const struct ctx *c, struct iface *f)
{
	const char *run = iface_run_dir(c);
	size_t need = (size_t)snprintf(f->conf, sizeof(f->conf), "%s/tunneld/%s.conf", iface_etc_dir(c), f->name);

	if (need < sizeof(f->conf) && access(f->conf, F_OK)) {
		need = (size_t)snprintf(f->conf, sizeof(f->conf), "%s/wireguard/%s.conf", iface_etc_dir(c), f->name);
		f->foreign = true;
		if (need < sizeof(f->conf) && access(f->conf, F_OK))
			f->conf[0] = 0;
	}
	if (need >= sizeof(f->conf) ||
	    (size_t)snprintf(f->dir, sizeof(f->dir), "%s/tunneld/%s.d", iface_etc_dir(c), f->name) >= sizeof(f->dir) ||
	    (size_t)snprintf(f->sock, sizeof(f->sock), "%s/wireguard/%s.sock", run, f->name) >= sizeof(f->sock) ||
	    (size_t)snprintf(f->ctl, sizeof(f->ctl), "%s/tunneld/%s.sock", run, f->name) >= sizeof(f->ctl))
		return cmd_fail(c, CMD_USAGE, "a path is too long");
	return 0;
}

size_t iface_names(const struct ctx *c, char (*ret)[IFNAMSIZ], size_t max)
{
	struct names n = { .count = 0 };

	list_configured(c, &n);
	list_running(c, &n);
	for (size_t i = 0; i < n.count && i < max; i++)
		strcpy(ret[i], n.name[i]);
	return n.count < max ? n.count : max;
}

int iface_paths(const struct ctx *c, const char *name, struct iface *ret)
{
	struct iface f = { .lock = -1 };
	int err;

	if (!iface_name_ok(name))
		return cmd_fail(c, CMD_USAGE, "\"%s\" cannot be the name of an interface (" NAME_RULE ")", name);
	strcpy(f.name, name);
	err = fill_paths(c, &f);
	if (!err)
		*ret = f;
	return err;
}

int iface_need_running(const struct ctx *c, const struct iface *f)
{
	bool offline = c->cmd->opts & OPT_BIT(OPT_OFFLINE) && !cmd_has(c, OPT_RUNTIME);

	if (f->running)
		return 0;
	if (!f->conf[0])
		return cmd_fail(c, CMD_NOENT, "there is no interface %s, neither running nor configured", f->name);
	return cmd_fail(c, CMD_NODAEMON, "%s is not running (use: tunctl up %s%s)", f->name, f->name,
			offline ? ", or --offline" : "");
}

int iface_find(const struct ctx *c, const char *name, enum iface_first first, struct iface *ret)
{
	const char *option = c->val[OPT_INTERFACE];
	struct iface f = { .lock = -1 };
	int err;

	if (name && option && strcmp(name, option))
		return cmd_fail(c, CMD_USAGE, "two interfaces are named, %s and %s", name, option);
	name = name ? name : option;
	if (name && !iface_name_ok(name))
		return cmd_fail(c, CMD_USAGE, "\"%s\" cannot be the name of an interface (" NAME_RULE ")", name);
	if (name)
		strcpy(f.name, name);
	else if ((err = choose(c, first, f.name)))
		return err;
	if ((err = fill_paths(c, &f)))
		return err;
	err = client_probe(f.sock);
	if (err == -EACCES || err == -EPERM)
		return cmd_fail(c, CMD_PERM, "%s: %s (are you root?)", f.sock, strerror(-err));
	if (err == -ENAMETOOLONG)
		return cmd_fail(c, CMD_USAGE, "%s: too long for a socket", f.sock);
	f.running = !err;
	*ret = f;
	return 0;
}

int iface_lock_only(const struct ctx *c, struct iface *f)
{
	char dir[PATH_MAX];
	int err;

	snprintf(dir, sizeof(dir), "%s/lock", iface_run_dir(c));
	if (mkdir(dir, 0755) && errno != EEXIST)
		return cmd_fail(c, iface_code(-errno), "%s: %s", dir, strerror(errno));
	snprintf(dir, sizeof(dir), "%s/lock/tunneld", iface_run_dir(c));
	err = store_lock(dir, f->name, LOCK_WAIT_MS, &f->lock);
	if (err == -EBUSY)
		return cmd_fail(c, CMD_BUSY, "%s is being changed by somebody else (try again)", f->name);
	if (err)
		return cmd_fail(c, iface_code(err), "%s/%s.lock: %s%s", dir, f->name, strerror(-err),
				err == -EACCES ? " (are you root?)" : "");
	return 0;
}

int iface_lock(const struct ctx *c, struct iface *f)
{
	int code = iface_lock_only(c, f);

	return code ? code : restore_finish(c, f);
}

void iface_unlock(struct iface *f)
{
	if (f->lock >= 0)
		close(f->lock);
	f->lock = -1;
}
