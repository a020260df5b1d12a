/* SPDX-License-Identifier: MIT */
#include "demo.h"
#include "out.h"

#include <stdarg.h>
#include <unistd.h>

enum { LABEL = 12, BAR_MAX = 60, BAR_PER_GBIT = 4 };

static bool silent(const struct demo *d)
{
	return cmd_has(d->c, OPT_JSON) || cmd_has(d->c, OPT_QUIET);
}

void demo_say(const struct demo *d, const char *step, const char *fmt, ...)
{
	bool bold = *step && out_colour(stdout);
	va_list ap;

	if (silent(d))
		return;
	printf("%s%-*s%s ", bold ? "\033[1m" : "", LABEL, step, bold ? "\033[0m" : "");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);		/* a step shows when it is done */
}

static uint64_t bits_per_second(const struct stream *s)
{
	return s->ns ? (uint64_t)((double)s->bytes * 8e9 / (double)s->ns) : 0;
}

const char *demo_rate(const struct stream *s, char ret[32])
{
	double bits = (double)bits_per_second(s);

	if (bits >= 1e9)
		snprintf(ret, 32, "%.2f Gbit/s", bits / 1e9);
	else
		snprintf(ret, 32, "%.1f Mbit/s", bits / 1e6);
	return ret;
}

/* For whoever waits at a terminal. */
void demo_say_rate(void *demo, const struct stream *s)
{
	static const char bar[BAR_MAX + 1] = "============================================================";
	uint64_t len = bits_per_second(s) * BAR_PER_GBIT / 1000000000;
	char rate[32];

	if (isatty(STDOUT_FILENO))
		demo_say(demo, "", "%13s %.*s", demo_rate(s, rate), (int)(len < BAR_MAX ? len : BAR_MAX), bar);
}

static json_t *of_pings(const struct ping *p)
{
	return json_pack("{s:i, s:i, s:i, s:i, s:i}", "sent", (int)p->sent, "answered", (int)p->answered, "lost",
			 (int)(p->sent - p->answered), "median_us", (int)p->median_us, "longest_us",
			 (int)p->longest_us);
}

static void print_json(const struct demo *d, uint32_t took_ms)
{
	json_t *change = of_pings(&d->change);

	json_object_set_new(change, "session_us", json_integer(d->change_us));
	out_json(stdout, json_pack("{s:i, s:I, s:i, s:I, s:o, s:o, s:{s:I, s:I, s:I, s:I}, s:o}", "v", 1, "took_ms",
				   (json_int_t)took_ms, "processors", (int)sysconf(_SC_NPROCESSORS_ONLN),
				   "first_answer_us", (json_int_t)d->first.longest_us, "ping4", of_pings(&d->ping4),
				   "ping6", d->has6 ? of_pings(&d->ping6) : json_null(), "tcp", "bytes",
				   (json_int_t)d->tcp.bytes, "ms", (json_int_t)(d->tcp.ns / 1000000),
				   "bits_per_second", (json_int_t)bits_per_second(&d->tcp), "cpu_ms",
				   (json_int_t)(d->tcp_cpu_ns / 1000000), "change", change));
}

void demo_sum_up(const struct demo *d, uint32_t took_ms)
{
	char rate[32];

	if (cmd_has(d->c, OPT_JSON))
		print_json(d, took_ms);
	if (silent(d))
		return;
	putchar('\n');
	demo_say(d, "summary", "tunneld, both ends on this machine (%ld processors)", sysconf(_SC_NPROCESSORS_ONLN));
	printf("  %-22s %.2f ms\n", "first answer", d->first.longest_us / 1e3);
	printf("  %-22s %.2f ms\n", "ping", d->ping4.median_us / 1e3);
	printf("  %-22s %s\n", "TCP, one connection", demo_rate(&d->tcp, rate));
	printf("  %-22s %.2f s per GB, both daemons\n", "processor time",
	       (double)d->tcp_cpu_ns / (double)d->tcp.bytes);	/* ns a byte are s a GB */
	printf("  %-22s %u of %u pings lost\n", "change of keys", d->change.sent - d->change.answered, d->change.sent);
	printf("  %-22s %.1f s, and nothing of it stays\n", "all of it", took_ms / 1e3);
}
