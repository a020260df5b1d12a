/* SPDX-License-Identifier: MIT */
/* Words to bits, bits to flags, and the line that an operator reads. */
#include <check.h>

#include "../../libtunnel/conf.h"
#include "../../tunneld/offload.h"
#include "suite.h"

START_TEST(words_are_parsed)
{
	static const struct { const char *text; int off; } table[] = {
		{ "", 0 }, { "gso", CONF_OFFLOAD_GSO }, { " USO,tso ,, gro\t", CONF_OFFLOAD_USO | CONF_OFFLOAD_TSO |
		CONF_OFFLOAD_GRO }, { "all", CONF_OFFLOAD_ALL }, { "vnet csum", CONF_OFFLOAD_VNET | CONF_OFFLOAD_CSUM },
		{ "gs", -1 }, { "gsox", -1 }, { "tso;uso", -1 }, { "-tso", -1 }, { "tso none", -1 },
	};

	for (unsigned i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		unsigned off = 1 << 20;

		ck_assert_msg(offload_parse(table[i].text, &off) == (table[i].off >= 0), "%s", table[i].text);
		ck_assert_uint_eq(off, 1u << 20 | (table[i].off >= 0 ? (unsigned)table[i].off : 0));
	}
}
END_TEST

START_TEST(bits_become_flags)
{
	ck_assert_uint_eq(offload_tun_flags(0) | offload_udp_flags(0), 0);
	ck_assert_uint_eq(offload_tun_flags(CONF_OFFLOAD_VNET), TUN_PLAIN);
	ck_assert_uint_eq(offload_tun_flags(CONF_OFFLOAD_CSUM | CONF_OFFLOAD_GSO), TUN_NO_CSUM);
	ck_assert_uint_eq(offload_tun_flags(CONF_OFFLOAD_TSO | CONF_OFFLOAD_USO), TUN_NO_TSO | TUN_NO_USO);
	ck_assert_uint_eq(offload_udp_flags(CONF_OFFLOAD_GSO | CONF_OFFLOAD_TSO), UDP_NO_GSO);
	ck_assert_uint_eq(offload_udp_flags(CONF_OFFLOAD_GRO), UDP_NO_GRO);
	ck_assert_uint_eq(offload_tun_flags(CONF_OFFLOAD_URING), TUN_NO_URING);
}
END_TEST

START_TEST(line_tells_what_is_used)
{
	struct tun_info tun = { .vnet = true, .csum = true, .tso = true, .uso = true, .uring = true };
	struct udp_info udp = { .gso = true, .gro = true, .rcvbuf = UDP_SOCKBUF, .sndbuf = UDP_SOCKBUF };
	char text[OFFLOAD_TEXT];

	offload_text(&tun, &udp, text);
	ck_assert_str_eq(text, "tun csum tso uso uring; udp gso gro; buffers 16 MiB");
	tun.uso = tun.uring = udp.gso = false;
	udp.rcvbuf = 212992;
	offload_text(&tun, &udp, text);
	ck_assert_str_eq(text, "tun csum tso; udp gro; buffers 208 KiB in, 16 MiB out");
	offload_text(&(struct tun_info) { 0 }, &(struct udp_info) { 0 }, text);
	ck_assert_str_eq(text, "tun none; udp none; buffers 0 KiB");
}
END_TEST

/* What the probe says is what the sockets have. */
START_TEST(probe_heeds_what_is_switched_off)
{
	struct udp_info all, none;

	udp_probe(0, &all);
	ck_assert(all.gso && all.gro);
	ck_assert_uint_gt(all.rcvbuf, 0);
	ck_assert_uint_le(all.rcvbuf, UDP_SOCKBUF);
	udp_probe(UDP_NO_GSO | UDP_NO_GRO, &none);
	ck_assert(!none.gso && !none.gro);
	ck_assert_uint_eq(none.sndbuf, all.sndbuf);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("offload");
	TCase *t = tcase_create("offload");

	tcase_add_test(t, words_are_parsed);
	tcase_add_test(t, bits_become_flags);
	tcase_add_test(t, line_tells_what_is_used);
	tcase_add_test(t, probe_heeds_what_is_switched_off);
	suite_add_tcase(s, t);
	return suite_run(s);
}
