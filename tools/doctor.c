/* SPDX-License-Identifier: MIT */
/*
 * doctor makes every check of the table and says what each found. Nothing that is wrong with the interface ends it
 * early: that is what it is for.
 */
#include "doctor.h"

#include "client.h"
#include "conf.h"
#include "daemon.h"
#include "link.h"
#include "lint.h"
#include "out.h"
#include "probe.h"
#include "store.h"
#include "view.h"

#include <sodium.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { STATE_MS = 1000 };	/* the daemon is waited for so long */

static const char *const result_names[] = {
	[DOCTOR_GOOD] = "ok", [DOCTOR_SKIPPED] = "skipped", [DOCTOR_WARNING] = "warning", [DOCTOR_PROBLEM] = "problem",
};

enum doctor_result doctor_say(struct doctor *d, enum doctor_result result, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(d->text, sizeof(d->text), fmt, ap);
	va_end(ap);
	return result;
}

enum doctor_result doctor_count_of(struct doctor *d, enum doctor_result result, size_t count, const char *first)
{
	if (count > 1)
		return doctor_say(d, result, "%s, and %zu more", first, count - 1);
	return doctor_say(d, result, "%s", first);
}

/* ---- What there is to know --------------------------------------------------------------------------------------- */

static void take_value(struct doctor_files *s, const struct conf_item *it)
{
	if (it->section != CONF_INTERFACE)
		return;
	switch (it->key) {
	case CONF_LISTEN_PORT:
		s->port = it->number != 0;
		break;
	case CONF_DNS:
		s->dns = true;
		break;
	case CONF_NAT:
		s->nat = !(it->text_len == 2 && !strncasecmp(it->text, "no", 2)) &&
			 !(it->text_len == 3 && !strncasecmp(it->text, "off", 3));
		break;
	case CONF_TABLE:
		s->other_table = it->number != CONF_TABLE_AUTO;
		break;
	case CONF_MTU:
		s->mtu = (uint32_t)it->number;
		break;
	case CONF_NO_OFFLOAD:
		s->no_offload |= (unsigned)it->number;
		break;
	default:
		break;
	}
}

static void read_file(struct doctor_files *s, const char *path)
{
	struct conf_reader reader;
	struct conf_item it;
	size_t len;
	char *text;

	if (store_read(path, &text, &len))
		return;
	if (!conf_reader_init(&reader, text, len, ~UINT64_C(0))) {
		while (conf_next(&reader, &it) != CONF_END)
			if (it.what == CONF_VALUE)
				take_value(s, &it);
		sodium_memzero(&it, sizeof(it));
		sodium_memzero(&reader, sizeof(reader));
	}
	store_free(text, len);
}

static void take_error(struct doctor_files *s, const char *path, const struct lint_problem *p)
{
	char clean[DOCTOR_TEXT];

	if (s->errors++)
		return;
	view_clean(path, clean, sizeof(clean));
	if (p->at.line)
		snprintf(s->first, sizeof(s->first), "%.120s:%u:%u: %.100s", clean, p->at.line, p->at.column,
			 p->message);
	else
		snprintf(s->first, sizeof(s->first), "%.120s: %.120s", clean, p->message);
}

/* What check says of them, but for what is wrong with all of them together: other checks look for that. */
static void check_files(struct doctor *d)
{
	struct lint_problem unread = { .error = true };
	struct lint l;
	size_t len;
	char *text;
	int err = store_read(d->f.conf, &text, &len);

	if (err) {
		snprintf(unread.message, sizeof(unread.message), "%s", strerror(-err));
		take_error(&d->files, d->f.conf, &unread);
		return;
	}
	lint_text(d->f.conf, text, len, d->f.conf, d->f.dir, &l);
	for (size_t i = 0; i < l.problem_count; i++)
		if (l.problem[i].error && !l.problem[i].together)
			take_error(&d->files, l.file[l.problem[i].at.file], &l.problem[i]);
	lint_free(&l);
	store_free(text, len);
}

/* Ten thousand files are read once, and a second time only when there is time for it, or one of them is bad. */
static int load_rosters(struct ctx *c, struct doctor *d, bool slow)
{
	struct iface files = d->f;
	int code;

	files.running = false;
	c->mute = true;		/* what is wrong with files and daemon is the checks' to say */
	if (d->f.conf[0])
		read_file(&d->files, d->f.conf);
	if (roster_load(c, &files, true, &d->saved)) {
		d->files.bad = true;
		roster_sort(&d->saved);
	}
	if (d->f.conf[0] && (slow || d->files.bad))
		check_files(d);
	roster_copy(&d->saved, &d->r);
	if (!d->r.own_count && d->f.running)
		d->r.own_count = link_addresses(d->f.name, d->r.own, ROSTER_OWN_MAX);
	code = d->f.running ? client_load(d->f.sock, &d->r) : 0;
	c->mute = false;
	return code;
}

int doctor_begin(struct ctx *c, struct doctor *d, bool slow)
{
	static const char *const list[] = { "nft", "-j", "list", "ruleset", NULL };
	char *rules;
	int code;

	*d = (struct doctor){ .c = c };
	code = iface_find(c, c->word[0], IFACE_RUNNING_FIRST, &d->f);
	if (!code && !d->f.running && !d->f.conf[0])
		return cmd_fail(c, CMD_NOENT, "there is no interface %s, neither running nor configured", d->f.name);
	if (code)
		return code;
	code = load_rosters(c, d, slow);
	d->answers = d->f.running && !code;
	d->pid = d->f.running ? probe_listener(d->f.sock) : 0;
	if (d->f.running && daemon_ask(d->f.ctl, "state", STATE_MS, &d->state))
		d->state = NULL;
	d->engine = (pid_t)json_integer_value(json_object_get(d->state, "engine_pid"));
	rules = slow ? probe_run(list) : NULL;
	d->rules = rules ? json_loads(rules, 0, NULL) : NULL;
	free(rules);
	return 0;
}

void doctor_end(struct doctor *d)
{
	roster_free(&d->saved);
	roster_free(&d->r);
	json_decref(d->state);
	json_decref(d->rules);
}

size_t doctor_quick(struct ctx *c, char (*ret)[2 * DOCTOR_TEXT], size_t max, struct roster *taken)
{
	struct doctor d;
	size_t count = 0;
	int code = doctor_begin(c, &d, false);

	for (size_t i = 0; i < doctor_count && !code; i++) {
		const struct doctor_check *k = &doctor_table[i];

		d.text[0] = 0;
		if (k->slow || k->run(&d) < DOCTOR_WARNING)
			continue;
		if (count < max)
			snprintf(ret[count], sizeof(ret[count]), "%s: %s", k->name, d.text);
		count++;
	}
	*taken = (struct roster){ 0 };
	if (!code && d.answers && !d.files.bad) {
		*taken = d.r;
		d.r = (struct roster){ 0 };
	}
	doctor_end(&d);
	return count;
}

/* ---- The command ------------------------------------------------------------------------------------------------- */

/* The remedy with the interface's name in it. */
static const char *fix_of(const struct doctor *d, const struct doctor_check *k, char ret[DOCTOR_TEXT])
{
	const char *at = k->fix, *mark;
	size_t len = 0;

	ret[0] = 0;
	while (len < DOCTOR_TEXT && (mark = strstr(at, "%i"))) {
		len += (size_t)snprintf(ret + len, DOCTOR_TEXT - len, "%.*s%s", (int)(mark - at), at, d->f.name);
		at = mark + 2;
	}
	if (len < DOCTOR_TEXT)
		snprintf(ret + len, DOCTOR_TEXT - len, "%s", at);
	return ret;
}

static void print_check(const struct doctor *d, const struct doctor_check *k, enum doctor_result result)
{
	bool colour = out_colour(stdout), bad = result >= DOCTOR_WARNING;
	char fix[DOCTOR_TEXT];

	if (!bad && cmd_has(d->c, OPT_QUIET))
		return;
	if (colour && bad)
		fputs(result == DOCTOR_PROBLEM ? "\033[31m" : "\033[33m", stdout);
	printf("%-7s  %-14s  %s", result_names[result], k->name, d->text);
	if (colour && bad)
		fputs("\033[0m", stdout);
	putchar('\n');
	if (bad)
		printf("%25s  fix: %s\n", "", fix_of(d, k, fix));
}

static json_t *check_json(const struct doctor *d, const struct doctor_check *k, enum doctor_result result)
{
	char fix[DOCTOR_TEXT];
	json_t *o = json_pack("{s:s, s:s, s:s}", "check", k->name, "result", result_names[result], "text", d->text);

	if (!o)		/* what it speaks of is no UTF-8 */
		o = json_pack("{s:s, s:s, s:s}", "check", k->name, "result", result_names[result], "text", "?");
	if (result >= DOCTOR_WARNING)
		json_object_set_new(o, "fix", json_string(fix_of(d, k, fix)));
	return o;
}

static void print_summary(const struct doctor *d, const unsigned count[])
{
	if (cmd_has(d->c, OPT_QUIET))
		return;
	printf("\n%s: %zu checks, %u ok, %u skipped, %u warning%s, %u problem%s\n", d->f.name, doctor_count,
	       count[DOCTOR_GOOD], count[DOCTOR_SKIPPED], count[DOCTOR_WARNING], count[DOCTOR_WARNING] == 1 ? "" : "s",
	       count[DOCTOR_PROBLEM], count[DOCTOR_PROBLEM] == 1 ? "" : "s");
}

int cmd_doctor(struct ctx *c)
{
	bool json = cmd_has(c, OPT_JSON);
	unsigned count[DOCTOR_PROBLEM + 1] = { 0 };
	json_t *list = json_array();
	struct doctor d;
	int code = doctor_begin(c, &d, true);

	for (size_t i = 0; i < doctor_count && !code; i++) {
		const struct doctor_check *k = &doctor_table[i];
		enum doctor_result result;

		d.text[0] = 0;
		result = k->run(&d);
		count[result]++;
		if (json)
			json_array_append_new(list, check_json(&d, k, result));
		else
			print_check(&d, k, result);
	}
	if (!code && json)
		out_json(stdout, json_pack("{s:i, s:s, s:i, s:i, s:O}", "v", 1, "interface", d.f.name, "problems",
					   (int)count[DOCTOR_PROBLEM], "warnings", (int)count[DOCTOR_WARNING],
					   "checks", list));
	else if (!code)
		print_summary(&d, count);
	json_decref(list);
	doctor_end(&d);
	if (code)
		return code;
	return count[DOCTOR_PROBLEM] ? CMD_PROBLEMS : count[DOCTOR_WARNING] ? CMD_WARNINGS : CMD_DONE;
}
