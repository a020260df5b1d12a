/* SPDX-License-Identifier: MIT */
/*
 * A terminal that shows one picture after the other, on the screen beside the one that was there, which comes back at
 * the end: whoever ends the program, by whichever signal. One at a time in a process.
 */
#ifndef SCREEN_H
#define SCREEN_H

#include <stdbool.h>
#include <stddef.h>

/* False: standard input and output are not both a terminal, and nothing was done. */
bool screen_begin(void);
void screen_end(void);
/* Standard output is a terminal. */
bool screen_is(void);
/* Columns and rows of the terminal at standard output; 80 and 24 where it does not tell, or is none. */
void screen_size(size_t *columns, size_t *rows);
/* Shows text in place of what was there: lines are cut at the right edge, and those below the last row left out.
 * Escape sequences take no room. */
void screen_show(const char *text);
/* Waits so long. False: the operator has pressed q, or interrupted us. A change of size ends it early. */
bool screen_wait(int ms);

#endif
