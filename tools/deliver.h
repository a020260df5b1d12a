/* SPDX-License-Identifier: MIT */
/*
 * Where a configuration with a secret in it goes: a code on the terminal (--qr), files (--png, --conf), standard
 * output. Files are written before anything else changes and are taken back when that fails, so that a key that was
 * made is never in use and lost. Onto a terminal a secret is written only when that is asked for: by --qr, or by "-"
 * for a file.
 */
#ifndef DELIVER_H
#define DELIVER_H

#include "page.h"
#include "qr.h"

struct delivery {
	const struct ctx *c;
	const char *conf, *png;		/* files to write; NULL: none */
	bool text, code, picture;	/* on standard output; picture: the code as PNG */
	bool wrote_conf, wrote_png;
	unsigned quiet;
	struct page page;
	struct qr qr;
	struct blob blob;		/* the code as PNG, if that is asked for */
};

/* What the options ask for; without any, text on standard output, but a code when `screen` and it is a terminal. Finds
 * out whether it can be done. has_private: the configuration will be whole. 0, or an exit code after one line on
 * stderr. */
int deliver_begin(const struct ctx *c, bool has_private, bool screen, struct delivery *ret);
/* Makes all and writes the files. Again 0 or an exit code; then nothing was written. */
int deliver_files(struct delivery *d, const struct page_client *from);
/* Takes the files away again. */
void deliver_undo(struct delivery *d);
/* True: what is on standard output is for a program or a file, and nothing may be said there beside it. */
bool deliver_alone(const struct delivery *d);
/* Writes to standard output what goes there, but for text with --json: that is d->page's, for the caller's object. */
void deliver_show(const struct delivery *d);
void deliver_end(struct delivery *d);

/* The parts. Prints a code, or says why not: the terminal is too narrow. `quiet` by deliver_fit(). */
int deliver_encode(const struct ctx *c, const struct page *compact, struct qr *ret);
int deliver_fit(const struct ctx *c, const struct qr *q, unsigned *quiet);
void deliver_print(const struct qr *q, unsigned quiet);
/* A file that the operator named, mode 0600: can it be written there? "replace": over one that is there. */
int deliver_check_file(const struct ctx *c, const char *path, bool replace);
int deliver_write_file(const struct ctx *c, const char *path, const void *data, size_t len);

#endif
