#!/bin/bash
# SPDX-License-Identifier: MIT
# watch: what happens to a peer is told, by its name, and never from where.
# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"

mkdir -p "$T/etc/tunneld"
outside
addr b vb 10.0.0.3/24
{
	key a >/dev/null
	printf "[Interface]\nPrivateKey = %s\nListenPort = 1001\nAddress = 10.8.0.1/24\n" "$(cat "$T/a.key")"
	printf "[Peer]\n#: Name = bo\nPublicKey = %s\n" "$(key bo)"
} >"$T/etc/tunneld/wg0.conf"
echo 'AllowedIPs = 10.8.0.2/32' >>"$T/etc/tunneld/wg0.conf"
chmod 600 "$T/etc/tunneld/wg0.conf"
claim "exit 6 where nothing runs" bash -c "'$TUNCTL' --etc '$T/etc' watch wg0; test \$? = 6"
must n a "$TUNCTL" --etc "$T/etc" up -q wg0
spawn json a "$TUNCTL" --etc "$T/etc" watch wg0 --json >"$T/json"
spawn text a "$TUNCTL" --etc "$T/etc" watch wg0 >"$T/text" 2>"$T/said"
sleep 0.5
happens() { wait_for 10 grep -q "\"event\":\"$1\"" "$T/json"; }

daemon b wgb tunneld
must wg set wgb private-key "$T/bo.key" listen-port 1002 peer "$(key a)" endpoint 10.0.0.1:1001 \
	allowed-ips 10.8.0.1/32
addr b wgb 10.8.0.2/24
must ip -n b link set wgb up
must reach b 10.8.0.1
claim "a peer connects" happens connect
must wg set wgb listen-port 1003
must reach b 10.8.0.1
claim "it speaks from another place" happens roam
must wg set wg0 peer "$(key cy)" allowed-ips 10.8.0.3/32
claim "a peer is added" happens added
must wg set wg0 peer "$(key bo)" remove
claim "a peer is removed" happens removed
claim "and with that gone" happens disconnect
must n a "$TUNCTL" --etc "$T/etc" down -q wg0
claim "the daemon ends" happens down
claim "peers have their names" grep -q '"event":"connect".*"name":"bo"' "$T/json"
claim "every line is an object of its own" jq -s -e 'length >= 6 and all(.v == 1 and .interface == "wg0")' "$T/json"
claim "people read the same" grep -qxE '20[0-9-]+T[0-9:.]+Z  wg0: connect bo' "$T/text"
claim "and why it ends" grep -q 'the daemon has ended' "$T/said"
claim "no endpoint is told" not grep -qE '10\.0\.0\.|100[123]' "$T/json" "$T/text"
