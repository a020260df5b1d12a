#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A tunnel that nobody uses says nothing, and uses no processor time; a persistent keepalive speaks on time.
#
#   wga 192.168.9.1  ---- va 10.0.0.1  10.0.0.2 vb ----  wgb 192.168.9.2
. "$(dirname "$0")/lib.sh"

# Clock ticks used by the processes of this test's daemons.
ticks()
{
	cat /proc/[0-9]*/stat 2>/dev/null | awk -v n="(${TUNNELD##*/})" '$2 == n { s += $14 + $15 } END { print s + 0 }'
}

outside
watch start a va udp
tunnel tunneld tunneld
# Nobody may speak by himself: neighbours ask for routers on an interface that is up.
must n a sysctl -qw net.ipv6.conf.wga.disable_ipv6=1
must n b sysctl -qw net.ipv6.conf.wgb.disable_ipv6=1
sleep 1
seen start >/dev/null
watch talk a va udp
claim "a ping passes" reach a 192.168.9.2
claim "five more" n a ping -n -q -c 5 -i 0.05 192.168.9.2
sleep 11
one_keepalive()
{
	equal "$(seen talk 'udp[4:2] = 40 and udp[8] = 4')" 1 || { tcpdump -n -tt -r "$T/talk.pcap"; false; }
}
claim "ten seconds after the last answer comes one keepalive, and only one" one_keepalive
used=$(ticks)
watch silence a va udp
sleep 7
claim "then silence" equal "$(seen silence)" 0
claim "without work (clock ticks)" test $(($(ticks) - used)) -le 1

watch alive a va 'udp src port 1001 and udp[4:2] = 40'
must wg set wga peer "$(key b)" persistent-keepalive 1
begin=$EPOCHSECONDS
sleep 3.6
sent=$(seen alive)
seconds=$((EPOCHSECONDS - begin))
claim "a keepalive each second: at once, and then every second ($sent in $seconds s)" \
	test "$sent" -ge 3 -a "$sent" -le $((seconds + 1))
must wg set wga peer "$(key b)" persistent-keepalive 0
watch off a va udp
sleep 2
claim "switched off" equal "$(seen off 'src port 1001')" 0
