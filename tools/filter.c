/* SPDX-License-Identifier: MIT */
/* One transaction with one message in it. Tables change only in transactions. */
#include "filter.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <stdio.h>
#include <libnftnl/common.h>
#include <libnftnl/table.h>
#include <net/if.h>
#include <sys/socket.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

enum { MESSAGES_MAX = 1024, SEQ_DELETE = 2 };

static size_t build(char *buf, const char *ifname)
{
	struct nftnl_table *table = nftnl_table_alloc();
	char name[sizeof("tunneld-") + IFNAMSIZ];
	struct nlmsghdr *h;
	size_t len;

	if (!table)
		return 0;
	snprintf(name, sizeof(name), "tunneld-%.*s", IFNAMSIZ - 1, ifname);
	nftnl_table_set_str(table, NFTNL_TABLE_NAME, name);
	len = NLMSG_ALIGN(nftnl_batch_begin(buf, 1)->nlmsg_len);
	h = nftnl_nlmsg_build_hdr(buf + len, NFT_MSG_DELTABLE, NFPROTO_INET, NLM_F_ACK, SEQ_DELETE);
	nftnl_table_nlmsg_build_payload(h, table);
	nftnl_table_free(table);
	len += NLMSG_ALIGN(h->nlmsg_len);
	return len + NLMSG_ALIGN(nftnl_batch_end(buf + len, SEQ_DELETE + 1)->nlmsg_len);
}

/* What the kernel says to it, which it does before the sending returns. */
static int answer(struct mnl_socket *s)
{
	char buf[MESSAGES_MAX] __attribute__((aligned(8)));
	ssize_t len = recv(mnl_socket_get_fd(s), buf, sizeof(buf), MSG_DONTWAIT);

	if (len < 0)
		return -errno;
	return mnl_cb_run(buf, (size_t)len, SEQ_DELETE, mnl_socket_get_portid(s), NULL, NULL) < 0 ? -errno : 0;
}

int filter_remove(const char *ifname)
{
	char buf[MESSAGES_MAX] __attribute__((aligned(8))) = { 0 };
	struct mnl_socket *s = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	size_t len = build(buf, ifname);
	int err = -ENOMEM;

	if (!s)
		return errno == EPROTONOSUPPORT ? 0 : -errno;
	if (len)
		err = mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID) < 0 || mnl_socket_sendto(s, buf, len) < 0 ? -errno :
			answer(s);
	mnl_socket_close(s);
	return !err ? 1 : err == -ENOENT ? 0 : err;
}
