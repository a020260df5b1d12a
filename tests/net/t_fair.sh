#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A flow that sends much holds nobody else up: what waits for the daemon waits in lanes. The daemon is stopped, a heavy
# flow fills its queue, a ping comes last; when it goes on, who is first?
#
#   wga 192.168.9.1  ---- va 10.0.0.1  10.0.0.2 vb ----  wgb 192.168.9.2
. "$(dirname "$0")/lib.sh"

MANY=200	# datagrams, fewer than the queue holds

# Sends bursts, more than a moderate flow does, and reads them back; then, for each line of stdin, sends MANY more,
# shorter ones.
heavy='use IO::Socket; use IO::Select; $| = 1;
	my $s = IO::Socket::INET->new(Proto => "udp", PeerAddr => "192.168.9.2:7777") or die;
	my ($wait, $got) = (IO::Select->new($s), 0);
	for (1 .. 4) {
		$s->send("x" x 1000) for 1 .. 50;
		$got++ while $got < 50 * $_ && $wait->can_read(2) && defined $s->recv(my $b, 2000);
	}
	print "$got\n";
	while (<STDIN>) { $s->send("x" x 900) for 1 .. '$MANY'; print "sent\n"; }'
echo='use IO::Socket; my $s = IO::Socket::INET->new(Proto => "udp", LocalAddr => "192.168.9.2:7777") or die;
	while (defined $s->recv(my $b, 2000)) { $s->send($b); }'

# One processor, one worker: which of several reads first is nobody's business here.
must taskset -pc "$(taskset -pc $$ | sed 's/.*: //; s/[,-].*//')" $$
outside
# The processes below the daemon, of which one has the queues.
engine()
{
	cat /proc/[0-9]*/stat | awk -v up="${PID[wga]}" '{ p = $1; sub(/.*\) /, "") } $2 == up { print p }'
}
# All threads of these processes: one that is about to would still look at its queues.
stopped()
{
	local pid

	for pid; do
		not grep -qv '^[^)]*) T' "/proc/$pid/task/"*/stat || return
	done
}
read_inner() { tcpdump -n -r "$T/inner.pcap" 2>/dev/null >"$T/order"; }
whole() { read_inner && equal "$(grep -c 'length 900$' "$T/order")" $MANY; }
asked() { tcpdump -n -r "$T/ask.pcap" 2>/dev/null | grep -q 'length 108$'; }

# place: where the ping came in, 1 is first; of how many.
place()
{
	local engine

	mkfifo "$T/go"
	spawn echo b perl -e "$echo"
	wait_for 5 n b sh -c 'ss -Huln sport = 7777 | grep -q .' >/dev/null
	watch inner b wgb 'dst host 192.168.9.2 and (icmp or udp)' -s100
	watch ask a wga icmp
	engine=$(engine)
	# The kernel forgets within seconds where a flow's answers came from.
	n a perl -e "$heavy" <>"$T/go" >"$T/heavy" &
	PID[heavy]=$!
	wait_for 30 grep -q . "$T/heavy"
	reach a 192.168.9.2 >/dev/null
	# shellcheck disable=SC2086 # as many as there are
	kill -STOP $engine
	# shellcheck disable=SC2086
	wait_for 10 stopped $engine
	echo >"$T/go"
	wait_for 10 grep -q sent "$T/heavy"
	spawn ping a ping -n -c 1 -s 100 -W 20 192.168.9.2 >"$T/ping"
	wait_for 10 asked
	# shellcheck disable=SC2086
	kill -CONT $engine
	wait_for 10 whole >/dev/null
	stop ping
	stop heavy
	stop echo
	rm "$T/go"
	seen ask >/dev/null
	seen inner >/dev/null
	read_inner
	grep -E 'length (900|108)$' "$T/order" | grep -n ICMP | cut -d : -f 1
}

TUNNELD_NO_OFFLOAD=uso tunnel tunneld tunneld
claim "the tunnel is up" reach a 192.168.9.2
claim "a ping overtakes a heavy flow that waits" equal "$(place)" 1
claim "which is whole" whole
no_tunnel
export TUNNELD_NO_OFFLOAD=lanes,uso
tunnel tunneld tunneld
claim "the tunnel is up without lanes" reach a 192.168.9.2
claim "then it comes behind it" equal "$(place)" $((MANY + 1))
