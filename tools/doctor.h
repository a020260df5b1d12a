/* SPDX-License-Identifier: MIT */
/*
 * The doctor: checks of a machine and an interface, each looking for one fault that it can name. A check is a function
 * of what is known (struct doctor) and says what it found; the table gives it its name and the remedy. Checks change
 * nothing, wait for nothing longer than a moment, and speak to nobody but the kernel and the daemon.
 */
#ifndef DOCTOR_H
#define DOCTOR_H

#include "roster.h"

#include <jansson.h>
#include <sys/types.h>

enum { DOCTOR_TEXT = 256 };

enum doctor_result {
	DOCTOR_GOOD,
	DOCTOR_SKIPPED,		/* there is nothing to look at, or nothing to see it with */
	DOCTOR_WARNING,		/* works now, will not always or not for all */
	DOCTOR_PROBLEM,
};

/* What the files say beside what is in a roster. */
struct doctor_files {
	bool bad;			/* something is wrong with one of them */
	unsigned errors;
	char first[DOCTOR_TEXT];	/* of the errors */
	bool port, dns, nat;		/* there is such a line, and it says something */
	bool other_table;		/* routes are not made, or in a table that somebody else has rules for */
	uint32_t mtu;			/* 0: not said */
	unsigned no_offload;		/* bits of CONF_OFFLOAD_ that are switched off */
};

struct doctor {
	const struct ctx *c;
	struct iface f;
	struct doctor_files files;
	struct roster saved;		/* as the files say */
	struct roster r;		/* the same joined with what runs */
	bool answers;			/* the daemon has said all that it was asked */
	pid_t pid;			/* of the daemon; 0: not known */
	pid_t engine;			/* of the process that handles packets, child or not; 0: not known */
	json_t *state;			/* what it tells at its control socket; NULL: it does not */
	json_t *rules;			/* what `nft -j list ruleset` says; NULL: there is no nft, or it may not look */
	char text[DOCTOR_TEXT];		/* what the present check has found */
};

struct doctor_check {
	const char *name;
	enum doctor_result (*run)(struct doctor *d);
	const char *fix;	/* one line; %i is the interface */
	bool slow;		/* runs programs, or takes samples */
};
extern const struct doctor_check doctor_table[];
extern const size_t doctor_count;

/* Sets d->text; returns result, so that `return doctor_say(...)` reads as it is. */
enum doctor_result doctor_say(struct doctor *d, enum doctor_result result, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* The same when `count` things are wrong of which `first` is one: "FIRST and 3 more". */
enum doctor_result doctor_count_of(struct doctor *d, enum doctor_result result, size_t count, const char *first);

/* Reads what there is; slow: also what only slow checks need. 0, or an exit code after one line on stderr: no such
 * interface, not permitted. */
int doctor_begin(struct ctx *c, struct doctor *d, bool slow);
void doctor_end(struct doctor *d);
/* "NAME: TEXT" of what is wrong, by the checks that are not slow: at most max. Returns how many there are. What was
 * read for them, files and daemon, is the caller's in *taken, sorted; empty if either was not well. */
size_t doctor_quick(struct ctx *c, char (*ret)[2 * DOCTOR_TEXT], size_t max, struct roster *taken);
/* True: the network is one that this interface masquerades or forwards for. */
bool doctor_forwards(const struct doctor *d);

/* doctor_host.c: the machine */
enum doctor_result doctor_foreign(struct doctor *d);
enum doctor_result doctor_tun(struct doctor *d);
enum doctor_result doctor_clock(struct doctor *d);
enum doctor_result doctor_clock_sync(struct doctor *d);
enum doctor_result doctor_disk(struct doctor *d);
enum doctor_result doctor_writable(struct doctor *d);
enum doctor_result doctor_conntrack(struct doctor *d);
enum doctor_result doctor_dns(struct doctor *d);

/* doctor_daemon.c: the process */
enum doctor_result doctor_daemon(struct doctor *d);
enum doctor_result doctor_control(struct doctor *d);
enum doctor_result doctor_replaced(struct doctor *d);
enum doctor_result doctor_unit(struct doctor *d);
enum doctor_result doctor_descriptors(struct doctor *d);
enum doctor_result doctor_memory(struct doctor *d);
enum doctor_result doctor_port(struct doctor *d);
enum doctor_result doctor_buffers(struct doctor *d);
enum doctor_result doctor_overflow(struct doctor *d);

/* doctor_state.c: what the daemon tells of itself */
enum doctor_result doctor_offloads(struct doctor *d);
enum doctor_result doctor_reload(struct doctor *d);
enum doctor_result doctor_wrong_key(struct doctor *d);
enum doctor_result doctor_strangers(struct doctor *d);
enum doctor_result doctor_forged(struct doctor *d);
enum doctor_result doctor_wrong_source(struct doctor *d);
enum doctor_result doctor_replays(struct doctor *d);

/* doctor_files.c: configuration */
enum doctor_result doctor_config(struct doctor *d);
enum doctor_result doctor_mode(struct doctor *d);
enum doctor_result doctor_owner(struct doctor *d);
enum doctor_result doctor_names(struct doctor *d);
enum doctor_result doctor_twofold(struct doctor *d);
enum doctor_result doctor_differs(struct doctor *d);
enum doctor_result doctor_any_port(struct doctor *d);

/* doctor_net.c: the kernel's network */
enum doctor_result doctor_link(struct doctor *d);
enum doctor_result doctor_addresses(struct doctor *d);
enum doctor_result doctor_ipv6(struct doctor *d);
enum doctor_result doctor_forward4(struct doctor *d);
enum doctor_result doctor_forward6(struct doctor *d);
enum doctor_result doctor_mtu(struct doctor *d);
enum doctor_result doctor_mtu6(struct doctor *d);
enum doctor_result doctor_reverse(struct doctor *d);

/* doctor_route.c: what goes where */
enum doctor_result doctor_overlap(struct doctor *d);
enum doctor_result doctor_routes(struct doctor *d);
enum doctor_result doctor_loop(struct doctor *d);

/* doctor_filter.c: packet filters */
enum doctor_result doctor_firewall(struct doctor *d);
enum doctor_result doctor_forward_filter(struct doctor *d);
enum doctor_result doctor_nat(struct doctor *d);

/* doctor_peers.c */
enum doctor_result doctor_same_key(struct doctor *d);
enum doctor_result doctor_own_key(struct doctor *d);
enum doctor_result doctor_same_network(struct doctor *d);
enum doctor_result doctor_own_address(struct doctor *d);
enum doctor_result doctor_no_network(struct doctor *d);
enum doctor_result doctor_unanswered(struct doctor *d);
enum doctor_result doctor_ping_pong(struct doctor *d);

#endif
