/* SPDX-License-Identifier: MIT */
/*
 * All that the daemon does to the machine's network for a configuration file, behind one door: addresses, MTU, link
 * state, routes and rules as wg-quick would set them, a packet filter table of our own (nat.h) and the kernel's
 * forwarding switches (forward.h). A default route goes to a table of its own, which everything is sent to that does
 * not carry the tunnel's mark, unless the main table knows something more specific. DNS is a program's work, so the
 * hook runner's (hooks.h).
 *
 * What has been set up is remembered, so that a change does what differs and the end takes back what is ours, nothing
 * else. PARENT only. Where an error is not returned it has been logged.
 */
#ifndef NETWORK_H
#define NETWORK_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "config.h"
#include "netlink.h"

struct network;

/* Opens what later cannot be opened any more, so call it before sandbox_parent(). ifname: our interface's; copied.
 * netlink is borrowed for as long as the struct lives. NULL: logged. */
struct network *network_open(struct netlink *netlink, const char *ifname);
/* Closes; takes nothing back. NULL is fine. */
void network_close(struct network *w);

/* Settles what the file leaves open and the engine must know too: c->fwmark, which is chosen if the file names none but
 * rules or a kill switch need one, and stays the same over changes. Before config_feed() of that config. */
void network_prepare(struct network *w, struct config *c);

/* Brings up what c says. False: network_down() is still to be called. c is not needed afterwards. */
bool network_up(struct network *w, const struct config *c, unsigned ifindex);

/* From what is there, whoever made it so, to what c says; only what differs is touched, and what is new is there before
 * what is old goes. `tell` hears of each thing that changed, one line without line end ("route 10.9.0.0/24 added"), or
 * of why not, once. 0; or a negative errno, and then it is all as it was before, as far as the kernel let us. Prepared,
 * and the engine has taken c's settings. If it fails, feed the engine the old ones again. Hooks and DNS are not its
 * business. */
typedef void (*network_tell)(void *ctx, const char *line);
int network_change(struct network *w, const struct config *c, network_tell tell, void *ctx);
/* The same of c's routes alone, but for default ones, which stay as they are. c need not be prepared. */
int network_routes(struct network *w, const struct config *c, network_tell tell, void *ctx);

/* Takes back what does not vanish with the interface. A kill switch fails closed: after an end that nobody asked for
 * it stays, reduced to itself, and one that a predecessor left so is not taken away by a start that failed either. */
enum network_end { NETWORK_ENDED, NETWORK_FAILED, NETWORK_NEVER_UP };
void network_down(struct network *w, enum network_end how);

/* Whoever flushes the machine's packet filter takes our table along: it is put back, soon but at bounded rate. Poll the
 * descriptor (-1: leave it alone just now) for at most as many milliseconds as network_wait_ms() makes of timeout_ms
 * (negative: any), then call network_serve(). NULL is fine: there is nothing to do. */
int network_fd(const struct network *w);
int network_wait_ms(const struct network *w, int timeout_ms);
void network_serve(struct network *w);

/* What is translated and kept back, for whoever asks how we are: {"nat":{"on":true,"via":null,"networks":[...]},
 * "kill_switch":"no"|"yes"|"lan", "filter":{"table":"tunneld-wg0","put_back":0}}. NULL: there is no file. */
json_t *network_json(const struct network *w);

#endif
