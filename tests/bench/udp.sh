# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# UDP of three sizes of payload: the highest rate that loses less than 0.5 %, and what is left of a flood. 1392 bytes are
# the most that fit into an inner packet of 1420.

# traffic KIND WHO BYTES SECONDS: to $T/traffic.
traffic()
{
	timeout 120 "$BUILD/bench/traffic" "$1" /run/netns/"$2-a" /run/netns/"$2-b" "$(inner "$2")" "$3" "$4" \
		>"$T/traffic" 2>"$T/out" || die "$2: traffic $1" "$T/out"
}
of_traffic() { sed -n "s/^$1\t\([^\t]*\)\t.*/\1/p" "$T/traffic"; }
kpps() { calc "$(of_traffic "$1") / 1000"; }

measure_udp()
{
	local who=$1 size before used

	for size in 64 512 1392; do
		before=$(cpu "$who")
		traffic flood "$who" $size "$SECS"
		used=$(calc "$(cpu "$who") - $before")
		keep "$who" udp${size}_flood "$(kpps delivered)"
		keep "$who" udp${size}_offered "$(kpps offered)"
		[ $size != 64 ] || [ "$who" = veth ] || keep "$who" cpu_udp64 "$(calc "$used * 1e6 / $(of_traffic count)")"
		ready "$who"
		traffic search "$who" $size 0.5
		keep "$who" udp${size}_lossless "$(kpps lossless)"
	done
}
