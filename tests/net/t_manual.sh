#!/bin/bash
# SPDX-License-Identifier: MIT
# What the pages and README tell an operator to type, typed: each command is taken from them, run for real on a machine
# of its own, and succeeds. A command that this test does not know fails it, and so does one that no page has any more.
#
#   vps 192.0.2.1 ---- 192.0.2.2 world
# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"

mkdir -p "$T/bin" "$T/etc/wireguard" "$T/home"
must cp "$TUNCTL" "$T/bin/tunctl"
must ln -s "$TUNNELD" "$T/bin/tunneld"
PATH=$T/bin:$PATH
cp -a /etc/passwd /etc/group /etc/nsswitch.conf /etc/ld.so.cache "$T/etc/" 2>/dev/null
echo 192.0.2.1 vpn.example.net >"$T/etc/hosts"
must mount --bind "$T/etc" /etc
cd "$T/home" || exit 1
spaces vps world
wire vps out world in
addr vps out 192.0.2.1/24
addr world in 192.0.2.2/24
must ip -n vps route add default via 192.0.2.2

# ---- What is said

{
	sed -nE 's/^\.Dl [#$] //p' "$ROOT"/tools/*.1 "$ROOT"/tunneld/*.[58]
	sed -nE 's/^    (sudo |make)/\1/; t found; b; :found; s/^sudo //; s/ +# .*//; p' "$ROOT/README.md"
} | sort -u >said
: >typed
# typed COMMAND [WORD...]: claims that it succeeds, as it stands; WORDs are what it is run by.
typed()
{
	echo "$1" >>typed
	claim "$1" n vps "${@:2}" bash -c "set -o pipefail; $1"
}
# What is tested elsewhere, or never ends.
elsewhere() { printf '%s\n' "$@" >>typed; }
elsewhere "make demo" "tunctl demo" "make check" "make deb && sudo apt install ./build/tunneld_*.deb"

# ---- The file of tunneld.conf(5)

mkdir -p /etc/tunneld
sed -n '/^\.Sh EXAMPLES/,$ { /^\.Bd/,/^\.Ed/ { /^\./!p } }' "$ROOT/tunneld/tunneld.conf.5" >/etc/tunneld/wg0.conf
chmod 600 /etc/tunneld/wg0.conf
claim "the example is a server with a client" grep -q '^PublicKey' /etc/tunneld/wg0.conf
typed "tunctl check /etc/tunneld/wg0.conf"
elsewhere "tunneld -f -c /etc/tunneld/wg0.conf wg0"
spawn wg0 vps tunneld -f -c /etc/tunneld/wg0.conf wg0 >"$T/wg0.log" 2>&1
claim "tunneld -f -c /etc/tunneld/wg0.conf wg0" wait_for 10 answers wg0
claim "ends when told to" stop wg0

# ---- wg-quick, and moving from it

cp /etc/tunneld/wg0.conf /etc/wireguard/wg0.conf
rm -r /etc/tunneld
typed "WG_QUICK_USERSPACE_IMPLEMENTATION=tunneld wg-quick up wg0"
must n vps wg-quick down wg0
typed "tunctl import -n /etc/wireguard"
rm /etc/wireguard/wg0.conf

# ---- A server

typed "tunctl init --endpoint vpn.example.net --client anna --conf anna.conf"
must n vps tunctl down wg0
rm -r /etc/tunneld
typed "tunctl init"
typed "tunctl peer add anna-phone --qr"
must n vps tunctl peer remove anna-phone
typed "tunctl peer add anna-phone --server vpn.example.net --qr"
typed "tunctl peer add laptop --conf laptop.conf"
typed "tunctl status"
typed "tunctl status --json | jq -r '.peers[] | select(.online) | .name'"
typed "(umask 077; tunctl genkey > key) && tunctl pubkey < key"
sed 's/^ListenPort.*/ListenPort = 20001/' /etc/tunneld/wg0.conf >new.conf
chmod 600 new.conf
typed "tunctl apply new.conf --confirm 60s"
must n vps tunctl confirm wg0
typed "tunctl backup wg0 -o wg0.backup"
must n vps tunctl down wg0
rm -r /etc/tunneld
typed "tunctl restore wg0.backup"
claim "which brings the peers back" test -e /etc/tunneld/wg0.d/laptop.peer
n vps tunctl -q down wg0 2>/dev/null
mkdir "$T/old"
mv /etc/tunneld "$T/old"
printf '#!/bin/sh\nshift\nexec "$@" --etc %q\n' "$T/old" >"$T/bin/ssh"
chmod +x "$T/bin/ssh"
typed "ssh old tunctl backup wg0 | tunctl restore -"
claim "which has them here, too" test -e /etc/tunneld/wg0.d/laptop.peer
n vps tunctl -q down wg0 2>/dev/null

claim "every command that is told is known here, and the other way round" diff said <(sort -u typed)
