/* SPDX-License-Identifier: MIT */
/*
 * What a service manager is told (sd_notify(3), Type=notify), and how often it wants to hear that we are well. Without
 * one nothing happens. There is a library for it, which would bring three more into the process that is root; what it
 * does for us is this file. PARENT only.
 */
#ifndef NOTIFY_H
#define NOTIFY_H

#include <stdint.h>

/* First thing, while its socket can be reached. Takes the variables out of the environment: they are for us alone. */
void notify_open(void);

/* Lines such as "READY=1\n". What cannot be sent is not. */
void notify_send(const char *text);
/* The same, with the time that goes with "RELOADING=1\n". */
void notify_reloading(void);

/* Milliseconds within which "WATCHDOG=1\n" must come again; 0: it need not. */
uint64_t notify_watchdog_ms(void);

#endif
