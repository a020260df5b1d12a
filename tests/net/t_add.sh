#!/bin/bash
# SPDX-License-Identifier: MIT
#
# peer add gives away nothing that is somebody's, whoever has it: a file, one that was edited a moment ago, one whose
# peer is disabled, a peer that only runs, one that runs with other networks than its file has. It asks the daemon only
# about what it is about to do; another daemon, which does not know that question, is asked for everything.
#
#   ns a: wg0 10.8.0.1/24, fd08::1/64
. "$(dirname "$0")/lib.sh"

mkdir -p "$T/bin" "$T/etc/tunneld/wg0.d"
must cp "$TUNCTL" "$T/bin/tunctl"
must ln -s "$TUNNELD" "$T/bin/tunneld"
ETC=$T/etc/tunneld
spaces a
ctl() { n a "$T/bin/tunctl" --etc "$T/etc" --var "$T/var" -i wg0 "$@"; }
# What a new peer gets, in one line.
nets() { sed -n 's/^AllowedIPs = //p' "$ETC/wg0.d/$1.peer"; }
live() { wg show wg0 allowed-ips | awk -v key="$1" '$1 == key { $1 = ""; print substr($0, 2) }'; }
gets() { must ctl add "$1" -q; equal "$(nets "$1")" "$2"; }
# file NAME KEY NETS [LINE]
file() { printf '[Peer]\nPublicKey = %s\nAllowedIPs = %s\n%s\n' "$2" "$3" "${4-}" >"$ETC/wg0.d/$1.peer"; }

(umask 077; cat >"$ETC/wg0.conf" <<-END
	[Interface]
	PrivateKey = $(wg genkey)
	ListenPort = 1001
	Address = 10.8.0.1/24, fd08::1/64
	ClientEndpoint = vpn.example.org

	[Peer]
	#: Name = inside
	PublicKey = $(key inside)
	AllowedIPs = 10.8.0.2/32
END
)
file anna "$(key anna)" 10.8.0.3/32,fd08::2/128
file shut "$(key shut)" 10.8.0.4/32 '#: Enabled = false'

# all_kinds: with a daemon that runs.
all_kinds()
{
	claim "$1: a new peer gets what no file has" gets new1 '10.8.0.5/32, fd08::3/128'
	claim "$1: and what it got runs" equal "$(live "$(key_of new1)")" '10.8.0.5/32 fd08::3/128'
	file hand "$(key hand)" 10.8.0.6/32
	claim "$1: a file made by hand a moment ago counts" gets new2 '10.8.0.7/32, fd08::4/128'
	sed -i 's/10\.8\.0\.6/10.8.0.8/' "$ETC/wg0.d/hand.peer"
	claim "$1: one edited a moment ago, too" gets new3 '10.8.0.6/32, fd08::5/128'
	claim "$1: and again" gets new4 '10.8.0.9/32, fd08::6/128'

	must wg set wg0 peer "$(key runs)" allowed-ips 10.8.0.10/32,fd08::7/128
	must wg set wg0 peer "$(key anna)" allowed-ips 10.8.0.11/32,fd08::2/128
	claim "$1: what only runs, and what runs with other networks, is passed over" \
		gets new5 '10.8.0.12/32, fd08::8/128'
	claim "$1: the one that only runs has lost nothing" equal "$(live "$(key runs)")" '10.8.0.10/32 fd08::7/128'
	claim "$1: nor has the other" equal "$(live "$(key anna)")" '10.8.0.11/32 fd08::2/128'

	claim "$1: exit 4: the address of a file" code 4 ctl add x --ip 10.8.0.8
	claim "$1: exit 4: of the main file" code 4 ctl add x --ip 10.8.0.2
	claim "$1: exit 4: of a disabled peer" code 4 ctl add x --ip 10.8.0.4
	claim "$1: exit 4: of one that only runs" code 4 ctl add x --ip 10.8.0.10
	claim "$1: exit 4: one with which a peer runs" code 4 ctl add x --ip 10.8.0.11
	claim "$1: exit 4: a second address that is somebody's" code 4 ctl add x --ip 10.8.0.99 --ip fd08::7
	claim "$1: exit 4: our own" code 4 ctl add x --ip 10.8.0.1
	claim "$1: exit 4: the key of a file" code 4 ctl add x --pubkey "$(key anna)"
	claim "$1: exit 4: of the main file" code 4 ctl add x --pubkey "$(key inside)"
	claim "$1: exit 4: a name with another key" code 4 ctl add anna --pubkey "$(key other)"
	claim "$1: exit 4: a name of the main file" code 4 ctl add inside --pubkey "$(key other)"
	claim "$1: nothing of that has happened" test ! -e "$ETC/wg0.d/x.peer"
	claim "$1: the same again is already so" code 0 ctl add anna --pubkey "$(key anna)" -q

	claim "$1: one that only runs is taken over by its key" code 0 ctl add runs --pubkey "$(key runs)" -q
	claim "$1: with the networks that it has" equal "$(nets runs)" '10.8.0.10/32, fd08::7/128'
	must wg set wg0 peer "$(key_of new5)" remove
	claim "$1: a file whose peer does not run is made live by saying it again" \
		code 0 ctl add new5 --pubkey "$(key_of new5)" -q
	claim "$1: as it was" equal "$(live "$(key_of new5)")" '10.8.0.12/32 fd08::8/128'
}
key_of() { sed -n 's/^PublicKey = //p' "$ETC/wg0.d/$1.peer"; }

cp -a "$T/etc" "$T/etc.old"
must ctl up
all_kinds tunneld
must ctl down

if command -v wireguard-go >/dev/null; then
	rm -r "${T:?}/etc"
	mv "$T/etc.old" "$T/etc"
	daemon a wg0 wireguard-go
	must wg setconf wg0 <(ctl export --wg-quick | grep -v ^Address)
	addr a wg0 10.8.0.1/24 fd08::1/64
	all_kinds wireguard-go
else
	skip "another daemon: there is no wireguard-go"
fi
