/* SPDX-License-Identifier: MIT */
/* Every check with its remedy, in the order in which they are made: what others rest on comes first. */
#include "doctor.h"

const struct doctor_check doctor_table[] = {
	/* the machine */
	{ "foreign-tunctl", doctor_foreign, "apt remove uml-utilities, or put our directory first in PATH" },
	{ "tun", doctor_tun, "modprobe tun; in a container, have the host pass /dev/net/tun on" },
	{ "clock", doctor_clock, "set the clock: timedatectl set-ntp true, or date -s" },
	{ "clock-sync", doctor_clock_sync, "timedatectl set-ntp true (or install chrony)" },
	{ "disk", doctor_disk, "free some space: changes cannot be saved without" },
	{ "writable", doctor_writable, "mount it read-write: mount -o remount,rw" },
	{ "conntrack", doctor_conntrack, "sysctl -w net.netfilter.nf_conntrack_max=262144" },
	{ "dns", doctor_dns, "apt install openresolv, or take DNS out of the configuration" },
	/* configuration */
	{ "config", doctor_config, "mend that line, then: tunctl reload %i" },
	{ "mode", doctor_mode, "chmod -R go-rwx /etc/tunneld" },
	{ "owner", doctor_owner, "chown -R root:root /etc/tunneld" },
	{ "file-names", doctor_names, "rename it: letters, digits, . _ - and \".peer\" behind them" },
	{ "two-configs", doctor_twofold, "remove one of them, and: systemctl disable wg-quick@%i" },
	{ "any-port", doctor_any_port, "add \"ListenPort = 51820\" to [Interface]" },
	/* the daemon */
	{ "daemon", doctor_daemon, "tunctl up %i" },
	{ "replaced", doctor_replaced, "tunctl down %i && tunctl up %i, when a second's break suits" },
	{ "unit", doctor_unit, "systemctl enable tunneld@%i" },
	{ "descriptors", doctor_descriptors, "raise LimitNOFILE= of the unit, or ulimit -n, to 1024" },
	{ "memory-lock", doctor_memory, "raise LimitMEMLOCK= of the unit to infinity, or swapoff -a" },
	{ "port", doctor_port, "end what holds the port (ss -ulpn), or choose another ListenPort" },
	{ "buffers", doctor_buffers,
	  "sysctl -w net.core.rmem_max=16777216 net.core.wmem_max=16777216, then restart" },
	{ "overflow", doctor_overflow, "look for load on this machine: packets came faster than they were read" },
	{ "differs", doctor_differs, "tunctl reload %i, or save what is live: tunctl peer add" },
	/* the network */
	{ "link", doctor_link, "ip link set %i up" },
	{ "addresses", doctor_addresses, "tunctl reload %i, or: ip address add ... dev %i" },
	{ "ipv6", doctor_ipv6, "sysctl -w net.ipv6.conf.%i.disable_ipv6=0, then: tunctl reload %i" },
	{ "forwarding4", doctor_forward4, "sysctl -w net.ipv4.ip_forward=1, and so in /etc/sysctl.d" },
	{ "forwarding6", doctor_forward6, "sysctl -w net.ipv6.conf.all.forwarding=1, and so in /etc/sysctl.d" },
	{ "mtu", doctor_mtu, "set MTU in [Interface] to what is named, then: tunctl reload %i" },
	{ "mtu-ipv6", doctor_mtu6, "MTU = 1280 or more, or no IPv6 addresses" },
	{ "reverse-path", doctor_reverse, "sysctl -w net.ipv4.conf.all.src_valid_mark=1" },
	{ "overlap", doctor_overlap, "give the tunnel networks that nobody else on this machine has" },
	{ "routes", doctor_routes, "tunctl reload %i, or: ip route add NETWORK dev %i" },
	{ "loop", doctor_loop, "route the endpoint outside: ip route add ENDPOINT via GATEWAY" },
	{ "firewall", doctor_firewall,
	  "nft insert rule inet filter input udp dport PORT accept, or: ufw allow PORT/udp" },
	{ "forward-filter", doctor_forward_filter, "nft insert rule inet filter forward iifname %i accept" },
	{ "nat", doctor_nat, "tunctl reload %i" },
	/* peers */
	{ "same-key", doctor_same_key, "remove one: each device needs a key of its own" },
	{ "own-key", doctor_own_key, "give that peer the public key of its own device" },
	{ "same-network", doctor_same_network, "change AllowedIPs of one: only one peer gets the packets" },
	{ "own-address", doctor_own_address, "take our own address out of that peer's AllowedIPs" },
	{ "no-network", doctor_no_network, "give it AllowedIPs: nothing can be sent to it" },
	{ "unanswered", doctor_unanswered,
	  "compare both sides' public and preshared keys; is the peer's UDP port open?" },
	{ "ping-pong", doctor_ping_pong,
	  "one configuration runs on two devices: tunctl peer add for the second" },
};
const size_t doctor_count = sizeof(doctor_table) / sizeof(doctor_table[0]);
