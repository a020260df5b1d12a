/* SPDX-License-Identifier: MIT */
/*
 * peer export: the configuration for a peer's own machine. Its private key is usually there and nowhere else: it comes
 * from a file, from the kept ones, or is left out. export: an interface's whole configuration for stock programs.
 *
 * What holds a secret goes onto a terminal only when that is asked for, by "-o -" or as a code.
 */
#include "conf.h"
#include "deliver.h"
#include "keep.h"
#include "out.h"
#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum format { WG_QUICK, NM, NETWORKD, QR, PNG, SVG, FORMATS };

static const char *const format_names[FORMATS] = { "wg-quick", "nm", "networkd", "qr", "png", "svg" };

struct exporting {
	const struct ctx *c;
	struct iface iface;
	struct roster roster;
	enum format format;
	struct page_client from;
	uint8_t private[TNL_KEY_LEN];
};

/* ---- What to export ---------------------------------------------------------------------------------------------- */

static int find_format(struct exporting *e)
{
	const char *name = e->c->val[OPT_FORMAT];

	for (unsigned i = 0; i < FORMATS; i++) {
		if (name && strcmp(name, format_names[i]))
			continue;
		e->format = i;
		return 0;
	}
	return cmd_fail(e->c, CMD_USAGE, "no format \"%s\" (wg-quick, qr, png, svg, nm, networkd)", name);
}

static int read_private(const struct ctx *c, const char *file, uint8_t ret[TNL_KEY_LEN])
{
	bool is_stdin = !strcmp(file, "-");
	int fd = is_stdin ? STDIN_FILENO : open(file, O_RDONLY | O_CLOEXEC), err;

	if (fd < 0)
		return cmd_fail(c, CMD_USAGE, "--private-key %s: %s", file, strerror(errno));
	err = keytext_read(fd, ret);
	if (!is_stdin)
		close(fd);
	return err ? cmd_fail(c, CMD_USAGE, "--private-key %s: %s", file, keytext_why(err)) : 0;
}

static int find_private(struct exporting *e, const struct peer *p)
{
	const struct ctx *c = e->c;
	char name[IFACE_PEER_NAME_MAX + 1];
	uint8_t public[TNL_KEY_LEN];
	int err;

	if (cmd_has(c, OPT_NO_KEY) && cmd_has(c, OPT_PRIVATE_KEY))
		return cmd_fail(c, CMD_USAGE, "--no-key and --private-key exclude each other");
	if (cmd_has(c, OPT_NO_KEY) && e->format >= QR)
		return cmd_fail(c, CMD_USAGE, "a code without the private key is of no use (leave --no-key out)");
	if (cmd_has(c, OPT_NO_KEY))
		return 0;
	e->from.private = e->private;
	if (cmd_has(c, OPT_PRIVATE_KEY)) {
		if ((err = read_private(c, c->val[OPT_PRIVATE_KEY], e->private)))
			return err;
		crypto_scalarmult_base(public, e->private);
		return !memcmp(public, p->key, sizeof(public)) ? 0
			: cmd_fail(c, CMD_CONFLICT, "this is not the private key of \"%s\"", peer_label(p, name));
	}
	err = keep_load(&e->iface, p, e->private);
	if (err == -ENOENT)
		return cmd_fail(c, CMD_FAILED, "the private key of \"%s\" is on its own machine only (use "
				"--private-key FILE, or --no-key; peer add --keep-key keeps one)", peer_label(p, name));
	return err ? cmd_fail(c, iface_code(err), "%s/%s.key: %s", e->iface.dir, p->name, keytext_why(err)) : 0;
}

static int find_all(struct exporting *e)
{
	const struct ctx *c = e->c;
	struct peer *p;
	int code = iface_find(c, NULL, IFACE_RUNNING_FIRST, &e->iface), err;

	if (!code && !e->iface.running && !e->iface.conf[0])
		code = cmd_fail(c, CMD_NOENT, "there is no interface %s, neither running nor configured",
				e->iface.name);
	if (code || (code = roster_load(c, &e->iface, false, &e->roster)))
		return code;
	err = roster_find(&e->roster, c->word[0], &p);
	if (err == -ENOTUNIQ)
		return cmd_fail(c, CMD_NOENT, "\"%s\" begins several keys of %s (give more of it)", c->word[0],
				e->iface.name);
	if (err)
		return cmd_fail(c, CMD_NOENT, "%s has no peer \"%s\" (see: tunctl peer list)", e->iface.name,
				c->word[0]);
	if (!e->roster.has_key)
		return cmd_fail(c, CMD_USAGE, "%s has no private key to tell a peer of", e->iface.name);
	e->from = (struct page_client){ .peer = p, .server = &e->roster, .address = c->val[OPT_SERVER],
					.ifname = e->iface.name };
	return find_private(e, p);
}

/* ---- Where to ---------------------------------------------------------------------------------------------------- */

/* Standard output with "-" or nothing; NULL then. */
static const char *output_file(const struct ctx *c)
{
	const char *file = c->val[OPT_OUTPUT];

	return file && strcmp(file, "-") ? file : NULL;
}

static int check_terminal(const struct ctx *c, bool secret)
{
	if (secret && !cmd_has(c, OPT_OUTPUT) && isatty(STDOUT_FILENO))
		return cmd_fail(c, CMD_USAGE, "there is a secret in it (-o FILE writes a file, -o - shows it here)");
	return 0;
}

static int put_out(const struct ctx *c, const char *file, const void *data, size_t len)
{
	int code = file ? deliver_check_file(c, file, true) : 0;

	if (!file)
		fwrite(data, 1, len, stdout);
	else if (!code)
		code = deliver_write_file(c, file, data, len);
	return code;
}

static int put_text(const struct exporting *e, const struct page *page)
{
	const struct ctx *c = e->c;
	const char *file = output_file(c);
	char name[IFACE_PEER_NAME_MAX + 1];

	if (file || !cmd_has(c, OPT_JSON))
		return put_out(c, file, page->text, page->len);
	out_json(stdout, json_pack("{s:i, s:s, s:s, s:s, s:s}", "v", 1, "interface", e->iface.name, "name",
				   peer_label(e->from.peer, name), "format", format_names[e->format], "config",
				   page->text));
	return CMD_DONE;
}

/* Two files: one behind the other on standard output, or as FILE.netdev and FILE.network. */
static int put_networkd(const struct exporting *e, const struct page *netdev, const struct page *network)
{
	const char *file = output_file(e->c);
	struct page both = { 0 };
	char path[PATH_MAX];
	int code;

	if (!file) {
		page_put(&both, "# /etc/systemd/network/%s.netdev\n%s\n# /etc/systemd/network/%s.network\n%s",
			 e->iface.name, netdev->text, e->iface.name, network->text);
		code = page_fits(&both) ? put_text(e, &both) : cmd_fail(e->c, CMD_FAILED, "too big");
		sodium_memzero(&both, sizeof(both));
		return code;
	}
	if ((size_t)snprintf(path, sizeof(path), "%s.network", file) >= sizeof(path))
		return cmd_fail(e->c, CMD_USAGE, "%s: too long", file);
	code = put_out(e->c, path, network->text, network->len);
	snprintf(path, sizeof(path), "%s.netdev", file);
	return code ? code : put_out(e->c, path, netdev->text, netdev->len);
}

static int export_text(struct exporting *e)
{
	static bool (*const make[])(struct page *, const struct page_client *) = {
		[WG_QUICK] = page_client_config, [NM] = page_client_nm, [NETWORKD] = page_client_netdev,
	};
	struct page page, more = { 0 };
	int code = check_terminal(e->c, e->from.private || e->from.peer->has_psk);

	if (code)
		return code;
	if (!make[e->format](&page, &e->from) || (e->format == NETWORKD && !page_client_network(&more, &e->from)))
		code = cmd_fail(e->c, CMD_FAILED, "the configuration would be too big");
	else
		code = e->format == NETWORKD ? put_networkd(e, &page, &more) : put_text(e, &page);
	sodium_memzero(&page, sizeof(page));
	return code;
}

static int export_code(struct exporting *e)
{
	const struct ctx *c = e->c;
	struct blob blob;
	struct page compact;
	struct qr qr;
	unsigned quiet;
	int code;

	if (cmd_has(c, OPT_JSON))
		return cmd_fail(c, CMD_USAGE, "--json cannot hold a code (leave it out)");
	if (e->format == QR && output_file(c))
		return cmd_fail(c, CMD_USAGE, "a file is made by --format png or svg");
	if (e->format == PNG && !output_file(c) && isatty(STDOUT_FILENO))
		return cmd_fail(c, CMD_USAGE, "a PNG file is nothing for a terminal (use -o FILE, or --format qr)");
	if (e->format == SVG && (code = check_terminal(c, true)))
		return code;
	if (!page_client_compact(&compact, &e->from))
		return cmd_fail(c, CMD_FAILED, "the configuration would be too big");
	code = deliver_encode(c, &compact, &qr);
	sodium_memzero(&compact, sizeof(compact));
	if (!code && e->format == QR) {
		if (!(code = deliver_fit(c, &qr, &quiet)))
			deliver_print(&qr, quiet);
	} else if (!code) {
		if (!(e->format == PNG ? qr_png : qr_svg)(&qr, &blob))
			return cmd_fail(c, CMD_FAILED, "%s", strerror(ENOMEM));
		code = put_out(c, output_file(c), blob.data, blob.len);
		blob_free(&blob);
	}
	sodium_memzero(&qr, sizeof(qr));
	return code;
}

int cmd_peer_export(struct ctx *c)
{
	struct exporting e = { .c = c };
	int code = find_format(&e);

	if (!code)
		code = find_all(&e);
	if (!code)
		code = e.format >= QR ? export_code(&e) : export_text(&e);
	roster_free(&e.roster);
	sodium_memzero(&e, sizeof(e));
	return code;
}
