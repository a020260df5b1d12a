#!/bin/bash
# SPDX-License-Identifier: MIT
# status, once and again, as text, as JSON and on a terminal of 80 columns and 24 rows, which it leaves as it was.
# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"

mkdir -p "$T/etc/tunneld/wg0.d"
outside
key a >/dev/null
{
	printf '[Interface]\nPrivateKey = %s\nListenPort = 1001\nAddress = 10.8.0.1/24\n' "$(cat "$T/a.key")"
	printf '[Peer]\n#: Name = bo\nPublicKey = %s\nAllowedIPs = 10.8.0.2/32\n' "$(key bo)"
	for i in {1..60}; do
		printf '[Peer]\n#: Name = idle-%d-with-a-name-that-is-longer-than-others\n' "$i"
		printf 'PublicKey = %s\n' "$(wg genkey | wg pubkey)"
		printf 'AllowedIPs = 10.8.1.%d/32, fd08::1:%d/128, 10.77.%d.0/24\n' "$i" "$i" "$i"
	done
} >"$T/etc/tunneld/wg0.conf"
chmod 600 "$T/etc/tunneld/wg0.conf"
ctl() { n a "$TUNCTL" --etc "$T/etc" "$@"; }
must ctl up -q wg0
daemon b wgb tunneld
must wg set wgb private-key "$T/bo.key" peer "$(key a)" endpoint 10.0.0.1:1001 allowed-ips 10.8.0.1/32
addr b wgb 10.8.0.2/24
must ip -n b link set wgb up
must reach b 10.8.0.1
spawn traffic b ping -q -i 0.02 -s 1000 10.8.0.1 >/dev/null

# ---- Once

ctl status wg0 >"$T/once"
claim "the interface" grep -qx 'wg0: up' "$T/once"
claim "peers online of all, and the newest handshake" \
	grep -qE '^  peers       61, 1 online, newest handshake (now|[0-9]+ s ago)$' "$T/once"
claim "all peers for a pipe" equal "$(grep -cE '^(bo|idle-)' "$T/once")" 61
must ip -n a link set va mtu 1300
claim "what is wrong" grep -qE '^  (warnings| {8})    mtu: MTU 1420 is too much' <(ctl status wg0)
must ip -n a link set va mtu 1500
claim "JSON is as the manual says" json '.v == 1 and (keys | sort) == (["v", "interface", "running", "up",
	"public_key", "port", "online", "rx_bytes", "tx_bytes", "latest_handshake", "nat", "kill_switch", "filter",
	"peers"] | sort) and .nat == {on: false, via: null, networks: []} and .kill_switch == "no" and
	.filter == {table: null, put_back: 0} and
	(.peers | length) == 61 and .online == 1 and .latest_handshake > 1600000000' ctl status wg0
PEER='(keys - ["note", "tags", "enabled", "disabled"] | sort) == (["name", "public_key", "addresses", "saved",
	"live", "online", "preshared_key", "keepalive", "latest_handshake", "rx_bytes", "tx_bytes"] | sort)'
claim "a peer in JSON is as the manual says" json ".peer | $PEER and
	[.saved, .live, .online, .preshared_key] == [true, true, true, false]" ctl -i wg0 peer show bo
claim "so is each of a list" json "[.peers[] | $PEER] | length == 61 and all" ctl -i wg0 peer list

# ---- Again and again

# again FILE LINE [OPTION...]: into FILE, until two blocks, which end with LINE, are there.
again()
{
	spawn again a "$TUNCTL" --etc "$T/etc" status wg0 --watch "${@:3}" >"$1"
	wait_for 20 bash -c "test \"\$(grep -c '$2' '$1')\" -ge 2"
	local code=$?
	stop again
	return $code
}
claim "in a pipe: one block behind the other" again "$T/blocks" '^idle-60-'
claim "without a terminal's sequences" not grep -q $'\033' "$T/blocks"
claim "from the second on: what moves now" \
	grep -qE '^  now         [0-9.]+ KiB/s received, [0-9.]+ KiB/s sent' "$T/blocks"
claim "who moves is first" equal "$(grep -A1 '^NAME' "$T/blocks" | tail -1 | cut -d ' ' -f 1)" bo
claim "as JSON: one object behind the other" again "$T/lines" '}$' --json
claim "with rates from the second on" \
	jq -s -e '(.[0] | has("rx_rate") | not) and .[1].rx_rate > 1000' "$T/lines"

# ---- On a terminal

# on_terminal COMMAND: what it writes to a terminal, to $T/screen; keys from stdin. Also how the terminal was and is.
on_terminal()
{
	script -qec "stty rows 24 cols 80; stty -g >$T/before; $1; echo \"ended \$?\"; stty -g >$T/after" /dev/null \
		>"$T/screen"
}
# after PICTURES COMMAND...: COMMAND, when so many were drawn and the next one was begun. What it writes are keys. Then
# waits for the end, since the end of the keys would be one more.
after()
{
	wait_for 20 bash -c "test \"\$(grep -o \$'\033\\[H' '$T/screen' | wc -l)\" -gt $1" >&2
	"${@:2}"
	wait_for 20 grep -q 'ended [0-9]' "$T/screen" >&2
}
WATCH="nsenter --net=/run/netns/a $TUNCTL --etc $T/etc status wg0 --watch"
restored() { equal "$(cat "$T/after")" "$(cat "$T/before")" && grep -q $'\033\\[?25h\033\\[?1049l' "$T/screen"; }
export TERM=xterm
after 2 printf q | on_terminal "$WATCH"
claim "q ends it" grep -q 'ended 0' "$T/screen"
claim "and the terminal is as it was" restored
# The pictures: what is between two returns to the first line.
frames()
{
	tr -d '\r' <"$T/screen" | sed $'s/\033\\[H/\\n@@@\\n/g; s/\033\\[?25h.*//' | sed $'s/\033\\[[0-9;]*[a-zA-Z]//g'
}
rows() { frames | awk '/^@@@/ { n = 0; next } { if (++n > m) m = n } END { print m }'; }
claim "it drew more than once" bash -c "test $(frames | grep -c '^@@@') -ge 2"
claim "no picture has more than 24 rows" test "$(rows)" -le 24
claim "nor more than 80 columns" not grep -q '.\{81\}' <(frames)
claim "it says how many were left out" grep -qE '^\.\.\. and [0-9]+ more' <(frames)
rm "$T/screen"
after 1 printf '\003' | on_terminal "$WATCH"
claim "an interrupt ends it" grep -q 'ended 0' "$T/screen"
claim "and the terminal is as it was, too" restored
stop traffic
end() { kill -"$1" "$(cat "$T/watcher")"; }
for signal in TERM HUP SEGV; do
	rm "$T/screen"
	after 1 end $signal | on_terminal "$WATCH </dev/tty & echo \$! >$T/watcher; wait \$!"
	claim "SIG$signal: the terminal is as it was" restored
done
