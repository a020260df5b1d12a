#!/bin/bash
# SPDX-License-Identifier: MIT
#
# NAT = yes: clients reach the internet through the server, as the server, with segments that fit the tunnel; the table
# for that is put back when somebody takes it away, is replaced when it is stale, and is all that is ever touched.
#
#   ns c: wgc 10.8.0.2, fd08::2, MTU 1500, everything through it
#     |    vc 10.0.0.2 ---- vs 10.0.0.1
#   ns s: wgs 10.8.0.1/24, fd08::1/64, MTU 1420
#     |    vo 203.0.113.1, 2001:db8::1 ---- vi 203.0.113.9, 2001:db8::9
#   ns i: knows no way to 10.8.0.0/24 and fd08::/64
. "$(dirname "$0")/lib.sh"

spaces c s i
wire c vc s vs
wire s vo i vi
addr c vc 10.0.0.2/24
addr s vs 10.0.0.1/24
addr s vo 203.0.113.1/24 2001:db8::1/64
addr i vi 203.0.113.9/24 2001:db8::9/64
must n s sysctl -qw net.ipv4.ip_forward=0 net.ipv6.conf.all.forwarding=0
key c >/dev/null; key s >/dev/null
umask 077
server()
{
	cat >"$T/wgs.conf" <<-END
		[Interface]
		PrivateKey = $(cat "$T/s.key")
		ListenPort = 1002
		Address = 10.8.0.1/24, fd08::1/64
		MTU = 1420
		$1

		[Peer]
		PublicKey = $(key c)
		AllowedIPs = 10.8.0.2/32, fd08::2/128
	END
}
cat >"$T/wgc.conf" <<-END
	[Interface]
	PrivateKey = $(cat "$T/c.key")
	Address = 10.8.0.2/24, fd08::2/64
	MTU = 1500

	[Peer]
	PublicKey = $(key s)
	Endpoint = 10.0.0.1:1002
	AllowedIPs = 0.0.0.0/0, ::/0
END
umask 022

# up NS IF: from its file, in the foreground.
up()
{
	spawn "$2" "$1" "$TUNNELD" -f -c "$T/$2.conf" "$2" >"$T/$2.log" 2>&1
	wait_for 10 grep -q ready "$T/$2.log" || { cat "$T/$2.log"; return 1; }
}
rules() { n s nft list ruleset; }
ours() { n s nft list table inet tunneld-wgs; }
foreign() { rules | sed '/^table inet tunneld-wgs/,/^}/d'; }
forwarding() { n s sysctl -n net.ipv4.ip_forward net.ipv6.conf.all.forwarding | xargs; }

# Somebody else's rules, which drop what he does not know.
must n s nft -f - <<-'END'
	table inet filter {
		set friends { type ipv4_addr; flags interval; elements = { 10.8.0.0/24, 203.0.113.0/24 } }
		chain forward {
			type filter hook forward priority 0; policy drop;
			iifname "wgs" accept; oifname "wgs" accept;
		}
		chain input { type filter hook input priority 0; tcp dport 1 counter drop; }
	}
	table ip other { chain nat { type nat hook prerouting priority -100; tcp dport 2 redirect to :3; }; }
END
BEFORE=$(rules)

server 'NAT = yes'
must up s wgs
must up c wgc
claim "a chain that drops what is forwarded is named" grep -q 'chain inet filter forward drops' "$T/wgs.log"
claim "forwarding is switched on" equal "$(forwarding)" "1 1"
claim "other tables are the same, to the byte" equal "$(foreign)" "$BEFORE"
watch far4 i vi 'icmp[icmptype] == icmp-echo'
claim "the client reaches the internet over IPv4" reach c 203.0.113.9
claim "where it is the server" equal "$(seen far4) $(seen far4 src 203.0.113.1)" "1 1"
watch far6 i vi 'icmp6 and ip6[40] == 128'
claim "and over IPv6" reach c 2001:db8::9
claim "where it is the server too" equal "$(seen far6) $(seen far6 src 2001:db8::1)" "1 1"
claim "inside the tunnel nothing is translated" reach s 10.8.0.2

# connect ADDRESS: a TCP connection from the client, with the segment sizes that both ends are offered.
spawn tcp4 i socat TCP4-LISTEN:7,fork,reuseaddr /dev/null
spawn tcp6 i socat TCP6-LISTEN:7,fork,reuseaddr,ipv6only=1 /dev/null
must wait_for 5 sh -c "nsenter --net=/run/netns/i ss -Hltn | grep -c ':7 ' | grep -qx 2"
mss() { tcpdump -nv -r "$T/$1.pcap" 2>/dev/null | grep -o 'mss [0-9]*' | sort -u | xargs; }
for to in 203.0.113.9 '[2001:db8::9]'; do
	watch syn i vi 'tcp or ip6 proto 6'
	watch answer c wgc 'tcp or ip6 proto 6'
	claim "a connection to $to" n c socat -u OPEN:/dev/null "TCP:$to:7"
	seen syn >/dev/null; seen answer >/dev/null
	size=$([ "$to" = 203.0.113.9 ] && echo 1380 || echo 1360)
	claim "to $to is offered what fits the tunnel" equal "$(tcpdump -nv -r "$T/syn.pcap" \
		"src 203.0.113.1 or src 2001:db8::1" 2>/dev/null | grep -o 'mss [0-9]*')" "mss $size"
	claim "and so is the client" equal "$(tcpdump -nv -r "$T/answer.pcap" \
		"src 203.0.113.9 or src 2001:db8::9" 2>/dev/null | grep -o 'mss [0-9]*')" "mss $size"
done

# Taken away.
TABLE=$(ours)
back() { equal "$(ours)" "$TABLE"; }
must n s nft flush ruleset
claim "flushed: it is back" wait_for 5 back
claim "and says so" grep -q 'it is back' "$T/wgs.log"
claim "and works" reach c 203.0.113.9
status() { n s "$TUNCTL" --etc "$T" status wgs --json | jq -ce "$1"; }
claim "the status tells of NAT" equal "$(status .nat)" '{"on":true,"via":null,"networks":["10.8.0.0/24","fd08::/64"]}'
claim "and that the table was put back" equal "$(status .filter)" '{"table":"tunneld-wgs","put_back":1}'
must n s nft -f - <<<"$BEFORE"
must n s nft flush chain inet tunneld-wgs nat
claim "a chain of it flushed: it is back" wait_for 5 back
must n s nft add rule inet tunneld-wgs clamp counter
claim "a rule put into it is gone" wait_for 5 back
claim "other tables are the same, to the byte" equal "$(foreign)" "$BEFORE"
# Whoever insists is followed ever more slowly, and gets there sometimes: no endless fight.
fight()
{
	local i lines

	for ((i = 0; i < 40; i++)); do n s nft delete table inet tunneld-wgs 2>/dev/null; sleep 0.05; done
	lines=$(grep -c 'it is back' "$T/wgs.log")
	[ "$lines" -le 10 ] || { echo "put back $lines times"; false; }
}
claim "whoever insists is followed at a bounded rate" fight

stop wgs
claim "down: ends with status 0" equal $? 0
claim "nothing of ours is left, and nothing else was touched" equal "$(rules)" "$BEFORE"
claim "forwarding is off as before" equal "$(forwarding)" "0 0"

# Somebody else translates addresses too: he may need forwarding.
must n s nft -f - <<-'END'
	table ip theirs { chain post { type nat hook postrouting priority 100; oifname "nowhere" masquerade; }; }
END
must up s wgs
stop wgs
claim "forwarding stays on for somebody else who translates" equal "$(forwarding)" "1 1"
must up s wgs
stop wgs
claim "and is left alone by who found it on" equal "$(forwarding)" "1 1"
must n s nft delete table ip theirs
must n s sysctl -qw net.ipv4.ip_forward=0 net.ipv6.conf.all.forwarding=0

# Killed: nobody is there to take the table away.
must up s wgs
kill -KILL "${PID[wgs]}"; wait "${PID[wgs]}" 2>/dev/null; unset "PID[wgs]"
must wait_for 5 not ip -n s link show wgs
claim "killed: the table stays" ours
server 'NAT = vo'
must up s wgs
claim "the next one replaces it: one table" equal "$(rules | grep -c 'table inet tunneld')" 1
claim "which the status says" equal "$(status '[.nat.on, .nat.via]')" '[true,"vo"]'
claim "NAT for one outgoing interface" grep -q 'oifname "vo"' <(ours)
must wg set wgc peer "$(key s)" remove
must wg set wgc peer "$(key s)" endpoint 10.0.0.1:1002 allowed-ips 0.0.0.0/0,::/0
claim "works" reach c 203.0.113.9
kill -KILL "${PID[wgs]}"; wait "${PID[wgs]}" 2>/dev/null; unset "PID[wgs]"
must wait_for 5 not ip -n s link show wgs
claim "tunctl down takes away what a killed one left" n s "$TUNCTL" down wgs
claim "all of it" equal "$(rules)" "$BEFORE"

server 'NAT = yes
KillSwitch = yes'
refused() { not n s timeout 10 "$TUNNELD" -f -c "$T/wgs.conf" wgs && not ip -n s link show wgs; }
claim "NAT and a kill switch at once are refused" refused
server 'NAT = some where'
claim "so is what is no interface" refused
server 'NAT = no'
must up s wgs
claim "NAT = no: no table" not ours
claim "and no forwarding" not reach c 203.0.113.9 -W 1
