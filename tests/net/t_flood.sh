#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Handshakes and data share a daemon, and neither starves the other. On the server first more initiations arrive than it
# can answer, while sessions are in use; then more data than it can take, while a peer comes for the first time. All
# through one worker.
#
#   wga 192.168.9.1, wgc 192.168.9.3  ---- va 10.0.0.1  10.0.0.2 vb ----  wgb 192.168.9.2, port 1002, 100 peers more
. "$(dirname "$0")/lib.sh"

outside
key b >/dev/null
spawn wgb b "$TUNNELD" -f -w 1 wgb >"$T/wgb.log" 2>&1
must wait_for 10 answers wgb
must wg set wgb private-key "$T/b.key" listen-port 1002
addr b wgb 192.168.9.2/24
must ip -n b link set wgb up

# client NAME ADDRESS
client()
{
	key "$1" >/dev/null
	daemon a "wg$1" tunneld
	must wg set "wg$1" private-key "$T/$1.key" peer "$(key b)" endpoint 10.0.0.2:1002 allowed-ips 192.168.9.2/32
	must wg set wgb peer "$(key "$1")" allowed-ips "$2/32"
	must ip -n a addr add "$2/32" dev "wg$1"
	must ip -n a link set "wg$1" up
	must ip -n a rule add from "$2" lookup "${2##*.}"
	must ip -n a route add 192.168.9.2 dev "wg$1" table "${2##*.}"
}
client a 192.168.9.1
must reach a 192.168.9.2 -I 192.168.9.1

# ---- Initiations without end

mkfifo "$T/go"
(exec nsenter --net=/run/netns/a "$BUILD/net/initiate" 10.0.0.2 1002 "$(key b)") <"$T/go" >"$T/flood" &
PID[flood]=$!
exec 3>"$T/go"
keys() { [ "$(wc -l <"$T/flood")" -eq 100 ]; }
must wait_for 20 keys
# shellcheck disable=SC2046 # an argument a word
must wg set wgb $(sed 's/^/peer /' "$T/flood")
echo >&3
heard() { [ "$(wg show wgb transfer | awk '$2 > 0' | wc -l)" -gt 1 ]; }
must wait_for 20 heard
pings()
{
	n a ping -n -q -i 0.02 -c 200 -W 4 -I 192.168.9.1 192.168.9.2 | tee "$T/pings"
	grep -q ' 200 received' "$T/pings"
}
claim "while initiations pour in, every ping of a session is answered" pings
stop flood
exec 3>&-
claim "some were answered, and they were more than can be" \
	grep -E '^[1-9][0-9]* responses, [1-9][0-9]* cookies$' "$T/flood"

# ---- Data without end

spawn sink b iperf3 -s >/dev/null 2>&1
must wait_for 5 n b sh -c 'ss -Htln sport = 5201 | grep -q .'
spawn source a iperf3 -c 192.168.9.2 -B 192.168.9.1 -u -b 0 -l 64 -t 600 >"$T/source" 2>&1
received() { wg show wgb transfer | awk '$2 > m { m = $2 } END { print m }'; }
pours() { [ "$(received)" -gt "$1" ]; }
must wait_for 20 pours 4000000
client c 192.168.9.3
claim "while data pours in, a new peer's handshake comes through" wait_for 60 reach a 192.168.9.2 -I 192.168.9.3
before=$(received)
claim "and the data goes on" wait_for 20 pours "$before"
