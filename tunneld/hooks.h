/* SPDX-License-Identifier: MIT */
/*
 * The hook runner: a child that keeps the rights of whoever started us, for PreUp, PostUp, PreDown, PostDown and DNS of
 * a configuration file. It has read its commands before it is born, so all that it ever takes from us is one byte:
 * which list to run. It ends with us; if we end without a word it still runs PostDown, as far as PreUp was begun.
 */
#ifndef HOOKS_H
#define HOOKS_H

#include <stdbool.h>

#include "config.h"

struct hooks;

/* *ret NULL: the file has none. False: logged. The child's copy of config has no keys. */
bool hooks_start(struct config *config, const char *ifname, struct hooks **ret);

/* Of another process: fd is its hooks_fd(), ours from now on. NULL: no memory. */
struct hooks *hooks_adopt(int fd);
/* The other half of that: the runner is another's now, and its end is ours to collect. */
void hooks_leave(struct hooks *h);

/* Begins to run a list; hooks_fd() gets readable when it has ended. */
void hooks_begin(struct hooks *h, enum hooks_phase phase);
int hooks_fd(const struct hooks *h);
/* Waits for that end; false: a command failed, logged, and those after it were not run. */
bool hooks_result(struct hooks *h);

/* Has PostUp been begun, so that PreDown is owed? NULL: false. */
bool hooks_owe_pre_down(const struct hooks *h);

/* From now on commands have /dev/null for standard streams. */
void hooks_detach(struct hooks *h);

/* Runs PostDown, if PreUp was begun, ends the child and frees h. */
void hooks_end(struct hooks *h);

#endif
