#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Ten thousand peers with two prefixes each come in one transaction and can be read back, replaced and removed, while a
# session carries data.
#
#   wga 192.168.9.1  ---- va 10.0.0.1  10.0.0.2 vb ----  wgb 192.168.9.2, 10,000 more peers
. "$(dirname "$0")/lib.sh"

N=10000
outside
tunnel tunneld "${PEER:-tunneld}"
claim "the tunnel is up" reach a 192.168.9.2
made=$(handshake_of wga)

# ask IF: a transaction from stdin; the whole answer.
ask() { timeout 60 socat -t 60 - "UNIX-CONNECT:$(socket_of "$1")"; }
# Any 32 bytes are a public key. FIRST prefix byte.
transaction()
{
	awk -v n=$N -v net="$1" 'BEGIN {
		print "set=1"
		for (i = 1; i <= n; i++) {
			printf "public_key=%064x\nendpoint=10.0.0.1:%d\n", i * 65536 + 3, 1 + i % 65535
			printf "replace_allowed_ips=true\nallowed_ip=%d.%d.%d.0/24\n", net, i / 256, i % 256
			printf "allowed_ip=fd%02x:%x::/48\n", net, i
		}
		print ""
	}'
}
prefixes() { grep '^allowed_ip=' | sort | sha256sum; }

mine=$(printf 'get=1\n\n' | ask wga | grep -c '^public_key=')
claim "one peer to begin with" equal "$mine" 1
claim "$N peers in one transaction" equal "$(transaction 20 | ask wga)" "errno=0"
printf 'get=1\n\n' | ask wga >"$T/get"
claim "all can be read back" equal "$(grep -c '^public_key=' "$T/get")" $((N + 1))
claim "the answer ends well" equal "$(tail -n 2 "$T/get" | xargs)" "errno=0"
others() { grep -v -e =192.168.9.2 -e =fd09::2 "$T/get" | prefixes; }
claim "every prefix is there" equal "$(others)" "$(transaction 20 | prefixes)"
claim "wg reads them" equal "$(wg show wga peers | wc -l)" $((N + 1))
claim "the session lives" reach a 192.168.9.2
claim "the same again with other prefixes" equal "$(transaction 21 | ask wga)" "errno=0"
printf 'get=1\n\n' | ask wga >"$T/get"
claim "only the new ones are there" equal "$(others)" "$(transaction 21 | prefixes)"

{ wg showconf wga | sed '/^\[Peer\]/,$d'
  printf '[Peer]\nPublicKey = %s\nEndpoint = 10.0.0.2:1002\nAllowedIPs = 192.168.9.2/32, fd09::2/128\n' "$(key b)"
} >"$T/one.conf"
must wg syncconf wga "$T/one.conf"
claim "syncconf back to one peer" equal "$(wg show wga peers)" "$(key b)"
claim "ends no session" equal "$(handshake_of wga)" "$made"
claim "which still carries data" reach b 192.168.9.1

# Many prefixes on one peer.
claim "20,000 prefixes on one peer" equal "$(awk -v key="$(key b | base64 -d | od -An -tx1 | tr -d ' \n')" 'BEGIN {
	print "set=1\npublic_key=" key
	for (i = 0; i < 20000; i++)
		printf "allowed_ip=11.%d.%d.0/28\n", i / 256, i % 256
	print ""
}' | ask wga)" "errno=0"
claim "are read back" equal "$(printf 'get=1\n\n' | ask wga | grep -c '^allowed_ip=11\.')" 20000
must wg set wga peer "$(key b)" allowed-ips 192.168.9.2/32
claim "and are gone when replaced" equal "$(printf 'get=1\n\n' | ask wga | grep -c '^allowed_ip=')" 1
