#!/bin/bash
# SPDX-License-Identifier: MIT
# watch: what happens to a peer is told, by its name, and never from where; by the daemon's events and, where its
# control socket is not to be had, by asking again and again.
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
claim "exit 3 where nothing is" bash -c "'$TUNCTL' --etc '$T/etc' watch wg9; test \$? = 3"
must n a "$TUNCTL" --etc "$T/etc" up -q wg0
spawn json a "$TUNCTL" --etc "$T/etc" watch wg0 --json >"$T/json"
spawn text a "$TUNCTL" --etc "$T/etc" watch wg0 >"$T/text" 2>"$T/said"
# shellcheck disable=SC2016
spawn polled a unshare -m bash -c 'mount --bind /dev/null /run/tunneld/wg0.sock && exec "$@"' - \
	"$TUNCTL" --etc "$T/etc" watch wg0 --json >"$T/polled"
# in_file EVENT FILE [PEER]: it was told there, of this peer.
in_file() { grep "\"event\":\"$1\"" "$T/$2" | grep -qF "${3:+$(key "$3")}"; }
happens() { wait_for 10 in_file "$1" json "${2-}" && wait_for 10 in_file "$1" polled "${2-}"; }
# All three have begun when they tell of a peer that comes now.
begun()
{
	wg set wg0 peer "$(wg genkey | wg pubkey)"
	in_file added json && in_file added polled && grep -q 'wg0: added' "$T/text"
}
must wait_for 10 begun

daemon b wgb tunneld
must wg set wgb private-key "$T/bo.key" listen-port 1002 peer "$(key a)" endpoint 10.0.0.1:1001 \
	allowed-ips 10.8.0.1/32
addr b wgb 10.8.0.2/24
must ip -n b link set wgb up
must reach b 10.8.0.1
claim "a peer connects" happens connect bo
must wg set wgb listen-port 1003
must reach b 10.8.0.1
claim "it speaks from another place" happens roam bo
# A peer whose file comes after watch has begun.
must n a "$TUNCTL" --etc "$T/etc" -i wg0 peer add cy -q --pubkey "$(key cy)" --ip 10.8.0.3
claim "a peer is added" happens added cy
claim "one that is new has its name" grep -q '"event":"added".*"name":"cy"' "$T/json"
must wg set wg0 peer "$(key bo)" remove
claim "a peer is removed" happens removed bo
claim "and with that gone" happens disconnect bo
must ip -n a link set wg0 down
claim "the interface goes down" wait_for 5 in_file link_down json
must ip -n a link set wg0 up
claim "and up" wait_for 5 in_file link_up json
must n a "$TUNCTL" --etc "$T/etc" reload -q wg0
claim "the file is read again" wait_for 5 grep -q '"event":"reload".*"code":0' "$T/json"
must n a "$TUNCTL" --etc "$T/etc" down -q wg0
claim "the daemon ends" happens down
for w in json polled; do
	claim "peers have their names: $w" grep -q '"event":"connect".*"name":"bo"' "$T/$w"
	claim "every line is an object of its own: $w" \
		jq -s -e 'length >= 6 and all(.v == 1 and .interface == "wg0" and (has("peer") | not))' "$T/$w"
done
claim "people read the same" grep -qxE '20[0-9-]+T[0-9:.]+Z  wg0: connect bo' "$T/text"
claim "the interface's, too" grep -qxE '20[0-9-]+T[0-9:.]+Z  wg0: reload done' "$T/text"
claim "and why it ends" grep -q 'the daemon has ended' "$T/said"
claim "no endpoint is told" not grep -qE '10\.0\.0\.|100[123]' "$T/json" "$T/polled" "$T/text"
