#!/bin/bash
# SPDX-License-Identifier: MIT
# The private key in a file of its own: the daemon starts with it and takes a new one over by a reload, tunctl knows
# its public half, and it goes along where the whole interface goes: into a backup, or to stock programs.
#
#   ns a: wga 192.168.9.1 ---- va 10.0.0.1  10.0.0.2 vb ---- ns b: wgb 192.168.9.2
# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"

mkdir -p "$T/bin" "$T/etc/tunneld" "$T/var"
must cp "$TUNCTL" "$T/bin/tunctl"
must ln -s "$TUNNELD" "$T/bin/tunneld"
ETC=$T/etc/tunneld
CONF=$ETC/wga.conf KEY=$ETC/wga.key
outside
ctl() { n a "$T/bin/tunctl" --etc "$T/etc" --var "$T/var" "$@"; }
# is NAME: its key is the one that is live.
is() { equal "$(n a wg show wga public-key)" "$(key "$1")"; }
files() { find "$T/etc" "$T/var" -type f ! -name '.*' -exec sha256sum {} + | sort; }
# What is live and what is saved stays as it is.
unchanged()
{
	local before

	before=$(files; wg show wga dump | cut -f 1-4)
	"$@" || return
	equal "$(files; wg show wga dump | cut -f 1-4)" "$before"
}
key a >/dev/null; key b >/dev/null; key c >/dev/null

umask 077
# conf LINE...: the file with these lines in [Interface].
conf()
{
	cat <<-END
		# Ours
		[Interface]
		$(printf '%s\n' "$@")
		Address = 192.168.9.1/24
		ListenPort = 1001

		[Peer]
		#: Name = b
		PublicKey = $(key b)
		AllowedIPs = 192.168.9.2/32
		Endpoint = 10.0.0.2:1002
	END
}
daemon b wgb tunneld
must wg set wgb private-key "$T/b.key" listen-port 1002 peer "$(key a)" allowed-ips 192.168.9.1/32
addr b wgb 192.168.9.2/24
must ip -n b link set wgb up

# ---- Start, and what tunctl knows

conf '#: PrivateKeyFile = wga.key' >"$CONF"
claim "up: without the file it does not start" eval 'code 2 ctl up wga >"$T/said" 2>&1'
claim "and the daemon says where" \
	grep -q "wga.conf:3:21: PrivateKeyFile: cannot read it in $ETC: No such file" "$T/said"
cp "$T/a.key" "$KEY"
claim "up with a key in a file of its own" ctl up -q wga
claim "it is that key" is a
claim "which makes a tunnel" wait_for 10 reach a 192.168.9.2
claim "check finds nothing wrong" equal "$(ctl check -q "$CONF")" ""
claim "stock programs take the file, too" wg-quick strip "$CONF"
claim "status knows the public key" json ".public_key == \"$(key a)\"" ctl status wga
claim "diff finds none" code 0 ctl diff wga
claim "init finds it there" code 0 ctl init -q wga
# told COMMAND...: what it writes for a peer has our public key.
told() { rm -f "$T/peer.conf"; "$@" && grep -qx "PublicKey = $(key a)" "$T/peer.conf"; }
claim "a new peer is told of it" told ctl -i wga peer add anna -q --keep-key --server 192.0.2.1 --conf "$T/peer.conf"
claim "and an old one" told ctl -i wga peer export anna --server 192.0.2.1 -o "$T/peer.conf"
mode() { ctl doctor wga | grep " $1 "; }
claim "doctor is content with its mode" grep -q '^ok' <(mode mode)
chmod 640 "$KEY"
claim "or says that others may read it" grep -q "^problem .*$KEY is open" <(mode mode)
claim "check warns of it" grep -q "wga.conf:3:21: warning: PrivateKeyFile: others may read" <(ctl check "$CONF")
claim "and the daemon does" grep -q "wga.conf:3:21: warning: PrivateKeyFile: others" <(ctl reload wga 2>&1)
chmod 600 "$KEY"

# ---- Reload

cp "$T/c.key" "$KEY"
claim "diff: the file holds another key than what is live" code 4 ctl diff wga
claim "by name" equal "$(ctl diff wga --json | jq -r '.differences[].what')" key
claim "reload takes it over" ctl reload -q wga
claim "it is the new identity" is c
claim "diff finds none" code 0 ctl diff wga
cp "$T/a.key" "$KEY"
claim "and back" eval 'ctl reload -q wga && is a'
claim "the tunnel works" wait_for 10 reach a 192.168.9.2

# bad TEXT: the file is refused, with its place and these words, by everybody alike; nothing changes.
bad()
{
	unchanged code 2 ctl reload wga 2>"$T/said" || return
	cat "$T/said"
	grep -q "$CONF:[0-9]*:[0-9]*: PrivateKey.*$1" "$T/said" || return
	code 2 ctl check "$CONF" >"$T/said" || return
	cat "$T/said"
	grep -q "$CONF:[0-9]*:[0-9]*: error: PrivateKey.*$1" "$T/said" && grep -q '^problem' <(mode config)
}
echo "$(cat "$T/a.key")x" >"$KEY"
claim "refused: no key" bad 'holds no key'
head -c 200 /dev/zero | tr '\0' A >"$KEY"
claim "refused: too long" bad 'too long'
rm "$KEY"
claim "refused: none" bad 'No such file'
mkfifo "$KEY"
claim "refused: a FIFO, without waiting for who writes into it" bad 'no regular file'
rm "$KEY"
must ln -s /dev/zero "$KEY"
claim "refused: a device without end" bad 'no regular file'
rm "$KEY"
mkdir "$KEY"
claim "refused: a directory" bad 'no regular file'
rmdir "$KEY"
cp "$T/a.key" "$KEY"
conf '#: PrivateKeyFile = wga.key' "PrivateKey = $(cat "$T/a.key")" >"$CONF"
claim "refused: two keys" bad 'there is a PrivateKeyFile already'
conf "PrivateKeyFile = $(cat "$T/a.key")" >"$CONF"
claim "refused: a key in the place of the path" bad 'a key itself: PrivateKey'
claim "which is not repeated" not grep -qF "$(cat "$T/a.key")" "$T/said"
conf '#: PrivateKeyFile = wga.key' >"$CONF"
claim "mended, a reload changes nothing" equal "$(ctl reload wga)" "wga: nothing to change"

# ---- A whole configuration at once

conf 'PrivateKeyFile = new.key' >"$T/new.conf"
claim "apply: a path begins where the configuration will be" unchanged code 2 ctl -i wga apply "$T/new.conf"
cp "$T/c.key" "$ETC/new.key"
claim "on trial" eval 'ctl -i wga apply -q "$T/new.conf" --confirm 60s && is c'
claim "rolled back, it is the identity before" eval 'ctl rollback -q wga && is a'
rm -f "$ETC"/new.key "$CONF".*

# ---- For stock programs

claim "export --wg-quick gives one file" eval 'ctl export --wg-quick -o "$T/stock.conf" wga 2>"$T/said"'
claim "with the key in it" equal "$(sed -n 's/^PrivateKey = //p' "$T/stock.conf")" "$(cat "$T/a.key")"
claim "in [Interface], and without the line that they do not know" equal \
	"$(sed -n '/^\[Interface]/,/^$/p' "$T/stock.conf")" \
	"$(printf '%s\n' '[Interface]' 'Address = 192.168.9.1/24' 'ListenPort = 1001' \
	"PrivateKey = $(cat "$T/a.key")")"
claim "nothing is left out by that" not grep -q PrivateKeyFile "$T/said"
claim "wg-quick takes it" wg-quick strip "$T/stock.conf"
claim "exit 2: not onto a terminal" code 2 script -qec "$TUNCTL --etc $T/etc export --wg-quick wga" /dev/null

# ---- Import

mkdir "$T/other"
conf 'PrivateKeyFile = wgi.key' >"$T/other/wgi.conf"
cp "$T/a.key" "$T/other/wgi.key"
claim "import: exit 2, its key would not be found" eval \
	'code 2 ctl import "$T/other/wgi.conf" 2>"$T/said"'
claim "with the place" grep -q "wgi.conf:3:18: error: PrivateKeyFile: cannot read it in $ETC" "$T/said"
cp "$T/a.key" "$ETC/wgi.key"
claim "with the key in its place" ctl import -q "$T/other/wgi.conf"
rm "$ETC"/wgi.*

# ---- Backup and restore

claim "down" ctl down -q wga
claim "a new peer is told of the key by the file alone" \
	told ctl -i wga peer add bo -q --offline --server 192.0.2.1 --conf "$T/peer.conf"
saved=$(files)
claim "backup" ctl backup wga -o "$T/b"
rm "$KEY"
claim "exit 1: not without the key" code 1 ctl backup wga -o "$T/none"
claim "restore --force brings the key back alone" code 0 ctl restore -q --force "$T/b"
claim "all is as it was" equal "$(files)" "$saved"
claim "closed to others" equal "$(stat -c %a "$KEY")" 600
gone() { rm -rf "${T:?}/etc" "${T:?}/var"; mkdir -p "$ETC" "$T/var"; }
gone
claim "restore where nothing is" ctl restore -q "$T/b"
claim "all is as it was" equal "$(files)" "$saved"
claim "again: it is so already" json '.changed == false' ctl restore "$T/b"
claim "the server has its identity" eval 'ctl up -q wga && is a'
claim "and its tunnel" wait_for 10 reach a 192.168.9.2
must ctl down -q wga
cp "$T/c.key" "$KEY"
claim "exit 4: another key in its place is not written over" \
	eval 'code 4 ctl restore "$T/b" && cmp "$T/c.key" "$KEY"'
rm "$CONF"
claim "not even when the interface is new" eval 'code 4 ctl restore "$T/b" && test ! -e "$CONF"'
claim "but with --force" eval 'ctl restore -q --force "$T/b" && equal "$(files)" "$saved"'
claim "under another name it is the same key" eval 'ctl restore -q -i wgx "$T/b" && cmp "$CONF" "$ETC/wgx.conf"'
rm -r "$ETC"/wgx.*

# A place that is not ours: what is there is used, nothing is written there, and nothing is lost.
mkdir "$T/keys"
cp "$T/a.key" "$T/keys/server"
conf "PrivateKeyFile = $T/keys/server" >"$CONF"
rm "$KEY"
claim "a key elsewhere is in the backup, too" ctl backup wga -o "$T/b"
gone
claim "restored where the key is still there" eval 'ctl restore "$T/b" 2>"$T/said" && test ! -s "$T/said"'
claim "there is no second one" not test -e "$KEY"
gone
rm "$T/keys/server"
claim "where it is not it is kept beside the configuration" eval 'ctl restore "$T/b" 2>"$T/said"'
claim "and that is said" grep -q 'PrivateKeyFile = wga.key' "$T/said"
claim "not in a place that is not ours" not test -e "$T/keys/server"
claim "closed to others" equal "$(stat -c %a "$KEY") $(cat "$KEY")" "600 $(cat "$T/a.key")"
sed -i 's|^PrivateKeyFile.*|PrivateKeyFile = wga.key|' "$CONF"
claim "what was said makes it well" equal "$(ctl check -q "$CONF")" ""

# ---- A credential, whose service does not run

conf 'PrivateKeyFile = /run/credentials/tunneld-root@wga.service/key' >"$CONF"
claim "check warns" eval 'code 0 ctl check "$CONF" >"$T/said"'
claim "and says why" grep -q 'only while its service runs' "$T/said"
claim "peers can be changed all the same" ctl -i wga peer add carl -q --offline --pubkey "$(key c)"
claim "exit 2: but not be told of a key that nobody knows" \
	code 2 ctl -i wga peer add dora -q --offline --conf "$T/dora.conf"
claim "exit 1: no backup without it" code 1 ctl backup wga -o "$T/none"
mkdir -p /run/credentials/tunneld-root@wga.service
cp "$T/a.key" /run/credentials/tunneld-root@wga.service/key
claim "while it runs all is well" eval 'equal "$(ctl check -q "$CONF")" "" && ctl up -q wga && is a'
rm -r /run/credentials
claim "diff does not take a key that is away for another one" code 0 ctl diff wga
must ctl down -q wga
