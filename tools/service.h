/* SPDX-License-Identifier: MIT */
/* systemd, where it runs: tunneld@IF as a service, started now and, if it is enabled, after each boot. */
#ifndef SERVICE_H
#define SERVICE_H

#include "iface.h"

/* How the unit stands to one interface. Nothing of it where there is no systemd. */
struct service {
	/* systemd knows the unit, and its interface is this one: network and sockets are the same here, and no
	 * option has us look for files elsewhere. */
	bool serves;
	bool reads;	/* and IF.conf is the file that it reads */
	char barred[PATH_MAX];	/* "", or why it is not: this file it cannot read, being less than all of root */
	bool on;	/* it runs, starts, ends, or is to be started again */
	bool runs;	/* who answers at the interface's socket is its daemon */
	bool within;	/* we are one of its own processes, such as a PostUp: to wait for it is to wait for ourselves */
};
void service_look(const struct ctx *c, const struct iface *f, struct service *ret);

/* Has systemd start, stop or restart the unit and waits until that is done, but not within. The interface's lock must
 * not be held: the unit's own commands may want it. 0, or an exit code after a line on stderr: CMD_FAILED, or
 * CMD_TIMEOUT: it is still under way. What was off and does not start is off again. */
int service_start(const struct ctx *c, const struct iface *f, const struct service *s);
int service_stop(const struct ctx *c, const struct iface *f, const struct service *s);
int service_restart(const struct ctx *c, const struct iface *f, const struct service *s);

/* For a new interface: systemd runs here, knows the unit, which would see our network, and the files that this command
 * works on are those that the unit reads. */
bool service_here(const struct ctx *c);
/* Enables and starts; 0, or an exit code after a line on stderr, then neither. */
int service_enable(const struct ctx *c, const char *ifname);

#endif
