#!/bin/bash
# SPDX-License-Identifier: MIT
# tunctl restart where no service manager runs: down and up as one, but never down for a file that would not come up.
#
#   ns a: tunctl up wga ---- va 10.0.0.1  10.0.0.2 vb ---- ns b: tunneld wgb
# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"

mkdir -p "$T/bin" "$T/etc/tunneld"
must cp "$TUNCTL" "$T/bin/tunctl"
must ln -s "$TUNNELD" "$T/bin/tunneld"
CONF=$T/etc/tunneld/wga.conf
ctl() { n a "$T/bin/tunctl" --etc "$T/etc" "$@"; }
export T
export -f ctl n
state() { echo '{"v":1,"do":"state"}' | timeout 10 socat -t 5 - UNIX-CONNECT:/run/tunneld/wga.sock | jq "$1"; }
pid() { state .pid; }
# same COMMAND...: and the same daemon runs before and after.
same() { local before; before=$(pid); "$@" && equal "$(pid)" "$before"; }
# other COMMAND...: and another one does.
other() { local before; before=$(pid); "$@" && not equal "$(pid)" "$before" && answers wga; }
# Names are those of a file, and no name server is waited for.
echo "hosts: files" >"$T/nsswitch"
must mount --bind "$T/nsswitch" /etc/nsswitch.conf

# The commands at the end take their time: those of the next start must not come before they are done.
conf()
{
	cat >"$CONF" <<-END
		[Interface]
		PrivateKey = $(cat "$T/a.key")
		ListenPort = 1001
		Address = 192.168.9.1/24
		PreUp = echo "up $1" >>$T/commands
		PostDown = sleep 1; echo "down $1" >>$T/commands
		[Peer]
		PublicKey = $(key b)
		AllowedIPs = 192.168.9.2/32
		Endpoint = ${2:-10.0.0.2}:1002
	END
}
outside
key a >/dev/null
key b >/dev/null
daemon b wgb tunneld
must wg set wgb private-key "$T/b.key" listen-port 1002 peer "$(key a)" allowed-ips 192.168.9.1/32
addr b wgb 192.168.9.2/24
must ip -n b link set wgb up

# ---- What does not run

claim "exit 3: no such interface" code 3 ctl restart wga
conf one
sed 's/^ListenPort/Colour = blue\n&/' "$CONF" >"$T/bad.conf"
claim "what does not run would be started" bash -c "ctl restart -n wga | grep -qx 'would run: .*/tunneld -c $CONF wga'"
claim "and no more than that" not answers wga
claim "it is started, and was not running" equal "$(ctl restart wga 2>"$T/said")" "wga: up"
claim "packets pass" reach a 192.168.9.2

# ---- What runs

claim "exit 2: two interfaces" code 2 ctl restart wga -i wgb
plan() { equal "$(ctl restart -n wga | sed 's|run: [^ ]*/tunneld |run: tunneld |')" "$1"; }
claim "-n says what would be done" same plan $'would end: wga\n'"would run: tunneld -c $CONF wga"
conf two
begun=$(handshake_of wgb)
restarted() { equal "$(ctl restart wga 2>"$T/said")" "wga: restarted"; }
claim "restart" other restarted
claim "commands of the end are done before those of the start" \
	equal "$(paste -sd, "$T/commands")" "up one,down one,up two"
claim "packets pass" wait_for 20 reach a 192.168.9.2 -W 1
claim "by a new session" test "$(handshake_of wgb)" -ge "$begun"
claim "in JSON, and again" other json '. == {v: 1, interface: "wga", changed: true, running: true}' ctl restart wga
silent() { equal "$(ctl restart -q wga)" ""; }
claim "-q is silent" other silent

# ---- A bad file is refused before anything ends

must reach a 192.168.9.2
begun=$(handshake_of wgb)
cp "$T/bad.conf" "$CONF"
claim "exit 2: a bad file" same code 2 ctl restart wga
claim "-n as well" same code 2 ctl restart -n wga
ctl restart wga 2>"$T/said"
claim "its place is said" grep -q 'wga.conf:[0-9]*:[0-9]*: unknown key' "$T/said"
claim "and that nothing is changed" grep -qx "tunctl: restart: $CONF has errors, nothing is changed" "$T/said"
mkdir "$T/etc/tunneld/wga.d"
conf three
echo nonsense >"$T/etc/tunneld/wga.d/x.peer"
claim "exit 2: a bad file of a peer" same code 2 ctl restart wga
rm "$T/etc/tunneld/wga.d/x.peer"
conf three nobody.invalid
claim "exit 2: a name that stands for nothing, which check does not ask" same code 2 ctl restart wga
conf three
sed -i 's|^PrivateKey = .*|PrivateKeyFile = /run/credentials/none/key|' "$CONF"
claim "exit 2: a credential, since no service brings it" same code 2 ctl restart wga
claim "meanwhile packets pass" reach a 192.168.9.2
claim "in the same session" equal "$(handshake_of wgb)" "$begun"

# ---- Not alone

conf four
mkdir -p /run/lock/tunneld
exec 9>/run/lock/tunneld/wga.lock
must flock 9
claim "exit 75: somebody else holds the lock" same code 75 ctl restart wga
exec 9>&-
cp "$CONF" "$CONF.before"
cp "$T/bad.conf" "$CONF"
claim "a file on trial that nobody guards is none to start from" other code 0 ctl restart wga
claim "the one before it is" grep -q four "$CONF"

# ---- The session in which it runs may end with the tunnel

cat >"$T/bin/hangs-up" <<-END
	#!/bin/bash
	[ "\$1" = -t ] || kill -HUP \$PPID
	exec "$TUNNELD" "\$@"
END
chmod +x "$T/bin/hangs-up"
ln -sf hangs-up "$T/bin/tunneld"
claim "hung up in the middle it goes on" other code 0 ctl restart wga

# ---- When it does not come up again

cat >"$T/bin/fails" <<-END
	#!/bin/bash
	[ "\$1" != -t ] || exec "$TUNNELD" "\$@"
	exit 1
END
chmod +x "$T/bin/fails"
ln -sf fails "$T/bin/tunneld"
claim "exit 7: ended, and not up again" code 7 ctl restart wga
claim "it is down" not ip -n a link show wga
claim "exit 1: it was not up before" code 1 ctl restart wga
ln -sf "$TUNNELD" "$T/bin/tunneld"
claim "with a daemon that works it is up" code 0 ctl restart wga
kill -9 "$(pid)"
claim "that one is killed" wait_for 10 not answers wga
claim "and started once more" code 0 ctl restart wga
claim "packets pass" wait_for 20 reach a 192.168.9.2 -W 1
must ctl down wga
