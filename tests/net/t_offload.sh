#!/bin/bash
# SPDX-License-Identifier: MIT
#
# TCP arrives unchanged whatever the kernel does for us and whatever the network does to us: each combination of
# offloads, MTUs from 1280 to 9000, IPv4 and IPv6 inside and outside, with datagrams lost and overtaken, and beside an
# implementation that knows no offloads. FULL=1 tries every MTU and family with every combination.
#
#   wga 192.168.9.1  ---- relay on the loopback of a ---- va 10.0.0.1  10.0.0.2 vb (MTU 1500) ----  wgb 192.168.9.2
. "$(dirname "$0")/lib.sh"

outside
bulk_of 2000000

mtu()
{
	must ip -n a link set wga mtu "$1"
	must ip -n b link set wgb mtu "$1"
}

# pair WORDS IMPLEMENTATION_A IMPLEMENTATION_B OUTER: a tunnel without these offloads, over the relay.
pair()
{
	local to=10.0.0.2

	[ "$4" = 4 ] || to=fd00::2
	TUNNELD_NO_OFFLOAD=$1 tunnel "$2" "$3" "$4"
	spawn relay a "$BUILD/net/relay" 5000 $to 1002 lose=5 late=10 >"$T/relay.log"
	must wg set wga peer "$(key b)" endpoint "$([ "$4" = 4 ] && echo 127.0.0.1:5000 || echo '[::1]:5000')"
	wait_for 10 reach a 192.168.9.2 -W 1 >"$T/out" || { fail "set-up: ping through the relay" "$T/out"; exit 1; }
}

no_pair()
{
	local l d

	stop relay
	no_tunnel
	read -r l d < <(sed -n 's/^lost \([0-9]*\), delayed \([0-9]*\),.*/\1 \2/p' "$T/relay.log")
	lost=$((lost + l)) delayed=$((delayed + d))
}
lost=0 delayed=0

mtus=(1280 1420 9000)
i=0
for tun in '' uso uso,tso vnet; do
	for udp in '' gso gro gso,gro; do
		off=$tun${tun:+${udp:+,}}$udp
		outer=$(((i + i / 4) % 2 ? 6 : 4))
		pair "$off" tunneld tunneld $outer
		for k in 0 1 2; do
			# Each part meets each MTU, each in one family or the other.
			[ -n "${FULL-}" ] || [ $((i % 3)) -ne $k ] || continue
			mtu "${mtus[k]}"
			what="without ${off:-nothing}, MTU ${mtus[k]}, over IPv$outer"
			if [ -n "${FULL-}" ] || [ $((i / 3 % 2)) -eq $((k % 2)) ]; then
				claim "$what: TCP" bulk a b 192.168.9.2
			fi
			if [ -n "${FULL-}" ] || [ $((i / 3 % 2)) -ne $((k % 2)) ]; then
				claim "$what: TCP back over IPv6" bulk b a '[fd09::1]'
			fi
		done
		no_pair
		i=$((i + 1))
	done
done

for off in '' uso tso,uso,gro gso all; do
	pair "$off" tunneld "${PEER:-wireguard-go}" 4
	claim "without ${off:-nothing}, to ${PEER:-wireguard-go}" bulk a b 192.168.9.2
	claim "without ${off:-nothing}, from ${PEER:-wireguard-go}" bulk b a '[fd09::1]'
	no_pair
done
claim "the network was as bad as it should be: $lost lost, $delayed overtaken" test $lost -gt 100 -a $delayed -gt 200
