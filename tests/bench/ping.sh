# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# Round trips through an idle tunnel, and while four TCP streams fill it.

measure_ping()
{
	local who=$1

	n "$who-a" timeout 30 ping -n -c 400 -i 0.005 "$(inner "$who")" >"$T/ping" || die "$who: ping" "$T/ping"
	keep "$who" ping_idle_p50 "$(percentile 0.5)"
	keep "$who" ping_idle_p99 "$(percentile 0.99)"
	spawn load "$who-a" iperf3 -c "$(inner "$who")" -P 4 -t $((SECS + 30)) >"$T/load" 2>&1
	sleep 1
	n "$who-a" timeout 60 ping -n -c $((SECS * 100)) -i 0.01 "$(inner "$who")" >"$T/ping"
	kill -0 "${PID[load]}" 2>/dev/null || die "$who: iperf3 ended too early" "$T/load"
	stop load
	keep "$who" ping_load_p50 "$(percentile 0.5)"
	keep "$who" ping_load_p99 "$(percentile 0.99)"
}
