/* SPDX-License-Identifier: MIT */
/* A configuration on its way from the process that parses to the one with rights: whole, or not at all. */
#include "../../tunneld/config.h"
#include "conf.h"
#include "suite.h"

#include <check.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static struct uapi_op ops[4];
static struct config_prefix address;
static char *hook;
static struct config c;

/* The smallest of each kind. */
static void setup(void)
{
	memset(ops, 0, sizeof(ops));
	ops[0].what = UAPI_PEER;
	ops[1].what = UAPI_ALLOWED_IP;
	ops[1].addr = (struct tnl_addr){ .ip = { 10, 8, 0, 2 }, .family = 4 };
	ops[1].bits = 32;
	ops[2].what = UAPI_ENDPOINT;
	ops[2].addr = (struct tnl_addr){ .ip = { 10, 0, 0, 2 }, .family = 4, .port = 1 };
	ops[3].what = UAPI_KEEPALIVE;
	ops[3].number = 25;
	address = (struct config_prefix){ .addr = { .ip = { 10, 8, 0, 1 }, .family = 4 }, .bits = 24 };
	hook = strdup("true");
	memset(&c, 0, sizeof(c));
	c = (struct config){ .has_private_key = true, .port = 51820, .table = CONF_TABLE_AUTO, .nat = CONF_NAT_VIA,
			     .nat_via = "eth0", .ops = ops, .op_count = 4, .addresses = &address, .address_count = 1,
			     .dns = { { true, "10.8.0.53" }, { false, "lan" } }, .dns_count = 2 };
	c.hooks[HOOKS_POST_UP] = &hook;
	c.hook_count[HOOKS_POST_UP] = 1;
}

static void teardown(void)
{
	free(hook);
}

/* c as it arrives; NULL: it does not. The caller's. */
static struct config *arrives(void)
{
	size_t len;
	void *packed = config_pack(&c, &len);
	struct config *ret = config_unpack(packed, len);

	free(packed);
	return ret;
}

START_TEST(it_arrives_as_it_was)
{
	struct config *got = arrives();

	ck_assert_ptr_nonnull(got);
	ck_assert_uint_eq(got->op_count, 4);
	ck_assert_mem_eq(got->ops, ops, sizeof(ops));
	ck_assert_uint_eq(got->address_count, 1);
	ck_assert_mem_eq(got->addresses, &address, sizeof(address));
	ck_assert_uint_eq(got->dns_count, 2);
	ck_assert_str_eq(got->dns[1].text, "lan");
	ck_assert_str_eq(got->nat_via, "eth0");
	ck_assert_str_eq(got->hooks[HOOKS_POST_UP][0], "true");
	config_free(got);
}
END_TEST

/* Each on its own makes it something that no file can say. */
static void break_it(unsigned how)
{
	switch (how) {
	case 0: c.dns_count = CONFIG_DNS_MAX + 1; break;
	case 1: c.dns_count = SIZE_MAX; break;
	case 2: memset(c.dns[1].text, 'x', sizeof(c.dns[1].text)); break;
	case 3: memset(&c.dns[0].server, 2, 1); break;
	case 4: memset(c.nat_via, 'x', sizeof(c.nat_via)); break;
	case 5: c.nat = CONF_NAT_VIA + 1; break;
	case 6: c.kill_switch = CONF_KILL_LAN + 1; break;
	case 7: c.table = CONF_TABLE_OFF + 1; break;
	case 8: c.mtu = UINT16_MAX + 1; break;
	case 9: memset(&c.has_private_key, 2, 1); break;
	case 10: ops[0].what = UAPI_PSK; break;
	case 11: ops[3].what = UAPI_WHATS; break;
	case 12: ops[3].what = UAPI_PRIVATE_KEY; break;
	case 13: ops[3].number = UINT16_MAX + 1; break;
	case 14: ops[2].addr.family = 5; break;
	case 15: ops[2].addr.port = 0; break;
	case 16: ops[1].bits = 33; break;
	case 17: ops[1].addr.family = 0; break;
	case 18: memset(&ops[1].minus, 2, 1); break;
	case 19: address.bits = 33; break;
	case 20: address.addr.family = 10; break;
	}
}
enum { BROKEN = 21 };

START_TEST(what_no_file_can_say_does_not_arrive)
{
	break_it((unsigned)_i);
	ck_assert_ptr_null(arrives());
}
END_TEST

START_TEST(counts_that_are_not_there_do_not_arrive)
{
	static const size_t counts[] = {
		offsetof(struct config, op_count), offsetof(struct config, address_count),
		offsetof(struct config, hook_count[HOOKS_PRE_UP]),
		offsetof(struct config, hook_count[HOOKS_PHASES - 1]),
	};
	const size_t wrong[] = { 5, SIZE_MAX, SIZE_MAX / 2, SIZE_MAX / sizeof(struct uapi_op) + 2 };

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		for (size_t k = 0; k < sizeof(wrong) / sizeof(wrong[0]); k++) {
			size_t len;
			char *packed = config_pack(&c, &len);

			memcpy(packed + counts[i], &wrong[k], sizeof(wrong[k]));
			ck_assert_ptr_null(config_unpack(packed, len));
			free(packed);
		}
	}
}
END_TEST

START_TEST(a_part_does_not_arrive)
{
	size_t len;
	char *packed = config_pack(&c, &len);

	for (size_t cut = 0; cut < len; cut++) {
		char *part = malloc(cut ? cut : 1);	/* of its exact size, so that reading on is seen */

		memcpy(part, packed, cut);
		ck_assert_ptr_null(config_unpack(part, cut));
		free(part);
	}
	free(packed);
}
END_TEST

/* With the sanitizers: whatever arrives can be let go of, and packed again. */
START_TEST(noise_does_no_harm)
{
	unsigned seed = (unsigned)time(NULL);
	size_t len;
	char *packed = config_pack(&c, &len), *noisy = malloc(len);

	printf("seed %u\n", seed);
	srandom(seed);
	for (unsigned i = 0; i < 20000; i++) {
		struct config *got;
		void *again;
		size_t n;

		memcpy(noisy, packed, len);
		for (long k = 1 + random() % 8; k; k--)
			noisy[(size_t)random() % len] = (char)(random() % 4 ? random() : 0xff);
		got = config_unpack(noisy, len);
		if (!got)
			continue;
		again = config_pack(got, &n);
		ck_assert_uint_eq(n, len);
		free(again);
		config_free(got);
	}
	free(packed);
	free(noisy);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("config");
	TCase *t = tcase_create("pack");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, it_arrives_as_it_was);
	tcase_add_loop_test(t, what_no_file_can_say_does_not_arrive, 0, BROKEN);
	tcase_add_test(t, counts_that_are_not_there_do_not_arrive);
	tcase_add_test(t, a_part_does_not_arrive);
	tcase_add_test(t, noise_does_no_harm);
	suite_add_tcase(s, t);
	return suite_run(s);
}
