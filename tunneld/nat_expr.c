/* SPDX-License-Identifier: MIT */
/* How messages and expressions look is libnftnl's knowledge; that memory may be short is handled here, once. */
#include "nat_expr.h"

#include <arpa/inet.h>
#include <libnftnl/chain.h>
#include <libnftnl/common.h>
#include <libnftnl/table.h>
#include <string.h>
#include <netinet/in.h>
#include <linux/netfilter.h>
#include <linux/netlink.h>

#include "text.h"

/* ---- Messages ---------------------------------------------------------------------------------------------------- */

/* Where the next message goes; NULL: no room, and the batch has failed. */
static void *place(struct nat_batch *b)
{
	if (b->room - b->len < NAT_MESSAGE_MAX)
		b->failed = true;
	return b->failed ? NULL : b->bytes + b->len;
}

static struct nlmsghdr *begin(struct nat_batch *b, uint16_t type, uint16_t flags)
{
	void *at = place(b);

	return at ? nftnl_nlmsg_build_hdr(at, type, NFPROTO_INET, flags | NLM_F_ACK, b->seq++) : NULL;
}

static void end(struct nat_batch *b, const struct nlmsghdr *h)
{
	b->len += NLMSG_ALIGN(h->nlmsg_len);
}

void nat_put_edge(struct nat_batch *b, bool first)
{
	char *at = place(b);

	if (at)
		end(b, first ? nftnl_batch_begin(at, b->seq++) : nftnl_batch_end(at, b->seq++));
}

void nat_put_table(struct nat_table *t, uint16_t type)
{
	struct nftnl_table *table = nftnl_table_alloc();
	struct nlmsghdr *h = begin(t->batch, type, type == NFT_MSG_NEWTABLE ? NLM_F_CREATE : 0);

	if (table && h) {
		nftnl_table_set_str(table, NFTNL_TABLE_NAME, t->name);
		nftnl_table_nlmsg_build_payload(h, table);
		end(t->batch, h);
	} else {
		t->batch->failed = true;
	}
	if (table)
		nftnl_table_free(table);
}

void nat_put_chain(struct nat_table *t, const char *name, const char *type, uint32_t hook, int32_t priority,
		      uint32_t policy)
{
	struct nftnl_chain *chain = nftnl_chain_alloc();
	struct nlmsghdr *h = begin(t->batch, NFT_MSG_NEWCHAIN, NLM_F_CREATE);

	if (chain && h) {
		nftnl_chain_set_str(chain, NFTNL_CHAIN_TABLE, t->name);
		nftnl_chain_set_str(chain, NFTNL_CHAIN_NAME, name);
		nftnl_chain_set_str(chain, NFTNL_CHAIN_TYPE, type);
		nftnl_chain_set_u32(chain, NFTNL_CHAIN_HOOKNUM, hook);
		nftnl_chain_set_s32(chain, NFTNL_CHAIN_PRIO, priority);
		nftnl_chain_set_u32(chain, NFTNL_CHAIN_POLICY, policy);
		nftnl_chain_nlmsg_build_payload(h, chain);
		end(t->batch, h);
	} else {
		t->batch->failed = true;
	}
	if (chain)
		nftnl_chain_free(chain);
}

/* ---- Rules: begun, filled with expressions from left to right, put ----------------------------------------------- */

struct nftnl_rule *nat_rule(struct nat_table *t, const char *chain)
{
	struct nftnl_rule *r = nftnl_rule_alloc();

	if (!r) {
		t->batch->failed = true;
		return NULL;
	}
	nftnl_rule_set_str(r, NFTNL_RULE_TABLE, t->name);
	nftnl_rule_set_str(r, NFTNL_RULE_CHAIN, chain);
	return r;
}

void nat_put(struct nat_table *t, struct nftnl_rule *r)
{
	struct nlmsghdr *h = r ? begin(t->batch, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND) : NULL;

	if (h) {
		nftnl_rule_nlmsg_build_payload(h, r);
		end(t->batch, h);
		t->batch->rules++;
	}
	if (r)
		nftnl_rule_free(r);
}

struct nftnl_expr *nat_expression(struct nat_table *t, struct nftnl_rule *r, const char *name)
{
	struct nftnl_expr *e = r ? nftnl_expr_alloc(name) : NULL;

	if (e)
		nftnl_rule_add_expr(r, e);
	else
		t->batch->failed = true;
	return e;
}

struct nftnl_expr *nat_with(struct nftnl_expr *e, unsigned count, const uint32_t (*attr)[2])
{
	for (unsigned i = 0; e && i < count; i++)
		nftnl_expr_set_u32(e, (uint16_t)attr[i][0], attr[i][1]);
	return e;
}

void nat_compare(struct nat_table *t, struct nftnl_rule *r, uint32_t op, const void *value, uint32_t len)
{
	struct nftnl_expr *e = WITH(nat_expression(t, r, "cmp"), {NFTNL_EXPR_CMP_SREG, NFT_REG_1},
				    {NFTNL_EXPR_CMP_OP, op});

	if (e)
		nftnl_expr_set(e, NFTNL_EXPR_CMP_DATA, value, len);
}

void nat_load_meta(struct nat_table *t, struct nftnl_rule *r, uint32_t key)
{
	WITH(nat_expression(t, r, "meta"), {NFTNL_EXPR_META_KEY, key}, {NFTNL_EXPR_META_DREG, NFT_REG_1});
}

void nat_load_payload(struct nat_table *t, struct nftnl_rule *r, uint32_t base, uint32_t offset, uint32_t len)
{
	WITH(nat_expression(t, r, "payload"), {NFTNL_EXPR_PAYLOAD_BASE, base}, {NFTNL_EXPR_PAYLOAD_OFFSET, offset},
	     {NFTNL_EXPR_PAYLOAD_LEN, len}, {NFTNL_EXPR_PAYLOAD_DREG, NFT_REG_1});
}

void nat_mask(struct nat_table *t, struct nftnl_rule *r, const void *mask, uint32_t len)
{
	static const uint8_t zero[16];
	struct nftnl_expr *e = WITH(nat_expression(t, r, "bitwise"), {NFTNL_EXPR_BITWISE_SREG, NFT_REG_1},
				    {NFTNL_EXPR_BITWISE_DREG, NFT_REG_1}, {NFTNL_EXPR_BITWISE_LEN, len});

	if (e) {
		nftnl_expr_set(e, NFTNL_EXPR_BITWISE_MASK, mask, len);
		nftnl_expr_set(e, NFTNL_EXPR_BITWISE_XOR, zero, len);
	}
}

void nat_match_interface(struct nat_table *t, struct nftnl_rule *r, uint32_t key, uint32_t op, const char *name)
{
	char padded[IFNAMSIZ] = {0};

	memcpy(padded, name, strnlen(name, IFNAMSIZ - 1));
	nat_load_meta(t, r, key);
	nat_compare(t, r, op, padded, sizeof(padded));
}

void nat_match_l4(struct nat_table *t, struct nftnl_rule *r, uint8_t protocol)
{
	nat_load_meta(t, r, NFT_META_L4PROTO);
	nat_compare(t, r, NFT_CMP_EQ, &protocol, sizeof(protocol));
}

void nat_match_family(struct nat_table *t, struct nftnl_rule *r, uint8_t family)
{
	uint8_t proto = family == 4 ? NFPROTO_IPV4 : NFPROTO_IPV6;

	nat_load_meta(t, r, NFT_META_NFPROTO);
	nat_compare(t, r, NFT_CMP_EQ, &proto, sizeof(proto));
}

void nat_match_mark(struct nat_table *t, struct nftnl_rule *r, uint32_t mark)
{
	nat_load_meta(t, r, NFT_META_MARK);
	nat_compare(t, r, NFT_CMP_EQ, &mark, sizeof(mark));
}

void nat_match_network(struct nat_table *t, struct nftnl_rule *r, bool source, const struct tnl_addr *net,
		       unsigned bits)
{
	uint32_t len = net->family == 4 ? 4 : 16, offset = net->family == 4 ? (source ? 12 : 16) : (source ? 8 : 24);
	struct tnl_addr base = *net;
	uint8_t mask[16] = {0};

	text_clear_host_bits(&base, bits);
	for (unsigned i = 0; i < bits; i++)
		mask[i / 8] |= (uint8_t)(0x80 >> i % 8);
	nat_match_family(t, r, net->family);
	nat_load_payload(t, r, NFT_PAYLOAD_NETWORK_HEADER, offset, len);
	if (bits < 8 * len)
		nat_mask(t, r, mask, len);
	nat_compare(t, r, NFT_CMP_EQ, base.ip, len);
}

void nat_match_ports(struct nat_table *t, struct nftnl_rule *r, uint16_t from, uint16_t to)
{
	uint16_t ports[2] = {htons(from), htons(to)};

	nat_match_l4(t, r, IPPROTO_UDP);
	nat_load_payload(t, r, NFT_PAYLOAD_TRANSPORT_HEADER, 0, sizeof(ports));
	nat_compare(t, r, NFT_CMP_EQ, ports, sizeof(ports));
}

void nat_verdict(struct nat_table *t, struct nftnl_rule *r, uint32_t what)
{
	WITH(nat_expression(t, r, "immediate"), {NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT}, {NFTNL_EXPR_IMM_VERDICT, what});
}
