#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A peer may change its address, its port and its IP version at any time: the other side answers where the last
# authentic packet came from, without a handshake. Its own choice of source follows the address it was reached at.
#
#   ns a                                          ns b
#   va 10.0.0.1, 10.0.0.11, fd00::1, port 1001  ---  vb 10.0.0.2, 10.0.0.22, fd00::2, port 1002
#   wga 192.168.9.1                               wgb 192.168.9.2
. "$(dirname "$0")/lib.sh"

endpoint_of() { wg show "$1" endpoints | cut -f 2; }
# b sends first: it can only know the way from what a has sent.
answered_at() { reach a 192.168.9.2 && equal "$(endpoint_of wgb)" "$1" && reach b 192.168.9.1; }

for to in tunneld wireguard-go; do
	[ $to = tunneld ] && outside && addr b vb 10.0.0.22/24
	tunnel tunneld $to
	claim "$to: learns where its peer is" answered_at 10.0.0.1:1001
	first=$(handshake_of wgb)

	must wg set wga listen-port 1011
	claim "tunneld to $to: a new port" answered_at 10.0.0.1:1011
	must ip -n a addr add 10.0.0.11/24 dev va
	must ip -n a route replace 10.0.0.0/24 dev va src 10.0.0.11
	must ip -n a addr del 10.0.0.1/24 dev va
	# Going deletes the other addresses of the prefix unless they are promoted.
	must ip -n a addr replace 10.0.0.11/24 dev va
	claim "tunneld to $to: a new address" answered_at 10.0.0.11:1011
	must wg set wga peer "$(key b)" endpoint '[fd00::2]:1002'
	claim "tunneld to $to: from IPv4 to IPv6" answered_at '[fd00::1]:1011'
	must wg set wga peer "$(key b)" endpoint 10.0.0.2:1002
	claim "tunneld to $to: and back" answered_at 10.0.0.11:1011
	claim "tunneld to $to: all that in one session" equal "$(handshake_of wgb)" "$first"

	must wg set wgb listen-port 1022
	claim "$to to tunneld: a new port" reach b 192.168.9.1
	claim "$to to tunneld: is followed" equal "$(endpoint_of wga)" 10.0.0.2:1022
	must ip -n a addr add 10.0.0.1/24 dev va
	must ip -n a addr del 10.0.0.11/24 dev va
	must ip -n a addr replace 10.0.0.1/24 dev va
	claim "tunneld to $to: the address it spoke from is gone, it takes another" \
		wait_for 25 reach a 192.168.9.2
	no_tunnel
done

# Sticky source: b has two addresses; a speaks to the second, and must hear that one. The interface that was there
# before takes its routes along, and such news may be told 200 ms later.
tunnel tunneld tunneld
sleep 1
must wg set wga peer "$(key b)" endpoint 10.0.0.22:1002
watch sticky a va 'udp src port 1002'
claim "an answer comes from the address that was asked" reach a 192.168.9.2
claim "so does what is sent later" reach b 192.168.9.1
must ip -n b route add 203.0.113.0/24 dev wgb
must ip -n b addr add 203.0.113.1/32 dev vb
sleep 0.5
claim "and when a route into the tunnel has come, and an address outside" reach b 192.168.9.1
claim "nothing comes from another address" equal "$(seen sticky not src 10.0.0.22)" 0
claim "something comes from this one" not equal "$(seen sticky src 10.0.0.22)" 0
claim "the endpoint stays the one that was set" equal "$(endpoint_of wga)" 10.0.0.22:1002
