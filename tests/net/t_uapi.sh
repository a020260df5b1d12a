#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The control socket against clients that are wrong, slow, silent, many or gone: each request is answered rightly, a
# refused one has changed nothing, and nobody waits for anybody else.
#
#   ns a: wga alone
. "$(dirname "$0")/lib.sh"

spaces a
daemon a wga tunneld
SOCK=$(socket_of wga)
K1=1111111111111111111111111111111111111111111111111111111111111103
K2=2222222222222222222222222222222222222222222222222222222222222204
ask() { timeout 20 socat -t 10 - "UNIX-CONNECT:$SOCK"; }
get() { printf 'get=1\n\n' | ask; }
# The error number of an answer; nothing when the connection was closed instead.
errno() { sed -n 's/^errno=//p' | tail -n 1; }

claim "only root may use the socket" equal "$(stat -c %a "$SOCK" | sed 's/^[0-7]//')" 00
claim "its directory is there for all to see" equal "$(stat -c %a /run/wireguard)" 755
claim "an empty interface" equal "$(get | grep -v -e '^listen_port=' | xargs)" "errno=0"

# What must succeed and what must fail, each as one transaction.
requests()
{
	sed "s/K1/$K1/g; s/K2/$K2/g" "$ROOT/tests/vectors/uapi.json" | jq -r ".$1[] | [\"set=1\"] + . | join(\"|\")"
}
right() { equal "$(printf '%s\n\n' "${1//|/$'\n'}" | ask | errno)" 0; }
# A bad line comes last in its transaction and stands behind good ones: none of it may have taken effect.
wrong()
{
	local before answer

	before=$(get)
	answer=$(printf 'set=1\nfwmark=77\n%s\n\n' "$(tr '|' '\n' <<<"${1#set=1}" | sed 1d)" | ask | errno)
	case $answer in
	-22 | -71) ;;
	*) echo "errno=$answer"; return 1 ;;
	esac
	equal "$(get)" "$before"
}

while read -r request; do
	claim "right: ${request//$K1/K1}" right "$request"
done < <(requests good)
printf 'set=1\nreplace_peers=true\nlisten_port=1001\nfwmark=5\npublic_key=%s\nallowed_ip=10.0.0.0/8\n\n' $K1 |
	ask >/dev/null
while read -r request; do
	claim "wrong: ${request//$K1/K1}" wrong "$request"
done < <(requests bad)

claim "a line without = is a protocol error" equal "$(printf 'set=1\nnonsense\n\n' | ask | errno)" -71
claim "an unknown operation is not obeyed" not grep -qx errno=0 <(printf 'put=1\n\n' | ask)
claim "an unknown version neither" not grep -qx errno=0 <(printf 'get=2\n\n' | ask)
claim "get takes nothing" not grep -qx errno=0 <(printf 'get=1\nfwmark=1\n\n' | ask)
spawn taker a socat -u UDP4-RECV:1055 /dev/null
must wait_for 5 n a sh -c 'ss -Huan sport = 1055 | grep -q .'
must ip -n a link set wga up
claim "a port in use has its own number" equal "$(printf 'set=1\nlisten_port=1055\n\n' | ask | errno)" -98
stop taker

# Several requests on one connection, in any pieces.
claim "requests on one connection are answered in order" equal \
	"$(printf 'set=1\nfwmark=9\n\nget=1\n\nset=1\nfwmark=0\n\n' | ask | grep -c '^errno=0')" 3
byte_by_byte() { printf 'get=1\n\n' | while IFS= read -r -d '' -n 1 c; do printf '%s' "$c"; sleep 0.01; done; }
claim "a request may come byte by byte" grep -qx errno=0 <(byte_by_byte | ask)
claim "half a request is not answered" equal "$(printf 'set=1\nfwmark=8\n' | ask)" ""
claim "and has changed nothing" equal "$(wg show wga fwmark)" off

# A line without end is refused or cut off, not kept.
endless() { { printf 'set=1\nfwmark='; head -c 50000000 /dev/zero | tr '\0' 1; printf '\n\n'; } | ask | errno; }
claim "a line of 50 MB does no harm" not equal "$(endless)" 0
claim "a key in a wrong line is not repeated in the log" not grep -q abababab "$T/wga.log"

# Clients that take their time.
for i in $(seq 100); do
	spawn "idle$i" a socat -u "UNIX-CONNECT:$SOCK" STDOUT >/dev/null
done
for i in $(seq 5); do
	spawn "half$i" a sh -c "{ printf 'set=1\nfwmark=6\n'; sleep 60; } | socat - UNIX-CONNECT:$SOCK" >/dev/null
done
# These ask a hundred times and read nothing.
for i in $(seq 5); do
	spawn "deaf$i" a sh -c "{ yes 'get=1

' | head -c 100000; sleep 60; } | socat -u - UNIX-CONNECT:$SOCK" >/dev/null 2>&1
done
# Both ends of each connection; the daemon may be quick to hang up on those that do not read.
connected() { test "$(n a grep -c ' 0001 03 ' /proc/net/unix)" -ge 210; }
must wait_for 10 connected
claim "a hundred idle, five half and five deaf clients keep nobody waiting" equal "$(get | errno)" 0
claim "nor wg" wg show wga
stop wga
claim "nor the end of the daemon" equal $? 0
claim "which leaves nothing" not test -e "$SOCK"
