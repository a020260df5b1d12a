#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The demo, as a newcomer runs it, but shorter; it leaves nothing behind.
. "$(dirname "$0")/lib.sh"

# What could stay: processes, namespaces, interfaces, files of ours.
left()
{
	pgrep -a . | grep -v -e pgrep -e t_demo
	ip netns
	ip -o link
	find /run -newer "$T/begin" -type f -not -path "$T/*"
}

touch "$T/begin"
sleep 0.1
before=$(left)
demo() { bash "$ROOT/tests/net/demo" 1 2>&1 | tee "$T/shown"; }
claim "make demo shows a tunnel" demo
claim "ping over IPv4 and IPv6" equal "$(grep -c '50 received of 50' "$T/shown")" 2
claim "throughput" grep -qE 'TCP, one stream +[0-9.]+ Gbit/s' "$T/shown"
claim "no colour outside a terminal" not grep -q $'\e' "$T/shown"
claim "nothing is left" equal "$(left)" "$before"
claim "a user without root can run it" unshare -Ur bash "$ROOT/tests/net/demo" 1
