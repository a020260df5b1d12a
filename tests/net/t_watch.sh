#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Events: who comes, goes and roams, what the interface does; never where from.
#
#   ns a: wga 192.168.9.1  ---- va 10.0.0.1  10.0.0.2 vb ----  ns b: wgb 192.168.9.2
. "$(dirname "$0")/lib.sh"

outside
tunnel tunneld tunneld
CTL=/run/tunneld/wga.sock
watcher() { (echo '{"v":1,"do":"watch"}'; exec sleep 1000) | socat - "UNIX-CONNECT:$CTL"; }
watcher >"$T/events" & WATCHER=$!
must wait_for 5 grep -q '"code":0' "$T/events"
heard() { jq -c --arg e "$1" 'select(.event == $e)' "$T/events" | grep -q .; }
count() { jq -c --arg e "$1" 'select(.event == $e)' "$T/events" | wc -l; }

equal_count() { equal "$(count "$1")" "$2"; }

must reach a 192.168.9.2
claim "a first session is a connect" wait_for 5 heard connect
claim "with the peer's key" equal "$(jq -r 'select(.event == "connect").peer' "$T/events")" "$(key b)"
claim "and a time" grep -qxE '20[0-9-]{8}T[0-9:]{8}\.[0-9]{3}Z' \
	<(jq -r 'select(.event == "connect").time' "$T/events")
must ip -n b addr del 10.0.0.2/24 dev vb
must ip -n b addr add 10.0.0.3/24 dev vb
must wg set wgb peer "$(key a)" endpoint 10.0.0.1:1001
must reach b 192.168.9.1
claim "an address that changes is a roam" wait_for 5 heard roam
must ip -n a link set wga down
claim "the interface goes down" wait_for 5 heard link_down
claim "which ends the session" wait_for 5 heard disconnect
must ip -n a link set wga up
claim "it comes up" wait_for 5 heard link_up
must reach a 192.168.9.2
claim "and the peer with it" wait_for 5 equal_count connect 2
claim "no event says where anybody is" not grep -qE '10\.0\.0\.|192\.168\.9' "$T/events"
must ip -n a link set wga down
spawn taken a socat -u UDP4-RECV:1001 OPEN:/dev/null,wronly
must wait_for 5 sh -c "nsenter --net=/run/netns/a ss -Hlun 'sport = 1001' | grep -q ."
must ip -n a link set wga up
claim "a port that is taken is an error" wait_for 5 heard error
stop taken

kill $WATCHER 2>/dev/null
wait $WATCHER 2>/dev/null || true
