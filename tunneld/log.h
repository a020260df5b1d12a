/* SPDX-License-Identifier: MIT */
/*
 * One line to whoever runs us: to stderr in the foreground, to syslog once detached. Every line starts with the
 * interface; "%m" in a format is errno's text.
 *
 * ERROR: the operator must act. WARN: odd, but we go on. INFO: a change of state. DEBUG: the only level that may name
 * addresses, and bounded to LOG_DEBUG_RATE lines a second, since strangers can cause such lines. No level ever sees a
 * key but the first characters of a public one. Nothing on the data path logs. Any thread may call.
 */
#ifndef LOG_H
#define LOG_H

#include <stdbool.h>

enum log_level { LEVEL_SILENT, LEVEL_ERROR, LEVEL_WARN, LEVEL_INFO, LEVEL_DEBUG };
enum { LOG_DEBUG_RATE = 100 };

/* name: the interface; copied. Before this call lines go to stderr at LEVEL_INFO without a name. */
void log_open(const char *name, enum log_level level);
/* "silent", "error", "verbose" or "debug", as wireguard-go's LOG_LEVEL; anything else leaves *ret alone and is false.
 */
bool log_level_parse(const char *text, enum log_level *ret);
enum log_level log_level(void);
/* Open the system log now, while it can still be reached, but go on writing to stderr until log_to_syslog(). */
void log_prepare_syslog(void);
void log_to_syslog(void);

void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* log_error() and exit with status 1; only before packets flow. */
void die(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

#endif
