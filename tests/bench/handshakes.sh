# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# Handshakes answered: a daemon of its own, 500 initiators that begin again and again, see handshakes.c.

measure_handshakes()
{
	local who=$1

	daemon "$who-b" bench "$who"
	must ip -n "$who-b" link set bench up
	# shellcheck disable=SC2046 # one argument a process
	n "$who-a" timeout 60 "$BUILD/bench/handshakes" "$(socket_of bench)" 10.0.0.2 1003 $(processes bench) \
		>"$T/handshakes" 2>"$T/out" || die "$who: handshakes" "$T/out"
	stop bench
	keep "$who" handshakes "$(awk '$1 == "handshakes" { print $2 }' "$T/handshakes")"
	keep "$who" cpu_handshake "$(awk '$1 == "cpu" { print $2 }' "$T/handshakes")"
	awk -v who="$who" '$1 == "unanswered" && $2 { print "bench: " who ": " $2 " handshakes were not answered" }' \
		"$T/handshakes" >&2
}
