/* SPDX-License-Identifier: MIT */
/*
 * A line is formatted into a stack buffer and leaves in one system call, so lines of several processes and threads
 * never mix. The system log is opened before the engine gives up its view of the file system; from then on only the
 * open socket is used. tzset() runs there too, because syslog() would otherwise look for /etc/localtime at its first
 * line.
 */
#include "log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

static char log_name[32];
static enum log_level log_max = LEVEL_INFO;
static bool log_syslog;

void log_open(const char *name, enum log_level level)
{
	snprintf(log_name, sizeof(log_name), "%s", name);
	log_max = level;
}

bool log_level_parse(const char *text, enum log_level *ret)
{
	static const struct {
		const char *text;
		enum log_level level;
	} names[] = {
		{"silent", LEVEL_SILENT}, {"error", LEVEL_ERROR}, {"warn", LEVEL_WARN}, {"info", LEVEL_INFO},
		{"verbose", LEVEL_DEBUG}, {"debug", LEVEL_DEBUG},
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!strcasecmp(text, names[i].text)) {
			*ret = names[i].level;
			return true;
		}
	}
	return false;
}

enum log_level log_level(void)
{
	return log_max;
}

void log_prepare_syslog(void)
{
	tzset();
	openlog("tunneld", LOG_PID | LOG_NDELAY, LOG_DAEMON);
}

void log_to_syslog(void)
{
	log_syslog = true;
}

/* True for the first LOG_DEBUG_RATE lines of each second. The race between two threads lets a line more or less pass.
 */
static bool log_debug_permitted(void)
{
	static _Atomic int64_t second;
	static _Atomic int lines;
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (atomic_exchange(&second, now.tv_sec) != now.tv_sec)
		atomic_store(&lines, 0);
	return atomic_fetch_add(&lines, 1) < LOG_DEBUG_RATE;
}

static void log_line(enum log_level level, const char *fmt, va_list args) __attribute__((format(printf, 2, 0)));
static void log_line(enum log_level level, const char *fmt, va_list args)
{
	static const int priority[] = {LOG_ERR, LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG};
	int saved = errno;
	char line[1024];
	int len, more;
	const size_t max = sizeof(line) - 1;	/* room for the newline */

	if (level > log_max || (level == LEVEL_DEBUG && !log_debug_permitted()))
		return;
	len = snprintf(line, max, "%s%s%s", log_syslog ? "" : "tunneld: ", log_name, log_name[0] ? ": " : "");
	errno = saved;
	more = vsnprintf(line + len, max - (size_t)len, fmt, args);
	if (more < 0)
		more = 0;
	len = (size_t)len + (size_t)more >= max ? (int)max - 1 : len + more;
	if (log_syslog) {
		syslog(priority[level], "%s", line);
	} else {
		line[len++] = '\n';
		if (write(STDERR_FILENO, line, (size_t)len) < 0) {
			/* Nowhere to say it. */
		}
	}
	errno = saved;
}

#define LOG_FUNCTION(name, level)			\
	void name(const char *fmt, ...)			\
	{						\
		va_list args;				\
							\
		va_start(args, fmt);			\
		log_line(level, fmt, args);		\
		va_end(args);				\
	}

LOG_FUNCTION(log_error, LEVEL_ERROR)
LOG_FUNCTION(log_warn, LEVEL_WARN)
LOG_FUNCTION(log_info, LEVEL_INFO)
LOG_FUNCTION(log_debug, LEVEL_DEBUG)

void die(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	log_line(LEVEL_ERROR, fmt, args);
	va_end(args);
	exit(1);
}
