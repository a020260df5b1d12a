#!/bin/bash
# SPDX-License-Identifier: MIT
#
# What an attacker on the path can do: repeat, change, shorten and lengthen what was said. None of it is answered, moves
# the endpoint, counts as traffic or reaches the interface; and the tunnel goes on.
#
#   ns a, also the attacker                  ns b, the victim
#   va 10.0.0.1  -------------------------   vb 10.0.0.2
#   wga 192.168.9.1                          wgb 192.168.9.2
. "$(dirname "$0")/lib.sh"

outside
tunnel tunneld "${PEER:-tunneld}"
watch talk a va udp
claim "a session is made" reach a 192.168.9.2
claim "data goes both ways" n a ping -n -q -c 5 -i 0.01 -W 2 192.168.9.2
# a owes a keepalive for the last answer. When b has it neither has anything to say, however long all this takes.
owed() { test "$(tcpdump -n -r "$T/$1.pcap" 'src host 10.0.0.1 and udp[4:2] = 40' 2>/dev/null | wc -l)" -gt 0; }
must wait_for 20 owed talk
seen talk >/dev/null

# The attacker has the wire to himself: a is mute from now on, all that b says is seen.
must wg set wga private-key /dev/null
state_of_b() { wg show wgb endpoints; wg show wgb transfer; wg show wgb latest-handshakes; }

# unanswered TYPE HOW: what b says to it, what arrives inside, what wg shows.
unanswered()
{
	local before

	before=$(state_of_b)
	watch reply a va 'src host 10.0.0.2 and not arp'
	watch inside b wgb ip
	n a "$BUILD/net/inject" "$T/talk.pcap" va 10.0.0.2 "$1" "$2" || return
	equal "$(seen reply) answers" "0 answers" && equal "$(seen inside) inside" "0 inside" &&
		equal "$(state_of_b)" "$before"
}

claim "a replayed initiation is not answered" unanswered 1 same
claim "replayed data is not taken" unanswered 4 same
claim "an initiation changed in any byte is not answered" unanswered 1 flip
claim "nor one that is too short" unanswered 1 cut
claim "nor one that is too long" unanswered 1 longer
claim "data changed in any byte is not taken" unanswered 4 flip
claim "nor shortened data" unanswered 4 cut
claim "nor lengthened data" unanswered 4 longer

must wg set wga private-key "$T/a.key"
watch paid a va udp
claim "the tunnel goes on" reach a 192.168.9.2
must wait_for 20 owed paid
seen paid >/dev/null

# The same at the initiator: responses.
before=$(wg show wga transfer; wg show wga latest-handshakes)
watch say a va 'udp src port 1001'
claim "a replayed response is there to send" n b "$BUILD/net/inject" "$T/talk.pcap" vb 10.0.0.1 2 same
claim "changed responses are there to send" n b "$BUILD/net/inject" "$T/talk.pcap" vb 10.0.0.1 2 flip
claim "the initiator says nothing to them" equal "$(seen say)" 0
claim "and believes nothing" equal "$(wg show wga transfer; wg show wga latest-handshakes)" "$before"
claim "the tunnel goes on" reach b 192.168.9.1
