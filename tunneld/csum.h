/* SPDX-License-Identifier: MIT */
/*
 * The Internet checksum, RFC 1071. Sums are taken over memory in the host's own byte order: one's complement addition
 * does not mind, and a result stored as memory is right on either kind of machine. Pure, any thread.
 */
#ifndef CSUM_H
#define CSUM_H

#include <stddef.h>
#include <stdint.h>

/* Adds len bytes to sum. Only the last piece of what is summed may have an odd length. Good for 2^40 bytes in all. */
uint64_t csum_add(uint64_t sum, const uint8_t *p, size_t len);

/* The same, and copies them to dst, which must not overlap: the way for anything longer than a header. */
uint64_t csum_copy(uint64_t sum, uint8_t *dst, const uint8_t *src, size_t len);

/* The pseudo-headers of RFC 9293 3.1 and RFC 8200 8.1; ip points to the IP header, len is that of the transport part.
 */
uint64_t csum_pseudo(const uint8_t *ip, uint8_t proto, uint32_t len);

/* Folded to 16 bits, not complemented: what NEEDS_CSUM wants in the field. */
uint16_t csum_partial(uint64_t sum);

/* Folded and complemented: what goes into the field, by csum_put(). */
uint16_t csum_fold(uint64_t sum);

/* Stores a folded sum. */
void csum_put(uint8_t *field, uint16_t sum);

/* Computes the sum of an IPv4 header anew; head_len is its length with options. */
void csum_ip4(uint8_t *ip, size_t head_len);

#endif
