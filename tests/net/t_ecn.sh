#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Congestion marks pass the tunnel in both directions, and the class of service does not: outside all data looks alike.
#
#   wga 192.168.9.1  ---- va 10.0.0.1  10.0.0.2 vb (marks congestion on the way in) ----  wgb 192.168.9.2
. "$(dirname "$0")/lib.sh"

outside
tunnel tunneld tunneld
# TOS bytes of IPv4 data messages a -> b, of handshake messages, and of what comes out inside.
data='udp src port 1001 and udp[8] = 4'
watch hello a va 'udp and (udp[8] = 1 or udp[8] = 2)'
claim "the tunnel is up" reach a 192.168.9.2
claim "handshake messages are AF41" equal "$(seen hello 'ip[1] = 0x88')" 2

# outer INNER: the TOS bytes outside when INNER is inside.
outer()
{
	watch outer a va "$data"
	reach a 192.168.9.2 -Q "$1" >/dev/null
	seen outer >/dev/null
	tcpdump -n -v -r "$T/outer.pcap" 2>/dev/null | sed -n 's/.*(tos \(0x[0-9a-f]*\).*/\1/p' | sort -u | xargs
}

claim "not capable inside: not capable outside" equal "$(outer 0x00)" 0x0
claim "ECT(0) inside: ECT(0) outside" equal "$(outer 0x02)" 0x2
claim "ECT(1) inside: ECT(1) outside" equal "$(outer 0x01)" 0x1
claim "congestion inside is not told outside" equal "$(outer 0x03)" 0x2
claim "the class of service is not told outside" equal "$(outer 0xb8)" 0x0
claim "but the mark is" equal "$(outer 0xba)" 0x2

# mark MARK: what comes to the outer port gets this mark on its way.
mark()
{
	n b nft -f - <<-END
		table inet t {
			chain c {
				type filter hook prerouting priority -300
				udp dport 1002 ip ecn set $1
			}
		}
	END
}

# inner OUTER-MARK INNER: the TOS inside after the outer mark was set on the way.
inner()
{
	must n b nft flush ruleset
	must mark "$1"
	watch inner b wgb 'icmp[icmptype] = icmp-echo'
	reach a 192.168.9.2 -Q "$2" >/dev/null
	seen inner >/dev/null
	must n b nft flush ruleset
	tcpdump -n -v -r "$T/inner.pcap" 2>/dev/null | sed -n 's/.*(tos \(0x[0-9a-f]*\).*/\1/p' | sort -u | xargs
}
bad_sums() { tcpdump -n -v -r "$T/inner.pcap" 2>/dev/null | grep -c 'bad cksum'; }

claim "congestion outside reaches ECT(0) inside" equal "$(inner ce 0x02)" 0x3
claim "with a right header checksum" equal "$(bad_sums)" 0
claim "and ECT(1) inside" equal "$(inner ce 0x01)" 0x3
claim "not what is not capable, which still arrives" equal "$(inner ce 0x00)" 0x0
claim "ECT(1) outside makes ECT(0) inside ECT(1)" equal "$(inner ect1 0x02)" 0x1
claim "the class of service inside stays" equal "$(inner ce 0xba)" 0xbb
must mark ce
watch six b wgb 'icmp6 and ip6[40] = 128'
claim "IPv6 inside passes" reach a fd09::2 -Q 0x02
claim "and is told of congestion" equal "$(seen six '(ip6[1] & 0x30) = 0x30')" 1
