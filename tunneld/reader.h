/* SPDX-License-Identifier: MIT */
/*
 * A child that reads the configuration file again whenever it is told to, resolves its names and judges it, while the
 * parent, which cannot open files any more and must not wait, goes on. It keeps no right but to read files, knows one
 * file name since its birth, and takes one byte from us: now. It ends with us.
 */
#ifndef READER_H
#define READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "config.h"

struct reader;

/* Before privileges are given up, and before there are descriptors that must end with us. config: ours, whose copy the
 * child wipes. silent: it has no standard streams and logs to the system log. False: logged. */
bool reader_start(const char *file, struct config *config, bool silent, struct reader **ret);
/* One that somebody else has started: fd is his reader_fd(), ours from now on. NULL: no memory. */
struct reader *reader_adopt(int fd);
void reader_end(struct reader *r);	/* NULL is fine */

/* False: it is gone. The answer, if one is due, comes on reader_fd(); take it with reader_take() until that says 1. */
bool reader_ask(struct reader *r);
int reader_fd(const struct reader *r);
pid_t reader_child(const struct reader *r);	/* 0: somebody else's */

/* 0: not all of it is there yet. 1: *ret is the configuration, or NULL if there was an error; *ret_messages are lines
 * of errors and warnings, heap memory, the caller's. -1: the reader is gone. */
int reader_take(struct reader *r, struct config **ret, char **ret_messages);

/* The same answer without a reader: c may be NULL; false: nobody takes it. The other side waits for all of it; false:
 * it does not come. */
bool reader_put(int fd, const struct config *c, const char *messages, size_t messages_len, uint8_t asked);
bool reader_receive(int fd, struct config **ret, char **ret_messages);

#endif
