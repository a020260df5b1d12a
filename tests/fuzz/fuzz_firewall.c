/* SPDX-License-Identifier: MIT */
/*
 * What other programs say of packet filters: first byte even: JSON of nft, odd: lines of iptables-save. Each has a
 * verdict, in a bounded time, and none for a hook is worse than none at all.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "../../tools/firewall.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void check(const json_t *rules, const char *text, const struct firewall_packet *p)
{
	enum firewall_verdict v;
	bool foreign = false;

	v = text ? firewall_iptables(text, p) : firewall_nft(rules, p, &foreign);
	must(v == FIREWALL_PASSES || v == FIREWALL_MAY_DROP || v == FIREWALL_DROPS);
	/* the same again is the same */
	must(v == (text ? firewall_iptables(text, p) : firewall_nft(rules, p, &foreign)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct firewall_packet packets[] = {
		{ "input", 4, 51820, NULL, "wg0" }, { "input", 6, 51820, NULL, NULL },
		{ "forward", 4, 0, "wg0", NULL }, { "forward", 6, 0, "wg0", NULL },
	};
	json_t *rules = NULL;
	char *text = NULL;

	if (size < 1)
		return 0;
	if (data[0] & 1) {
		text = malloc(size);	/* of its exact size, so that reading on is seen */
		must(text != NULL);
		memcpy(text, data + 1, size - 1);
		text[size - 1] = 0;
	} else {
		rules = json_loadb((const char *)data + 1, size - 1, 0, NULL);
	}
	for (size_t i = 0; i < sizeof(packets) / sizeof(packets[0]); i++)
		if (text || rules)
			check(rules, text, &packets[i]);
	if (rules) {
		firewall_masquerades(rules, 4);
		firewall_masquerades(rules, 6);
	}
	json_decref(rules);
	free(text);
	return 0;
}
