# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# TCP by iperf3, SECS each: one stream and four; there, back and both ways at once.

# tcp WHO [iperf3 options]: one run, to $T/tcp.json.
tcp()
{
	local try

	for try in 1 2 3; do	# the server may still be busy with the run before
		n "$1-a" timeout $((SECS + 20)) iperf3 -c "$(inner "$1")" -t "$SECS" -J "${@:2}" >"$T/tcp.json" \
			2>&1 </dev/null && return
		sleep $try
	done
	die "$1: iperf3" "$T/tcp.json"
}

gbits()
{
	jq '.end | (.sum_received.bits_per_second + (.sum_received_bidir_reverse.bits_per_second // 0)) / 1e9' \
		"$T/tcp.json"
}

measure_tcp()
{
	local who=$1 before used

	before=$(cpu "$who")
	tcp "$who"
	used=$(calc "$(cpu "$who") - $before")
	keep "$who" tcp1_forward "$(gbits)"
	[ "$who" = veth ] || keep "$who" cpu_tcp1 "$(calc "$used / $(jq '.end.sum_received.bytes / 1e9' "$T/tcp.json")")"
	tcp "$who" -R
	keep "$who" tcp1_reverse "$(gbits)"
	tcp "$who" --bidir
	keep "$who" tcp1_bidir "$(gbits)"
	tcp "$who" -P 4
	keep "$who" tcp4_forward "$(gbits)"
	tcp "$who" -P 4 -R
	keep "$who" tcp4_reverse "$(gbits)"
	tcp "$who" -P 4 --bidir
	keep "$who" tcp4_bidir "$(gbits)"
}
