# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# A daemon of its own for each number of peers: seconds to set them by one request to its control socket, and what is
# resident then, all its processes. 65,000 is what wireguard-go still takes.

measure_peers()
{
	local who=$1 count took

	for count in 1 10000 65000 100000 1000000; do
		took=refused
		# Who refused a number once refuses all above.
		if [ -z "${REFUSED[$who]-}" ] || [ $count -lt "${REFUSED[$who]}" ]; then
			daemon "$who-a" bench "$who"
			took=$(timeout 120 "$BUILD/bench/peers" "$(socket_of bench)" $count 2>"$T/out") ||
				die "$who: $count peers" "$T/out"
			[ "$took" = refused ] || keep "$who" memory_$count "$(memory bench)"
			stop bench
		fi
		keep "$who" load_$count "$took"
		[ "$took" != refused ] || { REFUSED[$who]=$count; keep "$who" memory_$count refused; }
	done
}
declare -A REFUSED=()
