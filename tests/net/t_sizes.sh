#!/bin/bash
# SPDX-License-Identifier: MIT
#
# UDP of every length from 1 byte to more than the tunnel's MTU passes unchanged, over small, usual and jumbo MTUs. What
# is larger than the MTU inside is cut by the kernel before it comes to us; a jumbo packet outside is cut after.
#
#   wga 192.168.9.1  ---- va 10.0.0.1  10.0.0.2 vb ----  wgb 192.168.9.2, UDP echo on port 7
. "$(dirname "$0")/lib.sh"

# about MTU FROM TO
about()
{
	claim "MTU $1: UDP of $2 to $3 bytes over IPv4" n a "$BUILD/net/udp" sizes 192.168.9.2 7 "$2" "$3"
	claim "MTU $1: UDP of $2 to $3 bytes over IPv6" n a "$BUILD/net/udp" sizes fd09::2 7 "$2" "$3"
}

outside
tunnel tunneld "${PEER:-tunneld}"
spawn echo b "$BUILD/net/udp" echo 7
claim "the tunnel is up" reach a 192.168.9.2
for mtu in 1280 1420 9000; do
	must ip -n a link set wga mtu $mtu
	must ip -n b link set wgb mtu $mtu
	[ $mtu = 1280 ] && about $mtu 0 300
	about $mtu $((mtu - 80)) $((mtu + 40))
	about $mtu 20000 20010
done
claim "MTU 9000: the largest UDP there is" n a "$BUILD/net/udp" sizes 192.168.9.2 7 65507 65507
must ip -n a link set va mtu 9200
must ip -n b link set vb mtu 9200
about 9000 8900 8980

# What a packet of this length inside is outside: the UDP payload of a ping with so much in it.
outer()
{
	watch outer a va 'udp src port 1001 and udp[8] = 4'
	reach a 192.168.9.2 -s $(($1 - 28)) >/dev/null
	seen outer >/dev/null
	tcpdump -n -q -r "$T/outer.pcap" 2>/dev/null | sed -n 's/.*length \([0-9]*\)$/\1/p' | head -n 1
}
for mtu in 1280 1419; do
	must ip -n a link set wga mtu $mtu
	must ip -n b link set wgb mtu $mtu
	claim "MTU $mtu: 84 bytes are padded to 96" equal "$(outer 84)" 128
	claim "MTU $mtu: 1200 bytes need no padding" equal "$(outer 1200)" 1232
	claim "MTU $mtu: a full packet is not padded beyond the MTU" equal "$(outer $mtu)" $((mtu + 32))
	claim "MTU $mtu: nor is one that is a byte smaller" equal "$(outer $((mtu - 1)))" $((mtu + 32))
done

# At an MTU of 65535 there are packets that no datagram can carry. They are lost, and nothing else is.
must ip -n a link set wga mtu 65535
must ip -n b link set wgb mtu 65535
claim "MTU 65535: 65448 bytes in one packet" reach a 192.168.9.2 -s 65420
for size in 65461 65476 65507; do
	n a ping -n -c 1 -W 1 -s $size 192.168.9.2 >/dev/null
done
claim "MTU 65535: larger ones, lost, hold nothing up" reach a 192.168.9.2
