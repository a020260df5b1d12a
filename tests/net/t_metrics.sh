#!/bin/bash
# SPDX-License-Identifier: MIT
# metrics: read by a parser of the format that is not ours, and compared with what wg says.
# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"

mkdir -p "$T/etc/tunneld/wg0.d"
ctl() { n a "$TUNCTL" --etc "$T/etc" "$@"; }

# Every sample as NAME LABEL=VALUE... NUMBER, labels sorted; a wrong text is an error of the parser.
cat >"$T/parse.py" <<-'END'
	import sys
	from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse
	seen = set()
	for family in parse(sys.stdin.read()):
	    assert family.documentation, family.name
	    for s in family.samples:
	        line = ' '.join([s.name] + ['%s=%s' % kv for kv in sorted(s.labels.items())])
	        assert line not in seen, line
	        seen.add(line)
	        print(line, '%d' % s.value)
END
parse() { /usr/bin/python3 "$T/parse.py"; }	# the one that Debian's modules are for
is() { equal "$(grep -F -- "$1 " "$T/metrics" | head -1)" "$1 $2"; }

outside
claim "without any interface: exit 3" bash -c "'$TUNCTL' --etc '$T/etc' metrics; test \$? = 3"
daemon b wgb tunneld
must wg set wgb private-key <(key bo >"$T/null"; cat "$T/bo.key") listen-port 1002 peer "$(key a)" \
	endpoint 10.0.0.1:1001 allowed-ips 10.8.0.1/32
addr b wgb 10.8.0.2/24
must ip -n b link set wgb up
cat >"$T/etc/tunneld/wg0.conf" <<-END
	[Interface]
	PrivateKey = $(cat "$T/a.key")
	ListenPort = 1001
	Address = 10.8.0.1/24
	[Peer]
	#: Name = bo
	PublicKey = $(key bo)
	AllowedIPs = 10.8.0.2/32
	[Peer]
	#: Name = twin
	PublicKey = $(key cy)
	AllowedIPs = 10.8.0.3/32
	[Peer]
	#: Name = twin
	PublicKey = $(key di)
	AllowedIPs = 10.8.0.4/32
	[Peer]
	PublicKey = $(key ed)
	AllowedIPs = 10.8.0.5/32
END
claim "without a daemon it says so" bash -c "'$TUNCTL' --etc '$T/etc' metrics wg0 |
	grep -qxF 'tunneld_interface_running{interface=\"wg0\"} 0'"
must ctl up -q wg0
must reach b 10.8.0.1
ctl metrics wg0 >"$T/text"
parse <"$T/text" >"$T/metrics"
claim "a parser takes it" equal $? 0
claim "the last line is the end" equal "$(tail -1 "$T/text")" "# EOF"
claim "it runs" is "tunneld_interface_running interface=wg0" 1
claim "it is up" is "tunneld_interface_up interface=wg0" 1
claim "peers" is "tunneld_peers interface=wg0" 4
claim "peers online" is "tunneld_peers_online interface=wg0" 1
claim "bytes received" is "tunneld_peer_received_bytes_total interface=wg0 peer=bo" \
	"$(wg show wg0 transfer | awk -v k="$(key bo)" '$1 == k { print $2 }')"
claim "bytes sent" is "tunneld_peer_sent_bytes_total interface=wg0 peer=bo" \
	"$(wg show wg0 transfer | awk -v k="$(key bo)" '$1 == k { print $3 }')"
claim "the handshake" is "tunneld_peer_last_handshake_seconds interface=wg0 peer=bo" "$(handshake_of wg0)"
claim "no handshake for who never had one" not grep -q 'last_handshake.*twin' "$T/metrics"
claim "namesakes are told apart" equal "$(grep -c 'received_bytes_total.*peer=twin' "$T/metrics")" 2
claim "a nameless peer has the start of its key" grep -q "peer=$(key ed | cut -c 1-8)" "$T/metrics"
claim "the build" grep -q '^tunneld_build_info cipher=.* interface=wg0 version=.* 1$' "$T/metrics"
claim "workers" grep -q '^tunneld_workers interface=wg0 [1-9]' "$T/metrics"
claim "packets that passed" grep -q '^tunneld_packets_total interface=wg0 verdict=pass [1-9]' "$T/metrics"
n b "$BUILD/net/udp" garbage 10.0.0.1 1001 500 >"$T/out"
claim "drops by reason" grep -q '^tunneld_packets_total{interface="wg0",verdict="drop_short"} [1-9]' \
	<(ctl metrics wg0)
claim "no endpoint is in it" not grep -qE '10\.0\.0\.|1002' "$T/text"
claim "no key is in it" not grep -qF -e "$(key bo)" -e "$(cat "$T/a.key")" "$T/text"
ctl metrics | parse >"$T/metrics"
claim "all interfaces at once" equal "$(grep -c ^tunneld_interface_running "$T/metrics")" 2
