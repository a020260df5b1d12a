#!/bin/bash
# SPDX-License-Identifier: MIT
# The doctor, part two: faults of the network and of peers.
# shellcheck source=tests/net/doctor.sh
. "$(dirname "$0")/doctor.sh"

# ---- The network

must ip -n a link set wg0 down
fault "the interface is down" "link:problem addresses:problem"
again
must ip -n a addr del 10.8.0.1/24 dev wg0
fault "an address is not there" "addresses:problem routes:problem"
again
must n a sysctl -qw net.ipv6.conf.wg0.disable_ipv6=1
fault "IPv6 is switched off" "addresses:problem ipv6:problem routes:problem"
again
must ip -n a link set va mtu 1400
fault "an MTU that is too much for the way" "mtu:warning"
must ip -n a link set va mtu 1500
must ip -n a link set wg0 mtu 1200
fault "an MTU that is too little for IPv6" "addresses:problem mtu-ipv6:problem routes:problem"
again
wire a lan b lanb
must ip -n a addr add 10.8.0.200/28 dev lan
must ip -n a link set lan up
fault "another interface has our network" "overlap:problem"
must ip -n a link del lan
must ip -n a route replace 10.8.0.2/32 via 10.0.0.2
fault "a peer's network goes elsewhere" "routes:problem"
must ip -n a route replace 10.8.0.2/32 dev wg0
must wg set wg0 peer "$(key bo)" endpoint 10.8.0.77:1002
fault "an endpoint inside the tunnel" "loop:problem"
again
must n a nft -f - <<-'END'
	table inet filter {
		chain input {
			type filter hook input priority 0; policy drop;
			ct state established,related accept
			iif lo accept
			tcp dport { 22, 1001 } accept
			udp dport { 53, 2000-3000 } accept
		}
	}
END
fault "a packet filter without our port" "firewall:problem"
must n a nft add rule inet filter input ip saddr 10.7.0.0/16 accept
fault "a packet filter that lets in some" "firewall:warning"
must n a nft add chain inet filter ours
must n a nft add rule inet filter ours udp dport 1000-1001 accept
must n a nft add rule inet filter input ct state new jump ours
claim "a packet filter with our port: nothing" healthy
must n a nft flush ruleset

# ---- NAT

sed -i '/Address/a NAT = yes' "$CONF"
again
parent=$(pgrep -o tunneld)
kill -STOP "$parent" # it would mend some of it
n a nft flush ruleset
must n a sysctl -qw net.ipv4.ip_forward=0 net.ipv6.conf.all.forwarding=0
fault "NAT without forwarding and rules" "forwarding4:problem forwarding6:problem nat:problem"
must n a sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
must n a nft -f - <<-'END'
	table inet ours {
		chain post { type nat hook postrouting priority 100; ip saddr 10.8.0.0/24 masquerade; }
		chain forward { type filter hook forward priority 0; policy drop; ct state established accept; }
	}
END
fault "a packet filter that forwards nothing" "forward-filter:problem"
must n a nft add rule inet ours forward iifname wg0 accept
claim "forwarded and masqueraded: nothing" healthy
kill -CONT "$parent"
config
again
n a nft flush ruleset
if [ -z "$(command -v resolvconf resolvectl)" ]; then
	down
	sed -i '/Address/a DNS = 10.8.0.1' "$CONF"
	fault "DNS, and no program that sets it" "dns:problem daemon:problem"
	config
	up
else
	skip "DNS, and no program that sets it: there is one here"
fi

# ---- Peers

peers() { cat >>"$CONF"; again; }
peers <<<"[Peer]
PublicKey = $(key bo)
AllowedIPs = 10.8.0.3/32"
fault "two peers with one key" "same-key:problem"
config
peers <<<"[Peer]
PublicKey = $(key cy)
AllowedIPs = 10.8.0.2/32"
fault "two peers with one network" "same-network:problem"
config
peers <<<"[Peer]
PublicKey = $(key cy)
AllowedIPs = 10.8.0.1/32"
fault "a peer with our own address" "own-address:problem"
config
peers <<<"[Peer]
PublicKey = $(key cy)"
fault "a peer without a network" "no-network:warning"
config
peers <<<"[Peer]
PublicKey = $(key cy)
Endpoint = 10.0.0.2:9
PersistentKeepalive = 25
AllowedIPs = 10.8.0.3/32"
claim "a peer that does not answer" wait_for 10 finds "unanswered:warning" 11
config
peers <<<"[Peer]
PublicKey = $(key a)
AllowedIPs = 10.8.0.3/32"
fault "a peer with our own key" "differs:warning own-key:problem"

# A client: everything goes through the tunnel.
cat >"$CONF" <<-END
	[Interface]
	PrivateKey = $(cat "$T/a.key")
	Address = 10.8.0.1/24
	[Peer]
	PublicKey = $(key bo)
	Endpoint = 10.0.0.2:1002
	AllowedIPs = 0.0.0.0/0
END
again
claim "a client with a default route: nothing" healthy
must n a sysctl -qw net.ipv4.conf.all.src_valid_mark=0 net.ipv4.conf.all.rp_filter=1
fault "a strict reverse path filter" "reverse-path:problem"
must n a sysctl -qw net.ipv4.conf.all.src_valid_mark=1 net.ipv4.conf.all.rp_filter=0

# bo's configuration on a second device.
config
again
spaces c
wire a vc c vcc
addr a vc 10.0.1.1/24
addr c vcc 10.0.1.2/24
device()
{
	daemon "$1" "$2" tunneld
	must wg set "$2" private-key "$T/bo.key" peer "$(key a)" endpoint "$3:1001" allowed-ips 10.8.0.1/32
	addr "$1" "$2" 10.8.0.2/24
	must ip -n "$1" link set "$2" up
}
device b wgb 10.0.0.1
must reach b 10.8.0.1
claim "a peer that is online: nothing" healthy
device c wgc 10.0.1.1
spawn ping-b b ping -q -i 0.02 10.8.0.1 >/dev/null
spawn ping-c c ping -q -i 0.02 10.8.0.1 >/dev/null
must reach c 10.8.0.1
claim "one configuration on two devices" wait_for 10 finds "ping-pong:warning" 11
stop ping-b; stop ping-c; stop wgb; stop wgc
again
claim "both gone: nothing" healthy

# ---- What is dropped: an attacker at bo's side, then bo itself. Each joins those before it.

watch talk b vb udp
device b wgb 10.0.0.1
must n b ping -q -c 10 -i 0.01 10.8.0.1
seen talk >/dev/null
inject() { n b "$BUILD/net/inject" "$T/talk.pcap" vb 10.0.0.1 "$@" >/dev/null; }
must inject 1 flip
fault "handshakes for another key" "wrong-key:warning"
for _ in {1..25}; do
	inject 1 same
done
fault "handshakes that have no answer" "wrong-key:warning strangers:warning"
must inject 4 flip
fault "packets that were changed" "wrong-key:warning strangers:warning forged:warning"
addr b wgb 10.8.0.77/32
n b ping -q -c 30 -i 0.01 -W 1 -I 10.8.0.77 10.8.0.1 >/dev/null
fault "packets from elsewhere" "wrong-key:warning strangers:warning forged:warning wrong-source:warning"
for _ in {1..10}; do
	inject 4 same
done
fault "packets that come twice" \
	"wrong-key:warning strangers:warning forged:warning wrong-source:warning replays:warning"
stop wgb
again

claim "the end: nothing" healthy
