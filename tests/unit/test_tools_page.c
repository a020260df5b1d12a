/* SPDX-License-Identifier: MIT */
/* The configuration for a peer's own machine, to the byte, in each format; whether the programs take it is for
 * tests/net/t_export.sh. */
#include "../../tools/page.h"
#include "suite.h"

#include <check.h>
#include <sodium.h>
#include <string.h>

#define ZERO "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

static struct roster r;
static struct peer peer;
static struct page page;
static const uint8_t zero[TNL_KEY_LEN];
static struct page_client from;

static void add_dns(const char *text)
{
	struct roster_dns *d = &r.dns[r.dns_count++];

	strcpy(d->text, text);
	text_addr(text, strlen(text), NULL, &d->addr);
}

static void setup(void)
{
	struct net n;

	memset(&r, 0, sizeof(r));
	memset(&peer, 0, sizeof(peer));
	strcpy(peer.name, "anna");
	ck_assert(net_parse("10.8.0.7", 8, &n));
	peer_add_net(&peer, &n);
	ck_assert(net_parse("fd08::7", 7, &n));
	peer_add_net(&peer, &n);
	ck_assert(net_parse("10.8.0.1/24", 11, &r.own[0]) && net_parse("fd08::1/64", 10, &r.own[1]));
	r.own_count = 2;
	r.port = 7;
	strcpy(r.client_host, "vpn.example");
	from = (struct page_client){ .peer = &peer, .private = zero, .server = &r, .ifname = "wg0" };
}

static void everything(void)
{
	r.nat = true;
	peer.has_psk = true;
	add_dns("9.9.9.9");
	add_dns("fd08::53");
	add_dns("corp.example");
}

START_TEST(the_file_of_the_server_says_how_to_reach_it)
{
	ck_assert(page_client_config(&page, &from));
	ck_assert_ptr_nonnull(strstr(page.text, "\nEndpoint = vpn.example:7\n"));
	strcpy(r.client_host, "vpn.example:8");
	ck_assert(page_client_config(&page, &from));
	ck_assert_ptr_nonnull(strstr(page.text, "\nEndpoint = vpn.example:8\n"));
	from.address = "other.example";
	ck_assert(page_client_config(&page, &from));
	ck_assert_ptr_nonnull(strstr(page.text, "\nEndpoint = other.example:7\n"));
}
END_TEST

START_TEST(nat_is_a_way_to_the_world)
{
	everything();
	ck_assert(page_client_config(&page, &from));
	ck_assert_str_eq(page.text, "[Interface]\nPrivateKey = " ZERO "\nAddress = 10.8.0.7/32, fd08::7/128\n"
				    "DNS = 9.9.9.9, fd08::53, corp.example\n\n[Peer]\nPublicKey = " ZERO "\n"
				    "PresharedKey = " ZERO "\nAllowedIPs = 0.0.0.0/0, ::/0\n"
				    "Endpoint = vpn.example:7\nPersistentKeepalive = 25\n");
}
END_TEST

START_TEST(compact_is_the_same_without_blanks)
{
	ck_assert(page_client_compact(&page, &from));
	ck_assert_str_eq(page.text, "[Interface]\nPrivateKey=" ZERO "\nAddress=10.8.0.7/32,fd08::7/128\n[Peer]\n"
				    "PublicKey=" ZERO "\nAllowedIPs=10.8.0.0/24,fd08::/64\nEndpoint=vpn.example:7\n"
				    "PersistentKeepalive=25\n");
	ck_assert_uint_eq(page.len, strlen(page.text));
	ck_assert(sodium_is_zero((uint8_t *)page.text + page.len, sizeof(page.text) - page.len));
}
END_TEST

static void expect_nm(const char *tail)
{
	static const char head[] = "[connection]\nid=wg0\nuuid=";
	const char *at = page.text + strlen(head) + 36;

	ck_assert(page_client_nm(&page, &from));
	ck_assert_int_eq(strncmp(page.text, head, strlen(head)), 0);
	ck_assert_str_eq(at, tail);
	ck_assert(at[-22] == '8' && strchr("89ab", at[-17]));
}

START_TEST(networkmanager)
{
	expect_nm("\ntype=wireguard\ninterface-name=wg0\n\n[wireguard]\nprivate-key = " ZERO "\n\n"
		  "[wireguard-peer." ZERO "]\nendpoint=vpn.example:7\npersistent-keepalive=25\n"
		  "allowed-ips=10.8.0.0/24;fd08::/64\n\n[ipv4]\naddress1=10.8.0.7/32\nmethod=manual\n\n"
		  "[ipv6]\naddress1=fd08::7/128\nmethod=manual\n");
	everything();
	expect_nm("\ntype=wireguard\ninterface-name=wg0\n\n[wireguard]\nprivate-key = " ZERO "\n\n"
		  "[wireguard-peer." ZERO "]\nendpoint=vpn.example:7\npreshared-key = " ZERO "\n"
		  "preshared-key-flags=0\npersistent-keepalive=25\nallowed-ips=0.0.0.0/0;::/0\n\n"
		  "[ipv4]\naddress1=10.8.0.7/32\nmethod=manual\ndns=9.9.9.9;\ndns-search=corp.example;~;\n\n"
		  "[ipv6]\naddress1=fd08::7/128\nmethod=manual\ndns=fd08::53;\ndns-search=corp.example;~;\n");
	peer.net_count = 1;
	from.private = NULL;
	ck_assert(page_client_nm(&page, &from));
	ck_assert_ptr_nonnull(strstr(page.text, "\n#private-key = yours\n"));
	ck_assert_ptr_nonnull(strstr(page.text, "\n[ipv6]\nmethod=disabled\n"));
}
END_TEST

START_TEST(networkd)
{
	ck_assert(page_client_network(&page, &from));
	ck_assert_str_eq(page.text, "[Match]\nName=wg0\n\n[Network]\nAddress=10.8.0.7/32\nAddress=fd08::7/128\n\n"
				    "[Route]\nDestination=10.8.0.0/24\n\n[Route]\nDestination=fd08::/64\n");
	ck_assert(page_client_netdev(&page, &from));
	ck_assert_str_eq(page.text, "[NetDev]\nName=wg0\nKind=wireguard\nMTUBytes=1420\n\n[WireGuard]\n"
				    "PrivateKey = " ZERO "\n\n[WireGuardPeer]\nPublicKey = " ZERO "\n"
				    "AllowedIPs=10.8.0.0/24,fd08::/64\nEndpoint=vpn.example:7\n"
				    "PersistentKeepalive=25\n");
	everything();
	ck_assert(page_client_netdev(&page, &from));
	ck_assert_ptr_nonnull(strstr(page.text, "\nFirewallMark=51820\n"));
	ck_assert(page_client_network(&page, &from));
	ck_assert_ptr_nonnull(strstr(page.text, "\nDNS=9.9.9.9\nDNS=fd08::53\nDomains=corp.example\nDomains=~.\n"));
	ck_assert_ptr_nonnull(strstr(page.text, "\n[Route]\nDestination=0.0.0.0/0\nTable=51820\n"));
	ck_assert_ptr_nonnull(strstr(page.text, "\nFirewallMark=51820\nInvertRule=yes\nTable=51820\n"));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("tools_page");
	TCase *tc = tcase_create("all");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, the_file_of_the_server_says_how_to_reach_it);
	tcase_add_test(tc, nat_is_a_way_to_the_world);
	tcase_add_test(tc, compact_is_the_same_without_blanks);
	tcase_add_test(tc, networkmanager);
	tcase_add_test(tc, networkd);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
