#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Keys change while the tunnel is up: the device's, a peer's, the preshared one. A session outlives what does not
# concern it, and a new identity makes a new session at once.
#
#   wga 192.168.9.1  ---- va 10.0.0.1  10.0.0.2 vb ----  wgb 192.168.9.2
. "$(dirname "$0")/lib.sh"

other=${PEER:-tunneld}
outside
tunnel tunneld "$other"
claim "the tunnel is up" reach a 192.168.9.2
first=$(handshake_of wga)

key a2 >/dev/null; key b2 >/dev/null
(umask 077; wg genpsk >"$T/psk")

# The preshared key: not before the next handshake.
must wg set wga peer "$(key b)" preshared-key "$T/psk"
claim "a preshared key on one side leaves the session" reach a 192.168.9.2
claim "which is still the first" equal "$(handshake_of wga)" "$first"
must wg set wgb peer "$(key a)" preshared-key "$T/psk"

# Our own key, known to the peer beforehand.
must wg set wgb peer "$(key a2)" allowed-ips 192.168.9.1/32,fd09::1/128 preshared-key "$T/psk"
must wg set wga private-key "$T/a2.key"
claim "wg shows the new public key" equal "$(wg show wga public-key)" "$(key a2)"
claim "the new key makes a new session at once, with the preshared key" reach a 192.168.9.2
of_a2() { wg show wgb "$1" | grep -F "$(key a2)" | cut -f 2; }
claim "the peer knows it by the new key" not equal "$(of_a2 latest-handshakes)" 0
claim "which is what carries the traffic" not equal "$(of_a2 transfer)" 0
must wg set wga private-key "$T/a2.key"
second=$(wg show wga transfer)
claim "the same key again changes nothing" equal "$(wg show wga transfer)" "$second"
claim "and the session lives" reach b 192.168.9.1

# The peer's key.
must wg set wgb private-key "$T/b2.key"
must wg set wga peer "$(key b)" remove
claim "without the peer nothing passes" not reach a 192.168.9.2 -W 1
must wg set wga peer "$(key b2)" endpoint 10.0.0.2:1002 allowed-ips 192.168.9.2/32,fd09::2/128 preshared-key "$T/psk"
claim "the peer's new key makes a new session" reach a 192.168.9.2

# A different preshared key never makes a session.
must wg set wga peer "$(key b2)" remove
(umask 077; wg genpsk >"$T/psk2")
must wg set wga peer "$(key b2)" endpoint 10.0.0.2:1002 allowed-ips 192.168.9.2/32 preshared-key "$T/psk2"
claim "another preshared key: nothing passes" not reach a 192.168.9.2 -W 1
claim "and there is no handshake" equal "$(handshake_of wga)" 0

# One's own public key as a peer is silently not there; a private key that meets a peer removes it.
must wg set wga peer "$(key a2)" allowed-ips 10.9.9.9/32
claim "a peer with our own key is not made" not grep -qF "$(key a2)" <(wg show wga peers)
must wg set wga peer "$(key a)" allowed-ips 10.9.9.9/32
must wg set wga private-key "$T/a.key"
claim "a peer whose key becomes ours goes" not grep -qF "$(key a)" <(wg show wga peers)
must wg set wga private-key /dev/null
claim "without a private key nothing is shown" equal "$(wg show wga private-key)" "(none)"
watch mute a va 'udp src port 1001'
claim "and nothing is sent" not reach a 192.168.9.2 -W 1
claim "not one packet" equal "$(seen mute)" 0
