#!/bin/bash
# SPDX-License-Identifier: MIT
#
# KillSwitch: nothing leaves the machine past the tunnel, whatever becomes of interface, engine or daemon; and a tunnel
# with a default route cannot be entered past its interface.
#
#   ns a: wga 192.168.9.1, fd09::1, all through it; default routes to b besides
#     |    va 10.0.0.1, fd00::1 ---- vb 10.0.0.2, fd00::2
#   ns b: wgb 192.168.9.2, fd09::2; the world: 203.0.113.9, 2001:db8::9
. "$(dirname "$0")/lib.sh"

outside
addr b lo 203.0.113.9/32 2001:db8::9/128
must ip -n a route add default via 10.0.0.2
must ip -n a route add default via fd00::2
key a >/dev/null; key b >/dev/null
daemon b wgb tunneld
must wg set wgb private-key "$T/b.key" listen-port 1002 peer "$(key a)" allowed-ips 192.168.9.1/32,fd09::1/128
addr b wgb 192.168.9.2/24 fd09::2/64
must ip -n b link set wgb up

conf()
{
	(umask 077; cat >"$T/wga.conf" <<-END
		[Interface]
		PrivateKey = $(cat "$T/a.key")
		Address = 192.168.9.1/24, fd09::1/64
		KillSwitch = $1
		${2-}

		[Peer]
		PublicKey = $(key b)
		Endpoint = 10.0.0.2:1002
		AllowedIPs = 0.0.0.0/0, ::/0
	END
	)
}
up()
{
	spawn wga a "$TUNNELD" -f -c "$T/wga.conf" wga >"$T/wga.log" 2>&1
	wait_for 10 grep -q ready "$T/wga.log" || { cat "$T/wga.log"; return 1; }
}
tables() { n a nft list tables | grep -c tunneld-wga; }
# The engine is the process that holds the UDP socket.
engine() { n a ss -Hunap | sed -n 's/.*pid=\([0-9]*\).*/\1/p' | tail -n 1; }
# Whatever a program may try: pings and UDP by routing, by device and by source, to the world and to the neighbour.
try()
{
	local to

	for to in 203.0.113.9 10.0.0.2; do
		n a ping -n -c 1 -W 0.3 $to &
		n a ping -n -c 1 -W 0.3 -I va $to &
		echo x | n a socat -u - UDP:$to:53 &
		echo x | n a socat -u - UDP:$to:53,bind=10.0.0.1 &
		timeout 0.3 nsenter --net=/run/netns/a socat -u OPEN:/dev/null TCP:$to:80 &
	done
	for to in 2001:db8::9 fd00::2; do
		n a ping -n -c 1 -W 0.3 $to &
		n a ping -n -c 1 -W 0.3 -I va $to &
		echo x | n a socat -u - "UDP:[$to]:53" &
	done
	for to in $(jobs -p); do
		[[ " ${PID[*]} " == *" $to "* ]] || wait "$to"
	done
} >/dev/null 2>&1
# quiet: nothing of that is on the wire; the tunnel's datagrams and neighbour discovery may be.
quiet()
{
	local discovery='(icmp6 and (ip6[40] >= 133 and ip6[40] <= 137)) and not ip6[48] == 143'

	watch leak b vb 'ip src 10.0.0.1 or ip6 src fd00::1 or ip6 src net fe80::/10'
	try
	equal "$(seen leak "not udp port 1002 and not $discovery")" 0
}

# That the watch sees what it should.
claim "without a tunnel all of it leaves" not quiet

conf yes
must up
claim "the world is reached through the tunnel" reach a 203.0.113.9
claim "and over IPv6" reach a 2001:db8::9
claim "nothing else leaves" quiet
claim "a refused connection says so at once" not n a ping -n -c 1 -W 20 10.0.0.2
must ip -n a link set wga down
claim "interface down: nothing leaves" quiet
must ip -n a link set wga up
must n a nft flush ruleset
claim "the rule set flushed: it is back" wait_for 5 equal "$(tables)" 1
claim "and nothing leaves" quiet

must kill -KILL "$(engine)"
wait "${PID[wga]}"; status=$?; unset "PID[wga]"
claim "engine killed: the daemon ends with status 1" equal $status 1
claim "the interface is gone" not ip -n a link show wga
claim "nothing leaves" quiet
claim "which it says, with the way out" grep -q 'kill switch stays.*tunctl down wga' "$T/wga.log"
conf yes 'PostUp = false'
claim "a start that fails" not n a timeout 20 "$TUNNELD" -f -c "$T/wga.conf" wga
claim "does not open it: nothing leaves" quiet
conf yes 'PreUp = false'
claim "nor does one that fails early" not n a timeout 20 "$TUNNELD" -f -c "$T/wga.conf" wga
claim "nothing leaves" quiet
conf yes
must up
claim "started again it takes over" equal "$(tables)" 1
claim "the world is reached" reach a 203.0.113.9

kill -KILL "${PID[wga]}"; wait "${PID[wga]}" 2>/dev/null; unset "PID[wga]"
must wait_for 5 not ip -n a link show wga
claim "daemon killed: nothing leaves" quiet
claim "tunctl down opens it" n a "$TUNCTL" down wga
claim "the table is gone" equal "$(tables)" 0
claim "and the network is there" reach a 203.0.113.9

# A start that fails where there was none leaves none.
conf yes 'PostUp = false'
claim "a first start that fails" not n a timeout 20 "$TUNNELD" -f -c "$T/wga.conf" wga
claim "leaves no kill switch" equal "$(tables)" 0

conf lan
must up
claim "KillSwitch = lan: the neighbour is reached" reach a 10.0.0.2
claim "and over IPv6" reach a fd00::2
claim "the world only through the tunnel" reach a 203.0.113.9
claim "not past it" not reach a 203.0.113.9 -I va -W 1
rules_of() { ip -n a -"$1" rule | grep -c 'ca6c\|suppress'; }
claim "rules of killed daemons are gone: two for IPv4" equal "$(rules_of 4)" 2
claim "two for IPv6" equal "$(rules_of 6)" 2
must n b ip route add 192.168.9.1/32 via 10.0.0.1
claim "the tunnel's address is not reached past the tunnel" not n b ping -n -c 1 -W 0.5 -I vb 192.168.9.1
must n b ip route del 192.168.9.1/32 via 10.0.0.1
stop wga
claim "down: ends with status 0" equal $? 0
claim "and the kill switch is gone" equal "$(tables)" 0
claim "rules too" equal "$(rules_of 4) $(rules_of 6)" "0 0"

# Strict reverse path filter: answers to the tunnel's datagrams come by the way that only marked ones take.
must n a sysctl -qw net.ipv4.conf.all.rp_filter=1 net.ipv4.conf.va.rp_filter=1 net.ipv4.conf.default.rp_filter=1
conf no
must up
claim "a default route works with a strict reverse path filter" reach a 203.0.113.9
stop wga
