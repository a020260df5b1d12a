#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A route that leads the endpoint itself into the tunnel costs what was sent, not the machine: no packet goes round.
#
#   ns a: wga 192.168.9.1, fd09::1, everything allowed ---- ns b: wgb 192.168.9.2, fd09::2
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

outside
tunnel tunneld tunneld
circle 4 10.0.0.2
no_tunnel
tunnel tunneld tunneld 6
circle 6 fd00::2
