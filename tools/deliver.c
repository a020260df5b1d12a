/* SPDX-License-Identifier: MIT */
#include "deliver.h"

#include "store.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- Files ------------------------------------------------------------------------------------------------------- */

int deliver_check_file(const struct ctx *c, const char *path, bool replace)
{
	const char *slash = strrchr(path, '/');
	char dir[PATH_MAX];
	struct stat st;

	if (!*path || (slash && !slash[1]) || strlen(path) >= sizeof(dir))
		return cmd_fail(c, CMD_USAGE, "\"%s\" is not the name of a file", path);
	snprintf(dir, sizeof(dir), "%.*s", slash ? (int)(slash - path) + 1 : 1, slash ? path : ".");
	if (access(dir, W_OK | X_OK))
		return cmd_fail(c, errno == ENOENT ? CMD_USAGE : CMD_PERM, "%s: %s", dir, strerror(errno));
	if (lstat(path, &st))
		return errno == ENOENT ? 0 : cmd_fail(c, iface_code(-errno), "%s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return cmd_fail(c, CMD_USAGE, "%s is not a plain file (- is standard output)", path);
	if (!replace)
		return cmd_fail(c, CMD_CONFLICT, "%s exists, and may hold the only copy of a key (use another name)",
				path);
	return 0;
}

int deliver_write_file(const struct ctx *c, const char *path, const void *data, size_t len)
{
	int err = store_write(path, data, len);

	return err ? cmd_fail(c, iface_code(err), "%s: %s", path, strerror(-err)) : 0;
}

/* ---- Codes ------------------------------------------------------------------------------------------------------- */

int deliver_encode(const struct ctx *c, const struct page *compact, struct qr *ret)
{
	return qr_encode(compact->text, compact->len, ret) ? 0
		: cmd_fail(c, CMD_FAILED, "the configuration is too long for a code (write it to a file)");
}

int deliver_fit(const struct ctx *c, const struct qr *q, unsigned *quiet)
{
	struct winsize w;

	*quiet = QR_QUIET;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) || !w.ws_col)
		return 0;
	while (*quiet > QR_QUIET_LEAST && q->side + 2 * *quiet > w.ws_col)
		--*quiet;
	if (q->side + 2 * *quiet > w.ws_col)
		return cmd_fail(c, CMD_USAGE, "the code needs %u columns, the terminal has %u (make it a PNG file)",
				q->side + 2 * *quiet, w.ws_col);
	if (w.ws_row && (q->side + 2 * *quiet + 1) / 2 > w.ws_row)
		cmd_note(c, "the code has %u lines, the terminal %u: make it higher", (q->side + 2 * *quiet + 1) / 2,
			 w.ws_row);
	return 0;
}

void deliver_print(const struct qr *q, unsigned quiet)
{
	const char *term = getenv("TERM");

	qr_print(stdout, q, quiet, isatty(STDOUT_FILENO) && term && strcmp(term, "dumb"));
}

/* ---- Deliveries -------------------------------------------------------------------------------------------------- */

static int check_picture(const struct delivery *d, bool terminal)
{
	if (d->text || d->code)
		return cmd_fail(d->c, CMD_USAGE, "--png -: something else goes to standard output, too (name a file)");
	if (cmd_has(d->c, OPT_JSON))
		return cmd_fail(d->c, CMD_USAGE, "--json cannot hold a picture (use --png FILE)");
	if (terminal)
		return cmd_fail(d->c, CMD_USAGE, "a PNG file is nothing for a terminal (use --png FILE, or --qr)");
	return 0;
}

int deliver_begin(const struct ctx *c, bool has_private, bool screen, struct delivery *ret)
{
	bool terminal = isatty(STDOUT_FILENO), here;
	int code;

	*ret = (struct delivery){ .c = c, .conf = c->val[OPT_CONF], .png = c->val[OPT_PNG],
				  .code = cmd_has(c, OPT_QR) };
	here = ret->conf && !strcmp(ret->conf, "-");
	if (here)
		ret->conf = NULL;
	ret->picture = ret->png && !strcmp(ret->png, "-");
	if (ret->picture)
		ret->png = NULL;
	ret->text = here || (!ret->conf && !ret->png && !ret->picture && !ret->code);
	if (ret->text && !here && terminal && screen && has_private && !cmd_has(c, OPT_JSON)) {
		ret->text = false;
		ret->code = true;
	}
	if ((ret->code || ret->png || ret->picture) && !has_private)
		return cmd_fail(c, CMD_USAGE, "no code without the private key, which is its owner's (use --conf)");
	if (ret->picture && (code = check_picture(ret, terminal)))
		return code;
	if (ret->code && cmd_has(c, OPT_JSON))
		return cmd_fail(c, CMD_USAGE, "--qr is for people, --json is not (use --png)");
	if (ret->text && !here && terminal)
		return cmd_fail(c, CMD_USAGE, "where to with the new configuration? (--qr, --conf FILE, --png FILE; "
				"--conf - shows it here)");
	code = ret->conf ? deliver_check_file(c, ret->conf, false) : 0;
	if (!code && ret->png)
		code = deliver_check_file(c, ret->png, false);
	return code;
}

static int make_code(struct delivery *d, const struct page_client *from)
{
	struct page compact;
	int code;

	if (!page_client_compact(&compact, from))
		return cmd_fail(d->c, CMD_FAILED, "the configuration is too long for a code");
	code = deliver_encode(d->c, &compact, &d->qr);
	sodium_memzero(&compact, sizeof(compact));
	if (!code && (d->png || d->picture) && !qr_png(&d->qr, &d->blob))
		code = cmd_fail(d->c, CMD_FAILED, "%s", strerror(ENOMEM));
	return code || !d->code ? code : deliver_fit(d->c, &d->qr, &d->quiet);
}

int deliver_files(struct delivery *d, const struct page_client *from)
{
	int code;

	if (!page_client_config(&d->page, from))
		return cmd_fail(d->c, CMD_FAILED, "the peer's configuration would be too big");
	if ((d->code || d->png || d->picture) && (code = make_code(d, from)))
		return code;
	if (d->conf && (code = deliver_write_file(d->c, d->conf, d->page.text, d->page.len)))
		return code;
	d->wrote_conf = d->conf != NULL;
	if (d->png && (code = deliver_write_file(d->c, d->png, d->blob.data, d->blob.len))) {
		deliver_undo(d);
		return code;
	}
	d->wrote_png = d->png != NULL;
	return 0;
}

void deliver_undo(struct delivery *d)
{
	if (d->wrote_conf)
		store_remove(d->conf);
	if (d->wrote_png)
		store_remove(d->png);
	d->wrote_conf = d->wrote_png = false;
}

bool deliver_alone(const struct delivery *d)
{
	return d->text || d->picture;
}

void deliver_show(const struct delivery *d)
{
	if (d->code)
		deliver_print(&d->qr, d->quiet);
	if (d->text && !cmd_has(d->c, OPT_JSON))
		fputs(d->page.text, stdout);
	if (d->picture)
		fwrite(d->blob.data, 1, d->blob.len, stdout);
}

void deliver_end(struct delivery *d)
{
	sodium_memzero(&d->page, sizeof(d->page));
	sodium_memzero(&d->qr, sizeof(d->qr));
	blob_free(&d->blob);
}
