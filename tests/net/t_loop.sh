#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A route that leads the endpoint itself into the tunnel costs what was sent, not the machine: no packet goes round. Nor
# when two peers are said to be behind each other.
#
#   ns a: wga 192.168.9.1, fd09::1, everything allowed ---- ns b: wgb 192.168.9.2, fd09::2
#                                                                 wgc 192.168.9.3, fd09::3, in ns c, its port in b
. "$(dirname "$0")/lib.sh"

# What the interface has been given, so far.
given() { n a awk '$1 == "wga:" { print $11 }' /proc/net/dev; }

# No more than a few packets a second.
at_rest()
{
	local before

	before=$(given)
	sleep 1
	[ $(($(given) - before)) -lt 20 ]
}

# circle FAMILY ENDPOINT: that endpoint is routed into the tunnel, and packets of many sizes are sent.
circle()
{
	local size

	must wg set wga peer "$(key b)" allowed-ips 0.0.0.0/0,::/0
	claim "IPv$1: the tunnel is up" reach a 192.168.9.2
	must ip -n a route add "$2" dev wga
	for size in 56 1200 1320 1380 5000 20000; do
		n a ping -n -c 1 -W 0.1 -s $size 192.168.9.2 >/dev/null
	done
	claim "IPv$1: nothing goes round" at_rest
	must ip -n a route del "$2" dev wga
	claim "IPv$1: it works again without that route" reach a 192.168.9.2
}

# third FAMILY ENDPOINT: wgc joins.
third()
{
	key c >/dev/null
	daemon b wgc tunneld
	must wg set wgc private-key "$T/c.key" listen-port 1003 peer "$(key a)" endpoint "$2" \
		allowed-ips 192.168.9.1/32,fd09::1/128
	must wg set wga peer "$(key b)" allowed-ips 192.168.9.2/32,fd09::2/128 \
		peer "$(key c)" allowed-ips 192.168.9.3/32,fd09::3/128
	must ip -n b link set wgc netns c
	addr c wgc 192.168.9.3/24 fd09::3/64
	must ip -n c link set wgc up
	claim "IPv$1: the third is there" reach c 192.168.9.1
}

# nested FAMILY B_INSIDE C_INSIDE: c behind b, then each behind the other.
nested()
{
	local size

	must wg set wga peer "$(key c)" endpoint "$2:1003"
	claim "IPv$1: a tunnel in a tunnel" reach a 192.168.9.3
	must bulk_of 1000000
	claim "IPv$1: which carries much" bulk a c 192.168.9.3
	must wg set wga peer "$(key b)" endpoint "$3:1002"
	for size in 56 1200 1320 1380 5000 20000; do
		n a ping -n -c 1 -W 0.1 -s $size 192.168.9.2 >/dev/null
	done
	claim "IPv$1: two behind each other: nothing goes round" at_rest
}

outside
spaces c
tunnel tunneld tunneld
circle 4 10.0.0.2
third 4 10.0.0.1:1001
nested 4 192.168.9.2 192.168.9.3
stop wgc
no_tunnel
tunnel tunneld tunneld 6
circle 6 fd00::2
third 6 '[fd00::1]:1001'
nested 6 '[fd09::2]' '[fd09::3]'
