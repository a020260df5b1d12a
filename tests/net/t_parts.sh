#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The daemon as the units of systemd run it, in three parts: with rights over the network but never root; the engine
# without any; and root, who has the file and its commands. Each has here what its unit leaves it: user, capabilities.
#
#   ns a: wga 192.168.9.1 ---- va 10.0.0.1  10.0.0.2 vb ---- ns b: wgb 192.168.9.2, one process tree as ever
. "$(dirname "$0")/lib.sh"

if [ "$(wc -l </proc/self/uid_map)" -eq 1 ] && [ "$(awk '{ print $3 }' /proc/self/uid_map)" -eq 1 ]; then
	skip "there is no other user in this namespace"
	exit 0
fi
# Where udev is it is for everybody.
mknod -m 666 "$T/tun" c 10 200 2>/dev/null && must mount --bind "$T/tun" /dev/net/tun
[ -n "$(find /dev/net/tun -perm -006)" ] || { skip "/dev/net/tun is for root only"; exit 0; }
outside
key a >/dev/null
key b >/dev/null
UNITS=$ROOT/packaging/systemd
PARTS=$T/parts
NET=4711 ENGINE=4712	# users of the network's part and of the engine
mkdir "$PARTS"
chmod 755 "$T"
# shellcheck disable=SC2046 # words
must $(sed -n "s/^ExecStartPre=\(.*install\) \(.*\)tunneld-net/\1 \2$NET/p" "$UNITS/tunneld-root@.socket")

# with UNIT OPTION...: in WITH a command line for no more than the unit leaves it.
caps()
{
	echo "-all$(sed -n "s/^$2=//p" "$UNITS/$1@.service" | tr ' A-Z' '\na-z' | sed -n 's/^cap_/,+/p' | tr -d '\n')"
}
with()
{
	local ambient

	ambient=$(caps "$1" AmbientCapabilities)
	WITH=(setpriv --no-new-privs --bounding-set "$(caps "$1" CapabilityBoundingSet)"
		--inh-caps "$ambient" --ambient-caps "$ambient" "${@:2}")
}
user() { echo --reuid "$1" --regid "$1" --clear-groups; }
# A manager: it listens, and starts who is to sit there at the first connection.
sit()
{
	spawn "$1" a systemd-socket-activate -l "$PARTS/wga.$1" "${@:2}" >"$T/$1.log" 2>&1
	must wait_for 5 test -S "$PARTS/wga.$1"
	chgrp $NET "$PARTS/wga.$1"
	chmod 0660 "$PARTS/wga.$1"
}
# shellcheck disable=SC2046 # words
start_parts()
{
	: >"$T/heard"
	rm -f "$PARTS"/*
	with tunneld-root --groups $NET
	sit root "${WITH[@]}" "$TUNNELD" --root "$T/wga.conf" wga
	with tunneld-engine $(user $ENGINE)
	sit engine --seqpacket "${WITH[@]}" "$TUNNELD" --engine
	with tunneld $(user $NET)
	NOTIFY_SOCKET=$T/notify spawn wga a "${WITH[@]}" "$TUNNELD" -f -p "$PARTS" wga >"$T/wga.log" 2>&1
}
ready() { wait_for 15 grep -qx READY=1 "$T/heard" || { cat "$T"/{root,engine,wga}.log; return 1; }; }
spawn manager a socat -u "UNIX-RECV:$T/notify,mode=666" "OPEN:$T/heard,creat,append"
must wait_for 5 test -S "$T/notify"

umask 077
cat >"$T/wga.conf" <<-END
	[Interface]
	PrivateKeyFile = a.key
	Address = 192.168.9.1/24
	ListenPort = 500
	NAT = yes
	PreUp = id -u >$T/preup
	PostUp = sysctl -qw net.ipv4.conf.%i.rp_filter=2; nft add table inet commands
	PostUp = wg set %i peer $(cat "$T/b.pub") persistent-keepalive 7
	PreDown = echo pre >>$T/down
	PostDown = echo post >>$T/down; nft delete table inet commands

	[Peer]
	PublicKey = $(cat "$T/b.pub")
	AllowedIPs = 192.168.9.2/32
	Endpoint = 10.0.0.2:1002
END
cat >"$T/wgb.conf" <<-END
	[Interface]
	PrivateKey = $(cat "$T/b.key")
	Address = 192.168.9.2/24
	ListenPort = 1002

	[Peer]
	PublicKey = $(cat "$T/a.pub")
	AllowedIPs = 192.168.9.1/32
END
umask 022
spawn wgb b "$TUNNELD" -f -c "$T/wgb.conf" wgb >"$T/wgb.log" 2>&1
must wait_for 10 answers wgb

start_parts
must ready
claim "with all that the file asks for" \
	not grep -E 'cannot|failed|permitted|libcap' "$T/wga.log" "$T/root.log" "$T/engine.log"
claim "a tunnel" wait_for 10 n a ping -n -c 1 -W 1 192.168.9.2
claim "NAT" n a nft list table inet tunneld-wga
claim "forwarding" equal "$(n a cat /proc/sys/net/ipv4/ip_forward)" 1
claim "commands, as root" equal "$(cat "$T/preup")" 0
claim "which may set the machine's network" n a nft list table inet commands
claim "and ask the daemon" equal "$(n a wg show wga persistent-keepalive | cut -f 2)" 7

# ---- Who may what

field() { sed -n "s/^$2:\t//p" "/proc/$1/status"; }
state() { echo '{"v":1,"do":"state"}' | socat -t 5 - UNIX-CONNECT:/run/tunneld/wga.sock | jq -r "$1"; }
NETPID=$(state .pid) EPID=$(state .engine_pid) RPID=${PID[root]}
claim "the part with the network is not root" equal "$(field "$NETPID" Uid)" "$NET	$NET	$NET	$NET"
# NET_BIND_SERVICE, NET_BROADCAST, NET_ADMIN
claim "and has three rights" equal "$(field "$NETPID" CapPrm)" 0000000000001c00
claim "that no program inherits" equal "$(field "$NETPID" CapInh)$(field "$NETPID" CapAmb)" \
	00000000000000000000000000000000
claim "it cannot gain any" equal "$(field "$NETPID" NoNewPrivs)" 1
claim "its system calls are filtered" equal "$(field "$NETPID" Seccomp)" 2
# shellcheck disable=SC2046 # words
as() { setpriv $(user "$1") "${@:2}"; }
claim "the file is not for its user" not as $NET cat "$T/wga.conf"
claim "nor is that of the key" not as $NET cat "$T/a.key"
claim "the engine is another user" equal "$(field "$EPID" Uid)" "$ENGINE	$ENGINE	$ENGINE	$ENGINE"
for set in CapInh CapPrm CapEff CapBnd CapAmb; do
	claim "without capabilities in $set" equal "$(field "$EPID" $set)" 0000000000000000
done
claim "which sees no files" not test -e "/proc/$EPID/root/etc"
claim "and whose system calls are filtered" equal "$(field "$EPID" Seccomp)" 2
claim "who has root has no right left but its user" equal "$(field "$RPID" CapEff)" 0000000000000000
mapfile -t LONG < <(echo "$RPID"; pgrep -P "$RPID")
claim "that one, its reader and its runner of commands" equal "${#LONG[@]}" 3
for pid in "${LONG[@]}"; do
	claim "have no key between two reloads" forgot "$pid" "$T/a.key"
done
claim "sockets are for that user, and for root's group" equal "$(stat -c '%a %u %g' /run/wireguard/wga.sock)" \
	"660 $NET $NET"
claim "the engine's user gets no configuration" not as $ENGINE socat -t 1 /dev/null "UNIX-CONNECT:$PARTS/wga.root"
claim "nor to the daemon" not as $ENGINE socat -t 1 /dev/null UNIX-CONNECT:/run/tunneld/wga.sock

socat -u UNIX-LISTEN:/run/wireguard/other.sock,mode=600 /dev/null &
OTHER=$!
must wait_for 5 test -S /run/wireguard/other.sock
claim "it cannot take the socket of root's own daemon away" not as $NET rm -f /run/wireguard/other.sock
claim "nor put its own into that place" not as $NET mv -f /run/wireguard/wga.sock /run/wireguard/other.sock
claim "both are where they were" equal "$(stat -c %u /run/wireguard/{other,wga}.sock | tr '\n' ' ')" "0 $NET "
kill $OTHER
wait $OTHER 2>/dev/null
rm -f /run/wireguard/other.sock

# ---- Its life

sed -i 's/^Address.*/&, 192.168.8.1\/24/' "$T/wga.conf"
claim "reload" "$TUNCTL" reload wga
claim "has an effect" grep -q 192.168.8.1 <(ip -n a addr show wga)
claim "the daemon's own user may, too, as systemd does" as $NET "$TUNCTL" reload wga
sed -i 's/^Address/Colour = blue\n&/' "$T/wga.conf"
claim "not with an error in the file" not "$TUNCTL" reload wga
claim "and the tunnel goes on" n a ping -n -c 1 -W 1 192.168.9.2
stop wga
claim "stopped, the commands of the end have run" equal "$(tr '\n' ' ' <"$T/down")" "pre post "
claim "and nothing is left of the interface" wait_for 5 not ip -n a link show wga
claim "nor of the packet filter" equal "$(n a nft list ruleset)" ""
claim "nor of forwarding" equal "$(n a cat /proc/sys/net/ipv4/ip_forward)" 0
claim "nor a socket" equal "$(find /run/wireguard /run/tunneld -name 'wga*')" ""
claim "who has root ends, too" wait_for 5 not kill -0 "$RPID"
claim "and the engine" wait_for 5 not kill -0 "$EPID"

start_parts
claim "a file with an error" wait_for 5 grep -q 'wga.conf:[0-9]*:[0-9]*: unknown key' "$T/wga.log"
ends() { wait "${PID[wga]}"; STATUS=$?; unset "PID[wga]"; }
ends
claim "is status 2" equal "$STATUS" 2
sed -i '/^Colour/d' "$T/wga.conf"
stop root
stop engine

: >"$T/down"
# A file of root's at which nobody answers, as a daemon of other days leaves it when it is killed.
socat -u UNIX-LISTEN:/run/wireguard/wga.sock,mode=600 /dev/null &
must wait_for 5 test -S /run/wireguard/wga.sock
kill -9 $!
wait $! 2>/dev/null
start_parts
claim "what a killed daemon left is no obstacle" ready
RPID=${PID[root]} EPID=$(state .engine_pid)
kill -9 "$EPID"
ends
claim "without its engine it ends" equal "$STATUS" 1
claim "and leaves no interface" not ip -n a link show wga
claim "with the commands of the end" equal "$(tr '\n' ' ' <"$T/down")" "pre post "
claim "and who has root has done his work, too" wait_for 5 not kill -0 "$RPID"

: >"$T/down"
start_parts
must ready
RPID=${PID[root]} EPID=$(state .engine_pid)
kill -9 "$(state .pid)"
stop wga 2>/dev/null
claim "killed, it leaves PostDown to who has root" wait_for 5 grep -q post "$T/down"
claim "who ends then" wait_for 5 not kill -0 "$RPID"
claim "the engine ends" wait_for 5 not kill -0 "$EPID"
claim "and the interface" wait_for 5 not ip -n a link show wga
stop manager || true

# What the unit of who has root does before: with few rights, where anybody may have made a directory for himself alone.
mkdir -p /run/lock
chmod 1777 /run/lock
rm -rf /run/lock/tunneld
mkdir "$T/etc" "$T/etc/tunneld"
echo trial >"$T/etc/tunneld/wga.conf"
echo before >"$T/etc/tunneld/wga.conf.before"
must as $NET mkdir -m 700 /run/lock/tunneld
with tunneld-root --groups $NET
claim "a trial that nobody guards ends, whoever made a directory of locks" \
	"${WITH[@]}" "$TUNCTL" --etc "$T/etc" rollback --stale -q wga
claim "the file before it is back" equal "$(cat "$T/etc/tunneld/wga.conf")" before
