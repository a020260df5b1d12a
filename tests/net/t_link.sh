#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The daemon speaks only while its interface is up, also where the interface has been moved to; and its sockets stay in
# the namespace in which it was started.
#
#   wga 192.168.9.1  ---- va 10.0.0.1  10.0.0.2 vb ----  wgb 192.168.9.2
#   ns c: an application alone with wga
. "$(dirname "$0")/lib.sh"

listens() { test "$(n "$1" ss -Huan "sport = $2" | wc -l)" -gt 0; }

outside
spaces c
key a >/dev/null; key b >/dev/null
daemon a wga tunneld
daemon b wgb "${PEER:-tunneld}"
watch early a va udp
must wg set wga private-key "$T/a.key" listen-port 1001 peer "$(key b)" endpoint 10.0.0.2:1002 \
	allowed-ips 192.168.9.2/32 persistent-keepalive 1
must wg set wgb private-key "$T/b.key" listen-port 1002 peer "$(key a)" allowed-ips 192.168.9.1/32
addr b wgb 192.168.9.2/24
must ip -n b link set wgb up
sleep 1.2
claim "before the interface is up nothing is sent, in spite of a keepalive" equal "$(seen early)" 0
claim "and the port is closed" not listens a 1001
addr a wga 192.168.9.1/24
must ip -n a link set wga up
shaken() { test "$(handshake_of wga)" -ne 0; }
claim "up: the keepalive makes a session by itself" wait_for 5 shaken
claim "ping" reach a 192.168.9.2
must wg set wga peer "$(key b)" persistent-keepalive 0
claim "the port is open" listens a 1001

must ip -n a link set wga down
claim "down: the port is closed" wait_for 5 not listens a 1001
watch down a va 'udp src port 1001'
claim "nothing comes through" not reach b 192.168.9.1 -W 1
claim "nothing is answered" equal "$(seen down)" 0
must ip -n a link set wga up
claim "up again: the same port" wait_for 5 listens a 1001
claim "and a session is made anew, at once" reach a 192.168.9.2

# In another namespace. The pause: the peer ignores an initiation within 20 ms of the last, and it is 5 s to the next.
sleep 0.1
must ip -n a link set wga netns c
claim "moved: the daemon answers" answers wga
addr c wga 192.168.9.1/24
must ip -n c link set wga up
claim "the application in the other namespace reaches the peer" reach c 192.168.9.2
claim "through the namespace in which the daemon was started" listens a 1001
claim "which the other has no way to" not listens c 1001
must ip -n c link set wga down
claim "down is noticed there too" wait_for 5 not listens a 1001
must ip -n c link set wga up
claim "and up" wait_for 5 reach c 192.168.9.2

# The peer goes down and comes back without knowing anything.
must ip -n b link set wgb down
must wait_for 5 not listens b 1002
must ip -n b link set wgb up
claim "the other side comes back and speaks first" wait_for 10 reach b 192.168.9.1
