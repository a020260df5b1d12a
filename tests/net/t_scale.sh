#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A server with 20,000 peers goes on serving one of them while it is read and written as a whole, goes down and up, and
# loses them all.
#
#   wga 192.168.9.1  ---- va 10.0.0.1  10.0.0.2 vb ----  wgb 192.168.9.2, 20,000 more peers
. "$(dirname "$0")/lib.sh"

N=20000
outside
tunnel tunneld tunneld
claim "the log says which cipher was chosen" grep -qE 'cipher: (ipsec-mb|libcrypto|libsodium)' "$T/wgb.log"

ask() { timeout 60 socat -t 60 - "UNIX-CONNECT:$(socket_of wgb)"; }
# KEEPALIVE: all of them.
transaction()
{
	awk -v n=$N -v keep="$1" 'BEGIN {
		print "set=1"
		for (i = 1; i <= n; i++)
			printf "public_key=%064x\npersistent_keepalive_interval=%d\nallowed_ip=20.%d.%d.1/32\n",
			       i * 65536 + 3, keep, i / 256, i % 256
		print ""
	}'
}
transaction 0 >"$T/set"
claim "$N peers come" equal "$(ask <"$T/set")" "errno=0"
claim "one of them is served" reach a 192.168.9.2

# Readers and writers all the time, of everything.
busy()
{
	while [ -e "$T/go" ]; do
		ask <"$T/set" >>"$T/busy.set"
		printf 'get=1\n\n' | ask | grep -c '^public_key=' >>"$T/busy.get"
	done
}
touch "$T/go"
busy &
PID[busy1]=$!
busy &
PID[busy2]=$!
wait_for 20 grep -q . "$T/busy.get"
for i in 1 2 3; do
	sleep 0.1	# a second initiation within 20 ms is one of a flood
	# A new endpoint makes a new session necessary: the old one is forgotten with the peer.
	must wg set wga peer "$(key b)" remove
	must wg set wga peer "$(key b)" endpoint 10.0.0.2:1002 allowed-ips 192.168.9.2/32,fd09::2/128
	claim "handshake $i is answered meanwhile" reach a 192.168.9.2
done
# What they have asked for last is done before they end.
rm "$T/go"
wait "${PID[busy1]}" "${PID[busy2]}"
unset "PID[busy1]" "PID[busy2]"
claim "every reader saw all" equal "$(sort -u "$T/busy.get")" $((N + 1))
claim "every writer succeeded" equal "$(sort -u "$T/busy.set" | xargs)" "errno=0"

must ip -n b link set wgb down
must ip -n b link set wgb up
claim "down and up, and it speaks to the one" reach b 192.168.9.1
printf 'set=1\nreplace_peers=true\n\n' | ask >"$T/out"
claim "all go" equal "$(wg show wgb peers | wc -l)" 0
claim "nobody is served" not reach a 192.168.9.2 -W 1
