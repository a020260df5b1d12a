/* SPDX-License-Identifier: MIT */
/*
 * What people read and what scripts read. People get sizes in IEC units, times as a distance from now, and tables that
 * fit 100 columns; scripts get one JSON object with "v":1, whole numbers, bytes and seconds since 1970.
 */
#ifndef OUT_H
#define OUT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { OUT_WIDTH = 100, OUT_TEXT = 32, OUT_COLUMNS_MAX = 8 };

/* "0 B", "1023 B", "1.50 KiB", "16.0 EiB". */
const char *out_bytes(uint64_t bytes, char ret[OUT_TEXT]);
/* "never" for 0, "now" for the present and the future (clocks jump), else "12 s ago", "3 min ago", "2 h ago" and
 * "5 d ago". */
const char *out_age(uint64_t then_s, uint64_t now_s, char ret[OUT_TEXT]);
/* f is a terminal that knows colours, and NO_COLOR is not set. */
bool out_colour(FILE *f);

struct out_column {
	const char *title;
	bool right;	/* numbers: flush right */
	bool shrinks;	/* gives way, "abcdef" to "ab..", when the table would not fit */
};

struct out_table {
	const struct out_column *columns;
	size_t column_count, row_count, room;
	size_t width;	/* columns that it must fit; 0: OUT_WIDTH */
	struct out_row *rows;
};

/* columns are borrowed. */
void out_table_init(struct out_table *t, const struct out_column *columns, size_t count);
/* Copies cells[0..column_count). lit: stands out where there is colour. Ends the program when memory does. */
void out_table_row(struct out_table *t, bool lit, const char *const cells[]);
void out_table_print(const struct out_table *t, FILE *f, bool colour);
void out_table_free(struct out_table *t);

/* Prints o on one line and frees it. */
void out_json(FILE *f, json_t *o);

#endif
