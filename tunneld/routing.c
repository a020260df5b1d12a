/* SPDX-License-Identifier: MIT */
/*
 * Routes come from the allowed IPs of all peers. That one is there already is no error: the interface's own address
 * often brings it. Rules are the only thing that outlives the interface, so those that we added, and only those, are
 * written down.
 */
#include "routing.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "conf.h"
#include "log.h"
#include "tun.h"

enum { TABLE_FIRST = 51820, TABLE_TRIES = 64 };

/* Is there a default route to set by rules? */
static bool has_default(const struct config *c, uint8_t family)
{
	for (size_t i = 0; c->table == CONF_TABLE_AUTO && i < c->op_count; i++) {
		if (c->ops[i].what == UAPI_ALLOWED_IP && c->ops[i].bits == 0 && c->ops[i].addr.family == family)
			return true;
	}
	return false;
}

/* Answers to marked packets would fail a strict reverse path filter without this. */
static void respect_mark_in_path_filter(void)
{
	int fd = open("/proc/sys/net/ipv4/conf/all/src_valid_mark", O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, "1\n", 2) != 2)
		log_warn("cannot set net.ipv4.conf.all.src_valid_mark: %m");
	if (fd >= 0)
		close(fd);
}

void routing_prepare(struct config *c, struct netlink *n)
{
	if (!has_default(c, 4) && !has_default(c, 6))
		return;
	for (uint32_t i = 0; i < TABLE_TRIES && !c->fwmark; i++) {
		if (netlink_table_empty(n, TABLE_FIRST + i))
			c->fwmark = TABLE_FIRST + i;
	}
	c->rule_table = c->fwmark;
	if (has_default(c, 4))
		respect_mark_in_path_filter();
}

static bool add_rules(struct config *c, struct netlink *n, unsigned f)
{
	static const enum netlink_rule order[] = {NETLINK_RULE_UNMARKED, NETLINK_RULE_MAIN};

	for (unsigned i = 0; i < 2; i++) {
		int err = netlink_rule(n, order[i], f ? 6 : 4, c->rule_table, true);

		if (!err) {
			c->rule_added[f][order[i]] = true;
		} else if (err != -EEXIST) {
			log_error("cannot add a routing rule: %s", strerror(-err));
			return false;
		}
	}
	return true;
}

static bool add_route(struct config *c, struct netlink *n, unsigned ifindex, const struct uapi_op *op)
{
	uint32_t table = c->table == CONF_TABLE_AUTO ? (op->bits ? 0 : c->rule_table) : (uint32_t)c->table;
	char text[TEXT_ADDR];
	int err = netlink_route_add(n, ifindex, &op->addr, op->bits, table);

	if (!err || err == -EEXIST)
		return true;
	text_from_prefix(text, &op->addr, op->bits);
	log_error("cannot add the route to %s: %s", text, strerror(-err));
	return false;
}

bool routing_up(struct config *c, struct netlink *n, unsigned ifindex)
{
	uint32_t mtu = c->mtu ? c->mtu : TUN_MTU_DEFAULT;
	char text[TEXT_ADDR];
	int err;

	for (size_t i = 0; i < c->address_count; i++) {
		err = netlink_address_add(n, ifindex, &c->addresses[i].addr, c->addresses[i].bits);
		if (err < 0) {
			text_from_prefix(text, &c->addresses[i].addr, c->addresses[i].bits);
			log_error("cannot add the address %s: %s", text, strerror(-err));
			return false;
		}
	}
	err = netlink_link_set(n, ifindex, mtu, 0, true);
	if (err < 0) {
		log_error("cannot bring the interface up with MTU %u: %s", mtu, strerror(-err));
		return false;
	}
	for (size_t i = 0; c->table != CONF_TABLE_OFF && i < c->op_count; i++) {
		if (c->ops[i].what == UAPI_ALLOWED_IP && !add_route(c, n, ifindex, &c->ops[i]))
			return false;
	}
	return (!has_default(c, 4) || add_rules(c, n, 0)) && (!has_default(c, 6) || add_rules(c, n, 1));
}

void routing_down(struct config *c, struct netlink *n)
{
	for (unsigned f = 0; f < 2; f++) {
		for (unsigned which = 0; which < 2; which++) {
			if (c->rule_added[f][which])
				netlink_rule(n, which, f ? 6 : 4, c->rule_table, false);
			c->rule_added[f][which] = false;
		}
	}
}
