/* SPDX-License-Identifier: MIT */
/*
 * Everything that must be undone is undone by one function that calls only what a signal handler may call, so that the
 * handler is it. Interrupts ask for the end in order; other signals that end us do so after it.
 */
#include "screen.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

enum { COLUMNS = 80, ROWS = 24, COLUMNS_MIN = 20, ROWS_MIN = 5 };

static const char enter[] = "\033[?1049h\033[?25l\033[2J", leave[] = "\033[?25h\033[?1049l";
static const int ends[] = { SIGHUP, SIGQUIT, SIGTERM, SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGPIPE, SIGALRM,
			    SIGUSR1, SIGUSR2, SIGXCPU, SIGTSTP };

static struct termios before;
static volatile sig_atomic_t begun, interrupted;

static void put(const char *text, size_t len)
{
	while (len) {
		ssize_t n = write(STDOUT_FILENO, text, len);

		if (n <= 0)
			return;
		text += n;
		len -= (size_t)n;
	}
}

void screen_end(void)
{
	if (!begun)
		return;
	begun = 0;
	put(leave, sizeof(leave) - 1);
	tcsetattr(STDIN_FILENO, TCSANOW, &before);
}

static void raw(void)
{
	struct termios t = before;

	t.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	t.c_cc[VMIN] = 0;
	t.c_cc[VTIME] = 0;
	tcsetattr(STDIN_FILENO, TCSANOW, &t);
	begun = 1;
	put(enter, sizeof(enter) - 1);
}

static void end_by_signal(int which)
{
	screen_end();
	if (which == SIGTSTP) {
		raise(SIGSTOP);
		raw();		/* somebody continued us */
		return;
	}
	signal(which, SIG_DFL);
	raise(which);
}

static void interrupt(int which)
{
	interrupted = which == SIGINT;	/* SIGWINCH only ends the wait */
}

bool screen_begin(void)
{
	struct sigaction end = { .sa_handler = end_by_signal }, ask = { .sa_handler = interrupt };

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO) || tcgetattr(STDIN_FILENO, &before))
		return false;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		sigaction(ends[i], &end, NULL);
	sigaction(SIGINT, &ask, NULL);
	sigaction(SIGWINCH, &ask, NULL);
	raw();
	atexit(screen_end);
	return true;
}

bool screen_is(void)
{
	return isatty(STDOUT_FILENO);
}

void screen_size(size_t *columns, size_t *rows)
{
	struct winsize w;

	*columns = COLUMNS;
	*rows = ROWS;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) || !w.ws_col || !w.ws_row)
		return;
	*columns = w.ws_col < COLUMNS_MIN ? COLUMNS_MIN : w.ws_col;
	*rows = w.ws_row < ROWS_MIN ? ROWS_MIN : w.ws_row;
}

/* Bytes of the line that fit so many columns: UTF-8 counts by its first bytes, "ESC [ ... letter" not at all. */
static size_t fits(const char *line, size_t len, size_t columns)
{
	size_t used = 0, i = 0;

	while (i < len) {
		if (line[i] == '\033') {
			while (++i < len && !((line[i] | 32) >= 'a' && (line[i] | 32) <= 'z'))
				;
			i += i < len;
			continue;
		}
		used += (line[i] & 0xc0) != 0x80;
		if (used > columns)
			break;
		i++;
	}
	return i;
}

/* As one write: no half of a picture is ever seen. What a line does not fill is erased behind it, not before. */
void screen_show(const char *text)
{
	size_t columns, rows, len, row = 0;
	char *all;
	size_t all_len;
	FILE *f = open_memstream(&all, &all_len);

	if (!f)
		return;
	screen_size(&columns, &rows);
	fputs("\033[H", f);
	for (; *text && row < rows; row++, text += len + (text[len] == '\n')) {
		len = strcspn(text, "\n");
		fprintf(f, "%s%.*s\033[0m\033[K", row ? "\r\n" : "", (int)fits(text, len, columns), text);
	}
	fputs("\033[J", f);
	fclose(f);
	put(all, all_len);
	free(all);
}

bool screen_wait(int ms)
{
	struct pollfd p = { .fd = begun ? STDIN_FILENO : -1, .events = POLLIN };
	char key[16];
	ssize_t n;

	if (interrupted || poll(&p, 1, ms) <= 0 || !begun)
		return !interrupted;
	n = read(STDIN_FILENO, key, sizeof(key));
	if (n <= 0)
		return false;	/* the terminal is gone */
	return !memchr(key, 'q', (size_t)n) && !memchr(key, 'Q', (size_t)n);
}
