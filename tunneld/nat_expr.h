/* SPDX-License-Identifier: MIT */
/*
 * The words that rules are made of: tables, chains, and expressions that a rule is filled with from left to right. A
 * function that finds no memory, or no room in the batch, marks the batch as failed and is quiet; NULL for a rule or an
 * expression is taken and ignored, so that a rule can be written down without a check between its words. Private to
 * nat*.c.
 */
#ifndef NAT_EXPR_H
#define NAT_EXPR_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>	/* libnftnl needs it */
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <linux/netfilter/nf_tables.h>

#include "nat_rules.h"

struct nat_table {
	struct nat_batch *batch;
	const char *ifname;
	char name[NAT_TABLE_MAX];
	const struct plan *plan;
};

/* The messages between which a transaction lies. */
void nat_put_edge(struct nat_batch *b, bool first);
/* type: NFT_MSG_NEWTABLE or NFT_MSG_DELTABLE. */
void nat_put_table(struct nat_table *t, uint16_t type);
void nat_put_chain(struct nat_table *t, const char *name, const char *type, uint32_t hook, int32_t priority,
		   uint32_t policy);

/* Begins a rule; nat_put() ends it and frees it. */
struct nftnl_rule *nat_rule(struct nat_table *t, const char *chain);
void nat_put(struct nat_table *t, struct nftnl_rule *r);

/* One more expression in the rule; the rule's. */
struct nftnl_expr *nat_expression(struct nat_table *t, struct nftnl_rule *r, const char *name);
/* Sets 32-bit attributes: WITH(e, {NFTNL_EXPR_..., value}, ...). Returns e. */
struct nftnl_expr *nat_with(struct nftnl_expr *e, unsigned count, const uint32_t (*attr)[2]);
#define WITH(e, ...) nat_with(e, sizeof((uint32_t[][2]){__VA_ARGS__}) / sizeof(uint32_t[2]), \
			      (const uint32_t[][2]){__VA_ARGS__})

/* All by way of register 1. op: NFT_CMP_...; key: NFT_META_...; base: NFT_PAYLOAD_... */
void nat_compare(struct nat_table *t, struct nftnl_rule *r, uint32_t op, const void *value, uint32_t len);
void nat_load_meta(struct nat_table *t, struct nftnl_rule *r, uint32_t key);
void nat_load_payload(struct nat_table *t, struct nftnl_rule *r, uint32_t base, uint32_t offset, uint32_t len);
void nat_mask(struct nat_table *t, struct nftnl_rule *r, const void *mask, uint32_t len);
void nat_match_interface(struct nat_table *t, struct nftnl_rule *r, uint32_t key, uint32_t op, const char *name);
void nat_match_l4(struct nat_table *t, struct nftnl_rule *r, uint8_t protocol);
/* family: 4 or 6. */
void nat_match_family(struct nat_table *t, struct nftnl_rule *r, uint8_t family);
void nat_match_mark(struct nat_table *t, struct nftnl_rule *r, uint32_t mark);
/* Source or destination address within a network; host bits of `net` do not matter. */
void nat_match_network(struct nat_table *t, struct nftnl_rule *r, bool source, const struct tnl_addr *net,
		       unsigned bits);
/* UDP from this port to that one. */
void nat_match_ports(struct nat_table *t, struct nftnl_rule *r, uint16_t from, uint16_t to);
/* NF_ACCEPT or NF_DROP. */
void nat_verdict(struct nat_table *t, struct nftnl_rule *r, uint32_t what);

#endif
