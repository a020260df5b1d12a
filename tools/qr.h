/* SPDX-License-Identifier: MIT */
/*
 * QR codes: text to a square of modules, and the square to what shows it: a terminal, a PNG or an SVG file. What a code
 * says is as secret as its text, so a square is of fixed size and a blob is made once at its final size; both are wiped
 * after use.
 */
#ifndef QR_H
#define QR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum {
	QR_SIDE_MAX = 177,	/* modules of the largest code */
	QR_QUIET = 4,		/* light modules around it that the standard asks for */
	QR_QUIET_LEAST = 1,	/* cameras read it all the same, where columns are few */
};

struct qr {
	unsigned side;
	bool dark[QR_SIDE_MAX][QR_SIDE_MAX];	/* [row][column] */
};

/* Level L: a screen is clean. False: it does not fit in the largest code (2953 bytes), or is empty. */
bool qr_encode(const char *text, size_t len, struct qr *ret);

/* Two rows of modules a line, in half blocks. paint: exact black on exact white, whatever the terminal's own colours
 * are; else no colours at all, and right for light text on a dark ground. */
void qr_print(FILE *f, const struct qr *q, unsigned quiet, bool paint);

struct blob {
	uint8_t *data;
	size_t len;
};

/* False: no memory. */
bool qr_png(const struct qr *q, struct blob *ret);
bool qr_svg(const struct qr *q, struct blob *ret);
void blob_free(struct blob *b);

#endif
