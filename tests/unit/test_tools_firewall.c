/* SPDX-License-Identifier: MIT */
/*
 * What doctor makes of the two packet filters that most servers have, as these write them: tests/vectors/firewall has
 * what iptables-save said of ufw 0.36.2 with port 22 allowed, and what nft -j said of firewalld 1.3.3 in the zone
 * public, without what a packet on its way in or through never meets. What a further command adds is in the claims.
 */
#include "../../tools/firewall.h"
#include "suite.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SAMPLES "tests/vectors/firewall/"

static const struct firewall_packet in = { "input", 4, 51820, NULL, "wg0" }, through = { "forward", 4, 0, "wg0", NULL };

/* ---- ufw --------------------------------------------------------------------------------------------------------- */

/* The sample with more lines at the end of its table; the caller's. */
static char *ufw_with(const char *more)
{
	static const char commit[] = "COMMIT\n";
	FILE *f = fopen(SAMPLES "ufw.txt", "re");
	char *text = calloc(1, 16384), *end;
	size_t room = 16384;

	ck_assert_ptr_nonnull(f);
	ck_assert_uint_lt(fread(text, 1, room - 4096, f), room - 4096);
	fclose(f);
	end = strstr(text, commit);
	ck_assert_ptr_nonnull(end);
	snprintf(end, room - (size_t)(end - text), "%s%s", more, commit);
	return text;
}

static enum firewall_verdict ufw(const struct firewall_packet *p, const char *more)
{
	char *text = ufw_with(more);
	enum firewall_verdict v = firewall_iptables(text, p);

	free(text);
	return v;
}

START_TEST(ufw_keeps_out_what_is_not_allowed)
{
	ck_assert_int_eq(ufw(&in, ""), FIREWALL_DROPS);
	ck_assert_int_eq(ufw(&in, "-A ufw-user-input -p udp -m udp --dport 51821 -j ACCEPT\n"), FIREWALL_DROPS);
	ck_assert_int_eq(ufw(&in, "-A ufw-user-input -p tcp -m tcp --dport 51820 -j ACCEPT\n"), FIREWALL_DROPS);
}
END_TEST

START_TEST(ufw_lets_in_what_is_allowed)
{
	static const char *const allowed[] = {
		"-A ufw-user-input -p udp -m udp --dport 51820 -j ACCEPT\n",
		"-A ufw-user-input -p udp -m multiport --dports 51000:52000 -j ACCEPT\n",
		"-A ufw-user-input -p udp -m multiport --dports 53,51820 -j ACCEPT\n",
		/* ufw limit 51820/udp */
		"-A ufw-user-input -p udp -m udp --dport 51820 -m conntrack --ctstate NEW -m recent --set --name "
		"DEFAULT --mask 255.255.255.255 --rsource\n"
		"-A ufw-user-input -p udp -m udp --dport 51820 -m conntrack --ctstate NEW -m recent --update --seconds "
		"30 --hitcount 6 --name DEFAULT --mask 255.255.255.255 --rsource -j ufw-user-limit\n"
		"-A ufw-user-input -p udp -m udp --dport 51820 -j ufw-user-limit-accept\n",
	};

	for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++)
		ck_assert_int_eq(ufw(&in, allowed[i]), FIREWALL_PASSES);
}
END_TEST

START_TEST(ufw_lets_in_some)
{
	ck_assert_int_eq(ufw(&in, "-A ufw-user-input -s 198.51.100.0/24 -p udp -m udp --dport 51820 -j ACCEPT\n"),
			 FIREWALL_MAY_DROP);
	ck_assert_int_eq(ufw(&in, "-A ufw-user-input -i eth0 -p udp -m udp --dport 51820 -j ACCEPT\n"),
			 FIREWALL_MAY_DROP);
}
END_TEST

START_TEST(ufw_denies_before_it_allows)
{
	ck_assert_int_eq(ufw(&in, "-A ufw-user-input -p udp -m udp --dport 51820 -j DROP\n"
			     "-A ufw-user-input -p udp -m multiport --dports 51000:52000 -j ACCEPT\n"),
			 FIREWALL_DROPS);
}
END_TEST

START_TEST(ufw_allows_what_comes_out_of_the_tunnel_and_that_opens_no_port)
{
	ck_assert_int_eq(ufw(&in, "-A ufw-user-input -i wg0 -j ACCEPT\n"), FIREWALL_DROPS);
}
END_TEST

/* ICMP it forwards always; that is no way for clients. */
START_TEST(ufw_forwards_what_it_is_told_to)
{
	ck_assert_int_eq(ufw(&through, ""), FIREWALL_DROPS);
	ck_assert_int_eq(ufw(&through, "-A ufw-user-forward -i wg1 -o eth0 -j ACCEPT\n"), FIREWALL_DROPS);
	ck_assert_int_eq(ufw(&through, "-A ufw-user-forward -i wg0 -j ACCEPT\n"), FIREWALL_PASSES);
	ck_assert_int_eq(ufw(&through, "-A ufw-user-forward -i wg0 -o eth0 -j ACCEPT\n"), FIREWALL_MAY_DROP);
}
END_TEST

/* ---- firewalld --------------------------------------------------------------------------------------------------- */

/* An object of the ruleset in front of a rule of `chain`; chain NULL: at the end. */
static void insert(json_t *rules, const char *chain, const char *object)
{
	json_t *list = json_object_get(rules, "nftables"), *one, *fresh = json_loads(object, 0, NULL);
	size_t i;

	ck_assert_ptr_nonnull(fresh);
	json_array_foreach(list, i, one) {
		const char *name = json_string_value(json_object_get(json_object_get(one, "rule"), "chain"));

		if (chain && name && !strcmp(name, chain))
			break;
	}
	ck_assert(!chain || i < json_array_size(list));
	json_array_insert_new(list, i, fresh);
}

static enum firewall_verdict firewalld(const struct firewall_packet *p, const char *chain, const char *object)
{
	json_t *rules = json_load_file(SAMPLES "firewalld.json", 0, NULL);
	enum firewall_verdict v;
	bool foreign;

	ck_assert_ptr_nonnull(rules);
	if (object)
		insert(rules, chain, object);
	v = firewall_nft(rules, p, &foreign);
	ck_assert(!foreign);
	json_decref(rules);
	return v;
}

#define RULE(chain, expr) \
	"{\"rule\":{\"family\":\"inet\",\"table\":\"firewalld\",\"chain\":\"" chain "\",\"expr\":[" expr "]}}"
#define MATCH(left, right) "{\"match\":{\"op\":\"==\",\"left\":{" left "},\"right\":" right "}},"
#define DPORT MATCH("\"payload\":{\"protocol\":\"udp\",\"field\":\"dport\"}", "51820")
#define FROM MATCH("\"payload\":{\"protocol\":\"ip\",\"field\":\"saddr\"}", \
		   "{\"prefix\":{\"addr\":\"198.51.100.0\",\"len\":24}}")
#define IIF(name) MATCH("\"meta\":{\"key\":\"iifname\"}", "\"" name "\"")
#define ALLOW "filter_IN_public_allow"
#define ACCEPT "{\"accept\":null}"

START_TEST(firewalld_keeps_out_what_is_not_allowed)
{
	ck_assert_int_eq(firewalld(&in, NULL, NULL), FIREWALL_DROPS);
}
END_TEST

START_TEST(firewalld_lets_in_what_is_allowed)
{
	ck_assert_int_eq(firewalld(&in, ALLOW, RULE(ALLOW, DPORT ACCEPT)), FIREWALL_PASSES);
}
END_TEST

START_TEST(firewalld_lets_in_some)
{
	const struct firewall_packet in6 = { "input", 6, 51820, NULL, "wg0" };

	ck_assert_int_eq(firewalld(&in, ALLOW, RULE(ALLOW, FROM DPORT ACCEPT)), FIREWALL_MAY_DROP);
	ck_assert_int_eq(firewalld(&in6, ALLOW, RULE(ALLOW, FROM DPORT ACCEPT)), FIREWALL_DROPS);
}
END_TEST

START_TEST(firewalld_trusts_the_tunnel_and_that_opens_no_port)
{
	ck_assert_int_eq(firewalld(&in, "filter_INPUT_ZONES", RULE("filter_INPUT_ZONES", IIF("wg0") ACCEPT)),
			 FIREWALL_DROPS);
}
END_TEST

START_TEST(firewalld_forwards_within_a_zone)
{
	ck_assert_int_eq(firewalld(&through, NULL, NULL), FIREWALL_MAY_DROP);	/* to eth0 */
	ck_assert_int_eq(firewalld(&through, "filter_FORWARD_ZONES", RULE("filter_FORWARD_ZONES", IIF("wg0") ACCEPT)),
			 FIREWALL_PASSES);
}
END_TEST

/* firewall-cmd --panic-on has a table of its own, in front of routing. */
START_TEST(firewalld_in_panic_drops_everything)
{
	static const char panic[] =
		"{\"chain\":{\"family\":\"inet\",\"table\":\"firewalld_policy_drop\",\"name\":\"raw_prerouting\","
		"\"type\":\"filter\",\"hook\":\"prerouting\",\"prio\":-291,\"policy\":\"drop\"}}";

	ck_assert_int_eq(firewalld(&in, NULL, panic), FIREWALL_DROPS);
	ck_assert_int_eq(firewalld(&through, NULL, panic), FIREWALL_DROPS);
}
END_TEST

/* ---- Either ------------------------------------------------------------------------------------------------------ */

/* That a new connection is none of the others is known of a map only where it is in sight. */
START_TEST(maps_of_states_may_accept_what_is_new)
{
	static const struct {
		const char *data;
		enum firewall_verdict verdict;
	} map[] = {
		{ "{\"set\":[[\"established\",{\"accept\":null}],[\"related\",{\"accept\":null}]]}", FIREWALL_DROPS },
		{ "{\"set\":[[\"established\",{\"accept\":null}],[\"new\",{\"accept\":null}]]}", FIREWALL_MAY_DROP },
		{ "\"@states\"", FIREWALL_MAY_DROP },
	};

	for (size_t i = 0; i < sizeof(map) / sizeof(map[0]); i++) {
		char rule[512];

		snprintf(rule, sizeof(rule),
			 RULE(ALLOW, "{\"vmap\":{\"key\":{\"ct\":{\"key\":\"state\"}},\"data\":%s}}"), map[i].data);
		ck_assert_int_eq(firewalld(&in, ALLOW, rule), map[i].verdict);
	}
}
END_TEST

/* As nft shows a rule of iptables whose condition it does not know: ufw-not-local without what it knows. */
START_TEST(rules_that_nft_cannot_show_are_left_to_iptables)
{
	static const char text[] =
		"{\"nftables\":[{\"chain\":{\"family\":\"ip\",\"table\":\"filter\",\"name\":\"INPUT\","
		"\"type\":\"filter\",\"hook\":\"input\",\"policy\":\"drop\"}},"
		"{\"rule\":{\"family\":\"ip\",\"table\":\"filter\",\"chain\":\"INPUT\",\"expr\":["
		"{\"xt\":{\"type\":\"match\",\"name\":\"addrtype\"}},{\"return\":null}]}},"
		"{\"rule\":{\"family\":\"ip\",\"table\":\"filter\",\"chain\":\"INPUT\",\"expr\":[{\"drop\":null}]}}]}";
	json_t *rules = json_loads(text, 0, NULL);
	bool foreign;

	ck_assert_ptr_nonnull(rules);
	ck_assert_int_eq(firewall_nft(rules, &in, &foreign), FIREWALL_PASSES);
	ck_assert(foreign);
	json_decref(rules);
}
END_TEST

START_TEST(what_lies_behind_a_return_that_may_be_does_not_decide)
{
	static const char behind[] = "*filter\n:INPUT ACCEPT [0:0]\n:ours - [0:0]\n-A INPUT -j ours\n"
				     "-A ours -s 198.51.100.0/24 -j RETURN\n-A ours -j DROP\nCOMMIT\n";
	static const char before[] = "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -s 198.51.100.0/24 -j ACCEPT\n"
				     "-A INPUT -j DROP\nCOMMIT\n";

	ck_assert_int_eq(firewall_iptables(behind, &in), FIREWALL_PASSES);
	ck_assert_int_eq(firewall_iptables(before, &in), FIREWALL_MAY_DROP);
}
END_TEST

/* Chains that jump, in both notations: INPUT, which drops what nobody accepts, c0, c1 ... */
struct jumps {
	json_t *list;
	FILE *f;
	char *text;
	size_t len;
};

static void begin(struct jumps *j)
{
	j->f = open_memstream(&j->text, &j->len);
	ck_assert_ptr_nonnull(j->f);
	fprintf(j->f, "*filter\n:INPUT DROP [0:0]\n");
	j->list = json_pack("[{s{ssssssssssss}}]", "chain", "family", "inet", "table", "t", "name", "INPUT", "type",
			    "filter", "hook", "input", "policy", "drop");
	ck_assert_ptr_nonnull(j->list);
}

/* from -1: INPUT; to -1: the packet is accepted. */
static void jump(struct jumps *j, int from, int to)
{
	char chain[16] = "INPUT", target[16];
	json_t *verdict = to < 0 ? json_pack("{sn}", "accept") : NULL;

	if (from >= 0)
		snprintf(chain, sizeof(chain), "c%d", from);
	snprintf(target, sizeof(target), "c%d", to);
	if (!verdict)
		verdict = json_pack("{s{ss}}", "jump", "target", target);
	ck_assert_int_eq(json_array_append_new(j->list, json_pack("{s{sssssss[o]}}", "rule", "family", "inet", "table",
								  "t", "chain", chain, "expr", verdict)), 0);
	fprintf(j->f, "-A %s -j %s\n", chain, to < 0 ? "ACCEPT" : target);
}

static void end(struct jumps *j, enum firewall_verdict expected)
{
	json_t *rules = json_pack("{so}", "nftables", j->list);
	bool foreign;

	ck_assert_ptr_nonnull(rules);
	fprintf(j->f, "COMMIT\n");
	fclose(j->f);
	ck_assert_int_eq(firewall_nft(rules, &in, &foreign), expected);
	ck_assert_int_eq(firewall_iptables(j->text, &in), expected);
	json_decref(rules);
	free(j->text);
}

/* Sixteen chains that jump eight times each: 8^16 walks, if every jump had its own. */
START_TEST(chains_are_walked_to_their_end_however_many_jumps_lead_to_them)
{
	for (int accepts = 0; accepts < 2; accepts++) {
		struct jumps j;

		begin(&j);
		jump(&j, -1, 0);
		for (int i = 0; i < 15 * 8; i++)
			jump(&j, i / 8, i / 8 + 1);
		jump(&j, -1, 20);
		if (accepts)
			jump(&j, 20, -1);
		end(&j, accepts ? FIREWALL_PASSES : FIREWALL_DROPS);
	}
}
END_TEST

/* The kernel has no such chains. Nothing is said for certain of what they do. */
START_TEST(chains_that_never_end_may_do_anything)
{
	struct jumps loop, deep;

	begin(&loop);
	jump(&loop, -1, 0);
	jump(&loop, 0, 1);
	jump(&loop, 1, 0);
	end(&loop, FIREWALL_MAY_DROP);
	begin(&deep);
	for (int i = -1; i < 20000; i++)
		jump(&deep, i, i + 1);
	jump(&deep, 20000, -1);
	end(&deep, FIREWALL_MAY_DROP);
}
END_TEST

/* What drops is in a chain that is jumped to, or in one of its name in another table. */
START_TEST(chains_of_one_name_are_not_mixed_up)
{
	static const char *const where[][2] = { { "inet", "t" }, { "ip6", "t" }, { "inet", "other" } };

	for (size_t i = 0; i < sizeof(where) / sizeof(where[0]); i++) {
		json_t *rules = json_pack("{s[{s{ssssssssssss}}{s{sssssss[{s{ss}}]}}{s{sssssss[{sn}]}}]}", "nftables",
					  "chain", "family", "inet", "table", "t", "name", "in", "type", "filter",
					  "hook", "input", "policy", "accept",
					  "rule", "family", "inet", "table", "t", "chain", "in", "expr",
					  "jump", "target", "c",
					  "rule", "family", where[i][0], "table", where[i][1], "chain", "c", "expr",
					  "drop");
		bool foreign;

		ck_assert_ptr_nonnull(rules);
		ck_assert_int_eq(firewall_nft(rules, &in, &foreign), i ? FIREWALL_PASSES : FIREWALL_DROPS);
		json_decref(rules);
	}
}
END_TEST

START_TEST(no_rules_are_no_fault)
{
	bool foreign = true;

	ck_assert_int_eq(firewall_iptables(NULL, &in), FIREWALL_PASSES);
	ck_assert_int_eq(firewall_iptables("", &in), FIREWALL_PASSES);
	ck_assert_int_eq(firewall_nft(NULL, &in, &foreign), FIREWALL_PASSES);
	ck_assert(!foreign && !firewall_masquerades(NULL, 4));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("firewall");
	TCase *t = tcase_create("ufw"), *d = tcase_create("firewalld"), *e = tcase_create("either");

	tcase_add_test(t, ufw_keeps_out_what_is_not_allowed);
	tcase_add_test(t, ufw_lets_in_what_is_allowed);
	tcase_add_test(t, ufw_lets_in_some);
	tcase_add_test(t, ufw_denies_before_it_allows);
	tcase_add_test(t, ufw_allows_what_comes_out_of_the_tunnel_and_that_opens_no_port);
	tcase_add_test(t, ufw_forwards_what_it_is_told_to);
	tcase_add_test(d, firewalld_keeps_out_what_is_not_allowed);
	tcase_add_test(d, firewalld_lets_in_what_is_allowed);
	tcase_add_test(d, firewalld_lets_in_some);
	tcase_add_test(d, firewalld_trusts_the_tunnel_and_that_opens_no_port);
	tcase_add_test(d, firewalld_forwards_within_a_zone);
	tcase_add_test(d, firewalld_in_panic_drops_everything);
	tcase_add_test(e, rules_that_nft_cannot_show_are_left_to_iptables);
	tcase_add_test(e, maps_of_states_may_accept_what_is_new);
	tcase_add_test(e, what_lies_behind_a_return_that_may_be_does_not_decide);
	tcase_add_test(e, chains_are_walked_to_their_end_however_many_jumps_lead_to_them);
	tcase_add_test(e, chains_that_never_end_may_do_anything);
	tcase_add_test(e, chains_of_one_name_are_not_mixed_up);
	tcase_add_test(e, no_rules_are_no_fault);
	suite_add_tcase(s, t);
	suite_add_tcase(s, d);
	suite_add_tcase(s, e);
	return suite_run(s);
}
