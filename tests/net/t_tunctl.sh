#!/bin/bash
# SPDX-License-Identifier: MIT
# tunctl from one end to the other: keys as wg makes them, an interface up and down, peers added and removed while it
# runs, files that keep every byte, and each exit code that the manual names.
# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"

# Our own copy, with the daemon beside it, as they are installed.
mkdir -p "$T/bin" "$T/etc/tunneld" "$T/etc/wireguard"
must cp "$TUNCTL" "$T/bin/tunctl"
must ln -s "$TUNNELD" "$T/bin/tunneld"
ETC=$T/etc/tunneld
spaces a

ctl() { n a "$T/bin/tunctl" --etc "$T/etc" "$@"; }
# says TEXT COMMAND...: TEXT is in the one line on stderr.
says()
{
	local text=$1

	shift
	"$@" 2>&1 >/dev/null | tee "$T/said"
	grep -qF -- "$text" "$T/said" && equal "$(wc -l <"$T/said")" 1
}
export T
export -f ctl n
silent() { equal "$("$@" 2>&1)" ""; }
live() { wg show wg0 allowed-ips | grep -qF "$1"; }
lines() { wg show wg0 peers | wc -l; }
sum() { { find "$T/etc" -type f -exec sha256sum {} +; wg show wg0 dump 2>/dev/null; } | sort; }
unchanged() { local before; before=$(sum); "$@" && equal "$(sum)" "$before"; }

# ---- Keys

claim "genkey makes keys that wg takes" bash -c "ctl genkey | wg pubkey"
claim "genkey makes another key each time" not equal "$(ctl genkey)" "$(ctl genkey)"
claim "genpsk makes 32 bytes of base64" equal "$(ctl genpsk | base64 -d | wc -c)" 32
claim "pubkey gives what wg gives" equal "$(wg genkey | tee "$T/k" | ctl pubkey)" "$(wg pubkey <"$T/k")"
for bad in '' x "$(cat "$T/k")x" " $(cat "$T/k")" "$(cat "$T/k" "$T/k")"; do
	claim "pubkey refuses '${bad:0:4}...', as wg does" code 1 ctl pubkey <<<"$bad"
done
(umask 022; ctl genkey >"$T/open.key" 2>"$T/open.err"; umask 077; ctl genkey >"$T/closed.key" 2>"$T/closed.err")
claim "genkey warns of a file that everybody can read" grep -q umask "$T/open.err"
claim "genkey does not warn of a closed one" not test -s "$T/closed.err"
claim "genkey fails when its output does" code 1 bash -c "ctl genkey >/dev/full"

# ---- Without any interface

claim "exit 3: no interface at all" code 3 ctl status
claim "exit 2: no such command" code 2 ctl frobnicate
claim "exit 2: a name that leaves the directory" code 2 ctl -i wg0 peer add ../x --offline
claim "exit 2: an interface that leaves the directory" code 2 ctl -i ../x status
claim "exit 3: up without a file" code 3 ctl up wg0
claim "exit 3: down of what there is not" code 3 ctl down wg0
claim "exit 3: apply to what there is not" code 3 ctl -i wg0 apply "$T/k"
claim "--version is the daemon's" equal "$(ctl --version)" "tunctl$("$TUNNELD" -V | sed 's/^tunneld//')"
claim "-V as well, beside a command" equal "$(ctl -V up wg0)" "$(ctl --version)"
claim "which fails when its output does" code 1 bash -c "ctl -V >/dev/full"
claim "help knows each of its commands" bash -c "ctl help peer add | grep -q -- --pubkey"

cat >"$ETC/wg0.conf" <<-END
	# The office. Do not touch.
	[Interface]
	PrivateKey = $(cat "$T/k")
	ListenPort = 1001
	Address = 10.8.0.1/24, fd08::1/64

	# Bo is old.
	[Peer]
	#: Name = bo
	PublicKey = $(key bo)
	AllowedIPs = 10.8.0.2/32   # as ever

	# The end.
END

claim "down of what is not up succeeds" code 0 ctl down wg0
claim "exit 6: status of what does not run" code 6 ctl status
claim "exit 6: peer add without a daemon" code 6 ctl peer add anna
claim "exit 6 changed nothing" not test -e "$ETC/wg0.d"
claim "it is said how to go on" says '(use: tunctl up wg0, or --offline)' ctl peer add anna
claim "but not with what cannot help" says 'not running (use: tunctl up wg0)' ctl peer kick anna
for verb in reload watch diff; do
	claim "exit 6: $verb of what does not run" code 6 ctl $verb
	claim "and how to go on" says '(use: tunctl up wg0)' ctl $verb
done
mkdir "$T/x.conf"
for verb in check restore; do
	claim "exit 2: $verb of a directory" code 2 ctl $verb "$T/x.conf"
	claim "which is said" says 'x.conf: Is a directory' ctl $verb "$T/x.conf"
done
claim "exit 2: an endpoint with a port that there is not" code 2 ctl peer add anna --offline --endpoint 192.0.2.1:65536
claim "exit 2: nor is that one" code 2 ctl peer add anna --offline --endpoint 192.0.2.1:0
claim "peer list needs no daemon" bash -c "ctl peer list | grep -q 'bo .*10.8.0.2 .*saved'"
claim "peer add --offline saves" code 0 ctl peer add off --offline --pubkey "$(key off)" --note "Off, line"
claim "the file is closed to others" equal "$(stat -c %a "$ETC/wg0.d/off.peer")" 600
claim "the first free addresses are picked" grep -qx 'AllowedIPs = 10.8.0.3/32, fd08::2/128' "$ETC/wg0.d/off.peer"
claim "up -n starts nothing" bash -c "ctl up -n && ! test -e /var/run/wireguard/wg0.sock"

# ---- Up

claim "up" code 0 ctl up
claim "the interface answers" answers wg0
claim "up again does nothing" code 0 ctl up wg0
claim "peers of both places are live" equal "$(lines)" 2
claim "exit 1: up fails when the daemon does" code 1 bash -c "
	cp '$ETC/wg0.conf' '$ETC/wg1.conf'; ln -sf /bin/false '$T/bin/tunneld'
	ctl up wg1; is=\$?
	ln -sf '$TUNNELD' '$T/bin/tunneld'; rm '$ETC/wg1.conf'; exit \$is"

# ---- Peers

claim "peer add prints a configuration" bash -c "ctl peer add anna \
	--psk auto --server vpn.example.net >'$T/anna.conf'"
claim "it has a private key, addresses and us" bash -c "grep -qx 'PrivateKey = .\{44\}' '$T/anna.conf' &&
	grep -qx 'Address = 10.8.0.4/32, fd08::3/128' '$T/anna.conf' &&
	grep -qx 'PublicKey = $(wg pubkey <"$T/k")' '$T/anna.conf' &&
	grep -qx 'Endpoint = vpn.example.net:1001' '$T/anna.conf'"
claim "its private key is stored nowhere" \
	not grep -rqF "$(sed -n 's/PrivateKey = //p' "$T/anna.conf")" "$T/etc" /run/lock
claim "its public half is live" equal "$(sed -n 's/PrivateKey = //p' "$T/anna.conf" | wg pubkey)" \
	"$(wg show wg0 allowed-ips | awk '/10.8.0.4/ { print $1 }')"
claim "wg can read it" bash -c "wg-quick strip '$T/anna.conf'"
claim "the same again changes nothing" unchanged code 0 ctl peer add anna
claim "another address for it is a conflict" unchanged code 4 ctl peer add anna --ip 10.8.0.99
claim "an address in use is a conflict, said so" unchanged says \
	'tunctl: peer add: 10.8.0.4/32 already belongs to "anna" (use --ip auto)' ctl peer add carl --ip 10.8.0.4
claim "exit 4" unchanged code 4 ctl peer add carl --ip 10.8.0.4
claim "our own address is a conflict" unchanged code 4 ctl peer add carl --ip 10.8.0.1
claim "a key in use is a conflict" unchanged code 4 ctl peer add carl --pubkey "$(key bo)"
claim "-n changes nothing" unchanged code 0 ctl peer add -n carl
claim "-q is silent" silent ctl peer add -q carl --pubkey "$(key carl)" --ip 10.8.0.50 --ip 10.50.0.0/16 --keepalive 25
claim "carl is live" live 10.50.0.0/16
claim "--runtime saves nothing" bash -c "ctl peer add dora --runtime \
	--pubkey '$(key dora)' --ip 10.8.0.60 && ! test -e '$ETC/wg0.d/dora.peer'"
claim "dora is live" live 10.8.0.60
claim "a saved peer that is not live is made live again" bash -c "wg set wg0 peer '$(key carl)' remove &&
	ctl peer add carl && wg show wg0 | grep -q 10.50.0.0/16"
claim "exit 2: a bad key" unchanged code 2 ctl peer add eve --pubkey xyz
(umask 077; ctl genpsk >"$T/psk")
claim "a preshared key comes by file" code 0 ctl peer add eve --pubkey "$(key eve)" --psk "$T/psk"
claim "and is the one" equal "$(wg show wg0 preshared-keys | grep -F "$(key eve)" | cut -f 2)" "$(cat "$T/psk")"

# Eight at once: the lock lets each see the addresses of those before it.
many=()
for i in 1 2 3 4 5 6 7 8; do
	ctl peer add -q "at-once-$i" --pubkey "$(key "at-once-$i")" >>"$T/many" 2>&1 &
	many+=($!)
done
claim "eight at once succeed" wait "${many[@]}"
claim "with eight addresses" equal "$(cat "$ETC"/wg0.d/at-once-*.peer | grep AllowedIPs | sort -u | wc -l)" 8
for i in 1 2 3 4 5 6 7 8; do must ctl peer remove "at-once-$i"; done

# ---- Looking

claim "status names the peers" bash -c "ctl status | grep -q '^anna '"
claim "status fits 100 columns" not grep -q '.\{101\}' <(ctl status; ctl peer list)
claim "status in JSON" json '.v == 1 and .interface == "wg0" and .running and .port == 1001 and .online == 0 and
	(.peers | length) == 6 and (.public_key | length) == 44 and
	(.peers | map(has("endpoint")) | any | not)' ctl status
claim "peer list in JSON" json '.v == 1 and ([.peers[] | select(.name == "off")][0] | .saved and .live and
	.note == "Off, line" and .addresses == ["10.8.0.3/32", "fd08::2/128"])' ctl peer list
claim "a peer by name" json '.peer.name == "anna" and .peer.preshared_key' ctl peer show anna
claim "a peer by key" json '.peer.name == "bo"' ctl peer show "$(key bo)"
claim "a peer by the start of its key" json '.peer.name == "bo"' ctl peer show "$(key bo | cut -c 1-8)"
claim "a peer by address" json '.peer.name == "carl" and .peer.keepalive == 25' ctl peer show 10.8.0.50
claim "no JSON holds a secret" \
	not grep -qF "$(cat "$T/psk")" <(ctl status --json; ctl peer list --json; ctl peer show eve --json)
claim "exit 3: no such peer" code 3 ctl peer show nobody
claim "exit 3: no such interface" code 3 ctl -i wg7 peer list

# ---- Removing

claim "a peer of its own file goes" code 0 ctl peer remove anna
claim "file and peer are gone" bash -c "! test -e '$ETC/wg0.d/anna.peer' && ! wg show wg0 | grep -q 10.8.0.4"
claim "removing it again says so and succeeds" unchanged code 0 ctl peer remove anna
claim "remove -n changes nothing" unchanged code 0 ctl peer remove -n bo
claim "a peer of the main file is cut out of it" code 0 ctl peer remove 10.8.0.2
cat >"$T/should.conf" <<-END
	# The office. Do not touch.
	[Interface]
	PrivateKey = $(cat "$T/k")
	ListenPort = 1001
	Address = 10.8.0.1/24, fd08::1/64

	# The end.
END
claim "every other byte stays" cmp "$ETC/wg0.conf" "$T/should.conf"
claim "the freed address is picked again" json '.peer.addresses[0] == "10.8.0.2/32"' \
	ctl peer add fred --pubkey "$(key fred)"
claim "remove --runtime leaves the file" bash -c "ctl peer remove fred \
	--runtime && test -e '$ETC/wg0.d/fred.peer' && ! wg show wg0 | grep -q 10.8.0.2/"
claim "remove --offline leaves the interface" bash -c "ctl peer remove \
	eve --offline && ! test -e '$ETC/wg0.d/eve.peer' && wg show wg0 peers | grep -qF '$(key eve)'"

# ---- What goes wrong

mkdir -p /run/lock/tunneld
exec 9>/run/lock/tunneld/wg0.lock
must flock 9
claim "exit 75: somebody else holds the lock" unchanged code 75 ctl peer add gus --pubkey "$(key gus)"
exec 9>&-
echo 'AllowedIPs = 10.8.0.300' >"$ETC/wg0.d/bad.peer"
claim "exit 2: a bad file, by line and column" says "bad.peer:1:" ctl peer add gus --pubkey "$(key gus)"
claim "exit 2" unchanged code 2 ctl peer add gus --pubkey "$(key gus)"
claim "a bad file does not hide the others" bash -c "ctl peer list | grep -q carl"
rm "$ETC/wg0.d/bad.peer"

# A daemon that answers get, and set with the errno in a file.
cat >"$T/fake" <<-END
	#!/bin/bash
	read -r op
	while read -r line && [ -n "\$line" ]; do :; done
	[ "\$op" = get=1 ] && printf 'errno=0\n\n' || printf 'errno=%s\n\n' "\$(cat "$T/answer")"
END
chmod +x "$T/fake"
cp "$ETC/wg0.conf" "$ETC/wg6.conf"
echo -5 >"$T/answer"
spawn fake a socat UNIX-LISTEN:/run/wireguard/wg6.sock,fork EXEC:"$T/fake" 2>"$T/fake.log"
wait_for 5 test -S /run/wireguard/wg6.sock
gus() { ctl -i wg6 peer add gus --pubkey "$(key gus)" --ip 10.8.0.70; }
claim "exit 7: saved but not live" code 7 gus
claim "it is saved" grep -qF 10.8.0.70 "$ETC/wg6.d/gus.peer"
claim "exit 1: --runtime refused" code 1 ctl -i wg6 peer add hal --runtime --pubkey "$(key hal)" --ip 10.8.0.71
claim "exit 7: still" code 7 gus
echo 0 >"$T/answer"
claim "said again when the daemon is well, it is done" code 0 gus
stop fake
rm -rf /run/wireguard/wg6.sock "$ETC/wg6.conf" "$ETC/wg6.d"

claim "two interfaces: one must be named" bash -c "touch /run/wireguard/wg9.sock
	ctl status; test \$? = 2 && rm /run/wireguard/wg9.sock"

# ---- Down

claim "down" code 0 ctl down
claim "nothing is left" bash -c "! test -e /run/wireguard/wg0.sock && ! ip -n a link show wg0"
claim "down again does nothing" code 0 ctl down
must ip -n a link add wg0 type veth peer name wg0peer
claim "exit 6: down leaves alone what has no daemon" code 6 ctl down wg0
claim "it is still there" ip -n a link show wg0

# A daemon that hears of nothing.
must ip -n a tuntap add wg5 mode tun
spawn fake a socat UNIX-LISTEN:/run/wireguard/wg5.sock,fork EXEC:cat 2>"$T/fake.log"
wait_for 5 test -S /run/wireguard/wg5.sock
claim "exit 9: a daemon that does not end" code 9 ctl down wg5
stop fake

# ---- Another program's file

printf '[Interface]\nAddress = 10.9.0.1/24\n[Peer]\nPublicKey = %s\nAllowedIPs = 10.9.0.2/32\n' "$(key bo)" \
	>"$T/etc/wireguard/wg3.conf"
claim "its peers are seen" json '.peers[0].addresses == ["10.9.0.2/32"]' ctl -i wg3 peer list
claim "exit 5: it is not ours to write" unchanged code 5 ctl -i wg3 peer remove 10.9.0.2 --offline
claim "peers may be added beside it" code 0 ctl -i wg3 peer add ivy --offline --pubkey "$(key ivy)"
claim "up takes both" code 0 ctl up wg3
claim "and both are live" equal "$(wg show wg3 peers | sort)" "$(sort "$T/bo.pub" "$T/ivy.pub")"
claim "down, once more" code 0 ctl down wg3
