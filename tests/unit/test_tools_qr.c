/* SPDX-License-Identifier: MIT */
/* Codes: that they are squares as the standard has them, and that the three pictures show the same one. Whether a
 * camera reads them is for tests/net/t_export.sh, which has a decoder. */
#include "../../tools/qr.h"
#include "suite.h"

#include <check.h>
#include <png.h>
#include <stdlib.h>
#include <string.h>

static struct qr qr;

static void setup(void)
{
	ck_assert(qr_encode("hello", 5, &qr));
}

START_TEST(a_square_has_its_three_corners)
{
	static const char corner[7][8] = { "1111111", "1000001", "1011101", "1011101", "1011101", "1000001",
					   "1111111" };

	ck_assert_uint_eq(qr.side, 21);
	for (unsigned row = 0; row < 7; row++)
		for (unsigned column = 0; column < 7; column++) {
			bool dark = corner[row][column] == '1';

			ck_assert(qr.dark[row][column] == dark && qr.dark[row][qr.side - 7 + column] == dark &&
				  qr.dark[qr.side - 7 + row][column] == dark);
		}
}
END_TEST

START_TEST(the_largest_code_holds_2953_bytes)
{
	char text[2954];

	memset(text, 'x', sizeof(text));
	ck_assert(qr_encode(text, 2953, &qr));
	ck_assert_uint_eq(qr.side, QR_SIDE_MAX);
	ck_assert(!qr_encode(text, 2954, &qr));
	ck_assert(!qr_encode(text, 0, &qr));
}
END_TEST

/* The module that a cell of the printed code shows at this place; lower: in its lower half. */
static bool printed(const char *cell, bool lower)
{
	return !strncmp(cell, "\u2588", 3) || !strncmp(cell, lower ? "\u2584" : "\u2580", 3);
}

static void expect_print(unsigned quiet, bool paint)
{
	static const char on[] = "\033[38;5;16;48;5;231m", off[] = "\033[0m\n";
	unsigned side = qr.side + 2 * quiet;
	char *text, *at;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	qr_print(f, &qr, quiet, paint);
	fclose(f);
	at = text;
	for (unsigned row = 0; row < side; row += 2) {
		ck_assert(!paint || !strncmp(at, on, strlen(on)));
		at += paint ? strlen(on) : 0;
		for (unsigned column = 0; column < side; column++) {
			for (unsigned half = 0; half < 2 && row + half < side; half++) {
				unsigned y = row + half - quiet, x = column - quiet;
				bool dark = y < qr.side && x < qr.side && qr.dark[y][x];

				ck_assert(printed(at, half) == (paint ? dark : !dark));
			}
			at += *at == ' ' ? 1 : 3;
		}
		ck_assert(!strncmp(at, paint ? off : "\n", paint ? strlen(off) : 1));
		at += paint ? strlen(off) : 1;
	}
	ck_assert_uint_eq(at - text, len);
	free(text);
}

START_TEST(half_blocks_show_every_module)
{
	expect_print(QR_QUIET, true);
	expect_print(QR_QUIET, false);
	expect_print(1, true);
	expect_print(1, false);
}
END_TEST

START_TEST(png_shows_every_module)
{
	png_image image = { .version = PNG_IMAGE_VERSION };
	struct blob png;
	uint8_t *pixels;
	unsigned scale;

	ck_assert(qr_png(&qr, &png));
	ck_assert(png_image_begin_read_from_memory(&image, png.data, png.len));
	scale = image.width / (qr.side + 2 * QR_QUIET);
	ck_assert_uint_eq(image.width, scale * (qr.side + 2 * QR_QUIET));
	ck_assert_uint_eq(image.height, image.width);
	image.format = PNG_FORMAT_GRAY;
	pixels = malloc(PNG_IMAGE_SIZE(image));
	ck_assert(png_image_finish_read(&image, NULL, pixels, 0, NULL));
	for (unsigned y = 0; y < image.height; y++)
		for (unsigned x = 0; x < image.width; x++) {
			unsigned row = y / scale - QR_QUIET, column = x / scale - QR_QUIET;
			bool dark = row < qr.side && column < qr.side && qr.dark[row][column];

			ck_assert_uint_eq(pixels[y * image.width + x], dark ? 0 : 255);
		}
	free(pixels);
	blob_free(&png);
	ck_assert_ptr_null(png.data);
}
END_TEST

/* Draws the path by its own words: "Mx yhNv1h-Nz" each. */
START_TEST(svg_shows_every_module)
{
	static struct qr drawn;
	unsigned x, y, n, back;
	struct blob svg;
	char *at;
	int used;

	memset(&drawn, 0, sizeof(drawn));
	drawn.side = qr.side;
	ck_assert(qr_svg(&qr, &svg));
	at = strstr((char *)svg.data, "d=\"");
	ck_assert_ptr_nonnull(at);
	for (at += 3; sscanf(at, "M%u %uh%uv1h-%uz%n", &x, &y, &n, &back, &used) == 4; at += used) {
		ck_assert_uint_eq(n, back);
		for (unsigned i = 0; i < n; i++)
			drawn.dark[y - QR_QUIET][x - QR_QUIET + i] = true;
	}
	ck_assert_int_eq(*at, '"');
	ck_assert_mem_eq(&drawn, &qr, sizeof(qr));
	ck_assert_mem_eq(svg.data + svg.len - 7, "</svg>\n", 7);
	blob_free(&svg);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("tools_qr");
	TCase *tc = tcase_create("all");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, a_square_has_its_three_corners);
	tcase_add_test(tc, the_largest_code_holds_2953_bytes);
	tcase_add_test(tc, half_blocks_show_every_module);
	tcase_add_test(tc, png_shows_every_module);
	tcase_add_test(tc, svg_shows_every_module);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
