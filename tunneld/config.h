/* SPDX-License-Identifier: MIT */
/*
 * A configuration file as the daemon uses it: read and judged as a whole before anything is touched, then applied in
 * parts: the device's settings by the same door as any UAPI client, addresses and routes by netlink (network.h),
 * commands by the hook runner (hooks.h). PARENT only.
 */
#ifndef CONFIG_H
#define CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <net/if.h>

#include "tunnel.h"
#include "uapi.h"

enum hooks_phase {
	HOOKS_PRE_UP, HOOKS_POST_UP, HOOKS_PRE_DOWN, HOOKS_POST_DOWN,	/* in the order of enum conf_key */
	HOOKS_DNS_UP, HOOKS_DNS_DOWN,	/* no commands of the file but dns.h; before PostUp and PostDown */
	HOOKS_PHASES
};

enum { CONFIG_DNS_MAX = 32, CONFIG_DNS_TEXT = 254 };

struct config_dns {
	bool server;			/* or a search domain */
	char text[CONFIG_DNS_TEXT];	/* letters, digits, '.', ':', '-', '_' */
};

struct config_prefix {
	struct tnl_addr addr;
	uint8_t bits;
};

struct config {
	bool has_private_key;
	uint8_t private_key[TNL_KEY_LEN];
	uint16_t port;			/* 0: the kernel chooses */
	uint32_t fwmark;		/* of the file; or chosen by network_prepare() */
	uint32_t mtu;			/* 0: what the way to the peers allows */
	uint32_t workers;		/* 0: one for each processor */
	unsigned no_offload;		/* CONF_OFFLOAD_ bits */
	uint64_t table;			/* a number, CONF_TABLE_AUTO or CONF_TABLE_OFF */
	uint8_t nat, kill_switch;	/* CONF_NAT_..., CONF_KILL_... */
	char nat_via[IFNAMSIZ];		/* with CONF_NAT_VIA */
	struct uapi_op *ops;		/* the peers, as the lines of a set; they hold preshared keys */
	size_t op_count, op_room;
	struct config_prefix *addresses;
	size_t address_count, address_room;
	struct config_dns dns[CONFIG_DNS_MAX];
	size_t dns_count;
	char **hooks[HOOKS_PHASES];	/* commands, with "%i" still in them */
	size_t hook_count[HOOKS_PHASES], hook_room[HOOKS_PHASES];
};

/* Reads FILE and then, in alphabetical order, *.peer in the directory that has FILE's name with ".d" instead of
 * ".conf". Every error and warning is a line, file:line:column. Resolves the names of endpoints, with bounded retries.
 * NULL: there was an error. */
struct config *config_load(const char *file, FILE *messages);
/* The same for one that a service will start from, and that is only judged here: its credential may be away. */
struct config *config_judge(const char *file, FILE *messages);
/* How many sections have the key of another one. */
size_t config_twins(const struct config *c);
/* Wipes what is secret. NULL is fine. */
void config_free(struct config *c);
/* The private key and the peers, which hold preshared keys; the rest stays. */
void config_forget_keys(struct config *c);

/* The same from one process to another of this program. Heap memory that holds keys: *ret_len bytes, the caller's to
 * wipe; NULL: no memory. Whoever adds a pointer to the struct adds it there. */
void *config_pack(const struct config *c, size_t *ret_len);
/* NULL: no memory, or not what config_pack() makes. */
struct config *config_unpack(const void *src, size_t len);

/* Connects to the UAPI socket and sends one set transaction with all of it. The descriptor on which the answer will
 * come, or a negative errno. */
int config_feed(const struct config *c, const char *path);
/* Takes the answer; false: not accepted, logged. */
bool config_fed(int client);

#endif
