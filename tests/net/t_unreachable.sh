#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The host is told when a packet has nowhere to go: nobody has that address, or nobody knows where he is.
#
#   ns a: wga alone, 192.168.9.1, fd09::1
. "$(dirname "$0")/lib.sh"

spaces a
daemon a wga tunneld
key a >/dev/null
must wg set wga private-key "$T/a.key" listen-port 1001 peer "$(key b)" allowed-ips 192.168.9.2/32,fd09::2/128
addr a wga 192.168.9.1/24 fd09::1/64
must ip -n a link set wga up

told() { grep -q "$2" <(n a ping -n -c 1 -W 2 "$1" 2>&1); }

claim "no peer has the IPv4 address" told 192.168.9.77 "Destination Host Unreachable"
sleep 1	# the kernel limits errors by time
claim "no peer has the IPv6 address" told fd09::77 "Address unreachable"
sleep 1
claim "the peer has no endpoint" told 192.168.9.2 "Destination Host Unreachable"
sleep 1
claim "nor for IPv6" told fd09::2 "Address unreachable"

# Not for errors, multicast and later fragments; and never without end.
watch storm a wga 'icmp[icmptype] = icmp-unreach'
n a "$BUILD/net/udp" garbage 192.168.9.77 9 2000 >/dev/null
claim "a flood of such packets is not a flood of errors" test "$(seen storm)" -lt 1000
watch multicast a wga 'icmp6 and ip6[40] = 1'
n a ping -n -c 2 -i 0.2 -W 1 ff02::1%wga >/dev/null 2>&1
claim "multicast is not answered" equal "$(seen multicast)" 0

# A peer that does not answer is another matter: packets wait for it.
addr a lo 10.0.0.1/32
must wg set wga peer "$(key b)" endpoint 10.0.0.1:9
claim "packets that wait for a handshake cause no error" equal \
	"$(n a ping -n -c 1 -W 1 192.168.9.2 | grep -c Unreachable)" 0
