#!/bin/bash
# SPDX-License-Identifier: MIT
#
# wg(8) in all its forms gives what it gives for a kernel interface, and configuration survives the round trip.
#
#   wga 192.168.9.1  ---- va 10.0.0.1  10.0.0.2 vb ----  wgb 192.168.9.2
. "$(dirname "$0")/lib.sh"

outside
tunnel tunneld "${PEER:-tunneld}"
A=$(key a) B=$(key b) C=$(key c) D=$(key d)

claim "the interface has its name among all" grep -qw wga <(wg show interfaces)
claim "public key" equal "$(wg show wga public-key)" "$A"
claim "private key" equal "$(wg show wga private-key)" "$(cat "$T/a.key")"
claim "port" equal "$(wg show wga listen-port)" 1001
claim "no mark" equal "$(wg show wga fwmark)" off
claim "peers" equal "$(wg show wga peers)" "$B"
claim "no preshared key" equal "$(wg show wga preshared-keys)" "$B	(none)"
claim "endpoint" equal "$(wg show wga endpoints)" "$B	10.0.0.2:1002"
claim "an endpoint not known" equal "$(wg show wgb endpoints)" "$A	(none)"
claim "allowed IPs" equal "$(wg show wga allowed-ips | tr '\t' ' ' | cut -d' ' -f 2- | tr ' ' '\n' | sort | xargs)" \
	"192.168.9.2/32 fd09::2/128"
claim "no handshake yet" equal "$(wg show wga latest-handshakes)" "$B	0"
claim "nothing transferred yet" equal "$(wg show wga transfer)" "$B	0	0"
claim "no keepalive" equal "$(wg show wga persistent-keepalive)" "$B	off"

before=$(date +%s)
claim "a ping passes" reach a 192.168.9.2
after=$(date +%s)
made=$(handshake_of wga)
claim "the time of the handshake is a date" test "$made" -ge "$before" -a "$made" -le "$after"
apart=$((made - $(handshake_of wgb)))
claim "both sides agree within a second" test $apart -ge -1 -a $apart -le 1
# Initiation 148 + ping 128 out; response 92 + pong 128 in. Handshakes count as the kernel counts them.
claim "transfer counts UDP payload" equal "$(wg show wga transfer)" "$B	220	276"
claim "and the same on the other side" equal "$(wg show wgb transfer)" "$A	276	220"
claim "the endpoint was learnt" equal "$(wg show wgb endpoints)" "$A	10.0.0.1:1001"
claim "dump has a line for the interface and each peer" equal "$(wg show wga dump | wc -l)" 2
claim "dump of all names the interfaces" equal "$(wg show all dump | cut -f 1 | sort -u | xargs)" "wga wgb"
claim "the page for people" grep -q "latest handshake:" <(wg show wga)

# set
must wg set wga fwmark 0x1234 peer "$C" endpoint '[fd00::2]:7' persistent-keepalive 25 allowed-ips 10.1.2.3/8,fd01::9/16
claim "a mark" equal "$(wg show wga fwmark)" 0x1234
claim "keepalive" grep -qx "$C	25" <(wg show wga persistent-keepalive)
claim "an IPv6 endpoint" grep -qx "$C	\[fd00::2\]:7" <(wg show wga endpoints)
claim "host bits of allowed IPs are cleared" equal "10.0.0.0/8 fd01::/16" \
	"$(wg show wga allowed-ips | grep -F "$C" | cut -f 2 | tr ' ' '\n' | sort | xargs)"
must wg set wga fwmark 0 peer "$C" persistent-keepalive off allowed-ips ''
claim "the mark is off again" equal "$(wg show wga fwmark)" off
claim "so is the keepalive" grep -qx "$C	off" <(wg show wga persistent-keepalive)
claim "and the allowed IPs are gone" grep -qx "$C	(none)" <(wg show wga allowed-ips)
must wg set wga peer "$C" remove
claim "a removed peer is gone" equal "$(wg show wga peers)" "$B"
must wg set wga peer "$C" remove
claim "removing it again is no error" equal "$(wg show wga peers)" "$B"
claim "what was set leaves the session" equal "$(handshake_of wga)" "$made"

# showconf, setconf, addconf, syncconf
sorted() { sed '/^$/d; s/AllowedIPs = \(.*\), \(.*\)/AllowedIPs = \1\nAllowedIPs = \2/' | sort; }
wg showconf wga >"$T/1.conf"
must wg setconf wga "$T/1.conf"
wg showconf wga >"$T/2.conf"
claim "showconf, setconf, showconf is a round trip" equal "$(sorted <"$T/2.conf")" "$(sorted <"$T/1.conf")"
claim "after setconf the tunnel works again" reach a 192.168.9.2
# The second may be the same: that there was one more handshake shows in what was transferred, one handshake, one ping.
claim "setconf made peers anew" equal "$(wg show wga transfer)" "$B	220	276"
printf '[Peer]\nPublicKey = %s\nAllowedIPs = 10.3.0.0/16\n' "$C" >"$T/add.conf"
must wg addconf wga "$T/add.conf"
claim "addconf adds" equal "$(wg show wga peers | sort)" "$(printf '%s\n' "$B" "$C" | sort)"
claim "and the session lives" equal "$(wg show wga transfer | grep -F "$B")" "$B	220	276"
printf '[Peer]\nPublicKey = %s\nAllowedIPs = 10.4.0.0/16\n' "$D" | cat "$T/1.conf" - >"$T/sync.conf"
must wg syncconf wga "$T/sync.conf"
claim "syncconf removes and adds" equal "$(wg show wga peers | sort)" "$(printf '%s\n' "$B" "$D" | sort)"
claim "and the session of a peer that stays lives" equal "$(wg show wga transfer | grep -F "$B")" "$B	220	276"
claim "which carries data" reach b 192.168.9.1

# ports
old=$(wg show wga listen-port)
must wg set wga listen-port 0
new=$(wg show wga listen-port)
claim "port 0 is chosen by the kernel" test "$new" -gt 0 -a "$new" -ne "$old"
spawn taker a socat -u UDP-RECV:1055 /dev/null
must wait_for 5 n a sh -c 'ss -Huan sport = 1055 | grep -q .'
now=$(wg show wga listen-port)
claim "a port in use is refused" not wg set wga listen-port 1055
claim "with the right word" grep -q "Address already in use" <(wg set wga listen-port 1055 2>&1)
claim "and the old one stays" equal "$(wg show wga listen-port)" "$now"
claim "and works" reach a 192.168.9.2
