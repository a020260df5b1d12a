#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A reload brings addresses, routes, rules, MTU, packet filter and forwarding from what they were to what the file says,
# names each thing that changed, leaves the rest alone, and takes everything back when a part of it fails.
#
#   ns a: wga alone, beside an uplink that has routes of its own
. "$(dirname "$0")/lib.sh"

spaces a b
wire a up0 b far0
addr a up0 10.0.0.1/24
must ip -n a route add 172.31.0.0/16 dev up0
must n a sysctl -qw net.ipv4.ip_forward=0
key a >/dev/null; key b >/dev/null
CTL=/run/tunneld/wga.sock

# conf INTERFACE-LINES ALLOWED-IPS
conf()
{
	(umask 077; cat >"$T/wga.conf" <<-END
		[Interface]
		PrivateKey = $(cat "$T/a.key")
		$1

		[Peer]
		PublicKey = $(key b)
		AllowedIPs = $2
	END
	)
}
reload()
{
	printf '{"v":1,"do":"reload"}\n' | timeout 20 socat -t 15 - "UNIX-CONNECT:$CTL" >"$T/answer"
}
reloads() { reload; jq -e '.code == 0' "$T/answer" || { cat "$T/answer"; false; }; }
fails() { reload; jq -e '.code == 1' "$T/answer" || { cat "$T/answer"; false; }; }
# What was told of the network; peers and the mark are the engine's business.
told() { jq -r '.changed[]' "$T/answer" | grep -E '^(address|route|default|MTU|NAT|kill)' | paste -sd '|'; }
tells() { equal "$(told)" "$1"; }
# Everything that is ours to set, but not our own choice of a link-local address.
state()
{
	ip -n a -o addr show wga | grep -v fe80 | awk '{ print $3, $4 }'
	ip -n a route show table all dev wga | grep -v 'fe80\|ff00\|local\|anycast'
	ip -n a -6 route show table all dev wga | grep -v 'fe80\|ff00\|local\|anycast'
	ip -n a rule; ip -n a -6 rule
	ip -n a -o link show wga | grep -o 'mtu [0-9]*'
	n a nft list ruleset; n a sysctl net.ipv4.ip_forward
}
has() { grep -qF -e "$1" <(state); }

conf 'Address = 10.8.0.1/24, fd08::1/64' '10.8.0.2/32, 172.16.0.0/16'
spawn wga a "$TUNNELD" -f -c "$T/wga.conf" wga >"$T/wga.log" 2>&1
must wait_for 10 grep -q ready "$T/wga.log"
FIRST=$(state)
claim "the same file" reloads
claim "changes nothing" tells ''

# Events of the kernel are the proof that nothing else was touched.
spawn monitor a ip monitor address route rule link >"$T/events"
# heard ADDRESS: the monitor tells of it.
heard()
{
	ip -n a addr replace "$1" dev lo
	ip -n a addr del "$1" dev lo
	grep -qF "$1" "$T/events"
}
must wait_for 10 heard 127.0.0.8/32
conf 'Address = 10.8.0.1/24, fd08::1/64
	Address = 10.9.0.1/24' '10.8.0.2/32, 172.17.0.0/16'
claim "an address more, a route instead of another" reloads
claim "is told" tells 'address 10.9.0.1/24 added|route 172.17.0.0/16 added|route 172.16.0.0/16 removed'
claim "the address is there" has 10.9.0.1/24
claim "the route" has 172.17.0.0/16
claim "the other is not" not has 172.16.0.0/16
must wait_for 10 heard 127.0.0.9/32
stop monitor
claim "nothing else was touched" not grep -E '10\.8\.0|fd08|link/' "$T/events"

conf 'Address = 10.8.0.1/16, fd08::1/48
	MTU = 1300
	NAT = yes' '10.8.0.2/32, 172.17.0.0/16'
claim "other prefix lengths, another MTU, NAT" reloads
claim "is told" tells "address 10.8.0.1/16 added|address fd08::1/48 added|address 10.8.0.1/24 removed|$(
	)address fd08::1/64 removed|address 10.9.0.1/24 removed|NAT yes, was no|MTU 1300, was 1420"
for what in 10.8.0.1/16 fd08::1/48 'mtu 1300' 172.17.0.0/16 'ip saddr 10.8.0.0/16' 'ip_forward = 1'; do
	claim "there is $what" has "$what"
done
claim "the old addresses are gone" not has 10.8.0.1/24
BEFORE=$(state)

# The last route exists by another way: all before it is taken back.
conf 'Address = 10.20.0.1/24, fd08::1/56
	MTU = 1290' '10.99.0.0/16, 172.31.0.0/16, 0.0.0.0/0'
claim "a route that exists by another way fails the reload" fails
claim "which says which" grep -q '172.31.0.0/16' "$T/answer"
claim "and all is as it was" equal "$(state)" "$BEFORE"

conf 'Address = 10.8.0.1/24, fd08::1/64' '0.0.0.0/0, ::/0'
claim "a default route" reloads
claim "is told" grep -q 'default route for IPv4 added|default route for IPv6 added|NAT no, was yes' <(told)
claim "there is the rule" has 'not from all fwmark 0xca6c lookup 51820'
claim "NAT is gone" not has masquerade
claim "forwarding is off again" has 'ip_forward = 0'
conf 'Address = 10.8.0.1/24, fd08::1/64
	FwMark = 0x77' '0.0.0.0/0, ::/0'
claim "with another mark" reloads
claim "the rules have it" has 'not from all fwmark 0x77 lookup 119'
claim "and only it" not has 0xca6c
conf 'Address = 10.8.0.1/24, fd08::1/64' '10.8.0.2/32, 172.16.0.0/16'
claim "back to the first file" reloads
claim "is the first state" equal "$(state)" "$FIRST"
stop wga
claim "down: ends with status 0" equal $? 0
claim "and nothing is left" equal "$(ip -n a rule | wc -l) $(n a nft list ruleset | wc -l)" "3 0"
