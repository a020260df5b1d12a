#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A configuration file alone makes a tunnel: keys, peers, addresses, MTU, routes; and a wrong one makes nothing.
#
#   ns a: tunneld -f -c wga.conf wga ---- va 10.0.0.1  10.0.0.2 vb ---- ns b: tunneld -f -c wgb.conf wgb
#                                                                       behind it 172.16.5.0/24, fd16::/64
. "$(dirname "$0")/lib.sh"

outside
genkey() { (umask 077; "$TUNCTL" genkey >"$T/$1.key"); "$TUNCTL" pubkey <"$T/$1.key" >"$T/$1.pub"; }
must genkey a
must genkey b
claim "tunctl makes the public key that wg makes" equal "$(cat "$T/a.pub")" "$(wg pubkey <"$T/a.key")"
must sh -c "umask 077; $TUNCTL genpsk >$T/psk"

umask 077
cat >"$T/wga.conf" <<-END
	# The road warrior
	[Interface]
	PrivateKey = $(cat "$T/a.key")
	Address = 192.168.9.1/24, fd09::1/64
	MTU = 1400

	[Peer]	# home
	PublicKey = $(cat "$T/b.pub")
	PresharedKey = $(cat "$T/psk")
	Endpoint = 10.0.0.2:1002
	AllowedIPs = 192.168.9.0/24, fd09::/64, 172.16.5.0/24
	AllowedIPs = fd16::/64
	PersistentKeepalive = 25
END
cat >"$T/wgb.conf" <<-END
	[interface]
	privatekey=$(cat "$T/b.key")
	listenport=1002
	address=192.168.9.2/24
	address=fd09::2/64
	[peer]
	publickey=$(cat "$T/a.pub")
	presharedkey=$(cat "$T/psk")
	allowedips=192.168.9.1/32,fd09::1/128
END
umask 022
addr b lo 172.16.5.1/24 fd16::1/64

from_file()
{
	spawn "$2" "$1" "$TUNNELD" -f -c "$T/$2.conf" "$2" >"$T/$2.log" 2>&1
	wait_for 10 answers "$2" || { cat "$T/$2.log"; return 1; }
}
must from_file b wgb
must from_file a wga

up() { ip -n a -o link show wga | grep -q '[<,]UP[,>]'; }
claim "the interface is up" wait_for 5 up
claim "with its MTU" grep -q 'mtu 1400' <(ip -n a link show wga)
claim "its addresses" equal "192.168.9.1 fd09::1" "$(ip -n a -j addr show wga |
	jq -r '[.[0].addr_info[] | select(.scope == "global") | .local] | sort | join(" ")')"
claim "and routes to what is behind the peer" equal \
	"$(ip -n a route show dev wga | awk '{ print $1 }' | sort | xargs)" "172.16.5.0/24 192.168.9.0/24"
claim "ping inside" reach a 192.168.9.2
claim "ping over IPv6" reach a fd09::2
claim "ping behind the peer" reach a 172.16.5.1
claim "and over IPv6" reach a fd16::1
claim "back" reach b 192.168.9.1
claim "tunctl status shows the interface" grep -q wga <("$TUNCTL" status wga)
claim "as JSON" jq -e '.v == 1' <("$TUNCTL" --json status wga)
stop wga
claim "it ends with status 0" equal $? 0
gone() { not ip -n a link show wga && test ! -e "$(socket_of wga)"; }
claim "and takes interface, addresses and routes along" wait_for 5 gone
stop wgb

# wrong LINE: a file with this line in it is refused, with its place; nothing is made.
wrong()
{
	{ cat "$T/wga.conf"; echo "$1"; } >"$T/bad.conf"
	! n a timeout 10 "$TUNNELD" -f -c "$T/bad.conf" wga >"$T/bad.log" 2>&1 || { echo "accepted"; return 1; }
	cat "$T/bad.log"
	grep -q "bad.conf:$(wc -l <"$T/bad.conf"):[0-9]*: " "$T/bad.log" && gone
}
for line in 'AllowedIPs = 10.0.0.0/33' 'AllowedIPs = 10.0.0/8' 'Endpoint = 10.0.0.2' 'PersistentKeepalive = 65536' \
	'PresharedKey = aaaa' 'Colour = blue' '[Neighbour]' 'nonsense'; do
	claim "refused with its place: $line" wrong "$line"
done
# tried CODE FILE: it ends with that, and makes nothing.
tried() { code "$1" n a timeout 10 "$TUNNELD" -t -c "$2" wga && gone; }
claim "-t takes the good file" tried 0 "$T/wga.conf"
claim "and says nothing" equal "$(n a "$TUNNELD" -t -c "$T/wga.conf" wga 2>&1)" ""
claim "not the bad one" tried 2 "$T/bad.conf"
claim "whose place it names" grep -q "bad.conf:$(wc -l <"$T/bad.conf"):1: " <(tried 2 "$T/bad.conf" 2>&1)
claim "nor none" code 2 n a "$TUNNELD" -t wga
sed 's|^PrivateKey = .*|PrivateKeyFile = /run/credentials/none/key|' "$T/wga.conf" >"$T/away.conf"
claim "nor one whose key is not there" tried 2 "$T/away.conf"
claim "but of a service, whose credential will be" n a "$TUNNELD" -tp /run/none -c "$T/away.conf" wga
directory() { mkdir "$T/dir.conf"; n a timeout 10 "$TUNNELD" -f -c "$T/dir.conf" wga; [ $? -eq 2 ] && gone; }
claim "what cannot be read is no empty file" directory
claim "a key in a refused line is not repeated" \
	not grep -qF "$(cat "$T/psk")" <(wrong "PresharedKey = $(cat "$T/psk")x" 2>&1)

# The hooks at the end may talk to the daemon, which in turn needs its parent for a port.
{
	printf '[Peer]\nPublicKey = %s\nPresharedKey = %s\n' "$(key b)" "$(cat "$T/psk")"
	printf '[Interface]\nPrivateKey = %s\n' "$(cat "$T/a.key")"
	echo "PreDown = wg set %i listen-port 4444 && touch $T/heard"
} >"$T/hook.conf"
spawn wga a "$TUNNELD" -f -c "$T/hook.conf" wga >"$T/hook.log" 2>&1
claim "a file with a PreDown command" wait_for 10 grep -q ready "$T/hook.log"
# Who runs commands lives as long as the tunnel and needs no key.
ENGINE=$(echo '{"v":1,"do":"state"}' | timeout 10 socat -t 5 - UNIX-CONNECT:/run/tunneld/wga.sock | jq .engine_pid)
mapfile -t OTHERS < <(pgrep -P "${PID[wga]}" | grep -vx "$ENGINE")
claim "there are two, beside the engine: for commands and for the file" equal "${#OTHERS[@]}" 2
for pid in "${OTHERS[@]}"; do
	claim "one of them has no private key" forgot "$pid" "$T/a.key"
	claim "and no preshared key" forgot "$pid" "$T/psk"
done
claim "as the parent, who reads anew what has changed, has" remembers "${PID[wga]}" "$T/a.key"
stop wga
claim "the command could still set the port" test -e "$T/heard"
