/* SPDX-License-Identifier: MIT */
/*
 * What the parts of the data path cost, each alone on one core: name, value, unit; tab-separated. By the clock it is
 * the best of MICRO_LAPS laps, in processor time of this thread, since the machine may have other work. Under callgrind
 * it is the instructions of one lap, which tests/bench/icount turns into the same form.
 */
#ifndef MICRO_H
#define MICRO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MICRO_LAPS = 7 };

/* Whether any figure whose name begins so is asked for; whoever needs long preparations asks first. */
bool micro_wanted(const char *prefix);

/* Under callgrind, where everything takes fifty times as long: prepare less. */
bool micro_counting(void);

/* lap(arg) does the thing `count` times; it runs MICRO_LAPS times, or twice. */
void micro_run(const char *name, void (*lap)(void *arg), void *arg, unsigned count);

/* A figure that is not time. Nothing under callgrind. */
void micro_value(const char *name, double value, const char *unit);

/* Zero bytes, aligned for anything of ours. */
void *micro_memory(size_t len);

/* Any number, the same sequence on every machine. */
uint64_t micro_random(void);

/* The parts. */
void micro_aead(void);
void micro_packets(void);
void micro_route(void);
void micro_window(void);
void micro_handshake(void);
void micro_peer(void);

#endif
