# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# What an operator waits for who has 10,000 peers, each in a file of its own: commands from start to end, the process
# that is begun for each and the write to the disk included; the median of nine. Nobody else has such commands.

measure_operator()
{
	local etc=$BUILD/bench/etc

	rm -rf "$etc"
	mkdir -p "$etc/tunneld/bench.d"
	peer_files 10000 "$etc/tunneld"
	spawn bench tunneld-a "$TUNNELD" -f -c "$etc/tunneld/bench.conf" bench >"$T/bench.log" 2>&1
	wait_for 20 answers bench >"$T/out" || die "the daemon does not start" "$T/bench.log"
	keep tunneld op_add "$(milliseconds peer add "new-%d")"
	keep tunneld op_list "$(milliseconds peer list)"
	keep tunneld op_list_json "$(milliseconds peer list --json)"
	keep tunneld op_status "$(milliseconds status)"
	keep tunneld op_reload "$(milliseconds reload)"
	keep tunneld op_check "$(milliseconds check "$etc/tunneld/bench.conf")"
	keep tunneld op_metrics "$(milliseconds metrics)"
	stop bench
	rm -rf "$etc"
}

# peer_files N DIRECTORY: an interface, and N files beside it. Any 32 bytes are a public key.
peer_files()
{
	(
		umask 077
		printf '[Interface]\nPrivateKey = %s\nAddress = 10.64.0.1/16, fd64::1/64\n' "$(wg genkey)" >"$2/bench.conf"
		head -c $((33 * $1)) /dev/urandom | base64 -w 44 | awk -v dir="$2/bench.d" '{
			file = sprintf("%s/peer-%05d.peer", dir, NR)
			host = NR + 1
			printf "[Peer]\nPublicKey = %sA=\nAllowedIPs = 10.64.%d.%d/32, fd64::%x/128\n", substr($0, 1, 42),
			       host / 256, host % 256, host >file
			close(file)
		}'
	)
}

# milliseconds WORD...: of tunctl with these words, in which %d is the number of the run.
milliseconds()
{
	local run begin

	for run in {1..9}; do
		begin=${EPOCHREALTIME//[!0-9]/}
		n tunneld-a "$TUNCTL" --etc "$etc" -i bench "${@//%d/$run}" >"$T/out" 2>&1 || die "tunctl $*" "$T/out"
		echo $((${EPOCHREALTIME//[!0-9]/} - begin))
	done | sort -n | awk '{ v[NR] = $1 } END { print v[(NR + 1) / 2] / 1000 }'
}
