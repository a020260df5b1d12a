#!/bin/bash
# SPDX-License-Identifier: MIT
#
# 100,000 datagrams of every length and kind that are nobody's: no answer of any sort, no memory, no word in the log,
# and the tunnel does not notice.
#
#   wga 192.168.9.1  ---- va 10.0.0.1  10.0.0.2 vb ----  wgb 192.168.9.2
. "$(dirname "$0")/lib.sh"

# The process and its descendants.
family()
{
	local child

	echo "$1"
	for child in $(pgrep -P "$1"); do
		family "$child"
	done
}
resident() { sed 's|.*|/proc/&/status|' | xargs cat | awk '/^VmRSS/ { s += $2 } END { print s }'; }

outside
tunnel tunneld tunneld
claim "the tunnel is up" reach a 192.168.9.2
claim "10,000 datagrams of garbage over IPv4 get no answer" n a "$BUILD/net/udp" garbage 10.0.0.2 1002 10000
# Buffers are there from their first use, those of each worker: every port is another sender, who meets one of them.
for _ in {1..16}; do
	must n a "$BUILD/net/udp" garbage 10.0.0.2 1002 5000
	must n a "$BUILD/net/udp" garbage fd00::2 1002 500
done
log=$(wc -c <"$T/wgb.log")
before=$(family "${PID[wgb]}" | resident)
claim "90,000 more get none" n a "$BUILD/net/udp" garbage 10.0.0.2 1002 90000
claim "nor do 10,000 over IPv6" n a "$BUILD/net/udp" garbage fd00::2 1002 10000
after=$(family "${PID[wgb]}" | resident)
# The kernel counts resident pages in batches: a few pages' difference is no growth.
claim "memory stays as it was ($before and $after KiB)" test "$after" -le $((before + 256))
claim "the log says nothing of it" equal "$(wc -c <"$T/wgb.log")" "$log"
claim "the tunnel works on" reach a 192.168.9.2
claim "the endpoint is still the peer's" equal "$(wg show wgb endpoints | cut -f 2)" 10.0.0.1:1001
