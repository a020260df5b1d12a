/* SPDX-License-Identifier: MIT */
#include "qr.h"

#include <png.h>
#include <qrencode.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum { PNG_SCALE = 8 };		/* pixels of a module's side */

bool qr_encode(const char *text, size_t len, struct qr *ret)
{
	QRcode *code = len && len <= INT32_MAX ? QRcode_encodeData((int)len, (const unsigned char *)text, 0,
								   QR_ECLEVEL_L) : NULL;

	if (!code)
		return false;
	memset(ret, 0, sizeof(*ret));
	ret->side = (unsigned)code->width;
	for (unsigned i = 0; i < ret->side * ret->side; i++)
		ret->dark[i / ret->side][i % ret->side] = code->data[i] & 1;
	sodium_memzero(code->data, (size_t)ret->side * ret->side);
	QRcode_free(code);
	return true;
}

/* Row and column count from the corner of the quiet zone. */
static bool is_dark(const struct qr *q, unsigned quiet, unsigned row, unsigned column)
{
	row -= quiet;
	column -= quiet;
	return row < q->side && column < q->side && q->dark[row][column];
}

void qr_print(FILE *f, const struct qr *q, unsigned quiet, bool paint)
{
	/* By upper module, then lower one: which half of the cell is ink. */
	static const char *const ink[2][2] = { { " ", "\u2584" }, { "\u2580", "\u2588" } };
	unsigned side = q->side + 2 * quiet;

	for (unsigned row = 0; row < side; row += 2) {
		/* 16 and 231 of the 256 colours are black and white that no theme changes. */
		if (paint)
			fputs("\033[38;5;16;48;5;231m", f);
		for (unsigned column = 0; column < side; column++) {
			bool upper = is_dark(q, quiet, row, column), lower = is_dark(q, quiet, row + 1, column);

			/* Without paint the ink is light, and there is none below the last row. */
			if (!paint) {
				upper = !upper;
				lower = !lower && row + 1 < side;
			}
			fputs(ink[upper][lower], f);
		}
		fputs(paint ? "\033[0m\n" : "\n", f);
	}
}

bool qr_png(const struct qr *q, struct blob *ret)
{
	unsigned side = (q->side + 2 * QR_QUIET) * PNG_SCALE;
	png_image image = { .version = PNG_IMAGE_VERSION, .width = side, .height = side, .format = PNG_FORMAT_GRAY };
	png_alloc_size_t len = PNG_IMAGE_PNG_SIZE_MAX(image);
	uint8_t *pixels = malloc((size_t)side * side);
	bool ok;

	ret->data = malloc(len);
	for (unsigned i = 0; pixels && i < side * side; i++)
		pixels[i] = is_dark(q, QR_QUIET, i / side / PNG_SCALE, i % side / PNG_SCALE) ? 0 : UINT8_MAX;
	ok = pixels && ret->data && png_image_write_to_memory(&image, ret->data, &len, 0, pixels, (int)side, NULL);
	ret->len = ok ? len : 0;
	if (pixels)
		sodium_memzero(pixels, (size_t)side * side);
	free(pixels);
	if (!ok)
		blob_free(ret);
	return ok;
}

bool qr_svg(const struct qr *q, struct blob *ret)
{
	enum { HEAD = 512, RUN = 32 };	/* bytes of what is around the runs, and of a run: "M181 181h177v1h-177z" */
	unsigned side = q->side + 2 * QR_QUIET, column;
	size_t max = HEAD + RUN * (size_t)q->side * (q->side / 2 + 1), len;
	char *at = malloc(max);

	*ret = (struct blob){ .data = (uint8_t *)at };
	if (!at)
		return false;
	len = (size_t)snprintf(at, max, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%u\" height=\"%u\" "
			       "viewBox=\"0 0 %u %u\" shape-rendering=\"crispEdges\">\n"
			       "<rect width=\"%u\" height=\"%u\" fill=\"#fff\"/>\n<path fill=\"#000\" d=\"",
			       side * PNG_SCALE, side * PNG_SCALE, side, side, side, side);
	for (unsigned row = 0; row < side; row++) {
		for (unsigned begin = 0; begin < side; begin = column + 1) {
			for (column = begin; is_dark(q, QR_QUIET, row, column); column++)
				;
			if (column > begin)
				len += (size_t)snprintf(at + len, max - len, "M%u %uh%uv1h-%uz", begin, row,
							column - begin, column - begin);
		}
	}
	len += (size_t)snprintf(at + len, max - len, "\"/>\n</svg>\n");
	ret->len = len;
	return true;
}

void blob_free(struct blob *b)
{
	if (b->data && b->len)
		sodium_memzero(b->data, b->len);
	free(b->data);
	*b = (struct blob){ 0 };
}
