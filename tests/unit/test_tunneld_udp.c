/* SPDX-License-Identifier: MIT */
/* Sockets on the loopback: one port in both families, batches out and in, where a datagram came from and was sent to.
 */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../tunneld/udp.h"
#include "suite.h"

static struct udp_socks a, b;
static struct udp_gso gso;
static uint8_t mem[4][UDP_BUF_LEN];

static void setup(void)
{
	gso = (struct udp_gso) { .on = true };
	ck_assert_int_eq(udp_open(0, 0, 0, &a), 0);
	ck_assert_int_eq(udp_open(0, 0, 0, &b), 0);
}

static void teardown(void)
{
	udp_close(&a);
	udp_close(&b);
}

static struct tnl_addr addr(const char *ip, uint16_t port)
{
	struct tnl_addr r = { .port = port, .family = strchr(ip, ':') ? 6 : 4 };

	ck_assert_int_eq(inet_pton(r.family == 4 ? AF_INET : AF_INET6, ip, r.ip), 1);
	return r;
}

/* Up to four messages to b, or none within a second. */
static unsigned receive(int fd, struct udp_in in[4])
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	for (unsigned i = 0; i < 4; i++)
		in[i].buf = mem[i];
	return poll(&p, 1, 1000) > 0 ? udp_recv_batch(fd, in, 4) : 0;
}

START_TEST(one_port_for_both_families)
{
	struct udp_socks c;

	ck_assert_uint_ne(a.port, 0);
	ck_assert_uint_ne(a.port, b.port);
	ck_assert_int_ge(a.fd4, 0);
	ck_assert_int_eq(udp_open(a.port, 0, 0, &c), -EADDRINUSE);
	for (unsigned i = 0; i < 2; i++) {
		struct sockaddr_storage at = { 0 };
		socklen_t len = sizeof(at);
		struct tnl_addr got;
		int fd = i ? a.fd6 : a.fd4;

		if (fd < 0)
			continue;
		ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&at, &len), 0);
		ck_assert(udp_addr((struct sockaddr *)&at, len, &got));
		ck_assert_uint_eq(got.port, a.port);
	}
}
END_TEST

START_TEST(addresses_survive_the_way_there_and_back)
{
	const char *text[] = { "192.0.2.7", "2001:db8::1", "fe80::1" };

	for (unsigned i = 0; i < 3; i++) {
		struct tnl_addr in = addr(text[i], 0xabcd), out;
		struct sockaddr_storage sa;
		socklen_t len;

		in.scope = i == 2 ? 3 : 0;
		len = udp_sockaddr(&in, &sa);
		ck_assert(udp_addr((struct sockaddr *)&sa, len, &out));
		ck_assert_mem_eq(&in, &out, sizeof(in));
		ck_assert(!udp_addr((struct sockaddr *)&sa, len - 1, &out));
		ck_assert_uint_eq(out.family, 0);
	}
	/* The scope of what is not link-local is no part of the address. */
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT, .sin6_scope_id = 4 };
	struct tnl_addr out;

	ck_assert(udp_addr((struct sockaddr *)&in6, sizeof(in6), &out));
	ck_assert_uint_eq(out.scope, 0);
	ck_assert_uint_eq(udp_sockaddr(&(struct tnl_addr){ 0 }, &(struct sockaddr_storage){ 0 }), 0);
}
END_TEST

static void check_batch(int fd, const char *from, const char *to)
{
	static uint8_t data[10 * 1000 + 300];
	struct tnl_path path = { .remote = addr(to, b.port), .local = addr(from, 0) };
	struct udp_out out[2] = {
		{ .path = &path, .data = data, .len = sizeof(data), .segment = 1000, .tos = 2 },
		{ .path = &path, .data = data, .len = 5, .segment = 5 },
	};
	struct udp_in in[4];
	uint32_t at = 0;
	unsigned n;

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i / 7);
	udp_send_batch(&a, &gso, out, 2);
	ck_assert_uint_eq(out[0].sent, sizeof(data));
	ck_assert_uint_eq(out[1].sent, 5);
	ck_assert(!out[0].refused);
	/* However the kernel has joined them, the bytes and the cuts are the same. */
	while (at < sizeof(data) + 5 && (n = receive(fd, in)) > 0) {
		for (unsigned i = 0; i < n; i++) {
			ck_assert_mem_eq(in[i].buf, at < sizeof(data) ? data + at : data, in[i].len);
			ck_assert_uint_eq(in[i].tos, at < sizeof(data) ? 2 : 0);
			ck_assert_uint_eq(in[i].path.remote.port, a.port);
			ck_assert_mem_eq(in[i].path.remote.ip, path.local.ip, 16);
			ck_assert_mem_eq(in[i].path.local.ip, path.remote.ip, 16);
			ck_assert_uint_eq(in[i].path.local.family, path.remote.family);
			ck_assert_uint_eq(in[i].path.local.port, 0);
			if (in[i].len > 1000)
				ck_assert_uint_eq(in[i].segment, 1000);
			at += in[i].len;
		}
	}
	ck_assert_uint_eq(at, sizeof(data) + 5);
}

START_TEST(batches_arrive_with_source_destination_and_tos)
{
	check_batch(b.fd4, "127.0.0.3", "127.0.0.2");
	if (b.fd6 >= 0)
		check_batch(b.fd6, "::1", "::1");
}
END_TEST

START_TEST(refused_source_is_dropped_not_the_datagram)
{
	static uint8_t data[300];
	struct tnl_path path = { .remote = addr("127.0.0.1", b.port), .local = addr("192.0.2.77", 0) };
	struct udp_out out[3] = {
		{ .path = &path, .data = data, .len = 300, .segment = 100 },
		{ .path = &path, .data = data, .len = 10, .segment = 10 },
		{ .path = &(struct tnl_path){ .remote = path.remote }, .data = data, .len = 20, .segment = 20 },
	};
	struct udp_in in[4];
	uint32_t bytes = 0;
	unsigned n;

	ck_assert_int_eq(udp_send(&a, &path, data, 30, 0), 1);
	path.local.family = 0;
	ck_assert_int_eq(udp_send(&a, &path, data, 40, 0), 0);
	path.local.family = 4;
	udp_send_batch(&a, &gso, out, 3);
	ck_assert(out[0].refused && out[1].refused && !out[2].refused);
	ck_assert_uint_eq(out[0].sent + out[1].sent + out[2].sent, 330);
	while (bytes < 400 && (n = receive(b.fd4, in)) > 0)
		for (unsigned i = 0; i < n; i++)
			bytes += in[i].len;
	ck_assert_uint_eq(bytes, 400);
}
END_TEST

START_TEST(what_cannot_be_sent_is_told)
{
	struct udp_socks only4 = { a.fd4, -1, a.port };
	struct tnl_path none = { 0 }, six = { .remote = addr("::1", b.port) },
			four = { .remote = addr("127.0.0.1", b.port) };
	struct udp_out out[3] = {
		{ .path = &six, .data = mem[0], .len = 9, .segment = 9 },
		{ .path = &none, .data = mem[0], .len = 9, .segment = 9 },
		{ .path = &four, .data = mem[0], .len = 9, .segment = 9 },
	};

	ck_assert_int_eq(udp_send(&a, &none, "x", 1, 0), -EDESTADDRREQ);
	ck_assert_int_eq(udp_send(&only4, &six, "x", 1, 0), -EAFNOSUPPORT);
	udp_send_batch(&only4, &gso, out, 3);
	ck_assert_uint_eq(out[0].sent, 0);
	ck_assert_uint_eq(out[1].sent, 0);
	ck_assert_uint_eq(out[2].sent, 9);
}
END_TEST

/* Sixty-four segments that together are more than a datagram holds: the kernel says EMSGSIZE to the whole. */
START_TEST(message_refused_as_a_whole_goes_out_singly)
{
	static uint8_t data[66000];
	struct tnl_path path = { .remote = addr("127.0.0.1", b.port) };
	struct udp_out out = { .path = &path, .data = data, .len = sizeof(data), .segment = 33000 };
	struct udp_in in[4];

	udp_send_batch(&a, &gso, &out, 1);
	ck_assert_uint_eq(out.sent, sizeof(data));
	ck_assert_uint_ge(receive(b.fd4, in), 1);
	ck_assert_uint_eq(in[0].len, 33000);
}
END_TEST

START_TEST(group_shares_a_port_with_nobody_else)
{
	struct udp_socks group[3], c;
	unsigned got[3] = { 0 }, used = 0, all = 0;
	struct udp_in in[4] = { { .buf = mem[0] } };

	ck_assert_int_eq(udp_open_group(0, 0, 0, 3, group), 0);
	ck_assert_int_eq(udp_open(group[0].port, 0, 0, &c), -EADDRINUSE);
	ck_assert_int_eq(udp_open_group(group[0].port, 0, 0, 2, &c), -EADDRINUSE);
	for (unsigned i = 1; i < 3; i++) {
		ck_assert_uint_eq(group[i].port, group[0].port);
		ck_assert_int_eq(group[i].fd6 < 0, group[0].fd6 < 0);
	}
	/* Many senders are spread; each datagram arrives once. */
	for (unsigned i = 0; i < 64; i++) {
		ck_assert_int_eq(udp_open(0, 0, 0, &c), 0);
		ck_assert_int_eq(udp_send(&c, &(struct tnl_path){ .remote = addr("127.0.0.1", group[0].port) }, "x", 1,
					  0), 0);
		udp_close(&c);
	}
	for (unsigned i = 0; i < 3; i++) {
		while (udp_recv_batch(group[i].fd4, in, 1))
			got[i]++;
		used += got[i] > 0;
		all += got[i];
		udp_close(&group[i]);
	}
	ck_assert_uint_eq(all, 64);
	ck_assert_uint_ge(used, 2);
}
END_TEST

/* Everything that reaches b, its bytes; each datagram as large as `segment` or smaller. */
static uint32_t drain(uint32_t segment)
{
	struct udp_in in[4];
	uint32_t bytes = 0;
	unsigned n;

	for (unsigned i = 0; i < 4; i++)
		in[i].buf = mem[i];
	while ((n = udp_recv_batch(b.fd4, in, 4)) > 0) {
		for (unsigned i = 0; i < n; i++) {
			ck_assert_uint_le(in[i].segment, segment);
			bytes += in[i].len;
		}
	}
	return bytes;
}

START_TEST(without_gso_each_datagram_goes_alone)
{
	static uint8_t data[64 * 100];
	struct tnl_path path = { .remote = addr("127.0.0.1", b.port) };
	struct udp_out out[UDP_BATCH];

	gso.on = false;
	for (unsigned i = 0; i < UDP_BATCH; i++)
		out[i] = (struct udp_out) {
			.path = &path, .data = data, .len = sizeof(data) - i, .segment = 100, .tos = 2
		};
	udp_send_batch(&a, &gso, out, UDP_BATCH);
	for (unsigned i = 0; i < UDP_BATCH; i++)
		ck_assert_uint_eq(out[i].sent, sizeof(data) - i);
	ck_assert_uint_eq(drain(100), UDP_BATCH * sizeof(data) - UDP_BATCH * (UDP_BATCH - 1) / 2);
}
END_TEST

/* What is remembered of a refusal is what the kernel said, and only about messages like it. */
START_TEST(refusal_is_remembered)
{
	static uint8_t data[66000];
	struct tnl_path path = { .remote = addr("127.0.0.1", b.port) };
	struct udp_out big = { .path = &path, .data = data, .len = sizeof(data), .segment = 33000 };
	struct udp_out small = { .path = &path, .data = data, .len = 2000, .segment = 1000 };

	/* Refused, not tried for a while, refused again. */
	for (unsigned i = 0; i < 1 + REFUSED_FIRST + 1; i++) {
		udp_send_batch(&a, &gso, &big, 1);
		udp_send_batch(&a, &gso, &small, 1);
		ck_assert_uint_eq(big.sent, sizeof(data));
		ck_assert_uint_eq(small.sent, 2000);
		ck_assert_uint_eq(drain(33000), sizeof(data) + 2000);
		ck_assert_uint_eq(gso.refused.count, 1);
	}
	for (unsigned i = 0; i < 2 * REFUSED_FIRST; i++)
		ck_assert(refused_skip(&gso.refused, &path.remote, 33000));
	ck_assert(!refused_skip(&gso.refused, &path.remote, 33000));
	ck_assert(!refused_skip(&gso.refused, &path.remote, 1000));
}
END_TEST

START_TEST(nothing_there_is_nothing)
{
	struct udp_in in[4] = { { .buf = mem[0] } };

	ck_assert_uint_eq(udp_recv_batch(b.fd4, in, 1), 0);
	ck_assert_int_eq(udp_send(&a, &(struct tnl_path){ .remote = addr("127.0.0.1", b.port) }, "", 0, 0), 0);
	ck_assert_uint_eq(receive(b.fd4, in), 1);
	ck_assert_uint_eq(in[0].len, 0);
	ck_assert_uint_ge(in[0].segment, 1);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("udp");
	TCase *t = tcase_create("udp");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, one_port_for_both_families);
	tcase_add_test(t, addresses_survive_the_way_there_and_back);
	tcase_add_test(t, batches_arrive_with_source_destination_and_tos);
	tcase_add_test(t, refused_source_is_dropped_not_the_datagram);
	tcase_add_test(t, what_cannot_be_sent_is_told);
	tcase_add_test(t, message_refused_as_a_whole_goes_out_singly);
	tcase_add_test(t, group_shares_a_port_with_nobody_else);
	tcase_add_test(t, without_gso_each_datagram_goes_alone);
	tcase_add_test(t, refusal_is_remembered);
	tcase_add_test(t, nothing_there_is_nothing);
	suite_add_tcase(s, t);
	return suite_run(s);
}
