/* SPDX-License-Identifier: MIT */
/*
 * What the kernel does for us with many packets at once, how an operator switches it off, and how it is told to him.
 * `off` is everywhere a set of CONF_OFFLOAD_ bits. PARENT only.
 */
#ifndef OFFLOAD_H
#define OFFLOAD_H

#include <stdbool.h>

#include "tun.h"
#include "udp.h"

/* For systems without a configuration file: the words of NoOffload, between commas or blanks. */
#define OFFLOAD_ENV "TUNNELD_NO_OFFLOAD"

/* Adds the words of text to *off. False: one of them is none. */
bool offload_parse(const char *text, unsigned *off);

/* flags of tun_open(), of udp_probe() and udp_open() */
unsigned offload_tun_flags(unsigned off);
unsigned offload_udp_flags(unsigned off);

enum { OFFLOAD_TEXT = 256 };

/* One line: what is used, "tun csum tso uso; udp gso gro; buffers 16 MiB". */
void offload_text(const struct tun_info *tun, const struct udp_info *udp, char ret[OFFLOAD_TEXT]);

/* Logs that line, and one for everything that is missing: why, and what would help. */
void offload_log(unsigned off, const struct tun_info *tun, const struct udp_info *udp);

#endif
