/* SPDX-License-Identifier: MIT */
/*
 * Allowed IPs: prefix -> owner by longest match, one table for each family. The OWNER thread changes it; any number of
 * WORKERS look up at the same time without a lock, each look-up inside a pin (pin.h). What a change unlinks is kept
 * until no pinned worker can hold it: changes take the current epoch as a tag, route_reclaim() frees what is older
 * than every pin. Nothing allocates: the caller brings route_footprint() bytes.
 */
#ifndef ROUTE_H
#define ROUTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* family 4 (ip[0..3], bits <= 32) or 6 (ip[0..15], bits <= 128). Host bits are ignored on input, zero on output; unused
 * bytes of ip are zero on output. */
struct route_prefix {
	uint8_t ip[16];
	uint8_t family, bits;
};

struct route;

/* prefixes, owners: the most that there can be; owners are numbered 1..owners, 0 is none. Memory is zero when given
 * and 64-byte aligned, and only what is used is touched. seed keys the hash of full-length prefixes. 0 and NULL:
 * prefixes is above 2^28. */
size_t route_footprint(uint32_t prefixes, uint32_t owners);
struct route *route_init(void *mem, uint32_t prefixes, uint32_t owners, const uint8_t seed[16]);

/* OWNER. The prefix belongs to `owner` from now on, whoever had it, and is the last of its list. -EINVAL: family, bits
 * or owner. -ENOSPC: the limit; also when more prefixes than the limit were removed and none of that could be reclaimed
 * since. A caller that reclaims after its changes sees the latter only if a worker stays pinned. */
int route_set(struct route *r, const struct route_prefix *p, uint32_t owner, uint64_t epoch);
/* OWNER. Remove if `owner` has exactly this prefix; -ENOENT otherwise. */
int route_del(struct route *r, const struct route_prefix *p, uint32_t owner, uint64_t epoch);
/* OWNER. Who has exactly this prefix; 0: nobody. */
uint32_t route_owner(struct route *r, const struct route_prefix *p);
/* OWNER. All prefixes of `owner`; time in proportion to their number. */
void route_clear(struct route *r, uint32_t owner, uint64_t epoch);
/* OWNER. Nodes unlinked, or a table left behind, with a tag < epoch may be used again. True: none is left waiting. */
bool route_reclaim(struct route *r, uint64_t epoch);
/* OWNER. Walk the prefixes of `owner` in the order in which they were last set: *cursor 0 at the start. No change
 * between two steps. */
bool route_next(const struct route *r, uint32_t owner, uint32_t *cursor, struct route_prefix *ret);
/* OWNER. How many prefixes there are. */
uint32_t route_count(const struct route *r);

/* WORKERS, pinned. The owner of the longest prefix that holds ip, or 0. */
uint32_t route_lookup4(const struct route *r, const uint8_t ip[4]);
uint32_t route_lookup6(const struct route *r, const uint8_t ip[16]);

#endif
