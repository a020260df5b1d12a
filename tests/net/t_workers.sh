#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Several workers: four clients at once through a daemon of four who share whatever can be shared, with peers, ports and
# the interface changing under them; and daemons of one.
#
#   wg1..wg4 192.168.9.1..4  ---- va 10.0.0.1  10.0.0.2 vb ----  wgb 192.168.9.100, port 1002
. "$(dirname "$0")/lib.sh"

CLIENTS="1 2 3 4"
outside

# start NS IF WORKERS
start()
{
	spawn "$2" "$1" "$TUNNELD" -f -w "$3" -s always "$2" >"$T/$2.log" 2>&1
	must wait_for 10 answers "$2"
}
# Packets have threads of their own, and the rest has one.
threads() { for p in /proc/[0-9]*; do
	grep -qs "^PPid:.${PID[$1]}$" "$p/status" && ls "$p/task"; done | wc -l; }

key b >/dev/null
start b wgb 4
must wg set wgb private-key "$T/b.key" listen-port 1002
addr b wgb 192.168.9.100/24
must ip -n b link set wgb up
for i in $CLIENTS; do
	key "$i" >/dev/null
	start a "wg$i" 1
	must wg set "wg$i" private-key "$T/$i.key" peer "$(key b)" endpoint 10.0.0.2:1002 allowed-ips 192.168.9.100/32
	must wg set wgb peer "$(key "$i")" allowed-ips "192.168.9.$i/32"
	must ip -n a addr add "192.168.9.$i/32" dev "wg$i"
	must ip -n a link set "wg$i" up
	must ip -n a rule add from "192.168.9.$i" lookup "10$i"
	must ip -n a route add 192.168.9.100 dev "wg$i" table "10$i"
done
if grep -q __tsan_init "$TUNNELD"; then
	skip "how many threads there are: the sanitizer has one of its own"
else
	claim "four workers and an owner" equal "$(threads wgb)" 5
	claim "one worker and an owner" equal "$(threads wg1)" 2
fi

# Nor must anybody else have a queue: every user may open /dev/net/tun. The open file is handed over, since its mode is
# another one here and there.
queue()
{
	# shellcheck disable=SC2016 # they are the shell's and perl's inside
	n b bash -c 'exec "$@" 9<>/dev/net/tun' queue "$@" perl -e \
		'open(F, "+<&=9") or die; $_ = pack("Z16sx22", "wgb", 0x5101); exit !ioctl(F, 0x400454ca, $_)'
}
if [ "$(awk '{ n += $3 } END { printf "%d", n }' /proc/self/uid_map)" -gt 65534 ]; then
	claim "another user gets no queue of the interface" \
		not queue setpriv --reuid=65534 --regid=65534 --clear-groups --bounding-set=-all
	claim "as root would" queue
fi

must ip -n b tuntap add wgq mode tun vnet_hdr multi_queue
# shellcheck disable=SC2016 # as above
spawn holder b bash -c 'exec perl -e "\$_ = pack(q(Z16sx22), q(wgq), 0x5101); open(F, q(+<&=9)) or die;
	ioctl(F, 0x400454ca, \$_) or die; sleep 60" 9<>/dev/net/tun'
holds() { ip -n b -d link show wgq | grep -q 'numqueues 1'; }
must wait_for 10 holds
refused() { n b timeout 20 "$TUNNELD" -f -w 2 wgq; [ $? -eq 1 ]; }
claim "an interface of which somebody else has a queue is not taken" refused
stop holder

# A second daemon must not come in by the door that the workers share.
start b wgc 2
must wg set wgc private-key "$T/1.key" listen-port 1002
must ip -n b link set wgc up
claim "nobody else gets a share of the port" wait_for 5 grep -q "port 1002: Address already in use" "$T/wgc.log"
stop wgc

for i in $CLIENTS; do
	claim "client $i reaches the server" reach a 192.168.9.100 -I "192.168.9.$i"
	claim "and is reached" reach b "192.168.9.$i"
done

# Each client sends its own bytes through its own tunnel, and back come other ones.
head -c 10000000 /dev/urandom >"$T/data"
sum=$(sha256sum <"$T/data")
spawn there b socat TCP-LISTEN:7000,fork,reuseaddr "EXEC:sha256sum" 2>/dev/null
spawn back b socat TCP-LISTEN:7001,fork,reuseaddr "OPEN:$T/data,rdonly!!OPEN:/dev/null,wronly" 2>/dev/null
wait_for 5 n b sh -c 'ss -Htln | grep -q :7001' >/dev/null
up() { n a timeout 60 socat -t 60 - "TCP:192.168.9.100:7000,bind=192.168.9.$1" <"$T/data" >"$T/up$1"; }
down() { n a timeout 60 socat -u "TCP:192.168.9.100:7001,bind=192.168.9.$1" - | sha256sum >"$T/down$1"; }
jobs=()
for i in $CLIENTS; do
	up "$i" 2>/dev/null & jobs+=($!)
	down "$i" 2>/dev/null & jobs+=($!)
done
for i in $(seq 30); do
	wg set wgb peer "$(key d)" endpoint 10.0.0.9:9 allowed-ips "192.168.9.$((100 + i))/32"
	wg set wgb peer "$(key d)" remove
	[ $((i % 10)) -ne 0 ] || wg set wgb listen-port $((1002 + i)) fwmark "$i"
done
wait "${jobs[@]}"
for i in $CLIENTS; do
	claim "client $i's bytes arrive" equal "$(cat "$T/up$i")" "$sum"
	claim "and the server's" equal "$(cat "$T/down$i")" "$sum"
done
stop there
stop back

for i in $(seq 10); do
	must ip -n b link set wgb down
	must ip -n b link set wgb up
done
for i in $CLIENTS; do
	claim "after the interface went down and up: client $i" wait_for 10 reach b "192.168.9.$i"
done
must ip -n b link del wgb
claim "the interface is removed: the daemon ends" wait "${PID[wgb]}"
unset "PID[wgb]"
for i in $CLIENTS; do
	stop "wg$i"
done
claim "no sanitizer has found anything" not grep -h -A 30 Sanitizer "$T"/wg*.log
claim "a rule that there is not is refused" equal "$("$TUNNELD" -f -s often wgx 2>&1)" \
	"tunneld: --share often: it is auto, never or always"
claim "a wrong number of workers is refused" equal "$("$TUNNELD" -f -w 33 wgx 2>&1)" \
	"tunneld: --workers 33: it is a number, 1 to 32"
