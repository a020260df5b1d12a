/* SPDX-License-Identifier: MIT */
/* The packet filter table that a daemon keeps for an interface, and that stays when it is killed. */
#ifndef FILTER_H
#define FILTER_H

/* Removes it. 1: it was there; 0: it was not, or there is no packet filter; negative errno: refused. */
int filter_remove(const char *ifname);

#endif
