/* SPDX-License-Identifier: MIT */
/*
 * A tunnel from nothing on this one machine, for any user: two network namespaces as two hosts, a tunneld on each, and
 * packets. demo.h has the picture. Each step says what it found, or what is missing.
 */
#include "demo.h"
#include "apart.h"
#include "launch.h"
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { FIRST_WAIT_MS = 5000, PINGS = 50, PING_EVERY_MS = 10, PING_WAIT_MS = 1000, TCP_MS = 4000 };

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* ---- What the machine must have ---------------------------------------------------------------------------------- */

static int look_for_tun(const struct ctx *c)
{
	static const char path[] = "/dev/net/tun";
	int fd = open(path, O_RDWR | O_CLOEXEC), err = fd < 0 ? errno : 0;
	unsigned features;

	if (!err && ioctl(fd, TUNGETFEATURES, &features))
		err = errno;
	if (fd >= 0)
		close(fd);
	switch (err) {
	case 0:
		return 0;
	case EACCES:
		return cmd_fail(c, CMD_PERM, "%s: %s (run it as root, or let everybody open it, as Debian does: "
				"chmod 666 %s)", path, strerror(err), path);
	case EPERM:
		return cmd_fail(c, CMD_PERM, "%s: %s (a container must be given this device)", path, strerror(err));
	default:
		return cmd_fail(c, CMD_FAILED, "%s: %s (modprobe tun; a container must be given this device)", path,
				strerror(err));
	}
}

/* That interfaces of this namespace are given IPv6. */
static bool has_ipv6(void)
{
	int fd = open("/proc/sys/net/ipv6/conf/default/disable_ipv6", O_RDONLY | O_CLOEXEC);
	char off = '1';
	bool ok = fd >= 0 && read(fd, &off, 1) == 1;

	if (fd >= 0)
		close(fd);
	return ok && off == '0';
}

/* /run will be another one, and the way to the program may lead through it. */
static int find_program(const struct ctx *c, char ret[PATH_MAX])
{
	char found[PATH_MAX];

	if (launch_find(found) && realpath(found, ret))
		return 0;
	return cmd_fail(c, CMD_FAILED, "no program tunneld, neither beside tunctl nor in PATH");
}

/* ---- The steps --------------------------------------------------------------------------------------------------- */

static int make_hosts(struct demo *d)
{
	int err = cable_lay(&d->alice.host, &d->bob.host);

	if (err == -EOPNOTSUPP)
		return cmd_fail(d->c, CMD_FAILED, "no cable between two hosts: %s (modprobe veth)", strerror(-err));
	if (err)
		return cmd_fail(d->c, err == -EPERM ? CMD_PERM : CMD_FAILED, "no cable between two hosts: %s",
				strerror(-err));
	demo_say(d, "hosts", "%s %s and %s %s, two network namespaces joined by a cable", d->alice.host.name,
		 d->alice.host.addr, d->bob.host.name, d->bob.host.addr);
	return 0;
}

static int make_tunnel(struct demo *d)
{
	char key[TEXT_BASE64_KEY];
	int code;

	demo_make_keys(&d->alice);
	demo_make_keys(&d->bob);
	text_key_to_base64(key, d->alice.public);
	demo_say(d, "keys", "%-5s %s", d->alice.host.name, key);
	text_key_to_base64(key, d->bob.public);
	demo_say(d, "", "%-5s %s", d->bob.host.name, key);
	if ((code = demo_write_config(d, &d->alice, &d->bob, true)) ||
	    (code = demo_write_config(d, &d->bob, &d->alice, false)) || (code = demo_start(d, &d->bob)) ||
	    (code = demo_start(d, &d->alice)))
		return code;
	demo_say(d, "tunneld", "%s %s on %s, %s %s on %s", d->alice.ifname, d->alice.addr4, d->alice.host.name,
		 d->bob.ifname, d->bob.addr4, d->bob.host.name);
	return 0;
}

static int ping(struct demo *d, const char *to, struct ping *ret)
{
	int err = ping_run(to, PINGS, PING_EVERY_MS, PING_WAIT_MS, ret);

	if (err)
		return cmd_fail(d->c, CMD_FAILED, "ping %s: %s", to, strerror(-err));
	if (!ret->answered)
		return demo_fail(d, &d->alice, CMD_TIMEOUT, "no ping through the tunnel is answered");
	demo_say(d, "ping", "%s: %u of %u answered, median %.3f ms", to, ret->answered, ret->sent,
		 ret->median_us / 1e3);
	return 0;
}

static int pings(struct demo *d)
{
	int err = ping_run(d->bob.addr4, 1, 0, FIRST_WAIT_MS, &d->first), code;

	if (err)
		return cmd_fail(d->c, CMD_FAILED, "ping %s: %s", d->bob.addr4, strerror(-err));
	if (!d->first.answered)
		return demo_fail(d, &d->alice, CMD_TIMEOUT, "bob does not answer through the tunnel");
	demo_say(d, "handshake", "%.2f ms until the first packet was answered", d->first.longest_us / 1e3);
	code = ping(d, d->bob.addr4, &d->ping4);
	if (!code && d->has6)
		code = ping(d, d->bob.addr6, &d->ping6);
	else if (!code)
		demo_say(d, "ping", "IPv6 is switched off on this machine");
	return code;
}

static int tcp(struct demo *d)
{
	uint64_t before = demo_cpu_ns(d);
	char rate[32];
	int err;

	err = stream_run(&d->alice.host, &d->bob.host, d->bob.addr4, TCP_MS, demo_say_rate, d, &d->tcp);
	if (err)
		return cmd_fail(d->c, err == -ETIMEDOUT ? CMD_TIMEOUT : CMD_FAILED, "TCP through the tunnel: %s",
				strerror(-err));
	d->tcp_cpu_ns = demo_cpu_ns(d) - before;
	demo_say(d, "tcp", "%s for %.0f s, one connection from %s to %s", demo_rate(&d->tcp, rate),
		 (double)d->tcp.ns / 1e9, d->alice.host.name, d->bob.host.name);
	return 0;
}

static int keys(struct demo *d)
{
	char key[TEXT_BASE64_KEY];
	int code = demo_change_keys(d);

	if (code)
		return code;
	text_key_to_base64(key, d->alice.public);
	demo_say(d, "new keys", "%-5s %s, and a new preshared key, while both daemons run", d->alice.host.name, key);
	demo_say(d, "", "in use after %.2f ms; %u of %u pings lost, the longest took %.2f ms", d->change_us / 1e3,
		 d->change.sent - d->change.answered, d->change.sent, d->change.longest_us / 1e3);
	return 0;
}

static int inside(void *ctx)
{
	struct demo *d = ctx;
	uint64_t begin = now_ms();
	int code;

	d->has6 = has_ipv6();
	if ((code = make_hosts(d)) || (code = make_tunnel(d)) || (code = pings(d)) || (code = tcp(d)) ||
	    (code = keys(d)))
		return code;
	demo_sum_up(d, (uint32_t)(now_ms() - begin));
	return CMD_DONE;
}

int cmd_demo(struct ctx *c)
{
	struct demo d = {
		.c = c,
		.alice = { .host = { .name = "alice", .addr = "192.0.2.1/24" }, .endpoint = "192.0.2.1:51820",
			   .ifname = "tuna", .addr4 = "10.77.0.1", .addr6 = "fd77::1" },
		.bob = { .host = { .name = "bob", .addr = "192.0.2.2/24" }, .endpoint = "192.0.2.2:51820",
			 .ifname = "tunb", .addr4 = "10.77.0.2", .addr6 = "fd77::2" },
	};
	int code = find_program(c, d.program);

	if (!code)
		code = look_for_tun(c);
	return code ? code : apart_run(c, inside, &d);
}
