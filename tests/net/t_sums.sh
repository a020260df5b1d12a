#!/bin/bash
# SPDX-License-Identifier: MIT
#
# What leaves us is right to the last bit: every checksum inside and outside, cut from super-packets or finished for the
# host; UDP that applications send in bulk; marks on a part of what arrives joined; and the address that was addressed
# answers, also when what arrives is joined.
#
#   wga 192.168.9.1  ---- va 10.0.0.1  10.0.0.2 and 10.0.0.22 vb ----  wgb 192.168.9.2 (no offloads on its TUN device)
. "$(dirname "$0")/lib.sh"

outside
addr b vb 10.0.0.22/24 fd00::22/64
bulk_of 1500000

# burst FROM TO ADDRESS SIZE COUNT: UDP sent in bulk arrives whole and in order.
burst()
{
	local pid

	: >"$T/take"
	n "$2" timeout 60 "$BUILD/net/burst" take 9000 "$4" "$5" >"$T/take" &
	pid=$!
	wait_for 10 grep -q ready "$T/take" || return
	n "$1" "$BUILD/net/burst" send "$3" 9000 "$4" "$5"
	wait $pid || { cat "$T/take"; false; }
}

# bad NAME: how many packets of the recording have a sum that tcpdump finds wrong.
bad() { tcpdump -n -vv -r "$T/$1.pcap" 2>/dev/null | grep -cE 'incorrect|bad (udp )?cksum'; }

# errors NS: how many packets the kernel has dropped for their checksum. Names stand in one line, numbers in the next.
errors()
{
	n "$1" cat /proc/net/snmp /proc/net/netstat /proc/net/snmp6 | awk '
		/^Udp6InCsumErrors/ { sum += $2 }
		!/:/ { next }
		!($1 in names) { names[$1] = $0; next }
		{
			split(names[$1], name)
			delete names[$1]
			for (i = 2; i <= NF; i++)
				sum += name[i] ~ /Csum/ ? $i : 0
		}
		END { print sum + 0 }'
}

# far WORDS ENDPOINT: b's end, anew, without these offloads, for a at this address.
far()
{
	[ -z "${PID[wgb]-}" ] || stop wgb
	TUNNELD_NO_OFFLOAD=$1 daemon b wgb tunneld
	must wg set wgb private-key "$T/b.key" listen-port 1002 peer "$(key a)" \
		allowed-ips 192.168.9.1/32,fd09::1/128
	addr b wgb 192.168.9.2/24 fd09::2/64
	must ip -n b link set wgb up
	# The interface that was there before takes its routes along. That is news to the daemon, which then forgets
	# from where it spoke, and it may be told 200 ms later.
	sleep 1
	must wg set wga peer "$(key b)" remove
	must wg set wga peer "$(key b)" endpoint "$2" allowed-ips 192.168.9.2/32,fd09::2/128
}

# The kernel of b verifies what it gets: neither device vouches for a checksum.
key a >/dev/null; key b >/dev/null
must n a ethtool -K va tx off
must n b ethtool -K vb rx off
daemon a wga tunneld
must wg set wga private-key "$T/a.key" listen-port 1001
addr a wga 192.168.9.1/24 fd09::1/64
must ip -n a link set wga up
far vnet 10.0.0.22:1002
claim "the tunnel is up" reach a 192.168.9.2

for mtu in 1280 1420; do
	must ip -n a link set wga mtu $mtu
	must ip -n b link set wgb mtu $mtu
	watch inner b wgb 'tcp or udp'
	watch outer b vb 'udp dst port 1002'
	claim "MTU $mtu: TCP" bulk a b 192.168.9.2
	claim "MTU $mtu: TCP over IPv6" bulk a b '[fd09::2]'
	claim "MTU $mtu: UDP in bulk" burst a b 192.168.9.2 1001 500
	claim "MTU $mtu: UDP in bulk over IPv6" burst a b fd09::2 333 500
	claim "MTU $mtu: packets were seen" test "$(seen inner)" -gt 1000 -a "$(seen outer)" -gt 1000
	claim "MTU $mtu: every checksum inside is right" equal "$(bad inner)" 0
	claim "MTU $mtu: and outside" equal "$(bad outer)" 0
done
claim "b's kernel found no checksum wrong" equal "$(errors b)" 0
claim "nor did a's" equal "$(errors a)" 0
must n a ethtool -K va tx on
must n b ethtool -K vb rx on

# ---- The same with all offloads, and back

far '' 10.0.0.22:1002
claim "the tunnel is up again" reach a 192.168.9.2 -W 10
watch answers a va 'udp src port 1002'
for way in 'a b 192.168.9.2' 'b a 192.168.9.1' 'a b fd09::2' 'b a fd09::1'; do
	# shellcheck disable=SC2086 # three words
	claim "UDP in bulk, ${way% *}, to ${way##* }" burst $way 1300 500
	if grep -q 'offloads: .* uso' "$T/wgb.log"; then
		claim "and it arrived joined" not grep -q ' 0 joined' "$T/take"
	fi
done
claim "TCP" bulk a b 192.168.9.2
claim "TCP back" bulk b a 192.168.9.1
claim "all answers came from the address that was addressed" \
	equal "$(seen answers 'src host 10.0.0.22') $(seen answers 'not src host 10.0.0.22')" "$(seen answers) 0"
must wg set wga peer "$(key b)" endpoint '[fd00::22]:1002'
watch answers a va 'udp src port 1002'
claim "TCP over IPv6 outside" bulk a b 192.168.9.2
claim "and back" bulk b a 192.168.9.1
claim "all answers came from the address that was addressed, of IPv6 as well" \
	equal "$(seen answers 'src host fd00::22') $(seen answers 'not src host fd00::22')" "$(seen answers) 0"

# ---- Marks on a part of what is joined

must n a sysctl -qw net.ipv4.tcp_ecn=1
must n b sysctl -qw net.ipv4.tcp_ecn=1
spawn relay a "$BUILD/net/relay" 5000 10.0.0.22 1002 mark=100 >"$T/relay.log"
far vnet 127.0.0.1:5000
claim "the tunnel is up over the relay" reach a 192.168.9.2 -W 10
must n b nft -f - <<-END
	table inet t {
		chain c {
			type filter hook input priority 0
			iifname wgb ip ecn ce counter
			iifname wgb ip ecn ect0 counter
		}
	}
END
# count MARK: packets that b's kernel got out of the tunnel with it.
count() { n b nft list chain inet t c | sed -n "s/.*ip ecn $1 counter packets \([0-9]*\) .*/\1/p"; }

claim "TCP that is capable of marks" bulk a b 192.168.9.2
stop relay
marked=$(sed -n 's/.*marked //p' "$T/relay.log")
claim "a part is marked: $marked of $((marked + $(count ect0)))" \
	test "$marked" -gt 20 -a "$(count ect0)" -gt $((3 * marked))
claim "and as many inside as outside" equal "$(count ce)" "$marked"
