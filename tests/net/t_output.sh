#!/bin/bash
# SPDX-License-Identifier: MIT
#
# What cannot be written out is not passed over. A peer whose configuration is lost with the only copy of its key is
# taken back, in the files and in the running interface; every other command says so and does not exit 0.
#
#   ns a: wg0 10.8.0.1/24, fd08::1/64
. "$(dirname "$0")/lib.sh"

mkdir -p "$T/bin" "$T/etc/tunneld/wg0.d"
must cp "$TUNCTL" "$T/bin/tunctl"
must ln -s "$TUNNELD" "$T/bin/tunneld"
ETC=$T/etc/tunneld
spaces a
ctl() { n a "$T/bin/tunctl" --etc "$T/etc" --var "$T/var" -i wg0 "$@"; }
said() { grep -q 'standard output: write failed' "$T/said" && equal "$(wc -l <"$T/said")" 1; }
# With a full disk behind standard output, with it closed: exit 1 and one line.
lost() { code 1 "$@" >/dev/full 2>"$T/said" && said; }
closed() { code 1 "$@" >&- 2>"$T/said" && said; }
sum() { { find "$T/etc" "$T/files"; wg show wg0 dump | cut -f 1-4,8; } | sort; }
unchanged() { local before; before=$(sum); "$@" && equal "$(sum)" "$before"; }

(umask 077; cat >"$ETC/wg0.conf" <<-END
	[Interface]
	PrivateKey = $(wg genkey)
	ListenPort = 1001
	Address = 10.8.0.1/24, fd08::1/64
	ClientEndpoint = vpn.example.org

	[Peer]
	#: Name = bo
	PublicKey = $(key bo)
	AllowedIPs = 10.8.0.2/32
END
)
mkdir "$T/files"
must ctl up

claim "a peer is not added when its configuration is lost" unchanged lost ctl add anna
claim "nor with --json" unchanged lost ctl add anna --json
claim "nor as a code" unchanged lost ctl add anna --qr
claim "nor with its key kept" unchanged lost ctl add anna --keep-key
claim "a file that was written is taken back, too" \
	unchanged lost ctl add anna --conf "$T/files/a" --png "$T/files/b" --qr
claim "only in the file" unchanged lost ctl add anna --offline
claim "only live" unchanged lost ctl add anna --runtime
claim "nor with a route of its own" unchanged lost ctl add anna --ip 10.99.0.0/24
claim "whose route is gone" equal "$(n a ip route show 10.99.0.0/24)" ""
claim "nor when standard output is closed" unchanged closed ctl add anna
mkfifo "$T/fifo"
# no_reader COMMAND...: with a pipe whose reader has gone.
# shellcheck disable=SC2094 # one descriptor of each end, and then only that which writes
no_reader() { exec 8<>"$T/fifo" 9>"$T/fifo" 8>&-; code 1 "$@" >&9 2>"$T/said" && said; }
claim "nor when its reader has gone" unchanged no_reader ctl add anna
claim "with a good output it is" grep -q PrivateKey <(ctl add anna 2>/dev/null)
full() { "$@" >/dev/full; }
claim "a file does not need standard output" code 0 full ctl add carl --conf "$T/files/c"

for cmd in "status" "status --json" "list" "list --json" "show bo" "peer show bo --json" "export --wg-quick" \
	"check $ETC/wg0.conf" "metrics" "backup" "help" "help add" "--help" "completion bash" "genkey" "diff"; do
	# shellcheck disable=SC2086
	claim "$cmd" lost ctl $cmd
done
for i in $(seq 60); do
	printf '[Peer]\nPublicKey = %s\nAllowedIPs = 10.8.1.%d/32\n' "$(wg genkey | wg pubkey)" "$i" \
		>"$ETC/wg0.d/p$i.peer"
done
claim "a list that is longer than a buffer" lost ctl list
must ctl down
