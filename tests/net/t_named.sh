#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Files of peers that the daemon reads are files that tunctl knows, whatever they are called: their peers are saved,
# can be changed, removed and given a name. One key in two files is one peer, and when one file goes it is what the
# other says.
#
#   ns a: wg0 10.8.0.1/24, fd08::1/64
. "$(dirname "$0")/lib.sh"

mkdir -p "$T/bin" "$T/etc/tunneld/wg0.d"
must cp "$TUNCTL" "$T/bin/tunctl"
must ln -s "$TUNNELD" "$T/bin/tunneld"
ETC=$T/etc/tunneld
D=$ETC/wg0.d
spaces a
ctl() { n a "$T/bin/tunctl" --etc "$T/etc" --var "$T/var" -i wg0 "$@"; }
live() { wg show wg0 allowed-ips | awk -v key="$1" '$1 == key { $1 = ""; print substr($0, 2) }'; }
# file NAME WHOSE NETS
file() { printf '[Peer]\nPublicKey = %s\nAllowedIPs = %s\n' "$(key "$2")" "$3" >"$D/$1.peer"; }
doctor() { ctl doctor --json | jq -r --arg check "$1" '.checks[] | select(.check == $check) | "\(.result): \(.text)"'; }
export T
export -f ctl n

umask 077
cat >"$ETC/wg0.conf" <<-END
	[Interface]
	PrivateKey = $(wg genkey)
	ListenPort = 1001
	Address = 10.8.0.1/24, fd08::1/64
END
long=$(printf 'x%.0s' {1..64})
ESC=$(printf 'a\033[31mb')
file "John Doe" john 10.8.0.2/32
file "ü" ue 10.8.0.3/32
file "-x" minus 10.8.0.4/32
file "$long" long 10.8.0.5/32
file "$ESC" esc 10.8.0.6/32
file ".hidden" hidden 10.8.0.7/32
file anna anna 10.8.0.8/32
must ctl up

# ---- A name that we cannot speak

claim "the daemon reads them, but for the hidden one" equal "$(wg show wg0 peers | wc -l)" 6
claim "the list has them as saved" not grep -q 'not saved' <(ctl list)
claim "and not the hidden one" json '.peers | length == 6 and all(.saved)' ctl list
claim "the doctor says what they are" grep -q '^warning: .*counts, but gives its peer no name' <(doctor file-names)
claim "nothing differs" grep -q '^ok' <(doctor differs)
claim "set by address" code 0 ctl set 10.8.0.2 --keepalive 25
claim "its file has it" grep -q 'PersistentKeepalive = 25' "$D/John Doe.peer"
claim "disable by key" code 0 ctl disable "$(key ue)"
claim "its file says so" grep -q 'Enabled = false' "$D/ü.peer"
claim "it is not live" equal "$(live "$(key ue)")" ""
claim "enable by key" code 0 ctl enable "$(key ue)"
claim "it is live" equal "$(live "$(key ue)")" 10.8.0.3/32
claim "remove by address" code 0 ctl remove 10.8.0.3
claim "its file is gone" not test -e "$D/ü.peer"
claim "so is one with a dash in front" code 0 ctl remove 10.8.0.4
claim "its file, too" not test -e "$D/-x.peer"
claim "one that is too long" code 0 ctl remove 10.8.0.5
claim "its file, too" not test -e "$D/$long.peer"
claim "a plan prints no control character" equal "$(ctl remove -n 10.8.0.6 | grep -c $'\033')" 0
claim "remove it" code 0 ctl remove 10.8.0.6
claim "its file, too" not test -e "$D/$ESC.peer"
claim "rename -n" grep -qx "would rename: $D/John Doe.peer to $D/john.peer" <(ctl rename -n 10.8.0.2 john)
claim "exit 4: a name that is taken" code 4 ctl rename 10.8.0.2 anna
claim "rename by address" code 0 ctl rename 10.8.0.2 john
claim "its file has the name" bash -c "test -e '$D/john.peer' && ! test -e '$D/John Doe.peer'"
claim "so has the list" json '[.peers[].name] | sort == ["anna", "john"]' ctl list
claim "the doctor has nothing to say of names" grep -q '^ok' <(doctor file-names)
claim "a reload brings nobody back" bash -c "ctl reload && test \"\$(wg show wg0 peers | wc -l)\" = 2"

# ---- One key in two files

# twice REMOVED LEFT: both are there, as the daemon reads them.
twice()
{
	file one two 10.8.0.20/32
	file two two 10.8.0.21/32,10.99.0.0/24
	claim "a reload warns of it" grep -q 'warning: a public key stands in two' <(ctl reload 2>&1)
	claim "remove $1 of two with one key" code 0 ctl remove "$1"
	claim "its file is gone, the other stays" bash -c "! test -e '$D/$1.peer' && test -e '$D/$2.peer'"
	claim "what is live is what the other says" equal "$(live "$(key two)")" "$3"
	claim "and so are its routes" equal "$(n a ip -4 route show 10.99.0.0/24 | wc -l)" "$4"
	claim "nothing differs" grep -q '^ok' <(doctor differs)
	must ctl remove "$2"
	claim "without the other nothing is left" equal "$(live "$(key two)")" ""
}
twice one two '10.8.0.21/32 10.99.0.0/24' 1
twice two one '10.8.0.20/32' 0
file one two 10.8.0.20/32
file two two 10.8.0.21/32
echo '#: Enabled = false' >>"$D/two.peer"
must ctl reload
claim "remove the one that is disabled" code 0 ctl remove two
claim "the other is still live" equal "$(live "$(key two)")" 10.8.0.20/32
must ctl remove one

# ---- What cannot be read

# bad TEXT: the doctor finds it as check and reload do, and the list is not empty for it.
bad()
{
	claim "$1: check" code 2 ctl check "$ETC/wg0.conf"
	claim "$1: reload" code 2 ctl reload
	claim "$1: the doctor" grep -q "^problem: .*$2" <(doctor config)
	claim "$1: the list has the others" json '.peers | length == 2' ctl list
}
mkdir "$D/dir.peer"
bad "a directory" dir.peer
rmdir "$D/dir.peer"
ln -s nowhere "$D/l.peer"
bad "a link to nothing" l.peer
rm "$D/l.peer"
printf '[Peer]\nPublicKey = x\n' >"$D/b d.peer"
bad "a line in a file without a name" 'b d.peer:2:13'
rm "$D/b d.peer"
claim "mended" grep -q '^ok' <(doctor config)
must ctl down
