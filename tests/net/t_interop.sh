#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Every pair of implementations, each as initiator and as responder, over IPv4 and IPv6, with and without a preshared
# key, carries IPv4 and IPv6, and bulk data both ways.
#
#   ns a, initiator                        ns b, responder
#   wga 192.168.9.1, fd09::1               wgb 192.168.9.2, fd09::2
#   va  10.0.0.1, fd00::1  -------------   vb  10.0.0.2, fd00::2
. "$(dirname "$0")/lib.sh"

outside
bulk_of 20000000

psk_of() { wg set "$1" peer "$2" preshared-key "$3"; }
(umask 077; wg genpsk >"$T/psk")

for pair in tunneld:tunneld tunneld:wireguard-go wireguard-go:tunneld; do
	from=${pair%:*} to=${pair#*:}
	for out in 4 6; do
		for psk in '' ' with preshared key'; do
			what="$from to $to over IPv$out$psk"
			tunnel "$from" "$to" $out
			if [ -n "$psk" ]; then
				must psk_of wga "$(key b)" "$T/psk"
				must psk_of wgb "$(key a)" "$T/psk"
			fi
			claim "$what: ping over IPv4" reach a 192.168.9.2
			claim "$what: ping over IPv6 back" reach b fd09::1
			if [ -z "$psk" ]; then
				claim "$what: 20 MB of TCP" bulk a b 192.168.9.2
				claim "$what: 20 MB of TCP back over IPv6" bulk b a '[fd09::1]'
			fi
			no_tunnel
		done
	done
done
