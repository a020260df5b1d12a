# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# What the parts of the benchmark share: the contenders, each with two namespaces of its own, and what they use.
#
#   ns WHO-a                                   ns WHO-b
#   WHOa 192.168.9.1                           WHOb 192.168.9.2      not for veth: the cable alone
#   eth  10.0.0.1, port 1001  -------------    eth  10.0.0.2, port 1002
#
# All contenders are up all the time, so that a figure is taken of one right after the other; one that nobody talks to
# costs nothing.
. "$(dirname "${BASH_SOURCE[0]}")/../net/lib.sh"
trap stop_all EXIT

RELAY=${RELAY:-$BUILD/relay/tunneld}
RESULTS=$BUILD/bench.tsv	# round, contender, figure, value; a run that is ended early leaves what it has

say() { echo "bench: $*" >&2; }
die()
{
	say "$1"
	[ -z "${2-}" ] || sed 's/^/  /' "$2" >&2
	exit 1
}
# A benchmark makes no claims: what a test would call failed ends it.
fail() { die "$@"; }

program_of() { case $1 in tunneld) echo "$TUNNELD" ;; relay) echo "$RELAY" ;; peer) command -v "$PEER" ;; esac; }
inner() { [ "$1" = veth ] && echo 10.0.0.2 || echo 192.168.9.2; }

# keep WHO FIGURE VALUE: a figure of this round. "refused" is a value.
keep()
{
	[[ $3 =~ ^[0-9.]+(e[-+]?[0-9]+)?$|^refused$ ]] || die "$1: no figure for $2: \"$3\""
	printf '%s\t%s\t%s\t%s\n' "$ROUND" "$1" "$2" "$3" >>"$RESULTS"
}

# calc EXPRESSION: of awk.
calc() { awk "BEGIN { print $1 }"; }

# percentile P: of the round trips in a ping's output, in microseconds.
percentile()
{
	sed -n 's/.*time=\([0-9.]*\) ms.*/\1/p' "$T/ping" | sort -n |
		awk -v p="$1" '{ v[NR] = $1 } END { i = int(NR * p + 0.5); print v[i < 1 ? 1 : i] * 1000 }'
}

# ---- Contenders

set_up()
{
	spaces "$1-a" "$1-b"
	wire "$1-a" eth "$1-b" eth
	addr "$1-a" eth 10.0.0.1/24
	addr "$1-b" eth 10.0.0.2/24
	[ "$1" = veth ] || begin_tunnel "$1"
	spawn "$1-server" "$1-b" iperf3 -s >/dev/null 2>&1
	wait_for 5 n "$1-b" sh -c 'ss -Htln sport = 5201 | grep -q .' >/dev/null || die "iperf3 does not listen"
}

begin_tunnel()
{
	local a=$1a b=$1b

	key a >/dev/null
	key b >/dev/null
	daemon "$1-a" "$a" "$1"
	daemon "$1-b" "$b" "$1"
	must wg set "$a" private-key "$T/a.key" listen-port 1001 peer "$(key b)" endpoint 10.0.0.2:1002 \
		allowed-ips 192.168.9.2/32
	must wg set "$b" private-key "$T/b.key" listen-port 1002 peer "$(key a)" allowed-ips 192.168.9.1/32
	addr "$1-a" "$a" 192.168.9.1/24
	addr "$1-b" "$b" 192.168.9.2/24
	must ip -n "$1-a" link set "$a" up
	must ip -n "$1-b" link set "$b" up
}

# The first second through a daemon is slower than all later ones, and nobody's figure.
warm_up()
{
	ready "$1"
	n "$1-a" timeout 20 iperf3 -c "$(inner "$1")" -t 1 --bidir >"$T/out" 2>&1 || die "$1: iperf3" "$T/out"
}

# Before a figure: a session there is, and what the one before left behind has gone.
ready()
{
	local i

	for i in 1 2 3; do
		reach "$1-a" "$(inner "$1")" >"$T/out" 2>&1 && return
	done
	die "$1: the other end does not answer" "$T/out"
}

# ---- What they use

# processes IF...: those of the daemons of these interfaces, with all their children.
processes()
{
	local i pids=()

	for i; do
		[ -z "${PID[$i]-}" ] || pids+=("${PID[$i]}")
	done
	cat /proc/[0-9]*/stat 2>/dev/null | awk -v roots="${pids[*]}" '
		{ pid = $1; sub(/.*\) /, ""); parent[pid] = $2 }
		END {
			n = split(roots, root, " ")
			for (i = 1; i <= n; i++)
				for (pid in parent)
					for (up = pid; up in parent; up = parent[up])
						if (up == root[i]) {
							print pid
							break
						}
		}'
}

# cpu WHO: seconds of processor time that both its daemons have used, all threads.
cpu()
{
	local pid

	for pid in $(processes "$1a" "$1b"); do
		cat "/proc/$pid/stat"
	done | sed 's/.*) //' | awk -v hz="$(getconf CLK_TCK)" '{ s += $12 + $13 } END { print s / hz }'
}

# memory IF: MiB resident of its daemon, all processes.
memory()
{
	local pid

	for pid in $(processes "$1"); do
		cat "/proc/$pid/status"
	done | awk '$1 == "VmRSS:" { s += $2 } END { printf "%.2f\n", s / 1024 }'
}
