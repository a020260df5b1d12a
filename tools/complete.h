/* SPDX-License-Identifier: MIT */
/*
 * Shell completion. The shells' scripts are a few lines each: they hand the words of the line to
 * `tunctl completion words` and offer what it prints, so that one function, which reads the table of commands, knows
 * what fits for all of them, and a new command is completed as soon as it is in the table.
 */
#ifndef COMPLETE_H
#define COMPLETE_H

#include "cmd.h"

enum { COMPLETE_WORDS_MAX = 64, COMPLETE_PREFIX_MAX = 64 };

/* What fits at the cursor beside the words that complete_words() prints itself. */
enum complete_more { COMPLETE_NOTHING, COMPLETE_FILES, COMPLETE_DIRS, COMPLETE_INTERFACES, COMPLETE_PEERS };

struct complete {
	enum complete_more more;
	const char *begins;		/* what is typed of it so far; a part of the last word */
	const char *interface;		/* of -i on the line; NULL: not given */
	char before[COMPLETE_PREFIX_MAX];	/* to be put before each: "--interface=", or "" */
};

/* word[0..count), count >= 1: what stands behind "tunctl", up to the cursor; the last is the one to be completed, often
 * "". Prints "candidate TAB what it is" lines. */
struct complete complete_words(FILE *f, const char *const word[], size_t count);
/* The script for that shell; false: for none such. */
bool complete_script(FILE *f, const char *shell);

#endif
