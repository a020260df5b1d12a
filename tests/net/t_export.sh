#!/bin/bash
# SPDX-License-Identifier: MIT
# A peer's configuration reaches what is to read it: codes are decoded as a phone decodes them, from the terminal, PNG
# and SVG; NetworkManager's own reader and networkd itself take the files; wg-quick takes the server's. No secret ends
# on a terminal that was not asked for, and none in a file that others can read.
# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"

mkdir -p "$T/etc/tunneld/wg0.d"
ETC=$T/etc/tunneld
ctl() { "$TUNCTL" --etc "$T/etc" "$@"; }
# tty COMMAND...: with a terminal as standard output.
tty()
{
	script -qec "$(printf '%q ' "$TUNCTL" --etc "$T/etc" "$@")" /dev/null </dev/null | tr -d '\r'
	return "${PIPESTATUS[0]}"
}
export T TUNCTL
export -f ctl
files() { find "$T" -path "$T/etc/*" -type f -exec sha256sum {} + | sort; }
unchanged() { local before; before=$(files); "$@" && equal "$(files)" "$before"; }

cat >"$ETC/wg0.conf" <<-END
	[Interface]
	PrivateKey = $(wg genkey | tee "$T/k")
	ListenPort = 1001
	Address = 10.8.0.1/24, fd08::1/64
	NAT = yes
	#: ClientEndpoint = vpn.example.net
	#: ClientDNS = 9.9.9.9, 2620:fe::fe, corp.example
END

# ---- A new peer, and where its configuration goes

add() { ctl peer add --offline "$@"; }
claim "--conf writes a file" add anna --psk auto --conf "$T/anna.conf" --keep-key
claim "closed to others" equal "$(stat -c %a "$T/anna.conf")" 600
claim "the server's file says where it is and which servers to ask" bash -c "
	grep -qx 'Endpoint = vpn.example.net:1001' '$T/anna.conf' &&
	grep -qx 'DNS = 9.9.9.9, 2620:fe::fe, corp.example' '$T/anna.conf' &&
	grep -qx 'AllowedIPs = 0.0.0.0/0, ::/0' '$T/anna.conf'"
claim "--keep-key keeps the key" equal "$(sed -n 's/PrivateKey = //p' "$T/anna.conf")" "$(cat "$ETC/wg0.d/anna.key")"
claim "closed to others, too" equal "$(stat -c %a "$ETC/wg0.d/anna.key")" 600
said() { "$@" >"$T/said" 2>&1; equal "$?" 4 && grep -q "$WITH" "$T/said" && equal "$(wc -l <"$T/said")" 1; }
claim "added again with its file it is so already" unchanged add anna --conf "$T/anna.conf"
WITH='tunctl peer export anna'
claim "exit 4: another one is export's to write" unchanged said add anna --conf "$T/other.conf"
claim "no file is written" not test -e "$T/other.conf"
claim "exit 4: nor is there a code" unchanged said add anna --qr
claim "export gives the same again" cmp "$T/anna.conf" <(ctl peer export anna)
claim "--png writes a code" add bo --png "$T/bo.png"
claim "--png - gives it to a pipe" bash -c "cd '$T' && ctl peer add --offline pipe --png - >'$T/pipe.png' &&
	ctl peer remove -q --offline pipe && zbarimg -q --raw '$T/pipe.png' | grep -q ^PrivateKey= && ! test -e ./-"
claim "exit 2: not beside something else" unchanged code 2 add carl --png - --conf -
claim "exit 2: nor in JSON" unchanged code 2 add carl --png - --json
claim "exit 2: nor onto a terminal" unchanged code 2 script -qec \
	"$TUNCTL --etc $T/etc peer add --offline carl --png - >/dev/tty" /dev/null
WITH='only with its owner'
claim "exit 4: what is nowhere cannot be written again" unchanged said add bo --conf -
claim "without --keep-key nothing is kept" not test -e "$ETC/wg0.d/bo.key"
claim "exit 4: a file that is there is not overwritten" unchanged code 4 add carl --conf "$T/anna.conf"
claim "exit 2: nor is what is no file" unchanged code 2 add carl --conf /dev/null
claim "exit 2: a directory that is not there" unchanged code 2 add carl --png "$T/none/x.png"
claim "nothing is left of a peer that was not saved" bash -c "
	mkdir '$ETC/wg0.d/.carl.peer.new' && ! ctl peer add --offline --keep-key carl --conf '$T/carl.conf' &&
	! test -e '$T/carl.conf' && ! test -e '$ETC/wg0.d/carl.key'; rmdir '$ETC/wg0.d/.carl.peer.new'"
claim "exit 2: no code of a key that is not here" code 2 add carl --pubkey "$(key carl)" --qr
claim "exit 2: none to keep, either" code 2 add carl --pubkey "$(key carl)" --keep-key
claim "--conf - says all but the private key" bash -c "
	ctl peer add --offline carl --pubkey '$(key carl)' --conf - | grep -qx '# PrivateKey = yours'"
claim "a kept key goes with its peer" bash -c "ctl peer add --offline --keep-key dora >/dev/null &&
	test -e '$ETC/wg0.d/dora.key' && ctl peer remove --offline dora && ! test -e '$ETC/wg0.d/dora.key'"

# ---- Terminals

claim "exit 2: a terminal is not shown a key that nobody asked for" unchanged code 2 tty peer add --offline eve
claim "nor by export" code 2 tty peer export anna
claim "-o - asks for it" grep -qx "PrivateKey = $(cat "$ETC/wg0.d/anna.key")" <(tty peer export anna -o -)

# The half blocks of stdin as a picture; "1": light ink, as on a dark ground.
picture()
{
	sed 's/\x1b\[[0-9;]*m//g; s/\xe2\x96\x88/B/g; s/\xe2\x96\x80/U/g; s/\xe2\x96\x84/L/g' | awk -v light="${1-}" '
	function put(ink, i, out) {
		for (i = 0; i < 4; i++)
			out = out " " (light ? !ink : ink)
		return out
	}
	!/[^ BUL]/ && length {
		up = low = ""
		for (i = 1; i <= length; i++) {
			c = substr($0, i, 1)
			up = up put(c == "B" || c == "U")
			low = low put(c == "B" || c == "L")
		}
		width = 4 * length
		for (i = 0; i < 4; i++)
			line[++n] = up
		for (i = 0; i < 4; i++)
			line[++n] = low
	}
	END {
		print "P1", width, n
		for (i = 1; i <= n; i++)
			print line[i]
	}'
}
scan() { zbarimg -q --raw "$1" 2>/dev/null; }
# The configuration without blanks: what a code says.
compact() { sed 's/ //g; /^$/d; /^#/d' "$1"; }

ctl peer export anna --format qr | picture light >"$T/pipe.pbm"
TERM=xterm tty peer export anna --format qr | tee "$T/tty.txt" | picture >"$T/tty.pbm"
ctl peer export anna --format svg -o "$T/anna.svg"
ctl peer export anna --format png -o "$T/anna.png"
for picture in pipe.pbm tty.pbm anna.png; do
	claim "the code of $picture is read back" equal "$(scan "$T/$picture")" "$(compact "$T/anna.conf")"
done
# The path of the SVG file, drawn.
sed 's/.*viewBox="0 0 \([0-9]*\) .*/side \1/; s/.*d="//; s/".*//; s/M/\nM/g' "$T/anna.svg" | awk -F '[M hvz-]+' '
	/^side / { split($0, word, " "); side = word[2] }
	/^M/ { for (i = 0; i < $4; i++) dark[$3, $2 + i] = 1 }
	END {
		print "P1", 4 * side, 4 * side
		for (y = 0; y < 4 * side; y++)
			for (x = 0; x < 4 * side; x++)
				print dark[int(y / 4), int(x / 4)] + 0
	}' >"$T/svg.pbm"
claim "the code of anna.svg is read back" equal "$(scan "$T/svg.pbm")" "$(compact "$T/anna.conf")"
columns=$(LC_ALL=C sed 's/\x1b\[[0-9;]*m//g; s/\xe2\x96./x/g' "$T/tty.txt" | awk '{ print length }' | sort -un)
claim "its lines are as long as each other" test "$(wc -w <<<"$columns")" -eq 1
claim "and fit a terminal of 100 columns" test "$columns" -gt 60 -a "$columns" -le 100
claim "bo's code makes bo" equal "$(scan "$T/bo.png" | sed -n 's/^PrivateKey=//p' | wg pubkey)" \
	"$(sed -n 's/^PublicKey = //p' "$ETC/wg0.d/bo.peer")"

# ---- Formats

claim "exit 2: no such format" code 2 ctl peer export anna --format x
claim "exit 1: a key that is not here" code 1 ctl peer export bo
claim "its owner may bring it" bash -c "scan() { zbarimg -q --raw \"\$1\" 2>/dev/null; }
	ctl peer export bo --private-key <(scan '$T/bo.png' | sed -n 's/^PrivateKey=//p') | grep -q ^PrivateKey"
claim "exit 4: not with another's" code 4 ctl peer export bo --private-key "$ETC/wg0.d/anna.key"
claim "--no-key leaves a place for it" grep -qx '# PrivateKey = yours' <(ctl peer export bo --no-key)
claim "--server names another way" grep -qx 'Endpoint = 192.0.2.7:9' <(ctl peer export bo --no-key --server 192.0.2.7:9)
claim "wg-quick takes it" wg-quick strip "$T/anna.conf"

ctl peer export anna --format nm >"$T/anna.nmconnection"
claim "NetworkManager takes its file" bash -c "'$BUILD/net/nm_read' '$T/anna.nmconnection' >'$T/nm'"
claim "with all that is in it" bash -c "grep -qx 'private-key=$(cat "$ETC/wg0.d/anna.key")' '$T/nm' &&
	grep -qx 'allowed-ips=0.0.0.0/0;::/0;' '$T/nm' && grep -qx 'endpoint=vpn.example.net:1001' '$T/nm' &&
	grep -qx 'address1=10.8.0.2/32' '$T/nm' && grep -qx 'dns=2620:fe::fe;' '$T/nm' &&
	grep -q ^preshared-key= '$T/nm'"
sed 's/^address1=.*/address1=10.8.0.300/' "$T/anna.nmconnection" >"$T/bad.nmconnection"
claim "it would say what is wrong" not "$BUILD/net/nm_read" "$T/bad.nmconnection"

# networkd reads its files when it starts; it cannot make the interface without a kernel that knows wireguard.
networkd()
{
	mkdir -p /run/systemd/network /run/systemd/netif
	chown systemd-network: /run/systemd/netif
	chown root:systemd-network /run/systemd/network/*
	chmod 640 /run/systemd/network/*
	spawn networkd a env SYSTEMD_LOG_TARGET=console SYSTEMD_LOG_LEVEL=info /lib/systemd/systemd-networkd \
		2>"$T/networkd"
	wait_for 10 grep -q "^Enumeration completed" "$T/networkd"
	stop networkd
	not grep -E 'systemd/network/.*(:|mode)' "$T/networkd"
}
spaces a
mkdir -p /run/systemd/network
claim "networkd's two files" ctl peer export anna --format networkd -o /run/systemd/network/wg0
claim "closed to others, all" equal "$(stat -c %a /run/systemd/network/wg0.netdev)" 600
if [ "$(awk '{ print $3 }' /proc/self/uid_map)" -gt 65535 ]; then
	claim "networkd takes them" networkd
	sed -i 's/^Priority=.*/Priority=x/' /run/systemd/network/wg0.network
	claim "it would say what is wrong" not networkd
else
	skip "networkd takes them: it has a user of its own, so this needs root"
fi

# ---- The server's own file

claim "export --wg-quick gives one file" bash -c "ctl export --wg-quick >'$T/stock.conf' 2>'$T/said'"
claim "it says what it cannot give" grep -q 'left out, .*: NAT$' "$T/said"
claim "wg-quick takes it" bash -c "wg-quick strip '$T/stock.conf' >'$T/stripped'"
claim "with every peer" equal "$(sed -n 's/^PublicKey = //p' "$T/stripped" | sort)" \
	"$(sed -n 's/^PublicKey = //p' "$ETC"/wg0.d/*.peer | sort)"
claim "-o writes a file, closed to others" bash -c "ctl export --wg-quick -q -o '$T/out.conf' &&
	cmp '$T/out.conf' '$T/stock.conf' && test \$(stat -c %a '$T/out.conf') = 600"
claim "exit 2: for which program" code 2 ctl export
