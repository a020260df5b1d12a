#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Reload: the file's differences and nothing else, and no session is dropped by it.
#
#   ns a: wga 192.168.9.1 (file)  ---- va 10.0.0.1  10.0.0.2 vb ----  ns b: wgb 192.168.9.2
. "$(dirname "$0")/lib.sh"

outside
key a >/dev/null; key b >/dev/null; key c >/dev/null; key d >/dev/null
CONF=$T/wga.conf
CTL=/run/tunneld/wga.sock

# conf [LINE...]: the file, with a line more in [Peer].
conf()
{
	cat >"$CONF" <<-END
		[Interface]
		PrivateKey = $(cat "$T/a.key")
		Address = 192.168.9.1/24
		ListenPort = ${PORT-1001}
		${IFACE-}

		[Peer]
		PublicKey = $(key b)
		Endpoint = ${ENDPOINT-10.0.0.2:1002}
		$(printf '%s\n' "$@")
	END
}
reload() { printf '{"v":1,"do":"reload"}\n' | timeout 20 socat -t 15 - "UNIX-CONNECT:$CTL"; }
reloads()
{
	reload >"$T/reload.json"
	jq -e '.code == 0' "$T/reload.json" >"$T/true" || { cat "$T/reload.json"; false; }
}
changes() { jq -c '.changed' "$T/reload.json"; }
peer_of() { wg show wga dump | awk -F'\t' -v k="$(key "$1")" '$1 == k'; }
field() { peer_of "$1" | cut -f "$2"; }
state() { printf '{"v":1,"do":"state"}\n' | timeout 10 socat -t 5 - "UNIX-CONNECT:$CTL" | jq -c "$1"; }

conf 'AllowedIPs = 192.168.9.2/32'
daemon b wgb tunneld
must wg set wgb private-key "$T/b.key" listen-port 1002 peer "$(key a)" allowed-ips 192.168.9.1/32
addr b wgb 192.168.9.2/24
must ip -n b link set wgb up
spawn wga a "$TUNNELD" -f -c "$CONF" wga >"$T/wga.log" 2>&1
must wait_for 10 test -S "$CTL"
must wait_for 10 reach a 192.168.9.2

SESSIONS=$(state .handshakes.sessions)
HANDSHAKE=$(handshake_of wga)
claim "the same file changes nothing" reloads
claim "and says so" equal "$(changes)" '[]'

# Every kind of difference, while pings flow.
spawn ping a ping -n -i 0.01 192.168.9.2 >"$T/ping"
(umask 077; wg genpsk >"$T/psk")
conf 'AllowedIPs = 192.168.9.2/32, 10.7.0.0/16' 'PersistentKeepalive = 25' '[Peer]' "PublicKey = $(key c)" \
	"PresharedKey = $(cat "$T/psk")" 'AllowedIPs = 192.168.9.3/32'
claim "a peer is added, another is changed" reloads
claim "the new one is there" equal "$(field c 4)" 192.168.9.3/32
claim "with its preshared key" equal "$(field c 2)" "$(cat "$T/psk")"
claim "the other has one more allowed IP" equal "$(field b 4 | tr , '\n' | sort | xargs)" "10.7.0.0/16 192.168.9.2/32"
claim "and a keepalive interval" equal "$(field b 8)" 25
claim "both are told" equal "$(jq '.changed | map(select(test("^peer "))) | length' "$T/reload.json")" 2
conf 'AllowedIPs = 192.168.9.2/32' '[Peer]' "PublicKey = $(key d)" 'AllowedIPs = 192.168.9.3/32, 10.7.0.0/16'
claim "a peer takes over from two others" reloads
claim "the one that is gone is gone" equal "$(peer_of c)" ""
claim "its allowed IPs are the new one's" equal "$(field d 4 | tr , '\n' | sort | xargs)" "10.7.0.0/16 192.168.9.3/32"
claim "who stays has the rest" equal "$(field b 4)" 192.168.9.2/32
claim "and no keepalive interval" equal "$(field b 8)" off
# The port moves while the other side holds pings from it, whose answers it sends there.
moves()
{
	local pids
	mapfile -t pids < <(echo "${PID[wgb]}"; pgrep -P "${PID[wgb]}")

	kill -STOP "${pids[@]}"
	sleep 0.2
	reloads
	kill -CONT "${pids[@]}"
	[ "$(jq .code "$T/reload.json")" = 0 ]
}
PORT=1011 conf 'AllowedIPs = 192.168.9.2/32'
claim "the port is changed" moves
claim "it is another one" equal "$(wg show wga listen-port)" 1011
IFACE='FwMark = 0x77' PORT=1001 conf 'AllowedIPs = 192.168.9.2/32'
claim "port and mark are changed, back to where we were a moment ago" moves
claim "both are" equal "$(wg show wga listen-port) $(wg show wga fwmark)" "1001 0x77"
conf 'AllowedIPs = 192.168.9.2/32'
claim "the mark is taken away" reloads
claim "it is gone" equal "$(wg show wga fwmark)" off
PORT=1012 conf 'AllowedIPs = 192.168.9.2/32'
claim "the port is changed again" moves
PORT=1013 conf 'AllowedIPs = 192.168.9.2/32'
claim "and again at once" moves
bound() { n a ss -Hlun | awk '{ sub(/.*:/, "", $4); print $4 }' | sort -nu | xargs; }
claim "no more than the port before is still open" equal "$(bound)" "1012 1013"
conf 'AllowedIPs = 192.168.9.2/32'
claim "and back" moves
for _ in {1..5}; do reloads; done
sleep 0.2	# the answers
stop ping
# Answers that are missing before the last one.
lost() { sed -n 's/.*icmp_seq=\([0-9]*\) .*/\1/p' "$T/ping" | awk '{ n++; last = $1 } END { print last - n }'; }
claim "pings flowed" test "$(wc -l <"$T/ping")" -gt 50
claim "and none was lost by all that" equal "$(lost)" 0
claim "the session is the one that it was" equal "$(handshake_of wga) $(state .handshakes.sessions)" \
	"$HANDSHAKE $SESSIONS"
given_up() { equal "$(bound)" 1001; }
claim "the port before is given up in the end" wait_for 20 given_up

# The network follows.
IFACE=$'Address = 192.168.19.1/24\nMTU = 1300' conf 'AllowedIPs = 192.168.9.2/32, 10.5.0.0/16'
claim "addresses, MTU and routes are changed" reloads
network() { n a ip -j addr show wga | jq -c '.[0] | [.mtu, (.addr_info | map(select(.family == "inet") | .local))]'; }
claim "the interface has them" equal "$(network)" '[1300,["192.168.9.1","192.168.19.1"]]'
claim "and the route" test -n "$(n a ip route show 10.5.0.0/16 dev wga)"
must n a ip route add 10.66.0.0/16 dev va
IFACE='MTU = 1300' conf 'AllowedIPs = 192.168.9.2/32, 10.66.0.0/16' '[Peer]' "PublicKey = $(key c)"
claim "a route that is somebody's fails with code 1" equal "$(reload | tee "$T/reload.json" | jq .code)" 1
claim "and names it" grep -q '10\.66\.0\.0/16' "$T/reload.json"
claim "the engine is what it was" equal "$(field b 4 | tr , '\n' | sort | xargs) $(peer_of c)" \
	"10.5.0.0/16 192.168.9.2/32 "
claim "and so is the network" equal "$(network)" '[1300,["192.168.9.1","192.168.19.1"]]'
must n a ip route del 10.66.0.0/16 dev va
conf 'AllowedIPs = 192.168.9.2/32'
claim "the command says what it did" grep -q 'address 192\.168\.19\.1/24' <("$TUNCTL" reload wga)
claim "and when there was nothing to do" equal "$("$TUNCTL" reload wga)" "wga: nothing to change"
claim "the session is still the one that it was" equal "$(state .handshakes.sessions)" "$SESSIONS"

# What others took away comes back.
IFACE='Address = fd19::1/64' conf 'AllowedIPs = 192.168.9.2/32, 10.5.0.0/16, fd15::/64'
must reloads
back() { "$TUNCTL" reload wga | LC_ALL=C sort | paste -sd ,; }
routes() { n a ip route show 10.5.0.0/16 dev wga; n a ip -6 route show fd15::/64 dev wga; }
must n a ip addr flush dev wga
claim "addresses, and the routes that went with them" equal "$(back)" \
	"address 192.168.9.1/24 added,address fd19::1/64 added,route 10.5.0.0/16 added"
must n a ip route del 10.5.0.0/16
claim "a route" equal "$(back)" "route 10.5.0.0/16 added"
must n a ip link set wga down
claim "the link with all that it cost" equal "$(back)" \
	"address fd19::1/64 added,route 10.5.0.0/16 added,route fd15::/64 added,the interface was down and is up again"
claim "both routes are there" equal "$(routes | wc -l)" 2
must n a ip link set wga mtu 1281
claim "the MTU" equal "$(back)" "MTU 1420, was 1281"
claim "then there is nothing to change" equal "$(back)" "wga: nothing to change"
IFACE=$'Address = fd19::1/64\nMTU = 1000' conf 'AllowedIPs = 192.168.9.2/32'
claim "an MTU that is too small for IPv6 is set" reloads
claim "and then there is nothing to change" equal "$(back)" "wga: nothing to change"
IFACE='Address = fd19::1/64' conf 'AllowedIPs = 192.168.9.2/32'
claim "IPv6 comes back with a larger one" equal "$(back)" "MTU 1420, was 1000,address fd19::1/64 added"
IFACE='FwMark = 0x77' conf 'AllowedIPs = 192.168.9.2/32, 0.0.0.0/0'
must reloads
must n a ip rule del not fwmark 0x77 table 119
claim "a rule" equal "$(back)" "default route for IPv4 added"
claim "it is there" equal "$(n a ip rule | grep -c 'not from all fwmark 0x77 lookup 119')" 1
conf 'AllowedIPs = 192.168.9.2/32'
must reloads
claim "none stays behind" not grep -q 'fwmark 0x77' <(n a ip rule)
must wait_for 10 reach a 192.168.9.2

# What only a start can do is said, as long as the file and what was started differ.
later() { "$TUNCTL" reload wga 2>&1 >/dev/null | sed -n 's/: takes effect at the next start$//p' | paste -sd ' '; }
IFACE=$'DNS = 10.8.0.53\nPreUp = true\nPostUp = true\nPreDown = true\nPostDown = true\nWorkers = 3\nNoOffload = tso' \
	conf 'AllowedIPs = 192.168.9.2/32'
claim "what waits for the next start is named" equal "$(later)" \
	"PreUp PostUp PreDown PostDown DNS Workers NoOffload"
claim "again while it waits" equal "$(later | wc -w)" 7
IFACE='Table = 77' conf 'AllowedIPs = 192.168.9.2/32'
claim "a Table does not wait" equal "$(later)" ""
claim "its routes are there" test -n "$(n a ip route show table 77)"
conf 'AllowedIPs = 192.168.9.2/32'
claim "nor does its end" equal "$(later; n a ip route show table 77)" ""

# Peers roam, files do not know.
must wg set wga peer "$(key b)" endpoint 10.0.0.2:4444
claim "an endpoint that the file did not change" reloads
claim "is left alone" equal "$(field b 3)" 10.0.0.2:4444
ENDPOINT=10.0.0.2:1003 conf 'AllowedIPs = 192.168.9.2/32'
claim "one that it changed" reloads
claim "is set" equal "$(field b 3)" 10.0.0.2:1003
conf 'AllowedIPs = 192.168.9.2/32'
must reloads

# What is wrong changes nothing.
before=$(wg show wga dump | cut -f 1-4,8)
unchanged() { equal "$(wg show wga dump | cut -f 1-4,8)" "$before"; }
conf 'AllowedIPs = 192.168.9.2/32, 10.9.0.0/40' 'PersistentKeepalive = soon' '[Peer]' "PublicKey = $(key c)"
claim "a file with errors is refused with code 2" equal "$(reload | tee "$T/reload.json" | jq .code)" 2
claim "the command ends with status 2" equal "$("$TUNCTL" reload wga >/dev/null 2>"$T/errors"; echo $?)" 2
claim "and says where" equal "$(grep -c 'wga.conf:[0-9]*:[0-9]*: ' "$T/errors")" 2
claim "with every error, where it is" equal "$(jq '.errors | map(select(test("wga.conf:[0-9]+:[0-9]+: "))) | length' \
	"$T/reload.json")" 2
claim "and nothing has changed" unchanged
IFACE=$'NAT = yes\nKillSwitch = yes' conf 'AllowedIPs = 192.168.9.2/32'
claim "what does not go together is named, too" equal "$(reload | jq -c '[.code, (.errors | length)]')" '[2,1]'
rm "$CONF"
claim "so is one that is not there" equal "$(reload | jq .code)" 2
claim "and nothing has changed then" unchanged
spawn taken a socat -u UDP4-RECV:1005 OPEN:/dev/null,wronly
must wait_for 5 sh -c "nsenter --net=/run/netns/a ss -Hlun 'sport = 1005' | grep -q ."
PORT=1005 conf 'AllowedIPs = 192.168.9.2/32, 10.9.0.0/16'
claim "a port that is taken fails with code 1" equal "$(reload | tee "$T/reload.json" | jq .code)" 1
claim "and nothing has changed either" unchanged
stop taken
claim "the tunnel works on" reach a 192.168.9.2
claim "the state tells of the last reload" equal "$(state .reload.code)" 1

# By signal, and by many at once.
conf 'AllowedIPs = 192.168.9.2/32, 10.8.0.0/16'
kill -HUP "${PID[wga]}"
hung_up() { field b 4 | grep -q 10.8.0.0/16; }
claim "SIGHUP reloads" wait_for 5 hung_up
conf 'AllowedIPs = 192.168.9.2/32'
pids=()
for i in {1..8}; do reload >"$T/many.$i" & pids+=($!); done
wait "${pids[@]}"
claim "eight who ask at once are answered" equal "$(cat "$T"/many.* | jq .code | sort | uniq -c | xargs)" "8 0"
claim "and the file holds" equal "$(field b 4)" 192.168.9.2/32
claim "no key and no address is in the log" not grep -qE '10\.0\.0|[A-Za-z0-9+/]{43}=' "$T/wga.log"
PARENT=${PID[wga]}
stop wga
claim "it ends with status 0" equal $? 0
claim "and all of it" not pgrep -P "$PARENT"
