#!/bin/bash
# SPDX-License-Identifier: MIT
#
# wg-quick(8) brings tunneld up and down, with a default route through it, again and again without a pause.
#
#   ns a: wg-quick up wga, AllowedIPs 0.0.0.0/0 ---- va 10.0.0.1  10.0.0.2 vb ---- wgb 192.168.9.2, and 203.0.113.9
. "$(dirname "$0")/lib.sh"

outside
key a >/dev/null; key b >/dev/null
daemon b wgb tunneld
must wg set wgb private-key "$T/b.key" listen-port 1002 peer "$(key a)" allowed-ips 192.168.9.1/32,fd09::1/128
addr b wgb 192.168.9.2/24 fd09::2/64
must ip -n b link set wgb up
must ip -n b addr add 203.0.113.9/32 dev lo

# wg-quick prefers a kernel that has WireGuard: here it has none. It looks for its helpers beside itself first.
mkdir -p "$T/bin"
cp "$(command -v wg-quick)" "$T/bin/"
cat >"$T/bin/ip" <<END
#!/bin/sh
case \$* in *"type wireguard"*) echo "RTNETLINK answers: Operation not supported" >&2; exit 2 ;; esac
exec $(command -v ip) "\$@"
END
chmod +x "$T/bin/ip"
[ ! -e /sys/module/wireguard ] || must mount -t tmpfs none /sys/module
export WG_QUICK_USERSPACE_IMPLEMENTATION=$TUNNELD
quick() { n a timeout 30 "$T/bin/wg-quick" "$1" "$T/wga.conf" </dev/null; }

conf()
{
	(umask 077; cat >"$T/wga.conf" <<-END
		# A comment
		[Interface]
		PrivateKey = $(cat "$T/a.key")
		Address = 192.168.9.1/24, fd09::1/64
		ListenPort = 1001
		MTU = 1380
		PostUp = echo up >$T/hook
		PostDown = echo down >$T/hook

		[Peer]
		PublicKey = $(key b)
		Endpoint = 10.0.0.2:1002
		AllowedIPs = $1
		PersistentKeepalive = 25
	END
	)
}

gone() { not ip -n a link show wga && test ! -e "$(socket_of wga)" && not pgrep -f "${TUNNELD##*/}.*wga"; }

conf 192.168.9.0/24,fd09::/64
claim "wg-quick up" quick up
claim "ping over IPv4" reach a 192.168.9.2
claim "ping over IPv6" reach a fd09::2
claim "MTU" grep -q 'mtu 1380' <(ip -n a link show wga)
claim "wg-quick down" quick down
claim "leaves neither interface, socket nor process" wait_for 5 gone

conf 0.0.0.0/0,::/0
for round in 1 2 3; do
	claim "round $round: up with a default route" quick up
	claim "round $round: ping what is behind the peer" reach a 203.0.113.9
	claim "round $round: the peer's own address is not routed into the tunnel" reach a 10.0.0.2
	claim "round $round: the mark is set" not equal "$(wg show wga fwmark)" off
	claim "round $round: down" quick down
done
claim "the rules are gone" equal "$(ip -n a rule | grep -c fwmark)" 0
claim "nothing is left" wait_for 5 gone
