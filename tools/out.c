/* SPDX-License-Identifier: MIT */
#include "out.h"

#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { GAP = 2, CELL_MIN = 6 };

struct out_row {
	bool lit;
	char *cell[OUT_COLUMNS_MAX];
};

const char *out_bytes(uint64_t bytes, char ret[OUT_TEXT])
{
	static const char unit[] = "KMGTPE";
	double v = (double)bytes / 1024;
	size_t i = 0;

	if (bytes < 1024) {
		snprintf(ret, OUT_TEXT, "%u B", (unsigned)bytes);
		return ret;
	}
	/* What would be printed as 1024 of a unit is one of the next. */
	while (v >= 1023.5 && i < sizeof(unit) - 2) {
		v /= 1024;
		i++;
	}
	snprintf(ret, OUT_TEXT, "%.*f %ciB", v < 9.995 ? 2 : v < 99.95 ? 1 : 0, v, unit[i]);
	return ret;
}

const char *out_age(uint64_t then_s, uint64_t now_s, char ret[OUT_TEXT])
{
	uint64_t s = now_s > then_s ? now_s - then_s : 0;

	if (!then_s)
		snprintf(ret, OUT_TEXT, "never");
	else if (!s)
		snprintf(ret, OUT_TEXT, "now");
	else if (s < 120)
		snprintf(ret, OUT_TEXT, "%u s ago", (unsigned)s);
	else if (s < 2 * 3600)
		snprintf(ret, OUT_TEXT, "%u min ago", (unsigned)(s / 60));
	else if (s < 2 * 86400)
		snprintf(ret, OUT_TEXT, "%u h ago", (unsigned)(s / 3600));
	else
		snprintf(ret, OUT_TEXT, "%llu d ago", (unsigned long long)(s / 86400));
	return ret;
}

bool out_colour(FILE *f)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return !(no && *no) && term && strcmp(term, "dumb") && isatty(fileno(f));
}

/* ---- Tables ------------------------------------------------------------------------------------------------------ */

void out_table_init(struct out_table *t, const struct out_column *columns, size_t count)
{
	*t = (struct out_table){ .columns = columns, .column_count = count };
}

void out_table_row(struct out_table *t, bool lit, const char *const cells[])
{
	struct out_row *row;

	if (t->row_count == t->room) {
		t->room = t->room ? 2 * t->room : 64;
		t->rows = reallocarray(t->rows, t->room, sizeof(*t->rows));
		if (!t->rows)
			err(1, "table");
	}
	row = &t->rows[t->row_count++];
	*row = (struct out_row){ .lit = lit };
	for (size_t i = 0; i < t->column_count; i++)
		if (!(row->cell[i] = strdup(cells[i])))
			err(1, "table");
}

/* As wide as the widest cell; then the widest column that shrinks gives way, one character at a time. */
static void measure(const struct out_table *t, size_t width[])
{
	size_t total = (t->column_count - 1) * GAP;

	for (size_t i = 0; i < t->column_count; i++) {
		width[i] = strlen(t->columns[i].title);
		for (size_t r = 0; r < t->row_count; r++)
			if (strlen(t->rows[r].cell[i]) > width[i])
				width[i] = strlen(t->rows[r].cell[i]);
		total += width[i];
	}
	while (total > (t->width ? t->width : OUT_WIDTH)) {
		size_t widest = t->column_count;

		for (size_t i = 0; i < t->column_count; i++)
			if (t->columns[i].shrinks && width[i] > CELL_MIN &&
			    (widest == t->column_count || width[i] > width[widest]))
				widest = i;
		if (widest == t->column_count)
			return;
		width[widest]--;
		total--;
	}
}

static void print_blanks(FILE *f, size_t count)
{
	static const char blanks[] = "                                ";
	const size_t most = sizeof(blanks) - 1;

	for (; count > most; count -= most)
		fwrite(blanks, 1, most, f);
	fwrite(blanks, 1, count, f);
}

/* Without fprintf(): ten thousand rows are fifty thousand cells. */
static void print_cell(FILE *f, const char *text, size_t width, bool right, bool at_end)
{
	size_t len = strlen(text), pad = len < width ? width - len : 0;

	if (right)
		print_blanks(f, pad);
	fwrite(text, 1, len > width ? width - 2 : len, f);
	if (len > width)
		fputs("..", f);
	if (!at_end)
		print_blanks(f, GAP + (right ? 0 : pad));
}

void out_table_print(const struct out_table *t, FILE *f, bool colour)
{
	size_t width[OUT_COLUMNS_MAX], n = t->column_count;

	measure(t, width);
	for (size_t i = 0; i < n; i++)
		print_cell(f, t->columns[i].title, width[i], t->columns[i].right, i == n - 1);
	fputc('\n', f);
	for (size_t r = 0; r < t->row_count; r++) {
		if (colour && t->rows[r].lit)
			fputs("\033[32m", f);
		for (size_t i = 0; i < n; i++)
			print_cell(f, t->rows[r].cell[i], width[i], t->columns[i].right, i == n - 1);
		if (colour && t->rows[r].lit)
			fputs("\033[0m", f);
		fputc('\n', f);
	}
}

void out_table_free(struct out_table *t)
{
	for (size_t r = 0; r < t->row_count; r++)
		for (size_t i = 0; i < t->column_count; i++)
			free(t->rows[r].cell[i]);
	free(t->rows);
	*t = (struct out_table){ 0 };
}

void out_json(FILE *f, json_t *o)
{
	json_dumpf(o, f, JSON_COMPACT);
	fputc('\n', f);
	json_decref(o);
}
