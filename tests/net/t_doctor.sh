#!/bin/bash
# SPDX-License-Identifier: MIT
# The doctor, part one: faults of the machine, of files and of the daemon.
# shellcheck source=tests/net/doctor.sh
. "$(dirname "$0")/doctor.sh"

claim "a healthy interface: nothing" healthy

# ---- The machine

printf '#!/bin/sh\n' >"$T/foreign/tunctl"; chmod 755 "$T/foreign/tunctl"
fault "another tunctl comes first in PATH" "foreign-tunctl:warning" PATH="$T/foreign:$PATH"
must mount --bind /dev/null /dev/net/tun
fault "/dev/net/tun is something else" "tun:problem"
must umount /dev/net/tun
fault "a clock before the program was made" "clock:problem" SHIFT=-1000000000
fault "a clock that nothing keeps" "clock-sync:warning" UNSYNC=1
must mkdir "$T/etc2"
must cp -a "$T/etc/." "$T/etc2"
must mount -t tmpfs -o size=64k,mode=700 tmpfs "$T/etc"
must cp -a "$T/etc2/." "$T/etc"
fault "no space for configuration" "disk:problem"
must mount -o remount,ro,size=8m "$T/etc"
fault "a read-only place for configuration" "writable:problem"
must umount "$T/etc"
if [ -e /proc/sys/net/netfilter/nf_conntrack_max ]; then
	echo 0 >"$T/zero"; echo 95 >"$T/count"; echo 100 >"$T/max"
	must n a mount --bind "$T/count" /proc/sys/net/netfilter/nf_conntrack_count
	must n a mount --bind "$T/max" /proc/sys/net/netfilter/nf_conntrack_max
	fault "a table of connections that is nearly full" "conntrack:warning"
	must n a umount /proc/sys/net/netfilter/nf_conntrack_count /proc/sys/net/netfilter/nf_conntrack_max
else
	skip "a table of connections that is nearly full: this kernel tracks none"
fi

# ---- Configuration

sed -i 's/10.8.0.2/10.8.0.300/' "$CONF"
fault "an error in the file" "config:problem"
config
chmod 644 "$CONF"
fault "a private key that everybody can read" "mode:problem"
chmod 600 "$CONF"
printf '[Peer]\nPublicKey = %s\n' "$(key cy)" >"$T/etc/tunneld/wg0.d/.x"
install -m 640 /dev/null "$T/etc/tunneld/wg0.d/cy.peer"
fault "a peer's file that the group can read" "mode:problem"
rm "$T/etc/tunneld/wg0.d/cy.peer" "$T/etc/tunneld/wg0.d/.x"
install -m 644 /dev/null "$T/etc/tunneld/wg0.d/README"
fault "a file without keys in a closed directory" "file-names:warning"
chmod 711 "$T/etc/tunneld/wg0.d"
fault "in one where everybody gets at it" "mode:problem file-names:warning"
chmod 700 "$T/etc/tunneld/wg0.d"
rm "$T/etc/tunneld/wg0.d/README"
if chown 65534 "$CONF" 2>/dev/null; then
	fault "a file of another user" "owner:problem"
	chown 0 "$CONF"
else
	skip "a file of another user: there is no other user here"
fi
install -m 600 /dev/null "$T/etc/tunneld/wg0.d/cy.key"
claim "a key that is kept: nothing" healthy
rm "$T/etc/tunneld/wg0.d/cy.key"
install -m 600 /dev/null "$T/etc/tunneld/wg0.d/cy"
fault "a file that is no peer's" "file-names:warning"
rm "$T/etc/tunneld/wg0.d/cy"
mkdir -p "$T/etc/wireguard"
install -m 600 "$CONF" "$T/etc/wireguard/wg0.conf"
fault "two configurations of one interface" "two-configs:warning"
rm -r "$T/etc/wireguard"
must wg set wg0 peer "$(key cy)" allowed-ips 10.8.0.3/32
fault "a peer that is live only" "differs:warning"
must wg set wg0 peer "$(key cy)" remove
sed -i 's/ListenPort.*//' "$CONF"
fault "a server without a port of its own" "any-port:problem"
sed -i '2a ListenPort = 1002' "$CONF"
fault "another port in the file" "differs:warning"
config
claim "mended: nothing" healthy

# ---- The daemon

down
fault "no daemon" "daemon:problem"
n a sysctl -qw net.ipv4.ip_forward=0 net.ipv6.conf.all.forwarding=0
sed -i '2a NAT = yes' "$CONF"
fault "nor does it forward, which the start switches on" "daemon:problem"
config
mkdir -p /run/wireguard
spawn gone a socat UNIX-LISTEN:/run/wireguard/wg0.sock,unlink-close=0 STDIO
wait_for 5 test -S /run/wireguard/wg0.sock
stop gone
fault "a socket that nobody listens at" "daemon:problem"
rm -f /run/wireguard/wg0.sock
up
mv /run/tunneld/wg0.sock "$T/wg0.sock"
fault "the daemon's own socket is gone" "control:problem"
mv "$T/wg0.sock" /run/tunneld/wg0.sock
claim "it is back: nothing" healthy
rm "$T/bin/tunneld" && must cp "$TUNNELD" "$T/bin/tunneld"
fault "an old daemon goes on running" "replaced:warning"
mkdir -p /run/systemd/system
again
fault "a unit that is not enabled" "unit:warning"
mkdir -p "$T/etc/systemd/system/multi-user.target.wants"
ln -s /nowhere "$T/etc/systemd/system/multi-user.target.wants/tunneld@wg0.service"
claim "an enabled one: nothing" healthy
down
(ulimit -n 64; up)
fault "few files may be open" "descriptors:warning"
again
must ip -n a link set wg0 down
taken() { n a ss -Huln | grep -q :1001; }
claim "an interface that is down has no port" wait_for 5 not taken
spawn other a "$BUILD/net/udp" echo 1001
must wait_for 5 taken
must ip -n a link set wg0 up
claim "another program has the port" wait_for 10 finds "port:problem addresses:problem routes:problem" 10
stop other
again
claim "started anew: nothing" healthy

down
TUNNELD_NO_OFFLOAD=gro,tso up
fault "packets pass the kernel one by one" "offloads:warning"
claim "they are named" bash -c "doctor -q | grep -q 'no offload of tun tso, udp gro:'"
down
sed -i '2a NoOffload = gro' "$CONF"
up
claim "not those that the file switches off: nothing" healthy
config
again
sed -i 's/^AllowedIPs.*/AllowedIPs = wrong/' "$CONF"
ctl reload -q wg0 2>/dev/null
config
fault "the last reload failed" "reload:problem"
must ctl reload -q wg0
claim "the next went well: nothing" healthy
again

small_buffers()
{
	unshare -Urn bash -c '
		ip link set lo up
		"$T/bin/tunneld" -f wg9 >"$T/wg9.log" 2>&1 &
		until wg show wg9 >/dev/null 2>&1; do sleep 0.02; done
		wg set wg9 listen-port 1009 && ip link set wg9 up
		until ss -Huln sport = 1009 | grep -q .; do sleep 0.02; done
		"$T/bin/tunctl" doctor wg9 --json >"$T/wg9.json"
		jq -e ".checks[] | select(.check == \"buffers\") | .result == \"warning\"" "$T/wg9.json"; is=$?
		kill $!; wait; exit $is'
}
if [ "$(cat /proc/sys/net/core/rmem_max)" -lt 16777216 ]; then
	claim "small buffers of the socket" small_buffers
else
	skip "small buffers of the socket: this machine gives everybody large ones"
fi
down
(ulimit -l 0; must n a setpriv --bounding-set=-ipc_lock "$T/bin/tunctl" --etc "$T/etc" up -q wg0)
fault "memory that is not locked" "memory-lock:warning"
again
daemon a wg8 wireguard-go
claim "that is no matter of another program" bash -c "n a '$T/bin/tunctl' --etc '$T/etc' doctor wg8 --json |
	jq -ce '[.checks[] | select(.check == (\"memory-lock\", \"control\")) | .result] == [\"skipped\", \"skipped\"]'"
stop wg8
engine=$(pgrep -n tunneld)
kill -STOP "$engine"
n b "$BUILD/net/udp" garbage 10.0.0.1 1001 70000 >"$T/flood"
kill -CONT "$engine"
fault "datagrams that found the buffer full" "overflow:warning"
again

# ---- What is said

claim "the end: nothing" healthy
chmod 644 "$CONF"
claim "people are told what and how, in lines" bash -c "doctor -q | tee '$T/said'
	grep -q '^problem  mode .*open to other users' '$T/said' && grep -q 'fix: chmod' '$T/said' &&
	equal \"\$(wc -l <'$T/said')\" 2"
chmod 600 "$CONF"
claim "a line for each check, and a sum" bash -c "doctor | tail -1 | grep -q ' 0 warnings, 0 problems'"
claim "twenty checks and more" bash -c "test \"\$(doctor --json | jq '.checks | length')\" -ge 20"
claim "an interface that is not there is exit 3" bash -c "n a '$T/bin/tunctl' --etc '$T/etc' doctor wg7; test \$? = 3"
