#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Peers come, change and go, ports and marks move and the interface goes down and up while packets flow: nothing ends,
# nothing hangs, and what is not concerned is not disturbed.
#
#   wga 192.168.9.1  ---- va 10.0.0.1  10.0.0.2 vb ----  wgb 192.168.9.2
#   and peers of wga that do not answer: 192.168.9.3 and up
. "$(dirname "$0")/lib.sh"

outside
tunnel tunneld tunneld
claim "the tunnel is up" reach a 192.168.9.2

# A peer that is not there does not delay one that is.
must wg set wga peer "$(key c)" endpoint 10.0.0.99:9 allowed-ips 192.168.9.3/32
spawn flood a sh -c "while :; do $BUILD/net/udp garbage 192.168.9.3 9 50000; done" >/dev/null
claim "a peer that does not answer delays no other" n a ping -n -q -c 50 -i 0.02 -W 2 192.168.9.2
stop flood

flow() { n a iperf3 -c 192.168.9.2 -t "$1" "${@:2}" >"$T/flow" 2>&1 </dev/null; }
serve() { spawn server b iperf3 -s -1 >/dev/null 2>&1; wait_for 5 n b sh -c 'ss -Htln sport = 5201 | grep -q .'; }

serve
flow 6 & flow=$!
for i in $(seq 100); do
	wg set wga peer "$(key d)" endpoint 10.0.0.2:1002 allowed-ips "192.168.9.$((3 + i % 100))/32"
	wg set wgb peer "$(key d)" allowed-ips 192.168.9.77/32 persistent-keepalive 1 endpoint 10.0.0.1:1001
	wg show wga dump >/dev/null
	wg set wga peer "$(key d)" remove
	wg set wgb peer "$(key d)" remove
	[ $((i % 20)) -ne 0 ] || wg set wga listen-port $((1100 + i)) fwmark "$i"
done
claim "a flow survives a hundred changes of other peers, and moves of port and mark" wait $flow
claim "in one session" equal "$(wg show wga latest-handshakes | grep -F "$(key b)" | cut -f 2)" "$(handshake_of wgb)"

serve
flow 4 -R & flow=$!
sleep 0.5
for i in $(seq 15); do
	must ip -n a link set wga down
	must ip -n a link set wga up
done
sleep 0.2
kill $flow 2>/dev/null
wait $flow
stop server
claim "after the interface went down and up fifteen times under traffic it works" wait_for 10 reach a 192.168.9.2

# The very peer that carries the traffic goes and comes.
serve
flow 4 & flow=$!
for i in $(seq 20); do
	must wg set wga peer "$(key b)" remove
	must wg set wga peer "$(key b)" endpoint 10.0.0.2:1002 allowed-ips 192.168.9.2/32,fd09::2/128
	sleep 0.03
done
kill $flow 2>/dev/null
wait $flow
stop server
claim "after its peer was removed and added twenty times under traffic it works" wait_for 10 reach a 192.168.9.2
claim "the daemons are the ones we started" kill -0 "${PID[wga]}" "${PID[wgb]}"
stop wga
claim "and end well" equal $? 0
