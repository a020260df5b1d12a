/* SPDX-License-Identifier: MIT */
/* Two network namespaces as two hosts, and a cable between them. Nothing of it outlives the processes there. */
#ifndef CABLE_H
#define CABLE_H

struct host {
	const char *name;
	const char *addr;	/* at its end of the cable: "192.0.2.1/24" */
	int netns;		/* a descriptor */
};

/* `here` becomes the present namespace, `there` a new one; both ends of the cable are called eth. Leaves this process
 * on `here`. 0, -EPERM, -EOPNOTSUPP: the kernel has no cables, or another negative errno. */
int cable_lay(struct host *here, struct host *there);

/* What this process opens and starts from now on belongs to that host. 0 or a negative errno. */
int cable_enter(const struct host *h);

#endif
