/* SPDX-License-Identifier: MIT */
/*
 * The messages of the table that should be there are kept, so putting it back is sending them again. That something is
 * amiss is learnt from the kernel's notifications, of which only the fact is taken: any change of any table makes us
 * count the rules of ours, at most once in CHECK_MS, however busy somebody else's rule set is. Who takes it away again
 * and again is followed ever more slowly, down to once in RESTORE_MAX_MS.
 */
#include "nat.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <libnftnl/chain.h>
#include <libnftnl/common.h>
#include <libnftnl/rule.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "log.h"
#include "nat_rules.h"

enum {
	DUMP_BYTES = 32768,		/* the kernel fills at most this much */
	CHECK_MS = 200,
	RESTORE_MIN_MS = 500,		/* doubles with each time */
	RESTORE_MAX_MS = 60000,
	RESTORE_CALM_MS = 300000,	/* nothing happened for so long: it starts anew */
};

struct nat {
	struct mnl_socket *ask, *events;
	char ifname[IFNAMSIZ], table[NAT_TABLE_MAX];
	uint32_t seq;			/* of questions; those of batches are their own */
	struct nat_batch installed;	/* bytes NULL: nothing of ours is to be there */
	int64_t check_at;		/* 0: nothing to check */
	int64_t checked, restored;	/* when we did last */
	int64_t restore_ms;		/* how long to wait after `restored` */
	uint64_t put_back;		/* times */
};

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static struct mnl_socket *open_socket(unsigned groups)
{
	struct mnl_socket *s = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC | (groups ? SOCK_NONBLOCK : 0));

	if (s && mnl_socket_bind(s, groups, MNL_SOCKET_AUTOPID) < 0) {
		mnl_socket_close(s);
		return NULL;
	}
	return s;
}

struct nat *nat_open(const char *ifname)
{
	struct nat *n = calloc(1, sizeof(*n));

	if (!n)
		return NULL;
	snprintf(n->ifname, sizeof(n->ifname), "%s", ifname);
	nat_table_name(n->table, ifname);
	n->ask = open_socket(0);
	n->events = open_socket(1 << (NFNLGRP_NFTABLES - 1));
	if (n->ask && n->events)
		return n;
	nat_close(n);
	return NULL;
}

void nat_close(struct nat *n)
{
	int saved = errno;

	if (!n)
		return;
	if (n->ask)
		mnl_socket_close(n->ask);
	if (n->events)
		mnl_socket_close(n->events);
	nat_batch_free(&n->installed);
	free(n);
	errno = saved;
}

/* ---- Transactions ------------------------------------------------------------------------------------------------ */

/* The first error among the acknowledgements of a batch; `last`: the sequence number whose answer is the last. All are
 * there by the time that the batch is sent; the first message stands for the transaction as a whole. */
static int take_answers(struct nat *n, uint32_t last)
{
	char buf[NAT_MESSAGE_MAX * 4] __attribute__((aligned(8)));
	bool complete = false;
	int first = 0;

	while (!complete) {
		ssize_t len = recv(mnl_socket_get_fd(n->ask), buf, sizeof(buf), MSG_DONTWAIT);
		int left = (int)len;

		if (len < 0)
			return first ? first : errno == EAGAIN ? -EIO : -errno;
		for (struct nlmsghdr *h = (void *)buf; mnl_nlmsg_ok(h, left); h = mnl_nlmsg_next(h, &left)) {
			struct nlmsgerr *e = mnl_nlmsg_get_payload(h);

			if (h->nlmsg_type != NLMSG_ERROR || mnl_nlmsg_get_payload_len(h) < sizeof(e->error))
				continue;
			if (e->error && !first)
				first = e->error;
			complete |= h->nlmsg_seq == last || (e->error && h->nlmsg_seq == 1);
		}
	}
	return first;
}

static void forget_answers(struct nat *n)
{
	char byte;

	while (recv(mnl_socket_get_fd(n->ask), &byte, 1, MSG_DONTWAIT | MSG_TRUNC) >= 0 || errno == ENOBUFS)
		;
}

static int send_batch(struct nat *n, const struct nat_batch *b)
{
	forget_answers(n);
	if (mnl_socket_sendto(n->ask, b->bytes, b->len) < 0)
		return -errno;
	return take_answers(n, b->seq - 2);	/* the end, the last, is not acknowledged */
}

int nat_install(struct nat *n, const struct plan *p)
{
	struct nat_batch b;
	int err = nat_rules_build(&b, n->ifname, p);

	if (!err)
		err = send_batch(n, &b);
	if (err < 0) {
		nat_batch_free(&b);
		return err;
	}
	nat_batch_free(&n->installed);
	if (plan_needs_filter(p))
		n->installed = b;
	else
		nat_batch_free(&b);
	n->restore_ms = 0;
	return 0;
}

int nat_remove(struct nat *n)
{
	return nat_install(n, &(struct plan){0});
}

/* ---- Questions --------------------------------------------------------------------------------------------------- */

struct question {
	struct nat *nat;
	uint32_t rules;			/* of our table */
	bool kills, masquerade;		/* ours has a kill switch; another translates sources */
	char drop[128];			/* the first foreign chain that drops what is forwarded */
};

/* h, for a dump of `type`, with the attributes that limit it; false: the kernel did not answer. */
static int ask(struct nat *n, struct nlmsghdr *h, mnl_cb_t parse, struct question *q)
{
	char buf[DUMP_BYTES] __attribute__((aligned(8)));
	unsigned port = mnl_socket_get_portid(n->ask);
	int more = 1;

	forget_answers(n);
	if (mnl_socket_sendto(n->ask, h, h->nlmsg_len) < 0)
		return -errno;
	while (more > 0) {
		ssize_t len = mnl_socket_recvfrom(n->ask, buf, sizeof(buf));

		if (len < 0)
			return -errno;
		more = mnl_cb_run(buf, (size_t)len, n->seq, port, parse, q);
	}
	return more < 0 ? -errno : 0;
}

static int count_rule(const struct nlmsghdr *h, void *arg)
{
	struct question *q = arg;
	struct nftnl_rule *r = nftnl_rule_alloc();
	const char *table;

	if (r && nftnl_rule_nlmsg_parse(h, r) >= 0) {
		table = nftnl_rule_get_str(r, NFTNL_RULE_TABLE);
		q->rules += table && !strcmp(table, q->nat->table);
	}
	if (r)
		nftnl_rule_free(r);
	return MNL_CB_OK;
}

/* Rules of our table; negative: the kernel did not say. */
static int64_t count_rules(struct nat *n)
{
	char buf[NAT_MESSAGE_MAX] __attribute__((aligned(8)));
	struct question q = {.nat = n};
	struct nftnl_rule *like = nftnl_rule_alloc();
	struct nlmsghdr *h = nftnl_nlmsg_build_hdr(buf, NFT_MSG_GETRULE, NFPROTO_INET, NLM_F_DUMP, ++n->seq);
	int err;

	if (!like)
		return -ENOMEM;
	nftnl_rule_set_str(like, NFTNL_RULE_TABLE, n->table);
	nftnl_rule_nlmsg_build_payload(h, like);
	nftnl_rule_free(like);
	err = ask(n, h, count_rule, &q);
	return err < 0 ? err : (int64_t)q.rules;
}

static const char *family_name(uint32_t family)
{
	return family == NFPROTO_INET ? "inet" : family == NFPROTO_IPV4 ? "ip" : family == NFPROTO_IPV6 ? "ip6" : NULL;
}

static void judge_chain(struct question *q, const struct nftnl_chain *c)
{
	const char *table = nftnl_chain_get_str(c, NFTNL_CHAIN_TABLE), *name = nftnl_chain_get_str(c, NFTNL_CHAIN_NAME);
	const char *type = nftnl_chain_get_str(c, NFTNL_CHAIN_TYPE);
	const char *family = family_name(nftnl_chain_get_u32(c, NFTNL_CHAIN_FAMILY));
	uint32_t hook = nftnl_chain_get_u32(c, NFTNL_CHAIN_HOOKNUM);

	if (!table || !name || !type || !family || !nftnl_chain_is_set(c, NFTNL_CHAIN_HOOKNUM))
		return;
	if (!strcmp(table, q->nat->table)) {
		q->kills |= !strcmp(name, NAT_KILL_CHAIN);
	} else {
		q->masquerade |= !strcmp(type, "nat") && hook == NF_INET_POST_ROUTING;
		if (!q->drop[0] && !strcmp(type, "filter") && hook == NF_INET_FORWARD &&
		    nftnl_chain_get_u32(c, NFTNL_CHAIN_POLICY) == NF_DROP)
			snprintf(q->drop, sizeof(q->drop), "%s %.48s %.48s", family, table, name);
	}
}

static int look_at_chain(const struct nlmsghdr *h, void *arg)
{
	struct nftnl_chain *c = nftnl_chain_alloc();

	if (c && nftnl_chain_nlmsg_parse(h, c) >= 0)
		judge_chain(arg, c);
	if (c)
		nftnl_chain_free(c);
	return MNL_CB_OK;
}

static struct question ask_chains(struct nat *n)
{
	char buf[NAT_MESSAGE_MAX] __attribute__((aligned(8)));
	struct nlmsghdr *h = nftnl_nlmsg_build_hdr(buf, NFT_MSG_GETCHAIN, NFPROTO_UNSPEC, NLM_F_DUMP, ++n->seq);
	struct question q = {.nat = n};

	if (ask(n, h, look_at_chain, &q) < 0)
		log_debug("cannot ask for the chains of the packet filter: %m");
	return q;
}

bool nat_kills(struct nat *n)
{
	return ask_chains(n).kills;
}

bool nat_foreign_masquerade(struct nat *n)
{
	return ask_chains(n).masquerade;
}

bool nat_foreign_drop(struct nat *n, char *ret, size_t len)
{
	struct question q = ask_chains(n);

	if (q.drop[0])
		snprintf(ret, len, "%s", q.drop);
	return q.drop[0] != 0;
}

/* ---- Keeping it in place ----------------------------------------------------------------------------------------- */

int nat_fd(const struct nat *n)
{
	return n->check_at ? -1 : mnl_socket_get_fd(n->events);
}

int nat_wait_ms(const struct nat *n)
{
	int64_t left = n->check_at - now_ms();

	return !n->check_at ? -1 : left > 0 ? (int)left : 0;
}

static void restore(struct nat *n, int64_t now)
{
	int err;

	if (now - n->restored > RESTORE_CALM_MS)
		n->restore_ms = 0;
	if (n->restore_ms && now < n->restored + n->restore_ms) {
		n->check_at = n->restored + n->restore_ms;
		return;
	}
	err = send_batch(n, &n->installed);
	n->restored = now;
	n->restore_ms = n->restore_ms ? 2 * n->restore_ms : RESTORE_MIN_MS;
	n->restore_ms = n->restore_ms > RESTORE_MAX_MS ? RESTORE_MAX_MS : n->restore_ms;
	if (err < 0) {
		log_error("our packet filter table was taken away and cannot be put back: %s", strerror(-err));
		n->check_at = now + n->restore_ms;
	} else {
		n->put_back++;
		log_warn("our packet filter table was changed or taken away by somebody, it is back");
	}
}

uint64_t nat_put_back(const struct nat *n)
{
	return n->put_back;
}

void nat_serve(struct nat *n)
{
	int64_t now = now_ms(), rules;
	bool news = false;
	char byte;

	if (!n->check_at || now >= n->check_at) {
		while (recv(mnl_socket_get_fd(n->events), &byte, 1, MSG_DONTWAIT | MSG_TRUNC) >= 0 || errno == ENOBUFS)
			news = true;
	}
	if (n->check_at ? now < n->check_at : !news)
		return;
	if (now < n->checked + CHECK_MS) {
		n->check_at = n->checked + CHECK_MS;
		return;
	}
	n->check_at = 0;
	n->checked = now;
	if (!n->installed.bytes)
		return;
	rules = count_rules(n);
	if (rules < 0)
		n->check_at = now + CHECK_MS;	/* changed while we asked */
	else if (rules != n->installed.rules)
		restore(n, now);
}
