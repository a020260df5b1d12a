#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Cryptokey routing: what a peer sends passes only from its own allowed IPs, by the longest prefix; what the host sends
# goes to the peer with the longest prefix and to nobody else.
#
#   ns a  wga 192.168.9.1 and 192.168.8.1, fd09::1  ----\
#                                                         wgb 192.168.9.2, fd09::2  ns b
#   ns c  wgc 192.168.9.3  ------------------------------/
. "$(dirname "$0")/lib.sh"

outside
tunnel tunneld "${PEER:-tunneld}"
spaces c
wire c vc b vd
addr c vc 10.0.1.3/24
addr b vd 10.0.1.2/24
key c >/dev/null
daemon c wgc "${PEER:-tunneld}"
must wg set wgc private-key "$T/c.key" listen-port 1003 peer "$(key b)" endpoint 10.0.1.2:1002 \
	allowed-ips 192.168.0.0/16
must wg set wgb peer "$(key c)" allowed-ips 192.168.9.3/32
must wg set wga peer "$(key b)" allowed-ips 192.168.0.0/16,fd00::/8
addr c wgc 192.168.9.3/24 192.168.9.1/32 192.168.10.3/24
must ip -n c link set wgc up
addr a wga 192.168.8.1/24 fd08::1/64
must ip -n a route add 192.168.10.0/24 dev wga
addr b wgb 192.168.8.2/24 192.168.10.2/24 fd08::2/64

# A ping that must not arrive is followed by one that does: by then the first would have been there.
# refused NS SOURCE DESTINATION: what leaves from SOURCE does not arrive.
refused()
{
	watch refused b wgb "icmp or icmp6"
	not reach "$1" "$3" -W 1 -I "$2" && equal "$(seen refused src host "$2" and dst host "$3")" 0
}

claim "a reaches b" reach a 192.168.9.2
claim "c reaches b" reach c 192.168.9.2 -I 192.168.9.3
claim "a source outside every prefix is refused" refused a 192.168.8.1 192.168.9.2
claim "so is one of IPv6" refused a fd08::1 fd09::2
claim "a source that belongs to another peer is refused" refused c 192.168.9.1 192.168.9.2
must wg set wgb peer "$(key a)" allowed-ips 192.168.9.1/32,fd09::1/128,192.168.8.0/24
claim "with the prefix it passes, in the same session" reach a 192.168.9.2 -I 192.168.8.1
must wg set wgb peer "$(key c)" allowed-ips 192.168.9.3/32,192.168.8.1/32
claim "a longer prefix of another peer takes the source away" refused a 192.168.8.1 192.168.9.2
must wg set wgb peer "$(key c)" allowed-ips 192.168.9.3/32
claim "and gives it back when it goes" reach a 192.168.9.2 -I 192.168.8.1
must wg set wgb peer "$(key c)" allowed-ips 192.168.9.3/32,192.168.9.1/32
claim "a prefix belongs to one peer: the other has lost it" \
	equal "$(wg show wgb allowed-ips | grep -F "$(key a)" | cut -f 2 | tr ' ' '\n' | sort | xargs)" \
	"192.168.8.0/24 fd09::1/128"
