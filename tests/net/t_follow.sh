#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Routes follow peers: what a peer has beyond the interface's own networks is reached as soon as it is added, and not
# sent there any more when it is gone. A route that cannot be set undoes the change. Nothing else of the file goes live
# by that, and a default route waits for a reload.
#
#   ns a: va 10.0.0.1, wg0 10.8.0.1/24
. "$(dirname "$0")/lib.sh"

mkdir -p "$T/bin" "$T/etc/tunneld"
must cp "$TUNCTL" "$T/bin/tunctl"
must ln -s "$TUNNELD" "$T/bin/tunneld"
outside
CONF=$T/etc/tunneld/wg0.conf
ctl() { n a "$T/bin/tunctl" --etc "$T/etc" --var "$T/var" -i wg0 "$@"; }
export T
export -f ctl n
(umask 077; cat >"$CONF" <<-END
	[Interface]
	PrivateKey = $(wg genkey)
	ListenPort = 1001
	Address = 10.8.0.1/24
	ClientEndpoint = vpn.example.org
END
)
# What leads into the tunnel, but for the interface's own network.
routed()
{
	{ n a ip route show dev wg0; n a ip -6 route show dev wg0; } |
		awk '!/kernel/ { print $1 }' | paste -sd " "
}
peers() { wg show wg0 allowed-ips | cut -f 2 | sort | paste -sd ,; }

must ctl up
must ctl add lone --runtime --pubkey "$(key lone)" --ip 10.8.0.99
claim "a peer inside needs no route" ctl add inside --pubkey "$(key inside)" --ip 10.8.0.7
claim "and gets none" equal "$(routed)" ""
claim "a peer with networks behind it" ctl add office --pubkey "$(key office)" --ip auto --ip 192.168.50.0/24 \
	--ip fd66::/64
claim "is reached there" equal "$(routed)" "192.168.50.0/24 fd66::/64"
claim "who only runs still runs" grep -q '10\.8\.0\.99' <(wg show wg0 allowed-ips)
claim "another one is set" ctl set office --ip 192.168.51.0/24
claim "and the old one is gone" equal "$(routed)" 192.168.51.0/24
claim "disabled" ctl disable office
claim "it has none" equal "$(routed)" ""
claim "enabled" ctl enable office
claim "it has it again" equal "$(routed)" 192.168.51.0/24
claim "nothing is left to reload" equal "$(ctl diff --json | jq -c '.differences | map(.where)')" \
	"[\"$(key lone | cut -c 1-8)\"]"

BEFORE=$(peers)
claim "exit 1: a network that is somebody's" code 1 ctl add bad --pubkey "$(key bad)" --ip 10.0.0.0/24
claim "it is in no file" not ls "$T/etc/tunneld/wg0.d/bad.peer"
claim "exit 1: the same by set" code 1 ctl set office --ip 10.0.0.0/24
claim "the file is as it was" grep -q '192.168.51.0/24' "$T/etc/tunneld/wg0.d/office.peer"
must ctl add bad --offline --pubkey "$(key bad)" --ip 10.0.0.0/24
claim "exit 1: the same by enable" code 1 ctl enable bad
claim "who runs is who ran" equal "$(peers)" "$BEFORE"
claim "the route is as it was" equal "$(routed)" 192.168.51.0/24
claim "and doctor does not speak of a reload that failed" equal \
	"$(ctl doctor --json | jq -r '.checks[] | select(.check == "reload").result')" skipped
must ctl remove bad

must sed -i 's/1001/1002/' "$CONF"
claim "while the file has more that is new" ctl add more --pubkey "$(key more)" --ip 192.168.52.0/24
claim "routes follow" equal "$(routed)" "192.168.51.0/24 192.168.52.0/24"
claim "the rest waits for a reload" equal "$(wg show wg0 listen-port)" 1001
claim "removed" ctl remove more
claim "it has no route" equal "$(routed)" 192.168.51.0/24
claim "networks are behind the client, not its own" equal \
	"$(ctl add site -q --ip 10.8.0.50 --ip 192.168.54.0/24 | sed -n 's/^Address = //p')" 10.8.0.50/32
claim "so for others" equal \
	"$(ctl peer export site --no-key --format networkd | sed -n 's/^Address=//p')" 10.8.0.50/32
claim "exit 2: an address with the length of its network" code 2 ctl add net --pubkey "$(key net)" --ip 10.8.0.77/24
must ctl remove site
claim "a default route waits, and that is said" grep -q 'tunctl reload wg0' \
	<(ctl add exit --pubkey "$(key exit)" --ip 0.0.0.0/0 2>&1)
claim "no rule sends anything there" not grep -q fwmark <(n a ip rule)
must ctl reload
claim "then it is set" grep -q fwmark <(n a ip rule)
claim "another peer's route leaves it alone" ctl set office --ip 192.168.53.0/24
claim "the default route, that is" test -n "$(n a ip route show default table 51820)"
must ctl down
